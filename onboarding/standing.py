"""Where an onboarding stands, for whoever looks at it: what it waits for, what has ended and how long that took. Pure.

Everything here is derived from the record alone, so that the table, the API and the pages can't differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from onboarding.core.record import Problem, Record, StepRecord, StepState
from onboarding.steps import definition_of
from onboarding.whom import whom

OPERATOR = "your team (role Operate)"
"""Whoever operates this application. In telecommunications, the operator is the company."""
TO_RESUME = "Somebody to resume it"
PAUSED = "paused"
"""In place of a step's state, where the pause is what is waited for."""

_TELLING = (StepState.NEEDS_ATTENTION, StepState.WAITING, StepState.RUNNING, StepState.DUE)
"""States of steps that are going on, the most telling first."""


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
    """Everything that is waited for, the most telling first; nothing when the onboarding is closed."""
    if record.closed:
        return ()
    order = (StepState.RUNNING,) if record.cancelling else _TELLING
    going_on = sorted((s for s in record.steps if s.state in order), key=lambda s: (order.index(s.state), s.since))
    waits = tuple(
        Waiting(s.name, definition_of(s).title, *_on_whom(s, record), state=s.state.value, since=s.since)
        for s in going_on
    )
    pause = record.pause
    return waits if pause is None else (Waiting(None, TO_RESUME, OPERATOR, None, PAUSED, pause.since), *waits)


def waiting_for(record: Record) -> Waiting | None:
    """The most telling of all that is waited for."""
    return next(iter(open_waits(record)), None)


def _on_whom(step: StepRecord, record: Record) -> tuple[str, str | None]:
    if step.state is StepState.NEEDS_ATTENTION or step.by_hand:
        return OPERATOR, None
    on = whom(record, step)
    return on.party.value, on.name


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

