"""What time brings: lost messages and dead functions are made good, and people are reminded of open checkpoints."""

from __future__ import annotations

from datetime import timedelta

from onboarding.core.draft import Draft
from onboarding.core.events import TimePassed
from onboarding.core.notices import NoticeKind
from onboarding.core.policy import later
from onboarding.core.record import Notice, StepRecord, StepState
from onboarding.core.rules.told import Rules, Told
from onboarding.core.steps import Kind


def time_passed(h: TimePassed, draft: Draft) -> Told | None:
    """The record knows what should be happening: whatever should and isn't is set going again."""
    done: list[str] = []
    for step in draft.record.steps if not draft.record.closed else ():
        if _lost(step, draft):
            draft.make_due(step.name)
            done.append(f"{step.name} nudged again")
        elif _word_is_due(step, draft):
            done.append(_say_again(step, draft))
    for notice in draft.before.notices:
        # One that this pass has replaced is no longer owed.
        current = draft.notice(notice.id)
        if current is not None and _notice_is_lost(current, draft):
            draft.nudge_notice(notice.id)
            done.append(f"{notice.id} nudged again")
    return Told("time-passed", None, ", ".join(done)) if done else None


def _lost(step: StepRecord, draft: Draft) -> bool:
    if step.next_attempt_at is None:
        return False
    grace = timedelta(seconds=draft.policy.nudge_grace)
    return (step.state is StepState.DUE and step.next_attempt_at + grace <= draft.now) or (
        step.state is StepState.RUNNING and step.next_attempt_at <= draft.now
    )


def _notice_is_lost(notice: Notice, draft: Draft) -> bool:
    if notice.next_attempt_at is None:
        return False
    grace = timedelta(0) if notice.sending else timedelta(seconds=draft.policy.nudge_grace)
    return notice.next_attempt_at + grace <= draft.now


def _word_is_due(step: StepRecord, draft: Draft) -> bool:
    return (
        step.state is StepState.WAITING
        and step.definition.kind is Kind.CHECKPOINT
        and step.next_attempt_at is not None
        and step.next_attempt_at <= draft.now
    )


def _say_again(step: StepRecord, draft: Draft) -> str:
    """A reminder of an open checkpoint, or once, after its deadline, the escalation."""
    escalate = not step.escalated and later(step.since, draft.policy.escalate_after) <= draft.now
    draft.owe(NoticeKind.ESCALATION if escalate else NoticeKind.REMINDER, step.name)
    escalated = step.escalated or escalate
    draft.set_step(
        step.name,
        reminders=step.reminders + (not escalate),
        escalated=escalated,
        next_attempt_at=draft.next_word(step.since, escalated=escalated),
    )
    return f"{step.name} {'escalated' if escalate else 'reminded of'}"


RULES: Rules = {TimePassed: time_passed}
