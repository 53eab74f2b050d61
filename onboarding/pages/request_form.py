"""Requesting an onboarding in the browser: a form for each kind, made of its model, or JSON that is pasted or uploaded.

What is sent is judged by the rules of the API before anything is planned; what is started is started by its plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import azure.functions as func

from onboarding.core.certificate_chain import holds_private_key
from onboarding.core.problems import StoreBusyError
from onboarding.core.reasons import InvalidRequestError, Reason
from onboarding.core.record import Record
from onboarding.core.request import OnboardingRequest
from onboarding.core.request_fields import AskedPart
from onboarding.core.written_request import (
    WrittenParts,
    body_of,
    compacted,
    empty,
    places_of,
    read_typed,
    with_row,
    without_row,
    written_of,
    wrong_of,
)
from onboarding.hourly import HourlyLimitError
from onboarding.http.bodies import MAX_BODY, MAX_UPLOAD, parse_json
from onboarding.http.call import HttpCall, read_onboarding_id
from onboarding.http.problems import ProblemError
from onboarding.kinds import KINDS, kind_in, read_request
from onboarding.pages import csrf
from onboarding.pages.forms import read_form, read_form_with_file
from onboarding.pages.plans import plan_path
from onboarding.pages.request_shown import ShownNode, asked_by, id_of, shown_request
from onboarding.pages.responses import as_page, page, see_other
from onboarding.pages.words import STATES
from onboarding.planning.planner import ask_for_plan
from onboarding.ports import BusRefusedError, BusUnavailableError, ConflictError

REQUESTING = "request an onboarding"
"""Purpose of the forms."""
MOST_REQUEST_FIELDS = 1_500
"""Of a form: a hundred test lines of each service are four hundred."""
NOT_NOW = (HourlyLimitError, ConflictError, StoreBusyError, BusUnavailableError, BusRefusedError)
"""Why what is right can't be planned or started at the moment."""
_ROW = re.compile(r"(add|remove) ([A-Za-z.]{1,80})(?:\[([0-9]{1,3})\])?")


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules say of a request."""

    request: OnboardingRequest | None
    reasons: Sequence[Reason] = ()
    more: str = ""
    """How many reasons there are besides."""


@dataclass(frozen=True, slots=True)
class RequestForm:
    """What the page shows."""

    kind: str
    noun: str
    blocks: Sequence[Sequence[ShownNode]]
    wrong: Sequence[tuple[str, str, str]] = ()
    """Id and label of each place that is wrong, and why; without an id what is wrong with the whole."""
    right: bool = False
    """It was judged, and would be taken."""
    warnings: Sequence[str] = ()
    there: Record | None = None
    """The onboarding that its gateway has."""
    copied: Record | None = None
    """Whose request it was filled with."""
    refused: str = ""
    """Why a request that is right was not planned."""
    stays: bool = False
    """There is an onboarding of the gateway that is open: another can't be started."""

    @property
    def there_is(self) -> str:
        """The state of that onboarding, in a sentence."""
        return STATES[self.there.state].label.lower() if self.there else ""


# -- where it begins --------------------------------------------------------------------------------------------------


@as_page
async def request_page(call: HttpCall) -> func.HttpResponse:
    """GET /api/request → 200: the kinds, JSON, and where to go with a table."""
    return _start(call, "")


@as_page
async def send_json(call: HttpCall) -> func.HttpResponse:
    """POST of that page's form (text, file, do) → 200 or 400 with the form filled in, 303 to a plan, 400, 403."""
    fields, file = read_form_with_file(call, REQUESTING, "file")
    text = file.decode("utf-8", "replace") if file else fields.get("text", "")
    try:
        body = parse_json(file or text.encode())
    except ProblemError as error:
        return _start(call, text, [error.detail])
    found = judged(body)
    kind = str(kind_in(body))
    if kind not in KINDS:
        return _start(call, text, [reason.told for reason in found.reasons])
    part = asked_by(kind)
    written, lost = written_of(part, body)
    if found.reasons and lost:
        return _start(call, text, [*(reason.told for reason in found.reasons), *filter(None, [found.more])])
    return await _answer(call, kind, written, found, plan=fields.get("do") == "plan")


def judged(body: Any) -> Judged:
    """A request in JSON, by the rules of the API."""
    length = len(json.dumps(body).encode())
    if length > MAX_BODY:
        told = f"has {length} bytes as JSON; at most {MAX_BODY} are taken"
        return Judged(None, (Reason("(body)", "too_long", None, told),))
    try:
        return Judged(read_request(body))
    except InvalidRequestError as error:
        return Judged(None, error.reasons, error.more)


def why_not_now(error: Exception) -> str:
    """In a sentence."""
    if isinstance(error, HourlyLimitError):
        return str(error)
    return "Table Storage or Service Bus did not answer. Send it again shortly: what was started is found."


