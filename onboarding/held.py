"""Thin rows of steps that stand still, in table `waits`: with those of open waits they are what the gauges read.

A step that goes from one minute to the next has none. So an onboarding that nobody keeps waiting writes one for each of
its checkpoints, and no others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from onboarding.core.due import is_held, is_late
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.ports import Row

HELD_STEPS = "held"
"""The partition."""
_BETWEEN = "!"
"""Below whatever an id holds: rows are in the order of their onboardings."""


@dataclass(frozen=True, slots=True)
class HeldStep:
    """A step that waits for somebody, needs attention, or did not get on at the first attempt."""

    onboarding_id: str
    step: str
    state: StepState
    """DUE also while such an attempt runs."""
    since: datetime
    etag: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        return _BETWEEN.join((self.onboarding_id, self.step, self.state))


def held_steps(record: Record | None) -> tuple[HeldStep, ...]:
    """Those of a record, as its rows say it."""
    return tuple(_held_step(record.id, s) for s in record.steps if is_held(record, s)) if record else ()


def _held_step(onboarding_id: str, step: StepRecord) -> HeldStep:
    if is_late(step):
        return HeldStep(onboarding_id, step.name, StepState.DUE, step.begun_at or step.since)
    return HeldStep(onboarding_id, step.name, step.state, step.since)


def held_keys(after: str, last: str) -> tuple[str, str]:
    """The keys of the onboardings after this one, up to and with the last; at most one's more."""
    return after + _BETWEEN, f"{last}{_BETWEEN}~"


def held_row(held: HeldStep) -> Row:
    """What stands in the table of one."""
    return Row(HELD_STEPS, held.key, {"Since": held.since})


def held_of(row: Row) -> HeldStep:
    """What a row says. Raises KeyError or ValueError for one that this version did not write."""
    onboarding_id, step, state = row.key.split(_BETWEEN)
    return HeldStep(onboarding_id, step, StepState(state), row.columns["Since"], row.etag)
