"""When the timer has something to do of an onboarding by itself, besides looking at its waits. Pure."""

from __future__ import annotations

from datetime import datetime

from onboarding.core.plan import StepKind
from onboarding.core.policy import Policy, later
from onboarding.core.record import Notice, Record, StepRecord, StepState


def timer_at(record: Record, policy: Policy) -> datetime | None:
    """The first time at which it must be looked at: a message that did not come, a function that did not come back, a
    reminder, or a settled row that is to be moved. None: not by itself."""
    if record.settled:
        return record.updated_at
    steps = record.steps if record.active else [s for s in record.steps if s.state is StepState.RUNNING]
    times = [_of_step(step, policy) for step in steps] + [_of_notice(notice, policy) for notice in record.notices]
    if record.pause is not None and not record.closed:
        times.append(record.pause.next_word_at)
    return min((at for at in times if at is not None), default=None)


def is_watched(record: Record, step: StepRecord) -> bool:
    """Whether it is a wait that is to be looked at."""
    # The state first: of the steps of a record hardly any is waiting.
    return step.state is StepState.WAITING and step.plan.kind is StepKind.WAIT and record.active


def is_late(step: StepRecord) -> bool:
    """Whether a task did not get on at its first attempt: it is tried again, was put off by Microsoft, or its message
    did not come."""
    if step.state not in (StepState.DUE, StepState.RUNNING):
        return False
    tried = step.attempts if step.state is StepState.DUE else step.attempts - 1
    return tried > 0 or step.nudges > 0 or step.not_before is not None


def tried_until(step: StepRecord) -> datetime | None:
    """Until when a task that failed is tried on, at the latest: its budget of time ends then. None: it has not failed,
    or needs no next attempt."""
    if step.state not in (StepState.DUE, StepState.RUNNING) or step.problem is None:
        return None
    return later(step.held_since or step.begun_at or step.since, step.plan.budget.seconds)


def is_held(record: Record, step: StepRecord) -> bool:
    """Whether a step stands still, and is no wait that is looked at: a person is to act, it is late, or it is a wait
    that is left alone for now."""
    stands = step.state in (StepState.WAITING, StepState.NEEDS_ATTENTION)
    return (is_late(step) or (stands and not is_watched(record, step))) and not record.closed


def wake_at(step: StepRecord, after: datetime, policy: Policy) -> datetime | None:
    """The first time after `after` at which a wait is decided anew also if nothing new is seen: what was seen has been
    so for long enough, people are to be told."""
    times = [step.warned_at and later(step.warned_at, policy.remind_again), later(step.since, policy.warn_after)]
    times += [step.absent_since and later(step.absent_since, policy.absent_after)]
    if step.seen is not None:
        times += [step.seen.word_at, later(step.seen.since, policy.settle_after)]
    return min((at for at in times if at is not None and at > after), default=None)


def _of_step(step: StepRecord, policy: Policy) -> datetime | None:
    at = step.next_attempt_at
    if at is None or (step.state is StepState.WAITING and step.plan.kind is StepKind.WAIT):
        return None
    return at + policy.nudge_after(step.nudges) if step.state is StepState.DUE else at


def _of_notice(notice: Notice, policy: Policy) -> datetime | None:
    at = notice.next_attempt_at
    return at if at is None or notice.sending else at + policy.nudge_after(notice.nudges)
