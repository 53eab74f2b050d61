"""Where an onboarding stands, for whoever looks at it: what it waits for, what has ended and how long that took. Pure.

Everything here is derived from the record alone, so that the table, the API and the pages can't differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from onboarding.core.expected_ends import overdue_from
from onboarding.core.plan import Party, StepKind
from onboarding.core.record import Problem, Record, StepRecord, StepState
from onboarding.steps import definition_of
from onboarding.whom import whom

OPERATOR = "your team (role Operate)"
"""Whoever operates this application. In telecommunications, the operator is the company."""
TO_RESUME = "Somebody to resume it"
PAUSED = "paused"
"""In place of a step's state, where the pause is what is waited for."""

_TELLING = (StepState.NEEDS_ATTENTION, StepState.WAITING, StepState.RUNNING, StepState.DUE)
"""States of steps that are going on."""


class WaitsOn(StrEnum):
    """On whom something waits, by a name that stays: the words for it may change."""

    OPERATORS = "operators"
    """Whoever operates this application: to act, to do something by hand, to resume it."""
    ONBOARDING_TEAM = "onboarding-team"
    ADMIN_USER = "admin-user"
    OPERATOR = "operator"
    VENDOR = "vendor"
    DNS_OWNER = "dns-owner"
    MICROSOFT = "microsoft"
    APPLICATION = "application"
    """This application itself: a task that runs, or is tried again."""


_OF_PARTY: Mapping[Party, WaitsOn] = {
    Party.US: WaitsOn.APPLICATION,
    Party.MICROSOFT: WaitsOn.MICROSOFT,
    Party.ONBOARDING_TEAM: WaitsOn.ONBOARDING_TEAM,
    Party.ADMIN_USER: WaitsOn.ADMIN_USER,
    Party.OPERATOR: WaitsOn.OPERATOR,
    Party.VENDOR: WaitsOn.VENDOR,
    Party.DNS_OWNER: WaitsOn.DNS_OWNER,
}
WHOM: Mapping[WaitsOn, str] = {WaitsOn.OPERATORS: OPERATOR, **{on: party.value for party, on in _OF_PARTY.items()}}
"""In words, as `Waiting.on` has them."""


class NextKind(StrEnum):
    """What happens by itself next with something that is waited for."""

    REMINDER = "reminder"
    """People are reminded."""
    CHECK = "check"
    """It is looked at."""
    ATTEMPT = "attempt"
    """It is tried again."""


@dataclass(frozen=True, slots=True)
class WaitProblem:
    """What is wrong with the step that is waited for."""

    code: str
    seen: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that an open onboarding waits for."""

    step: str | None
    """None: for somebody to resume it."""
    what: str
    on: str
    """The party: Microsoft, the onboarding team …"""
    name: str | None
    """Of the person or team, as the request names them; None where it names nobody."""
    state: str
    """Of the step, or PAUSED."""
    since: datetime
    party: WaitsOn | None = None
    """None: the row is of a time when it was not kept; and so are all that follow."""
    next: NextKind | None = None
    next_at: datetime | None = None
    """None: nothing happens by itself, or it is being done right now. Of a look: the first one after the last change;
    those after it are on schedule."""
    overdue_from: datetime | None = None
    """From when on it is open for longer than usual; None: nobody can say."""
    reminders: int = 0
    """How often people were reminded of it."""
    escalated: bool = False
    problem: WaitProblem | None = None
    """Of this very step."""

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is open for longer than usual."""
        return self.overdue_from is not None and now > self.overdue_from


@dataclass(frozen=True, slots=True)
class Ended:
    """A step that is done or was skipped."""

    step: str
    state: StepState
    at: datetime
    seconds: int | None
    """From when all that it needs had ended until it was done. None: it was skipped, or what it needs was reopened or
    ended again since."""


