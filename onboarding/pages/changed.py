"""What a person's action has changed, for the page that they come back to; and what waits for them next. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from onboarding.controls import actions
from onboarding.core.control import ControlPlace
from onboarding.core.plan import Party
from onboarding.core.record import Event, Record, StepRecord, StepState
from onboarding.core.roles import Role
from onboarding.pages.controls import Allowed
from onboarding.pages.paths import checkpoint_path, onboarding_path
from onboarding.pages.requested import asked_lines
from onboarding.pages.words import STEP_STATES
from onboarding.standing import waiting_for
from onboarding.steps import definition_of

DONE = "done"
"""The parameter of a page's address that says which version of the record an action made."""
NEXT_ELSEWHERE = "/api/dashboard?state=waiting-for-people"
_WHOLE = "The onboarding"
_NOTHING = "–"
_MOST = 12
"""Lines: a new run changes every step."""


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """One thing that is another now."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class NextOne:
    """What waits for this caller next."""

    title: str
    on_whom: str
    href: str


@dataclass(frozen=True, slots=True)
class Changed:
    """What an action did."""

    event: Event
    lines: tuple[ChangedLine, ...]
    more: int
    """So many more."""
    next_one: NextOne | None
    """Of this onboarding."""
    goes_on: str
    """What it waits for, where nothing here is the caller's; empty: nothing."""
    elsewhere: str
    """Where other onboardings are that wait for people."""


def changed(
    record: Record, events: Sequence[Event], given: str, may: Allowed, actor: str | None, here: str = ""
) -> Changed | None:
    """What the version that `given` names has changed, as a person's action; None: it names none.

    `here`: the step whose page tells it, which leads to others.
    """
    event = next((e for e in reversed(events) if given and str(e.version) == given), None)
    if event is None or event.actor != actor:
        return None
    lines = [*_lines(record, event)]
    waits = waiting_for(record)
    return Changed(
        event,
        tuple(lines[:_MOST]),
        max(0, len(lines) - _MOST),
        next_one(record, may, actor, here),
        f"{waits.what}, on {waits.on}" if waits else "",
        NEXT_ELSEWHERE,
    )


def version_made_by(record: Record, actor: str) -> int | None:
    """The version that the last action of that person made."""
    return next((e.version for e in reversed(record.tail) if e.actor == actor), None)


def coming_back(path: str, record: Record | None, actor: str) -> str:
    """A page's path, which is to tell what that person's last action changed."""
    version = version_made_by(record, actor) if record else None
    return path if version is None else f"{path}?{DONE}={version}"


def next_one(record: Record, may: Allowed, actor: str | None, here: str = "") -> NextOne | None:
    """The step of this onboarding, but for the one `here`, that the caller may bring to its end: one that waits for
    them by name comes first, then what waits for the operator, then the oldest."""
    mine = {
        a.step
        for a in actions(record, actor)
        if a.step not in (None, here)
        and may(a.control.role)
        and (a.control.place is ControlPlace.CHECKPOINT or a.control.where_stopped)
    }
    found = [s for s in record.steps if s.name in mine and (s.with_people or s.state is StepState.NEEDS_ATTENTION)]
    if not found:
        return None

    def rank(step: StepRecord) -> tuple[bool, bool, Any]:
        by_name = step.plan.waits_on is Party.ADMIN_USER and _same(actor, record.request.admin_user)
        ours = step.state is StepState.NEEDS_ATTENTION or step.plan.waits_on in (Party.US, Party.OPERATOR)
        return (not by_name, not ours, step.since)

    step = min(found, key=rank)
    return NextOne(definition_of(step).title, step.plan.waits_on.value, _where(record, step, may))


def _same(one: str | None, other: str) -> bool:
    return one is not None and one.lower() == other.lower()


def _where(record: Record, step: StepRecord, may: Allowed) -> str:
    if step.plan.confirmable and may(Role.APPROVE):
        return checkpoint_path(record.id, step.name)
    part = "hand" if step.by_hand else "stopped"
    return f"{onboarding_path(record.id)}#{part}-{quote(step.name)}"


def _lines(record: Record, event: Event) -> Iterator[ChangedLine]:
    for path, (before, after) in event.changes.items():
        head, _, rest = path.partition(".")
        name, _, field = rest.rpartition(".")
        step = record.find_step(name) if head == "steps" else None
        if step is not None and field == "state":
            yield ChangedLine(definition_of(step).title, _state(before), _state(after))
        elif path == "request" and before and after:
            yield from _of_request(before, after)
        elif path == "pause":
            yield ChangedLine(_WHOLE, "Paused" if before else "Going on", "Paused" if after else "Going on")
        elif path == "cancelledBecause" and after:
            yield ChangedLine(_WHOLE, "Going on", "Cancelled")


def _of_request(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[ChangedLine]:
    old, new = ({it.label: ", ".join(it.values) for it in asked_lines(body)} for body in (before, after))
    for label in dict.fromkeys((*old, *new)):
        if old.get(label) != new.get(label):
            yield ChangedLine(label, old.get(label, _NOTHING), new.get(label, _NOTHING))


def _state(value: Any) -> str:
    badge = STEP_STATES.get(StepState(value)) if value else None
    return badge.label if badge else _NOTHING
