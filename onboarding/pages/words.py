"""Words for what pages show: states, and times as people say them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from onboarding.core.plan import StepKind
from onboarding.core.record import OnboardingState, Record, StepRecord, StepState

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as people see it: its words, and the class that gives it its colour and its shape."""

    label: str
    tone: str
    """The last part of the classes `tone-…` and of the symbols `#icon-…`."""


STATES: Mapping[OnboardingState, Badge] = {
    OnboardingState.RUNNING: Badge("Running", "running"),
    OnboardingState.WAITING_FOR_PEOPLE: Badge("Waiting for people", "people"),
    OnboardingState.WAITING_FOR_MICROSOFT: Badge("Waiting for Microsoft", "waiting"),
    OnboardingState.NEEDS_ATTENTION: Badge("Needs attention", "attention"),
    OnboardingState.PAUSED: Badge("Paused", "paused"),
    OnboardingState.CANCELLING: Badge("Being cancelled", "ending"),
    OnboardingState.COMPLETED: Badge("Completed", "done"),
    OnboardingState.DRIFTED: Badge("Drifted", "attention"),
    OnboardingState.CANCELLED: Badge("Cancelled", "off"),
}

STEP_STATES: Mapping[StepState, Badge] = {
    StepState.PENDING: Badge("Not begun", "pending"),
    StepState.DUE: Badge("Running", "running"),
    StepState.RUNNING: Badge("Running", "running"),
    StepState.WAITING: Badge("Waiting", "waiting"),
    StepState.NEEDS_ATTENTION: Badge("Needs attention", "attention"),
    StepState.DONE: Badge("Done", "done"),
    StepState.SKIPPED: Badge("Skipped", "off"),
}

LATE = Badge("Late", "late")
"""Beside the state of what takes longer than usual."""
OVERDUE = Badge("Overdue", "late")
"""Beside one thing that is waited for, for longer than usual."""
ESCALATED = Badge("Escalated", "attention")
"""Somebody else was told of it."""
EVERY_STATE = Badge("All", "all")
_NOT_DONE = Badge("Not done", "pending")
_RETRYING = Badge("Retrying", "running")


def step_badge(record: Record, step: StepRecord) -> Badge:
    """A step's state, as it is while its onboarding is in the state that it is in."""
    waits = step.state is StepState.WAITING and step.plan.kind is StepKind.WAIT
    if not step.ended and (record.closed or (record.cancelling and step.state is not StepState.RUNNING)):
        return _NOT_DONE
    if record.pause and (waits or step.state is StepState.DUE):
        return STATES[OnboardingState.PAUSED]
    if step.state is StepState.DUE and step.problem:
        return _RETRYING
    return STEP_STATES[step.state]


def duration(length: timedelta) -> str:
    """How long, in at most two units: `9 days 4 hours`, `12 minutes`, `40 seconds`."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 60:
        return _count(seconds, "second")
    for i, (unit, size) in enumerate(_UNITS):
        if seconds >= size:
            first = _count(seconds // size, unit)
            rest = _UNITS[i + 1 : i + 2]
            second = seconds % size // rest[0][1] if rest and seconds < 14 * size else 0
            return f"{first} {_count(second, rest[0][0])}" if second else first
    raise AssertionError("a span of a minute or more has a unit")


def brief_span(length: timedelta) -> str:
    """How long, where there is little room: `9 d`, `12 min`."""
    seconds = max(0, round(length.total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def ago(moment: datetime, now: datetime) -> str:
    """When, seen from now: `3 days 2 hours ago`, `in 5 minutes`, `now`."""
    length = now - moment
    if abs(length) < timedelta(seconds=1):
        return "now"
    return f"{duration(length)} ago" if length > timedelta(0) else f"in {duration(-length)}"


def brief_ago(moment: datetime, now: datetime) -> str:
    """When, where there is little room: `3 d ago`, `in 5 min`, `now`."""
    length = now - moment
    if abs(length) < timedelta(seconds=1):
        return "now"
    return f"{brief_span(length)} ago" if length > timedelta(0) else f"in {brief_span(-length)}"


def stamp(moment: datetime) -> str:
    """When, exactly: `2 Mar 2026, 09:00:00 UTC`."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M:%S} UTC"


def clock(moment: datetime, now: datetime) -> str:
    """Until when, where the day matters only if it is another: `19:32 UTC`, `3 Mar 2026, 19:32 UTC`."""
    utc = moment.astimezone(UTC)
    return f"{utc:%H:%M} UTC" if utc.date() == now.astimezone(UTC).date() else f"{day(moment)}, {utc:%H:%M} UTC"


def day(moment: datetime) -> str:
    """On which day: `2 Mar 2026`."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y}"


def iso(moment: datetime) -> str:
    """When, for programs (`<time datetime>`)."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def begun(words: str) -> str:
    """As a sentence begins."""
    return words[:1].upper() + words[1:]


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