def open_waits(record: Record) -> tuple[Waiting, ...]:
    """Everything that is waited for, the most urgent first; nothing when the onboarding is closed.

    What needs attention stands before what people are to do, that before what the world does, and that before what this
    application is at; of each, first what is, or will be, overdue the longest.
    """
    if record.closed:
        return ()
    states = (StepState.RUNNING,) if record.cancelling else _TELLING
    found = [(_rank(step), _wait(step, record)) for step in record.steps if step.state in states]
    found.sort(key=lambda ranked: (ranked[0], ranked[1].overdue_from or ranked[1].since, ranked[1].since))
    waits = tuple(wait for _, wait in found)
    pause = record.pause
    if pause is None:
        return waits
    paused = Waiting(
        None, TO_RESUME, OPERATOR, None, PAUSED, pause.since, WaitsOn.OPERATORS, NextKind.REMINDER, pause.next_word_at
    )
    return (paused, *waits)


def waiting_for(record: Record) -> Waiting | None:
    """The most urgent of all that is waited for."""
    return next(iter(open_waits(record)), None)


def _rank(step: StepRecord) -> int:
    if step.state is StepState.NEEDS_ATTENTION:
        return 0
    if step.state is StepState.WAITING:
        return 1 if step.with_people else 2
    return 3 if step.state is StepState.RUNNING else 4


def _wait(step: StepRecord, record: Record) -> Waiting:
    party, on, name = _on_whom(step, record)
    next_, at = _next(step, record)
    problem = WaitProblem(step.problem.code, step.problem.seen) if step.problem else None
    return Waiting(
        step.name,
        definition_of(step).title,
        on,
        name,
        step.state.value,
        step.since,
        party,
        next_,
        at,
        overdue_from(record, step),
        step.reminders,
        step.escalated,
        problem,
    )


def _on_whom(step: StepRecord, record: Record) -> tuple[WaitsOn, str, str | None]:
    if step.state is StepState.NEEDS_ATTENTION or step.by_hand:
        return WaitsOn.OPERATORS, OPERATOR, None
    on = whom(record, step)
    return _OF_PARTY[on.party], on.party.value, on.name


def _next(step: StepRecord, record: Record) -> tuple[NextKind | None, datetime | None]:
    at = step.next_attempt_at
    if at is None or not record.active or step.state is StepState.RUNNING:
        # Of one that runs it is when its function is taken for dead.
        return None, None
    return next_kind(step), at


def next_kind(step: StepRecord) -> NextKind:
    """What happens by itself next with a step that is open and does not run: nothing checks a checkpoint."""
    if step.state is StepState.DUE:
        return NextKind.ATTEMPT
    watched = step.state is StepState.WAITING and step.plan.kind is StepKind.WAIT
    return NextKind.CHECK if watched else NextKind.REMINDER


def last_problem(record: Record) -> Problem | None:
    """The problem to show: of a step that needs attention, else of one that is tried again."""
    with_problem = [s for s in record.steps if s.problem is not None and not s.ended]
    with_problem.sort(key=lambda s: s.state is not StepState.NEEDS_ATTENTION)
    return with_problem[0].problem if with_problem else None


def progress(record: Record) -> tuple[int, int]:
    """(steps ended, steps of the plan)."""
    return sum(s.ended for s in record.steps), len(record.steps)


def ended_steps(record: Record) -> tuple[Ended, ...]:
    """The steps that have ended, in the order of the plan."""
    by_name = {s.name: s for s in record.steps}
    return tuple(Ended(s.name, s.state, s.since, _seconds(s, record, by_name)) for s in record.steps if s.ended)


def _seconds(step: StepRecord, record: Record, by_name: Mapping[str, StepRecord]) -> int | None:
    needed = [by_name[name] for name in step.plan.needs if name in by_name]
    possible = max((s.since for s in needed), default=record.created_at)
    if step.state is StepState.SKIPPED or possible > step.since or not all(s.ended for s in needed):
        return None
    return round((step.since - possible).total_seconds())


def written_open_steps(record: Record) -> str:
    """`name:state:seconds since 1970`, with spaces between; nothing of a closed onboarding is going on."""
    steps = () if record.closed else record.steps
    return " ".join(f"{s.name}:{s.state}:{s.since.timestamp():.0f}" for s in steps if s.state in _TELLING)

