"""An operator's hands on a whole onboarding: pause, resume, cancel, and who is told."""

from __future__ import annotations

from onboarding.core.draft import Draft, shorten
from onboarding.core.events import CancelRequested, ContactsChanged, PauseRequested, ResumeRequested
from onboarding.core.policy import later
from onboarding.core.record import Pause, StepState
from onboarding.core.request import differences
from onboarding.core.rules.steps import expect_open
from onboarding.core.rules.told import RefusedError, Rules, Told
from onboarding.core.steps import Kind, Party


def pause_requested(h: PauseRequested, draft: Draft) -> Told | None:
    """Nothing is begun until it is resumed. What a function is at just now is given up before its next write."""
    expect_open(draft, "it cannot be paused")
    if draft.record.pause is not None:
        raise RefusedError(f"The onboarding is paused already, by {draft.record.pause.by}.")
    word = later(draft.now, draft.policy.remind_again)
    draft.set(pause=Pause(since=draft.now, by=h.actor, because=shorten(h.reason), next_word_at=word))
    return Told("paused", None, h.reason, h.actor)


def resume_requested(h: ResumeRequested, draft: Draft) -> Told | None:
    expect_open(draft, "it cannot be resumed")
    if draft.record.pause is None:
        raise RefusedError(f"The onboarding is not paused; it is {draft.record.state}.")
    draft.set(pause=None)
    draft.withdraw(None)
    for step in draft.record.steps:
        if step.state is StepState.DUE:
            draft.make_due(step.name, begun_at=None)
        elif step.state is StepState.WAITING and step.definition.kind is Kind.WAIT:
            draft.look_now(step.name)
        elif step.state is StepState.WAITING:
            draft.set_step(step.name, next_attempt_at=draft.next_word(step.since, escalated=step.escalated))
    return Told("resumed", None, "", h.actor)


def cancel_requested(h: CancelRequested, draft: Draft) -> Told | None:
    """Final at once, or as soon as the functions that are at a step have come back: none begins another write."""
    if draft.record.closed or draft.record.cancelling:
        raise RefusedError(f"The onboarding cannot be cancelled: it is {draft.record.state} already.")
    draft.set(cancelled_because=shorten(h.reason), pause=None)
    draft.withdraw(None)
    for step in draft.record.steps:
        if not step.ended:
            draft.withdraw(step.name)
            if step.state is not StepState.RUNNING:
                draft.set_step(step.name, next_attempt_at=None)
    return Told("cancelled", None, h.reason, h.actor)


def contacts_changed(h: ContactsChanged, draft: Draft) -> Told | None:
    """A new onboarding team is told of what is asked of it; links that were sent to the one before are no good now."""
    expect_open(draft, "its contacts cannot be changed any more")
    before = draft.record.request
    fields = {"onboarding_team": h.onboarding_team, "notify": h.notify}
    after = before.model_copy(update={name: value for name, value in fields.items() if value is not None})
    changed = differences(before.to_json(), after.to_json())
    if not changed:
        return None
    draft.set(request=after)
    if before.onboarding_team.email.lower() != after.onboarding_team.email.lower():
        for step in draft.record.steps:
            asked = step.state is StepState.WAITING and step.definition.kind is Kind.CHECKPOINT
            if asked and step.definition.waits_on is Party.ONBOARDING_TEAM:
                draft.open(step.name)
    return Told("contacts-changed", None, ", ".join(changed), h.actor)


RULES: Rules = {
    PauseRequested: pause_requested,
    ResumeRequested: resume_requested,
    CancelRequested: cancel_requested,
    ContactsChanged: contacts_changed,
}
