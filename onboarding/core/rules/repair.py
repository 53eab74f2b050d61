"""What time brings: lost messages and dead functions are made good, and people are reminded of what waits for them."""

from __future__ import annotations

from datetime import timedelta

from onboarding.core.draft import Draft
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import TimePassed
from onboarding.core.notices import NoticeKind
from onboarding.core.policy import later
from onboarding.core.record import Notice, StepRecord, StepState
from onboarding.core.rules.tasks import lost
from onboarding.core.rules.transition import Rules, Transition


def time_passed(h: TimePassed, draft: Draft) -> Transition | None:
    """The record knows what should be happening: whatever should and isn't is set going again."""
    done = [said for step in draft.record.steps if (said := _step(step, draft))]
    pause = draft.record.pause
    if pause is not None and pause.next_word_at <= draft.now:
        word = later(draft.now, draft.policy.remind_again)
        draft.set(pause=pause.model_copy(update={"next_word_at": word}))
        draft.owe(NoticeKind.PAUSED)
        done.append("reminded of the pause")
    for notice in draft.before.notices:
        # One that this pass has replaced is no longer owed.
        current = draft.notice(notice.id)
        if current is not None and _notice_is_lost(current, draft):
            _nudge_notice(current, draft)
            done.append(f"{notice.id} nudged again")
    return Transition(EventKind.TIME_PASSED, None, ", ".join(done)) if done else None


def _step(step: StepRecord, draft: Draft) -> str | None:
    """What was done about one step, in words; None: nothing was due."""
    at = step.next_attempt_at
    if at is None or at > draft.now or draft.record.closed:
        return None
    if step.state is StepState.RUNNING:
        lost(draft, step)
        return f"{step.name} did not come back"
    if not draft.record.active:
        return None
    if step.state is StepState.DUE:
        if at + draft.policy.nudge_after(step.nudges) > draft.now:
            return None
        draft.nudge(step.name)
        return f"{step.name} nudged again"
    if step.state is StepState.NEEDS_ATTENTION:
        draft.owe(NoticeKind.NEEDS_ATTENTION, step.name)
        next_word = draft.policy.next_reminder(step.since, draft.now)
        draft.set_step(step.name, reminders=step.reminders + 1, next_attempt_at=next_word)
        return f"{step.name} reminded of"
    return _say_again(step, draft) if step.with_people else None


def _notice_is_lost(notice: Notice, draft: Draft) -> bool:
    if notice.next_attempt_at is None:
        return False
    grace = timedelta(0) if notice.sending else draft.policy.nudge_after(notice.nudges)
    return notice.next_attempt_at + grace <= draft.now


def _nudge_notice(notice: Notice, draft: Draft) -> None:
    if notice.sending:
        # Unlike a step's, its attempts are not limited: so a function that dies of it each time is given time.
        seed = f"{draft.record.id}/{notice.id}/{notice.attempts}"
        draft.send_notice(notice.id, draft.policy.tell_again_after(notice.attempts, None, seed))
    else:
        draft.nudge_notice(notice)


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


REPAIR_RULES: Rules = {TimePassed: time_passed}
