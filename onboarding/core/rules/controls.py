"""An operator's hands on one step: retry, check now, skip, reopen; and replay of lost messages."""

from __future__ import annotations

from onboarding.core.draft import Draft
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import (
    APPLICATION,
    CheckRequested,
    MadeByHand,
    ReopenRequested,
    ReplayRequested,
    RetryRequested,
    SkipRequested,
)
from onboarding.core.plan import StepKind
from onboarding.core.record import Notice, Record, StepRecord, StepState
from onboarding.core.rules.given_up import gave_up, unsent
from onboarding.core.rules.steps import because, expect_going_on, expect_open, known_step
from onboarding.core.rules.transition import RefusedError, Rules, Transition


def retry_requested(h: RetryRequested, draft: Draft) -> Transition | None:
    step = known_step(draft, h.step)
    if not retryable(step):
        raise RefusedError(
            f"'{h.step}' cannot be retried now: it is {step.state}{because(draft, step)}; only a step that needs"
            " attention, or has failed and waits for its next attempt, can be."
        )
    expect_going_on(draft, f"'{h.step}' cannot be retried")
    draft.withdraw(h.step)
    draft.begin(h.step)
    said = " ".join(filter(None, (h.reason, _pause_asked_for(draft, h.step))))
    return Transition(EventKind.RETRY_REQUESTED, h.step, said, h.actor)


def retryable(step: StepRecord) -> bool:
    """Whether it has failed: for good, or as far as its next attempt, which a person need not wait for."""
    again = step.state is StepState.DUE and step.problem is not None
    return again or step.state is StepState.NEEDS_ATTENTION


def made_by_hand(h: MadeByHand, draft: Draft) -> Transition | None:
    """It is not taken at their word: the step looks."""
    step = known_step(draft, h.step)
    if not step.by_hand:
        raise RefusedError(
            f"'{h.step}' is not done by hand now: it is a {step.plan.kind} that is {step.state}{because(draft, step)}."
        )
    expect_going_on(draft, f"'{h.step}' cannot be looked at")
    draft.withdraw(h.step)
    draft.set_step(h.step, attempts=0, failures=0, begun_at=None)
    draft.make_due(h.step)
    return Transition(EventKind.MADE_BY_HAND, h.step, _pause_asked_for(draft, h.step), h.actor)


def check_requested(h: CheckRequested, draft: Draft) -> Transition | None:
    step = known_step(draft, h.step)
    if step.plan.kind is not StepKind.WAIT or step.state is not StepState.WAITING:
        raise RefusedError(
            f"'{h.step}' cannot be checked now: it is a {step.plan.kind} that is"
            f" {step.state}{because(draft, step)}; only a wait that is waiting can be."
        )
    expect_going_on(draft, f"'{h.step}' cannot be checked")
    draft.look_now(h.step)
    return Transition(EventKind.CHECK_REQUESTED, h.step, _pause_asked_for(draft, h.step), h.actor)


def _pause_asked_for(draft: Draft, name: str) -> str:
    """Why what a person wants now is done later; empty when it is done now."""
    until = draft.record.step(name).not_before
    return f"Microsoft asked for a pause until {until:%H:%M:%S} UTC." if until and until > draft.now else ""


class NotInsistedError(RefusedError):
    """A step that the article does not let be left out is left out only by whoever insists; `why` says the first."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f'{why} Insist ("insist": true) if you know that it was done in another way.')


def skip_requested(h: SkipRequested, draft: Draft) -> Transition | None:
    step = known_step(draft, h.step)
    if step.ended:
        raise RefusedError(f"'{h.step}' cannot be skipped: it is {step.state} already{because(draft, step)}.")
    if step.state is StepState.RUNNING:
        raise RefusedError(f"'{h.step}' cannot be skipped now: a function is at it. Try again when that has ended.")
    if must_insist(step) and not h.insist:
        raise NotInsistedError(f"'{h.step}' cannot be skipped: Microsoft's article does not let it be left out.")
    draft.leave_out(h.step, h.reason, h.actor)
    return Transition(EventKind.SKIPPED, h.step, f"Insisted: {h.reason}" if must_insist(step) else h.reason, h.actor)


def must_insist(step: StepRecord) -> bool:
    """Whether the article does not let it be left out."""
    return not step.plan.may_be_left_out


def reopen_requested(h: ReopenRequested, draft: Draft) -> Transition | None:
    """What has ended after it stays so; what is open and needs it is put back until it has ended again."""
    step = known_step(draft, h.step)
    if not reopenable(step):
        raise RefusedError(
            f"'{h.step}' cannot be reopened: it is a {step.plan.kind} that is"
            f" {step.state}{because(draft, step)}; only what a person confirmed, or a step that was skipped, can be."
        )
    followers = draft.record.open_followers(step)
    running = [s.name for s in followers if s.state is StepState.RUNNING]
    if running:
        raise RefusedError(
            f"'{h.step}' cannot be reopened now: a function is at {running[0]}, which needs it."
            " Try again when that has ended."
        )
    for follower in followers:
        draft.put_back(follower.name)
    draft.put_back(h.step)
    return Transition(EventKind.REOPENED, h.step, h.reason, h.actor)


def reopenable(step: StepRecord) -> bool:
    """Whether it ended by a person's word, or was skipped."""
    confirmed = step.state is StepState.DONE and step.plan.confirmable and step.ended_by != APPLICATION
    return step.state is StepState.SKIPPED or confirmed


def replay_requested(h: ReplayRequested, draft: Draft) -> Transition | None:
    expect_open(draft, "there is nothing to replay")
    expect_going_on(draft, "Nothing can be replayed")
    steps = [s.name for s in draft.record.steps if s.state is StepState.DUE and _is_late(s, draft)]
    notices = [n.id for n in draft.record.notices if unsent(n) or (n.owed and not n.sending and _is_late(n, draft))]
    if not steps and not notices:
        raise RefusedError(
            "There is nothing to replay: no message was given up, none is late, and no notice has failed."
        )
    for name in steps:
        draft.make_due(name)
    for notice in notices:
        draft.tell_again(notice)
    return Transition(EventKind.REPLAY_REQUESTED, None, ", ".join((*steps, *notices)), h.actor)


def replayable(record: Record) -> bool:
    """Whether there is a message that was given up, or a notice that could not be sent."""
    steps = any(s.state is StepState.DUE and gave_up(s) for s in record.steps)
    return record.active and (steps or any(map(unsent, record.notices)))


def _is_late(owed: StepRecord | Notice, draft: Draft) -> bool:
    return gave_up(owed) or (owed.next_attempt_at is not None and owed.next_attempt_at <= draft.now)


CONTROL_RULES: Rules = {
    RetryRequested: retry_requested,
    MadeByHand: made_by_hand,
    CheckRequested: check_requested,
    SkipRequested: skip_requested,
    ReopenRequested: reopen_requested,
    ReplayRequested: replay_requested,
}
