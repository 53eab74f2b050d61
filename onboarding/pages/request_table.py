"""Many requests at once, as a table in CSV: a report a line, and those that are chosen are planned or started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

import azure.functions as func

from onboarding.core.certificate_chain import holds_private_key
from onboarding.core.record import Record
from onboarding.core.request import OnboardingRequest
from onboarding.core.request_csv import (
    MOST_REQUESTS,
    SEPARATORS,
    CsvError,
    CsvRequest,
    csv_of,
    decoded_csv,
    read_csv,
)
from onboarding.core.request_fields import columns_explained
from onboarding.core.texts import UnfitTextError, check_texts
from onboarding.core.written_request import TICKED
from onboarding.engine import InProgressError
from onboarding.http.bodies import MAX_UPLOAD
from onboarding.http.call import HttpCall
from onboarding.http.problems import ProblemError
from onboarding.kinds import KINDS
from onboarding.kinds.examples import OPERATOR_CONNECT, OWN_SBC
from onboarding.numbers import numbers_of
from onboarding.pages import csrf
from onboarding.pages.forms import read_form_with_file
from onboarding.pages.paths import onboarding_path
from onboarding.pages.plans import plan_path
from onboarding.pages.request_form import NOT_NOW, REQUESTING, judged, part_for, why_not_now
from onboarding.pages.request_shown import asked_by
from onboarding.pages.responses import HEADERS, as_page, page
from onboarding.pages.words import STATES
from onboarding.planning.planner import ask_for_plan

_WITH_KEY = (
    "The table holds a private key, so none of it was kept. Leave it out; the key is to be replaced if others could"
    " have read it on its way here."
)
ALL = "all"
"""The box that chooses every request that is right."""
_EXAMPLES = {example["gateway"]["kind"]: example for example in (OWN_SBC, OPERATOR_CONNECT)}


@dataclass(frozen=True, slots=True)
class RowFate:
    """What became of a request that was chosen."""

    told: str
    path: str = ""
    """Of the page that it has now."""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ReportedRequest:
    """One request of a table, judged."""

    line: int
    last: int
    name: str
    request: OnboardingRequest | None
    wrong: Sequence[tuple[int, str, str]] = ()
    """Line, column and why."""
    warnings: Sequence[str] = ()
    there: Record | None = None
    """The onboarding that its gateway has."""
    became: RowFate | None = None

    @property
    def lines(self) -> str:
        return f"line {self.line}" if self.last == self.line else f"lines {self.line} to {self.last}"

    @property
    def right(self) -> bool:
        """Whether it can be chosen."""
        return self.request is not None and self.there is None and self.became is None

    @property
    def there_is(self) -> str:
        """The state of the onboarding that there is."""
        return STATES[self.there.state].label.lower() if self.there else ""

    @property
    def there_path(self) -> str:
        return onboarding_path(self.there.id) if self.there else ""


@dataclass(frozen=True, slots=True)
class TableReport:
    """What the page shows of a table."""

    requests: Sequence[ReportedRequest] = ()

    @property
    def right(self) -> Sequence[ReportedRequest]:
        return [one for one in self.requests if one.right]

    @property
    def all_right(self) -> bool:
        """Whether every request can be started: then all are chosen."""
        return all(one.right for one in self.requests)

    @property
    def wrong(self) -> int:
        """How many are wrong."""
        return sum(1 for one in self.requests if one.wrong)

    @property
    def made(self) -> int:
        """How many became something."""
        return sum(1 for one in self.requests if one.became and not one.became.failed)


@as_page
async def table_page(call: HttpCall) -> func.HttpResponse:
    """GET /api/request/table?kind=… → 200."""
    given = call.request.params.get("kind", "")
    return _page(call, given if given in KINDS else next(iter(KINDS)), "")


@as_page
async def send_table(call: HttpCall) -> func.HttpResponse:
    """POST of that page's forms (kind, text, file, do, the lines that are chosen) → 200 with a report, 400, 403."""
    fields, file = read_form_with_file(call, REQUESTING, "file")
    kind = fields.get("kind", "")
    part = part_for(kind)
    try:
        text = decoded_csv(file) if file else fields.get("text", "")
    except CsvError as error:
        return _page(call, kind, "", refused=str(error))
    try:
        check_texts(text)
        if holds_private_key(text):
            raise CsvError(_WITH_KEY)
        report = TableReport(await _reported(call, read_csv(part, text)))
    except (CsvError, UnfitTextError) as error:
        return _page(call, kind, text, refused=str(error))
    if fields.get("do") not in ("plan", "start"):
        return _page(call, kind, text, report)
    chosen = [one for one in report.right if fields.get(ALL) == TICKED or fields.get(f"line {one.line}") == TICKED]
    if not chosen:
        return _page(call, kind, text, report, refused="None was chosen, so nothing was started.")
    became = await (_start_each if fields["do"] == "start" else _plan_each)(call, chosen)
    done = [replace(one, became=became.get(one.line)) for one in report.requests]
    return _page(call, kind, text, TableReport(done))


