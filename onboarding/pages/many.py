"""One control used on many onboardings, on pages: what will be done, and after the button what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode

import azure.functions as func

from onboarding.controls import CONTROLS
from onboarding.core.control import NOTE_LENGTH, Control
from onboarding.core.many import MOST_AT_ONCE, Fate, ManyControl
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.reasons import read_part
from onboarding.core.roles import Role
from onboarding.http.call import HttpCall
from onboarding.http.chosen import FILTERS, Selection, open_only, select
from onboarding.http.listing import listed
from onboarding.http.many import ControlOfMany, reason_problem, use_on
from onboarding.http.problems import ProblemError
from onboarding.http.search import Search, read_search
from onboarding.many import Became, fates
from onboarding.pages import csrf
from onboarding.pages.forms import read_pairs
from onboarding.pages.overview import dashboard_link
from onboarding.pages.responses import as_page, page
from onboarding.pages.words import Badge

PURPOSE_OF_MANY = "act on many"
_MOST_FIELDS = MOST_AT_ONCE + 20
_PAST = {
    ManyControl.RETRY: "retried",
    ManyControl.PAUSE: "paused",
    ManyControl.RESUME: "resumed",
    ManyControl.CANCEL: "cancelled",
}
_FATES: Mapping[Fate, tuple[str, str]] = {
    Fate.DONE: ("{past}", "done"),
    Fate.POSSIBLE: ("Will be {past}", "running"),
    Fate.REFUSED: ("Refused", "off"),
    Fate.NOT_FOUND: ("Not found", "off"),
    Fate.FAILED: ("Failed", "attention"),
    Fate.NOT_BEGUN: ("No turn yet", "paused"),
}
"""Words and tone."""


class Scope(StrEnum):
    """Which onboardings a form means."""

    TICKED = "ticked"
    PAGE = "page"
    """Those on the page of the list that it was sent from."""
    MATCHING = "matching"
    """All open ones that the filter matches."""


@dataclass(frozen=True, slots=True)
class ManyBar:
    """The form on the dashboard."""

    csrf: str
    search: str
    on_page: int
    controls: Sequence[tuple[str, str]]
    codes: Sequence[str]


@dataclass(frozen=True, slots=True)
class ManyPage:
    """What will be done, or was."""

    done: bool
    title: str
    control: Control
    explained: str
    button: str
    csrf: str
    search: str
    """The filter that must hold; empty: none."""
    problem: str
    reason: str
    wrong: str
    """What is wrong with the reason."""
    must: bool
    """A reason is needed."""
    longest: int
    ids: Sequence[str]
    """Those to which it will be done."""
    again: Sequence[str]
    """Those that failed or had no turn."""
    next: str | None
    lines: Sequence[tuple[Badge, Became]]
    summary: str
    back: str


def many_bar(call: HttpCall, search: Search, on_page: int) -> ManyBar | None:
    """None: whoever looks may not."""
    if not call.caller.may(Role.OPERATE):
        return None
    controls = [(name.value, CONTROLS[name].label.removesuffix(" the onboarding")) for name in ManyControl]
    codes = sorted(ProblemCode)
    return ManyBar(csrf.token(call, PURPOSE_OF_MANY), search.query_string(), on_page, controls, codes)


@as_page
async def look_at_many(call: HttpCall) -> func.HttpResponse:
    """POST /api/many (form: control, scope, search, problem, id …) → 200 with what will be done, 400, 403."""
    fields = _read(call)
    search = _search_of(fields)
    scope = _scope(fields)
    asked = _asked(fields)
    chosen = await _chosen(call, asked, scope, search, fields)
    kept = _filter_of(search) if scope is Scope.MATCHING else {}
    asked = asked.model_copy(update={"ids": chosen.ids, "filter": kept})
    return await _preview(call, asked, chosen.next, search)


@as_page
async def do_to_many(call: HttpCall) -> func.HttpResponse:
    """POST of that page's form (control, search, problem, id …, reason) → 200 with what became of each, 400, 403."""
    fields = _read(call)
    search = _search_of(fields)
    asked = _asked(fields).model_copy(update={"filter": _filter_of(search)})
    if not asked.ids:
        raise ProblemError(400, "Nothing is chosen", "The form names no onboarding. Nothing was changed.")
    after = _one(fields, "next") or None
    wrong = reason_problem(CONTROLS[asked.control], asked.reason)
    if wrong:
        return await _preview(call, asked, after, search, wrong)
    became = await use_on(call, asked, Selection(asked.ids, after), only_look=False)
    return _shown(call, asked, became, after, search, done=True)


