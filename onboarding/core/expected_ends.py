"""When an onboarding is expected to be complete, and what is late: from how long each step usually takes. Pure.

How long that is stands on the plan (`Planned.usual`). Along the graph, what has ended counts with when it did, what is
open with when it could begin and its usual time, but not before now, and the rest with what it needs and its own usual
time. So the record alone says it, for any time that somebody looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from onboarding.core.plan import DAY, Planned, StepKind
from onboarding.core.record import Record, StepRecord, StepState

Usual = Mapping[str, float]
"""Definition of a step → seconds that it usually takes, where that is another time than its definition says."""

USUAL_BY_HAND = DAY
"""Seconds that a task takes that waits for a person to do it by hand."""
LITTLE = timedelta(days=1)
"""By how much later than at first an onboarding may be expected before it is called late."""
LEAST_LATE = timedelta(hours=1)
"""How long a step may be open before it is called late, however little it usually takes: tasks are tried again."""
THERE_ALREADY = timedelta(minutes=1)
"""What took less was so already, or was done before it was asked for: that says nothing of how long it takes."""
_HOUR = 3600
_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class ExpectedEnd:
    """When something will have ended, as far as that can be said."""

    at: datetime
    """If nothing that is open takes longer than usual."""
    rest: timedelta
    """What follows usually takes so long, once what is open now has ended: it is not before now and this."""

    def seen(self, now: datetime) -> datetime:
        """As it looks at that time, on the full hour: it is no more exact than that."""
        return _on_the_hour(max(self.at, now + self.rest))


def with_usual(plan: Planned, usual: Usual, *, by_hand: bool) -> Planned:
    """A step's part of a plan, with how long it usually takes here. `by_hand`: people make all changes."""
    seconds = usual.get(plan.definition, plan.usual)
    if by_hand and plan.kind is StepKind.TASK and not (plan.only_reads or plan.tells_the_team):
        seconds = max(seconds, USUAL_BY_HAND)
    return plan.model_copy(update={"usual": seconds})


def possible_at(record: Record, step: StepRecord) -> datetime:
    """When all that a step needs had ended. Of one that lacks some of it: when the last of the others had."""
    needed = (record.find_step(name) for name in step.plan.needs)
    return _possible(record, [need for need in needed if need is not None])


def open_since(record: Record, step: StepRecord) -> datetime:
    """Since when it can be got on with, as if there had been no pause."""
    return possible_at(record, step) + timedelta(seconds=step.uncounted)


def expected_ends(record: Record) -> dict[str, ExpectedEnd]:
    """When each step will have ended, by its name. Nothing while the onboarding is paused, or when it is closed: then
    nobody knows; and nothing where the plan is of a time when it was not said how long steps take."""
    if not record.active or not any(step.plan.usual for step in record.steps):
        return {}
    steps = {step.name: step for step in record.steps}
    ends: dict[str, ExpectedEnd] = {}
    for step in record.steps:
        needed = [steps[name] for name in step.plan.needs if name in steps]
        ends[step.name] = _end(record, step, needed, ends)
    return ends


def expected_end(record: Record) -> ExpectedEnd | None:
    """The same of the whole onboarding."""
    return latest_end(expected_ends(record))


def latest_end(ends: Mapping[str, ExpectedEnd]) -> ExpectedEnd | None:
    """When all of these will have ended; None of nothing."""
    if not ends:
        return None
    return ExpectedEnd(max(end.at for end in ends.values()), max(end.rest for end in ends.values()))


def late_from(record: Record, end: ExpectedEnd | None) -> datetime | None:
    """From when on an onboarding that is expected to end then is late, if nothing changes until then: it is expected
    later than it was when it was requested, by more than a little. None: it never is as it stands, because it is paused
    or closed, or because it was requested before that was kept."""
    first = record.first_expected_at
    if end is None or first is None:
        return None
    limit = first + LITTLE
    return record.updated_at if end.at > limit else limit - end.rest


def is_late_now(record: Record, now: datetime) -> bool:
    """Whether an onboarding is late."""
    late = late_from(record, expected_end(record))
    return late is not None and now >= late


def overdue_from(record: Record, step: StepRecord) -> datetime | None:
    """From when on a step is open for longer than it usually takes, if nothing changes until then. None: it is not
    open, or the onboarding is not active, or was requested before it was kept how long steps take."""
    if not record.active or step.ended or step.state is StepState.PENDING or not record.first_expected_at:
        return None
    return open_since(record, step) + max(_usual(step), LEAST_LATE)


def is_overdue(record: Record, step: StepRecord, now: datetime) -> bool:
    """Whether a step is open for longer than it usually takes."""
    limit = overdue_from(record, step)
    return limit is not None and now > limit


def took(record: Record, step: StepRecord) -> timedelta | None:
    """How long a step of a completed onboarding took that somebody else brought to its end. None: that says nothing of
    how long it usually takes, as it was skipped, was so already, or something that it needs has ended again since."""
    if record.cancelled_because is not None or step.state is not StepState.DONE or step.plan.kind is StepKind.TASK:
        return None
    length = step.since - open_since(record, step)
    return length if length >= THERE_ALREADY else None


def _possible(record: Record, needed: Sequence[StepRecord]) -> datetime:
    return max((need.since for need in needed if need.ended), default=record.created_at)


def _end(
    record: Record, step: StepRecord, needed: Sequence[StepRecord], ends: Mapping[str, ExpectedEnd]
) -> ExpectedEnd:
    """`needed`: what it needs. `ends`: of what stands before it in the plan."""
    if step.ended:
        return ExpectedEnd(step.since, _NOTHING)
    usual = _usual(step)
    possible = _possible(record, needed) + timedelta(seconds=step.uncounted)
    if step.state is not StepState.PENDING:
        return ExpectedEnd(possible + usual, _NOTHING)
    before = [ends[need.name] for need in needed if not need.ended]
    begins = max((possible, *(end.at for end in before)))
    return ExpectedEnd(begins + usual, max((end.rest for end in before), default=_NOTHING) + usual)


def _usual(step: StepRecord) -> timedelta:
    return timedelta(seconds=max(step.plan.usual, USUAL_BY_HAND) if step.by_hand else step.plan.usual)


def _on_the_hour(at: datetime) -> datetime:
    return datetime.fromtimestamp(-(-at.timestamp() // _HOUR) * _HOUR, UTC)