async def table_template(call: HttpCall) -> func.HttpResponse:
    """GET /api/request/template?kind=…&separator=… → 200 with a table to fill in, 400."""
    kind = call.request.params.get("kind", next(iter(KINDS)))
    separator = SEPARATORS.get(call.request.params.get("separator", "comma"))
    if kind not in KINDS or separator is None:
        known = f"?kind= is one of {', '.join(KINDS)}, ?separator= one of {', '.join(SEPARATORS)}"
        raise ProblemError(400, "The request is invalid", f"There is no such template: {known}.")
    content = csv_of(asked_by(kind), [_EXAMPLES[kind]], separator)
    named = {**HEADERS, "Content-Disposition": f'attachment; filename="requests-{quote(kind)}.csv"'}
    return func.HttpResponse(content, mimetype="text/csv", charset="utf-8", headers=named)


async def _reported(call: HttpCall, found: Sequence[CsvRequest]) -> Sequence[ReportedRequest]:
    """Each request, by the rules of the API, and beside the others of its table."""
    reported: list[ReportedRequest] = []
    gateways: dict[str, int] = {}
    numbers: dict[str, int] = {}
    for one in found:
        said = judged(one.body)
        name = str((one.body.get("gateway") or {}).get("name", ""))
        wrong = [one.told(reason) for reason in said.reasons]
        wrong += [(one.line, "", f"there is more that is wrong: {said.more}")] if said.more else []
        if said.request is None:
            reported.append(ReportedRequest(one.line, one.last, name, None, wrong))
            continue
        onboarding_id = said.request.gateway.onboarding_id
        first = gateways.setdefault(onboarding_id, one.line)
        if first != one.line:
            told = f"is the gateway of line {first} too, with something else; each gateway has one request"
            reported.append(ReportedRequest(one.line, one.last, name, None, [(one.line, "gateway", told)]))
            continue
        loaded = await call.engine.records.load(onboarding_id)
        shared = await call.engine.records.sharing_numbers(said.request)
        twice = _numbers_of_others(said.request, one.line, numbers)
        warnings = (*said.request.warnings, *(each.words for each in shared), *twice)
        there = loaded.record if loaded else None
        reported.append(ReportedRequest(one.line, one.last, name, said.request, (), warnings, there))
    return reported


def _numbers_of_others(request: OnboardingRequest, line: int, numbers: dict[str, int]) -> list[str]:
    """Which numbers of a request stand in one above; its own are added."""
    found: dict[int, list[str]] = {}
    for number, written in numbers_of(request).items():
        first = numbers.setdefault(number, line)
        if first != line:
            found.setdefault(first, []).append(written)
    return [f"The request in line {first} of this table has {', '.join(same)} too." for first, same in found.items()]


async def _start_each(call: HttpCall, chosen: Sequence[ReportedRequest]) -> Mapping[int, RowFate]:
    """Those that can't be started say why; the others are started all the same."""
    became: dict[int, RowFate] = {}
    for one in chosen:
        assert one.request is not None
        try:
            record = (await call.engine.request(one.request, call.caller.name, again=False)).record
            became[one.line] = RowFate("Started", onboarding_path(record.id))
        except InProgressError as error:
            became[one.line] = RowFate("Not started: somebody else was faster", onboarding_path(error.record.id), True)
        except NOT_NOW as error:
            became[one.line] = RowFate(f"Not started: {why_not_now(error)}", failed=True)
    return became


async def _plan_each(call: HttpCall, chosen: Sequence[ReportedRequest]) -> Mapping[int, RowFate]:
    became: dict[int, RowFate] = {}
    for one in chosen:
        assert one.request is not None
        try:
            plan = await ask_for_plan(call.engine, one.request, call.caller.name)
            became[one.line] = RowFate("Planned", plan_path(plan.id))
        except NOT_NOW as error:
            became[one.line] = RowFate(f"Not planned: {why_not_now(error)}", failed=True)
    return became


def _page(
    call: HttpCall, kind: str, text: str, report: TableReport | None = None, *, refused: str = ""
) -> func.HttpResponse:
    return page(
        call,
        "request_table.html",
        400 if refused else 200,
        kinds=[(name, each.words.noun) for name, each in KINDS.items()],
        kind=kind,
        text="" if holds_private_key(text) else text,
        report=report or TableReport(),
        refused=refused,
        columns=columns_explained(asked_by(kind)),
        most=MAX_UPLOAD // 1024,
        most_requests=MOST_REQUESTS,
        csrf=csrf.token(call, REQUESTING),
        section="request",
    )