def _start(call: HttpCall, text: str, refused: Sequence[str] = ()) -> func.HttpResponse:
    return page(
        call,
        "request.html",
        400 if refused else 200,
        kinds=[(name, kind.words.noun) for name, kind in KINDS.items()],
        text="" if holds_private_key(text) else text,
        refused=refused,
        most=MAX_UPLOAD // 1024,
        csrf=csrf.token(call, REQUESTING),
        section="request",
    )


# -- the form ---------------------------------------------------------------------------------------------------------


@as_page
async def request_form(call: HttpCall) -> func.HttpResponse:
    """GET /api/request/form?kind=… → 200 with an empty one; ?from=… with what an onboarding asked for; 400, 404."""
    copied = await _copied(call)
    kind = copied.request.gateway.kind if copied else str(call.request.params.get("kind", ""))
    part = part_for(kind)
    written = written_of(part, copied.request.to_json())[0] if copied else empty(part)
    return _form(call, kind, part, written, copied=copied)


@as_page
async def send_request(call: HttpCall) -> func.HttpResponse:
    """POST of the form (its fields, and what to do: check, plan, add or remove a part of a list) → 200 and 400 with
    the form as it was filled in, 303 to a plan, 403."""
    fields = read_form(call, REQUESTING, most_bytes=MAX_UPLOAD, most_fields=MOST_REQUEST_FIELDS)
    kind = fields.get("kind", "")
    part = part_for(kind)
    typed = read_typed(part, fields)
    row = _ROW.fullmatch(fields.get("do", ""))
    if row:
        return _changed(call, kind, part, typed, row)
    written = compacted(part, typed)
    return await _answer(call, kind, written, judged(body_of(part, written)), plan=fields.get("do") == "plan")


async def _answer(call: HttpCall, kind: str, written: WrittenParts, found: Judged, *, plan: bool) -> func.HttpResponse:
    """To the plan of a request that is right; else the form, with what is to be known of it."""
    part = asked_by(kind)
    if found.request is None:
        places = places_of(part, written)
        wrong = wrong_of(places, found.reasons)
        listed = [(id_of(at) if at else "", places.labels.get(at, ""), told) for at, told in wrong.items()]
        more = [("", "", f"There is more that is wrong: {found.more}.")] if found.more else []
        return _form(call, kind, part, written, wrong, code=400 if plan else 200, wrong=[*listed, *more])
    loaded = await call.engine.records.load(found.request.gateway.onboarding_id)
    there = loaded.record if loaded else None
    stays = there is not None and not there.closed
    if plan and not stays:
        try:
            coming = await ask_for_plan(call.engine, found.request, call.caller.name)
        except NOT_NOW as error:
            code = 429 if isinstance(error, HourlyLimitError) else 503
            return _form(call, kind, part, written, code=code, refused=why_not_now(error))
        return see_other(plan_path(coming.id))
    shared = await call.engine.records.sharing_numbers(found.request)
    warnings = (*found.request.warnings, *(one.words for one in shared))
    code = 409 if plan else 200
    return _form(call, kind, part, written, code=code, right=True, warnings=warnings, there=there, stays=stays)


def _changed(
    call: HttpCall, kind: str, part: AskedPart, typed: WrittenParts, row: re.Match[str]
) -> func.HttpResponse:
    """With one part more in a list, or one less."""
    what, name, place = row.groups()
    if what == "remove":
        made = without_row(part, typed, name, int(place or 0))
        return _form(call, kind, part, made, focus=f"{name}[0]")
    made = with_row(part, typed, name)
    return _form(call, kind, part, made, focus=_last_of(part, made, name))


def _last_of(part: AskedPart, written: WrittenParts, name: str) -> str:
    rows = [at for at in places_of(part, written).nodes if re.fullmatch(rf"{re.escape(name)}\[[0-9]+\]\.[A-Za-z]+", at)]
    return rows[-1].rpartition(".")[0] if rows else name


def _form(
    call: HttpCall,
    kind: str,
    part: AskedPart,
    written: WrittenParts,
    beside: Mapping[str, str] | None = None,
    *,
    code: int = 200,
    focus: str = "",
    **more: Any,
) -> func.HttpResponse:
    blocks = shown_request(part, written, beside or {}, focus)
    view = RequestForm(kind, KINDS[kind].words.noun, blocks, **more)
    return page(call, "request_form.html", code, view=view, csrf=csrf.token(call, REQUESTING), section="request")


def part_for(kind: str) -> AskedPart:
    """What a request of that kind asks for. Raises ProblemError 400 for a kind that there is not."""
    if kind not in KINDS:
        told = f"'{kind[:50]}' is no kind of gateway; there are {', '.join(KINDS)}."
        raise ProblemError(400, "The request is invalid", told)
    return asked_by(kind)


async def _copied(call: HttpCall) -> Record | None:
    given = call.request.params.get("from")
    if given is None:
        return None
    loaded = await call.engine.records.load(read_onboarding_id(given))
    if loaded is None:
        raise ProblemError(404, "No such onboarding", f"There is no onboarding '{given[:100]}'.")
    return loaded.record