async def _preview(
    call: HttpCall, asked: ControlOfMany, after: str | None, search: Search, wrong: str = ""
) -> func.HttpResponse:
    became = await use_on(call, asked, Selection(asked.ids, after), only_look=True) if asked.ids else []
    if asked.problem:
        # Rows tell one problem of several: those that have another were only looked at.
        became = [one for one in became if not one.another]
    return _shown(call, asked, became, after, search, wrong, done=False)


def _shown(
    call: HttpCall,
    asked: ControlOfMany,
    became: Sequence[Became],
    after: str | None,
    search: Search,
    wrong: str = "",
    *,
    done: bool,
) -> func.HttpResponse:
    control, past = CONTROLS[asked.control], _PAST[asked.control]
    possible = [one for one in became if one.fate is Fate.POSSIBLE]
    thing = "step" if control.of_step else "onboarding"
    number = f"{len(possible)} {thing}{'' if len(possible) == 1 else 's'}"
    what = f"{asked.control.value.capitalize()} {number}"
    view = ManyPage(
        done=done,
        title=f"{past.capitalize()}: what became of each" if done else f"{what}?",
        control=control,
        explained=control.explained,
        button=what,
        csrf=csrf.token(call, PURPOSE_OF_MANY),
        search=urlencode(asked.filter),
        problem=asked.problem or "",
        reason=asked.reason,
        wrong=wrong,
        must=bool(reason_problem(control, "")),
        longest=NOTE_LENGTH,
        ids=_ids(possible),
        again=_ids(one for one in became if one.fate in (Fate.FAILED, Fate.NOT_BEGUN)),
        next=after,
        lines=[(_badge(one, past), one) for one in became],
        summary=_summary(became, past),
        back=dashboard_link(read_search(_filter_of(search))),
    )
    return page(call, "many.html", 400 if wrong else 200, view=view, section="many")


_Fields = Sequence[tuple[str, str]]


def _read(call: HttpCall) -> _Fields:
    return read_pairs(call, PURPOSE_OF_MANY, _MOST_FIELDS)


def _one(fields: _Fields, name: str) -> str:
    return dict(fields).get(name, "").strip()


def _asked(fields: _Fields) -> ControlOfMany:
    """What a form asks for, of the onboardings that it names. Raises InvalidRequestError."""
    body = {
        "control": _one(fields, "control"),
        "ids": [value for name, value in fields if name == "id"],
        "problem": _one(fields, "problem") or None,
        "reason": _one(fields, "reason").replace("\r\n", "\n"),
    }
    return read_part(ControlOfMany, body)


def _search_of(fields: _Fields) -> Search:
    """Raises ProblemError 400."""
    return read_search(dict(parse_qsl(_one(fields, "search"))))


def _filter_of(search: Search) -> dict[str, str]:
    return {name: value for name, value in search.parameters.items() if name in FILTERS}


def _scope(fields: _Fields) -> Scope:
    given = _one(fields, "scope")
    if given not in list(Scope):
        raise ProblemError(400, "Nothing is chosen", f"'{given[:50]}' is no choice. Nothing was changed.")
    return Scope(given)


async def _chosen(
    call: HttpCall, asked: ControlOfMany, scope: Scope, search: Search, fields: _Fields
) -> Selection:
    now, records = call.engine.clock.now(), call.engine.records
    match scope:
        case Scope.PAGE:
            found = await listed(records, search, now)
            return Selection(tuple(row.key for row in found.rows), None)
        case Scope.MATCHING:
            after = _one(fields, "next") or None
            return await select(records, open_only(search, after), asked.problem, now)
    if not asked.ids:
        said = "No onboarding is ticked. Go back and tick some in the list, or choose all. Nothing was changed."
        raise ProblemError(400, "Nothing is ticked", said)
    return Selection(tuple(dict.fromkeys(asked.ids)), None)


def _ids(lines: Iterable[Became]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.id for line in lines))


def _badge(line: Became, past: str) -> Badge:
    words, tone = _FATES[line.fate]
    label = words.format(past=past)
    return Badge(f"{label[0].upper()}{label[1:]}", tone)


def _summary(became: Sequence[Became], past: str) -> str:
    """`38 retried, 1 not retried.`"""
    told = (f"{number} {_FATES[fate][0].format(past=past).lower()}" for fate, number in fates(became).items())
    return f"{', '.join(told) or 'Nothing was asked for'}."
