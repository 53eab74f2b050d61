"""How many onboardings were completed in which week, how long steps took, and what is expected when. Pure.

Everything is derived from columns of the table's contract (docs/table.md), so that a report of somebody else's shows
the same numbers. A week is that of ISO 8601, in UTC. How long a step took is what `CompletedSteps` says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil
from statistics import median

WEEKS, MOST_WEEKS = 26, 104
"""Weeks that are looked back, unless told; and at most."""
AHEAD = 16
"""Weeks that are looked ahead."""
SLOW = 0.9
"""The share of the steps that took no longer than what is called slow."""
_DAY = 86_400.0
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class StepTook:
    """A step that was done."""

    step: str
    at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Observed:
    """What a row tells of one onboarding."""

    created_at: datetime
    completed_at: datetime | None
    """None: it is not completed."""
    is_open: bool
    expected_at: datetime | None
    """As it looks now; None: that is not known."""
    late: bool
    steps: Sequence[StepTook] = ()


@dataclass(frozen=True, slots=True)
class Week:
    """One week, and how many there were in it."""

    monday: date
    number: int
    days: float | None = None
    """Median of the days from the request until it was completed; None: there were none."""

    @property
    def name(self) -> str:
        """`2026-W48`."""
        year, week, _ = self.monday.isocalendar()
        return f"{year}-W{week:02d}"


@dataclass(frozen=True, slots=True)
class StepFigures:
    """How long a step took."""

    step: str
    number: int
    median_days: float
    slow_days: float
    """SLOW of them took no longer."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All of it."""

    completed: tuple[Week, ...]
    """Every week that is looked back at, this one last."""
    steps: tuple[StepFigures, ...]
    """Of steps that ended in these weeks; the longest first."""
    expected: tuple[Week, ...]
    """Open ones by the week in which they are expected to be complete, this one first."""
    later: int
    """Expected after these weeks."""
    undated: int
    """Open ones of which it is not known: they are paused, or older than these dates."""
    open: int
    late: int
    done: int
    """Completed in the weeks that are looked back at."""
    median_days: float | None
    """Of those, from the request until they were completed."""


def figures(observed: Iterable[Observed], now: datetime, weeks: int = WEEKS) -> Figures:
    """Of these onboardings, as it looks now."""
    this = monday_of(now)
    first = this - (weeks - 1) * _WEEK
    took, days = defaultdict[str, list[float]](list), defaultdict[date, list[float]](list)
    due = defaultdict[date, int](int)
    count_open = late = undated = 0
    for one in observed:
        if one.completed_at and first <= monday_of(one.completed_at) <= this:
            length = (one.completed_at - one.created_at).total_seconds() / _DAY
            days[monday_of(one.completed_at)].append(length)
        for step in one.steps:
            if monday_of(step.at) >= first:
                took[step.step].append(step.seconds / _DAY)
        if one.is_open:
            count_open += 1
            late += one.late
            undated += one.expected_at is None
            if one.expected_at:
                due[max(monday_of(one.expected_at), this)] += 1
    last = this + (AHEAD - 1) * _WEEK
    lengths = [length for week in days.values() for length in week]
    return Figures(
        completed=tuple(_week(first + n * _WEEK, days) for n in range(weeks)),
        steps=tuple(sorted((_step(name, each) for name, each in took.items()), key=lambda s: (-s.median_days, s.step))),
        expected=tuple(Week(this + n * _WEEK, due[this + n * _WEEK]) for n in range(AHEAD)),
        later=sum(number for monday, number in due.items() if monday > last),
        undated=undated,
        open=count_open,
        late=late,
        done=len(lengths),
        median_days=median(lengths) if lengths else None,
    )


def monday_of(at: datetime) -> date:
    """The Monday of the week of a moment, in UTC."""
    day = at.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def _week(monday: date, days: defaultdict[date, list[float]]) -> Week:
    lengths = days[monday]
    return Week(monday, len(lengths), median(lengths) if lengths else None)


def _step(name: str, days: Sequence[float]) -> StepFigures:
    ordered = sorted(days)
    return StepFigures(name, len(ordered), median(ordered), ordered[ceil(SLOW * len(ordered)) - 1])
