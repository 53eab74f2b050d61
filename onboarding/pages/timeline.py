"""How long every step took, drawn to scale: bars computed from the audit trail. Pure; lengths are shares of 100."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from onboarding.core.event_kinds import EventKind
from onboarding.core.record import Event, Record, StepRecord, StepState
from onboarding.pages.words import duration
from onboarding.steps import definition_of

LEAST_SHARE = 0.4
"""Of the width: what took a second is still to be seen beside two weeks."""
_TICKS = 6
_ROUND = [timedelta(seconds=s) for s in (1, 2, 5, 10, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200)]
_ROUND += [timedelta(days=d) for d in (1, 2, 5, 7, 14, 30, 60, 180, 365)]


class Phase(StrEnum):
    """What a step does in a stretch of time."""

    WORKING = "running"
    WAITING = "waiting"
    ATTENTION = "attention"
    PAUSED = "paused"
    """The onboarding is paused, and nothing is at the step."""


_BEGINNINGS = (EventKind.REQUESTED, EventKind.REQUESTED_AGAIN)
_PHASES = {
    StepState.DUE: Phase.WORKING,
    StepState.RUNNING: Phase.WORKING,
    StepState.WAITING: Phase.WAITING,
    StepState.NEEDS_ATTENTION: Phase.ATTENTION,
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A step in one phase."""

    phase: Phase
    start: datetime
    end: datetime
    left: float = 0.0
    """Shares of the whole width, in percent."""
    width: float = 0.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One step's row."""

    name: str
    title: str
    stretches: tuple[Stretch, ...]
    took: timedelta
    """All its stretches together, but those of a pause."""
    longest: bool = False
    """The longest of all rows, though it took at least a second."""

    @property
    def told(self) -> str:
        return duration(self.took) if self.took >= timedelta(seconds=1) else "under 1 second"


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the scale."""

    left: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """All rows, in the order of their begin, and the scale."""

    start: datetime
    end: datetime
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    paused: timedelta
    """How long the onboarding was paused, or is by now."""

    @property
    def longest(self) -> Bar | None:
        return next((b for b in self.bars if b.longest), None)


def timeline(record: Record, events: Sequence[Event], now: datetime) -> Timeline:
    """The rows of this run's steps that have begun."""
    completed_at = record.repair.completed_at if record.repair else record.closed_at
    end = max(completed_at or now, record.created_at + timedelta(seconds=1))
    whole = (end - record.created_at).total_seconds()
    drawn = _Drawing()
    for event in events:
        # What a repair does later is no part of it.
        if event.at <= end:
            drawn.add(event)
    drawn.close(end)
    found = {s.name: drawn.stretches[s.name] for s in record.steps if s.name in drawn.stretches}
    rows = [_bar(record.step(name), stretches, record.created_at, whole) for name, stretches in found.items()]
    rows.sort(key=lambda b: b.stretches[0].start)
    most = max(rows, key=lambda b: b.took, default=None)
    marked = tuple(replace(b, longest=b is most and b.took >= timedelta(seconds=1)) for b in rows)
    return Timeline(record.created_at, end, marked, _ticks(end - record.created_at), drawn.paused)


class _Drawing:
    """Step → its phases one after another, as the events tell them; neighbours of the same phase are one."""

    def __init__(self) -> None:
        self.stretches: dict[str, list[Stretch]] = {}
        self.paused = timedelta(0)
        self._states: dict[str, StepState] = {}
        self._open: dict[str, tuple[Phase, datetime]] = {}
        self._paused_at: datetime | None = None

    def add(self, event: Event) -> None:
        for path, (_, after) in event.changes.items():
            head, _, rest = path.partition(".")
            name, _, field = rest.rpartition(".")
            if head == "steps" and field == "state" and after is not None:
                self._states[name] = StepState(after)
            elif path == "pause":
                self._pause(after is not None, event.at)
        for name in self._states:
            self._enter(name, self._phase(name), event.at)
        if event.what in _BEGINNINGS:
            # A new run keeps the states that happen to be the same, but everything begins now.
            self.stretches.clear()
            self.paused = timedelta(0)
            self._open = {name: (phase, event.at) for name, (phase, _) in self._open.items()}

    def close(self, end: datetime) -> None:
        """Nothing of what goes on still lasts beyond `end`."""
        for name in list(self._open):
            self._enter(name, None, end)
        self._pause(False, end)

    def _phase(self, name: str) -> Phase | None:
        state = self._states[name]
        stands = self._paused_at is not None and state is not StepState.RUNNING
        return Phase.PAUSED if stands and state in _PHASES else _PHASES.get(state)

    def _enter(self, name: str, phase: Phase | None, at: datetime) -> None:
        was, since = self._open.get(name, (None, at))
        if was is phase:
            return
        if was is not None:
            self.stretches.setdefault(name, []).append(Stretch(was, since, at))
        self._open.pop(name, None)
        if phase is not None:
            self._open[name] = (phase, at)

    def _pause(self, begins: bool, at: datetime) -> None:
        if self._paused_at is None:
            self._paused_at = at if begins else None
        elif not begins:
            self.paused += at - self._paused_at
            self._paused_at = None


def _bar(step: StepRecord, stretches: Sequence[Stretch], start: datetime, whole: float) -> Bar:
    placed = []
    for s in stretches:
        width = min(100.0, max(LEAST_SHARE, (s.end - s.start).total_seconds() / whole * 100))
        left = min((s.start - start).total_seconds() / whole * 100, 100 - width)
        placed.append(Stretch(s.phase, s.start, s.end, round(max(0.0, left), 3), round(width, 3)))
    took = sum((s.end - s.start for s in stretches if s.phase is not Phase.PAUSED), timedelta(0))
    return Bar(step.name, definition_of(step).title, tuple(placed), took)


def _ticks(whole: timedelta) -> tuple[Tick, ...]:
    step = next((s for s in _ROUND if whole / s <= _TICKS), _ROUND[-1])
    count = int(whole / step)
    return tuple(Tick(round(i * step / whole * 100, 3), duration(i * step) if i else "start") for i in range(count + 1))
