"""POST /api/onboardings/controls: one control used on many onboardings, with a report of what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import azure.functions as func
from pydantic import Field, StringConstraints

from onboarding.controls import CONTROLS
from onboarding.core.control import NOTE_LENGTH, Control
from onboarding.core.many import MOST_AT_ONCE, Fate, ManyControl
from onboarding.core.parts import Part
from onboarding.core.patterns import ONBOARDING_ID
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.reasons import read_part
from onboarding.core.record import OnboardingState
from onboarding.http.bodies import read_json
from onboarding.http.call import HttpCall
from onboarding.http.chosen import FILTERS, OPEN_STATES, Selection, open_only, read_filter, select, still_chosen
from onboarding.http.conditional import answer
from onboarding.http.problems import ProblemError
from onboarding.http.search import CURSOR_LENGTH, Search
from onboarding.http.view import View
from onboarding.many import Became, ManyAsked, carry_out, fates, foresee

MANY_PARAMETERS = ("validateOnly",)


class ControlOfMany(Part):
    """What is to be done, and to which onboardings: all that is said of them must hold."""

    control: ManyControl
    """What is done to each."""
    ids: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=ONBOARDING_ID)], ...], Field(max_length=MOST_AT_ONCE)
    ] = ()
    """These onboardings. Empty: all open ones that fit `filter` and `problem`."""
    filter: Mapping[str, Any] = Field(default_factory=dict)
    """As the list filters: its parameters, as texts. Open onboardings only."""
    problem: ProblemCode | None = None
    """Only those of which a step has stopped, or is tried again, with this code; of `retry`, only these steps."""
    reason: str = ""
    """Why; it is kept in the audit trail of each."""
    next: Annotated[str, StringConstraints(max_length=CURSOR_LENGTH)] | None = None
    """Where the call before ended."""


class BecameView(View):
    """What became of one onboarding, or of one step of it."""

    id: str
    gateway_name: str | None
    """The gateway's name; null: there is no such onboarding, or it was not read."""
    step: str | None
    """The step that it was about; null: the onboarding as a whole."""
    problem_code: str | None
    """The code of what the step had failed for; null: it had not, or it is about the whole."""
    outcome: Fate
    """`done`; `possible`: it would be done; `refused`, `not-found`, `failed`; `not-begun`: ask for it once more."""
    said: str
    """Why, in words; empty: there is nothing to say."""
    state: OnboardingState | None
    """Where the onboarding stands now; null: it was not read."""


class ManyView(View):
    """What became of each."""

    control: ManyControl
    """What was asked for."""
    validate_only: bool
    """Nothing was done: this is what would become of each."""
    counts: Mapping[Fate, int]
    """How many had which outcome."""
    results: tuple[BecameView, ...]
    """A line for each onboarding, or for each of its steps that it was about."""
    next: str | None
    """More may fit: send the same body with this as its `next`. Null: that was all."""


async def post_controls(call: HttpCall) -> func.HttpResponse:
    """POST /api/onboardings/controls[?validateOnly=true] → 200 with what became of each, 400, 413, 415."""
    from onboarding.http.api import flag

    asked = read_part(ControlOfMany, read_json(call.request))
    only_look = flag(call.request, "validateOnly")
    chosen = await choose(call, asked)
    became = await use_on(call, asked, chosen, only_look=only_look)
    shown = ManyView(
        control=asked.control,
        validate_only=only_look,
        counts=fates(became),
        results=tuple(_shown(one) for one in became),
        next=chosen.next,
    )
    return answer(call.request, shown)


async def choose(call: HttpCall, asked: ControlOfMany) -> Selection:
    """The onboardings that are meant, some of them. Raises ProblemError 400 where nobody can tell which."""
    search = searched(asked)
    if asked.ids:
        if asked.next:
            raise _invalid("next goes on with a filter; ids are all sent at once, and the others in another call.")
        return Selection(tuple(dict.fromkeys(i.lower() for i in asked.ids)), None)
    if search is None and asked.problem is None:
        raise _invalid(_ALL)
    search = open_only(search or Search(), asked.next)
    return await select(call.engine.records, search, asked.problem, call.engine.clock.now())


async def use_on(call: HttpCall, asked: ControlOfMany, chosen: Selection, *, only_look: bool) -> list[Became]:
    """Do it to each of these, or say what would become of it. Raises ProblemError 400 without a reason that it needs.

    Of what a filter or a code chose, what does not fit any more when it is read is left out, unless it was named.
    """
    control = CONTROLS[asked.control]
    said = reason_problem(control, asked.reason)
    if said and not only_look:
        raise _invalid(said)
    search = searched(asked)
    still = still_chosen(search, asked.problem, call.engine.clock.now)
    wanted = ManyAsked(control, call.caller.name, asked.reason.strip(), asked.problem, still)
    became = await (foresee if only_look else carry_out)(call.engine, wanted, chosen.ids)
    return became if asked.ids else [one for one in became if not one.another]


def searched(asked: ControlOfMany) -> Search | None:
    """Its filter; None: it has none. Raises ProblemError 400."""
    search = read_filter(asked.filter)
    return search if any(name in FILTERS for name in search.parameters) else None


def reason_problem(control: Control, reason: str) -> str:
    """What is wrong with a reason, in words; empty: nothing."""
    if len(reason.strip()) > NOTE_LENGTH:
        return f"The reason has {len(reason.strip())} characters; at most {NOTE_LENGTH} are kept."
    missing = next((field.missing for field in control.fields if field.name == "reason"), "")
    return "" if reason.strip() else missing


_ALL = (
    "It says of no onboarding that it is meant: send ids, a filter or a problem. If all open ones are meant, say so:"
    f' "filter": {{"state": "{",".join(OPEN_STATES)}"}}. Nothing was changed.'
)


def _shown(one: Became) -> BecameView:
    return BecameView(
        id=one.id,
        gateway_name=one.gateway,
        step=one.step,
        problem_code=one.code,
        outcome=one.fate,
        said=one.said,
        state=one.state,
    )


def _invalid(detail: str) -> ProblemError:
    return ProblemError(400, "The request is invalid", detail)
