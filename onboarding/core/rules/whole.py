"""An operator's hands on a whole onboarding: pause, resume, cancel, and who is told."""

from __future__ import annotations

from datetime import datetime

from onboarding.core.bounds import shorten
from onboarding.core.draft import Draft
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import CancelRequested, ContactsChanged, PauseRequested, ResumeRequested
from onboarding.core.plan import Party, StepKind
from onboarding.core.policy import later
from onboarding.core.record import Pause, StepRecord, StepState
from onboarding.core.request import differences
from onboarding.core.rules.drift import repair_given_up
from onboarding.core.rules.given_up import unsent
from onboarding.core.rules.steps import expect_open
from onboarding.core.rules.transition import RefusedError, Rules, Transition


def pause_requested(h: PauseRequested, draft: Draft) -> Transition | None:
    """Nothing is begun until it is resumed. What a function is at just now is given up before its next write."""
    expect_open(draft, "it cannot be paused")
    pause = draft.record.pause
    if pause is not None:
        raise RefusedError(f"The onboarding is paused already, by {pause.by} ({pause.because}). Resume it to go on.")
    word = later(draft.now, draft.policy.remind_again)
    draft.set(pause=Pause(since=draft.now, by=h.actor, because=shorten(h.reason), next_word_at=word))
    return Transition(EventKind.PAUSED, None, h.reason, h.actor)


def resume_requested(h: ResumeRequested, draft: Draft) -> Transition | None:
    expect_open(draft, "it cannot be resumed")
    if draft.record.pause is None:
        raise RefusedError(f"The onboarding is not paused; it is {draft.record.state}.")
    paused_at = draft.record.pause.since
    first = draft.record.first_expected_at
    draft.set(pause=None, first_expected_at=first and first + (draft.now - paused_at))
    draft.withdraw(None)
    for step in draft.record.steps:
        _leave_the_pause_out(draft, step, paused_at)
        step = draft.record.step(step.name)
        if step.state is StepState.DUE:
            draft.make_due(step.name, begun_at=None)
        elif step.state is StepState.WAITING and step.plan.kind is StepKind.WAIT:
            draft.look_now(step.name)
        elif step.state is StepState.NEEDS_ATTENTION:
            draft.set_step(step.name, next_attempt_at=draft.policy.next_reminder(step.since, draft.now))
        elif step.state is StepState.WAITING and step.next_attempt_at is None:
            draft.open(step.name)
        elif step.state is StepState.WAITING:
            draft.set_step(step.name, next_attempt_at=draft.next_word(step.since, escalated=step.escalated))
    return Transition(EventKind.RESUMED, None, h.reason, h.actor)


def _leave_the_pause_out(draft: Draft, step: StepRecord, paused_at: datetime) -> None:
    """Nobody was asked, and nothing looked at, meanwhile: reminders and warnings go on from where they were, and it
    counts against nobody."""
    if not step.ended and step.state is not StepState.PENDING:
        draft.set_step(step.name, uncounted=step.uncounted + (draft.now - paused_at).total_seconds())
    if step.state in (StepState.WAITING, StepState.NEEDS_ATTENTION):
        pause = draft.now - max(paused_at, step.since)
        warned_at = step.warned_at and step.warned_at + pause
        seen = step.seen and step.seen.shifted(pause)
        draft.set_step(step.name, since=step.since + pause, warned_at=warned_at, seen=seen)


def cancel_requested(h: CancelRequested, draft: Draft) -> Transition | None:
    """Final at once, or as soon as the functions that are at a step have come back: none begins another write."""
    if draft.record.closed or draft.record.cancelling:
        raise RefusedError(f"The onboarding cannot be cancelled: it is {draft.record.state} already.")
    if draft.record.repair is not None:
        return repair_given_up(draft, draft.record.repair, h.actor, h.reason)
    draft.set(cancelled_because=shorten(h.reason), pause=None)
    draft.withdraw(None)
    for step in draft.record.steps:
        if not step.ended:
            draft.withdraw(step.name)
            if step.state is not StepState.RUNNING:
                draft.set_step(step.name, next_attempt_at=None)
    return Transition(EventKind.CANCELLED, None, h.reason, h.actor)


def contacts_changed(h: ContactsChanged, draft: Draft) -> Transition | None:
    """A new onboarding team is told of what is asked of it; links that were sent to the one before are no good now.

    What could not be sent is tried at once: an address may have been the reason.
    """
    expect_open(draft, "its contacts cannot be changed any more")
    before = draft.record.request
    fields = {"onboarding_team": h.onboarding_team, "notify": h.notify}
    after = before.model_copy(update={name: value for name, value in fields.items() if value is not None})
    changed = differences(before.to_json(), after.to_json())
    if not changed:
        return None
    draft.set(request=after, posted_contacts=draft.record.posted_contacts or before.contacts)
    if before.onboarding_team.email.lower() != after.onboarding_team.email.lower():
        for step in draft.record.steps:
            _ask_the_new_team(draft, step)
    for notice in filter(unsent, draft.record.notices):
        draft.tell_again(notice.id)
    return Transition(EventKind.CONTACTS_CHANGED, None, ", ".join(changed), h.actor)


def _ask_the_new_team(draft: Draft, step: StepRecord) -> None:
    if step.plan.tells_the_team and step.state is StepState.RUNNING:
        raise RefusedError(
            f"The team cannot be changed now: a function is at '{step.name}'. Try again when that has ended."
        )
    if step.plan.tells_the_team and step.state is StepState.DONE:
        followers = draft.record.open_followers(step)
        for again in (*followers, step) if followers else ():
            draft.put_back(again.name)
    asked = step.state is StepState.WAITING and step.plan.kind is StepKind.CHECKPOINT
    if asked and step.waits_on is Party.ONBOARDING_TEAM:
        draft.open(step.name)


WHOLE_RULES: Rules = {
    PauseRequested: pause_requested,
    ResumeRequested: resume_requested,
    CancelRequested: cancel_requested,
    ContactsChanged: contacts_changed,
}
