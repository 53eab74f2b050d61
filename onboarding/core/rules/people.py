"""What people do: confirm, report a problem, retry, check, cancel."""

from __future__ import annotations

from datetime import timedelta

from onboarding.core.draft import Draft, shorten
from onboarding.core.events import (
    CancelRequested,
    CheckRequested,
    Confirmed,
    LinkRefused,
    ProblemReported,
    RetryRequested,
)
from onboarding.core.notices import NoticeKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import Problem, StepRecord, StepState
from onboarding.core.rules.steps import because, known_step, open_step
from onboarding.core.rules.told import RefusedError, Rules, Told
from onboarding.core.steps import STEPS, Kind

REFUSALS_EVERY = timedelta(minutes=1)
"""Links that are no good are noted at most so often: anybody can send them."""


def confirmed(h: Confirmed, draft: Draft) -> Told | None:
    _confirmable(draft, h.step, (StepState.WAITING, StepState.NEEDS_ATTENTION), "confirmed")
    draft.end_step(h.step, "Confirmed by a person.", by=h.actor, note=h.note)
    return Told("confirmed", h.step, h.note, h.actor)


def problem_reported(h: ProblemReported, draft: Draft) -> Told | None:
    _confirmable(draft, h.step, (StepState.WAITING,), "reported as a problem")
    seen = shorten(f"{h.actor} reports: {h.note}")
    what_next = "Talk to them; when it is put right, retry the step: the checkpoint opens again."
    draft.set_step(
        h.step,
        state=StepState.NEEDS_ATTENTION,
        next_attempt_at=None,
        problem=Problem(code=ProblemCode.REPORTED, seen=seen, what_next=what_next),
    )
    draft.owe(NoticeKind.PROBLEM_REPORTED, h.step)
    return Told("problem-reported", h.step, h.note, h.actor)


def link_refused(h: LinkRefused, draft: Draft) -> Told | None:
    step = open_step(draft, h.step)
    if step is None or (step.link_refused_at and draft.now < step.link_refused_at + REFUSALS_EVERY):
        return None
    draft.set_step(h.step, link_refused_at=draft.now)
    return Told("link-refused", h.step, h.why, "the holder of a link")


def retry_requested(h: RetryRequested, draft: Draft) -> Told | None:
    step = known_step(draft, h.step)
    if step.state is not StepState.NEEDS_ATTENTION:
        raise RefusedError(
            f"'{h.step}' cannot be retried now: it is {step.state}; only a step that needs attention can be."
        )
    draft.withdraw(h.step)
    draft.set_step(h.step, attempts=0)
    draft.begin(draft.record.step(h.step))
    return Told("retry-requested", h.step, "", h.actor)


def check_requested(h: CheckRequested, draft: Draft) -> Told | None:
    step = known_step(draft, h.step)
    if step.definition.kind is not Kind.WAIT or step.state is not StepState.WAITING:
        raise RefusedError(
            f"'{h.step}' cannot be checked now: it is a {step.definition.kind} that is {step.state};"
            " only a wait that is waiting can be."
        )
    draft.set_step(h.step, next_attempt_at=draft.now)
    return Told("check-requested", h.step, "", h.actor)


def cancel_requested(h: CancelRequested, draft: Draft) -> Told | None:
    if draft.record.closed:
        raise RefusedError(f"The onboarding cannot be cancelled: it is {draft.record.state} already.")
    for step in draft.record.steps:
        if not step.ended:
            draft.set_step(step.name, next_attempt_at=None)
            draft.withdraw(step.name)
    draft.set(closed_at=draft.now, cancelled_because=shorten(h.reason))
    draft.owe(NoticeKind.CANCELLED)
    return Told("cancelled", None, h.reason, h.actor)


def _confirmable(draft: Draft, name: str, states: tuple[StepState, ...], verb: str) -> StepRecord:
    """A step that a person may end by their word, now. Raises RefusedError."""
    step = known_step(draft, name)
    if not step.definition.confirmable:
        raise RefusedError(
            f"'{name}' is a {step.definition.kind}, which nobody can confirm; these can be confirmed: "
            + ", ".join(s.name for s in STEPS if s.confirmable)
            + "."
        )
    if step.state not in states:
        raise RefusedError(
            f"'{name}' cannot be {verb} now: it is {step.state}{because(draft, step)}."
            f" Only a step that is {' or '.join(s.replace('-', ' ') for s in states)} can be."
        )
    return step


RULES: Rules = {
    Confirmed: confirmed,
    ProblemReported: problem_reported,
    LinkRefused: link_refused,
    RetryRequested: retry_requested,
    CheckRequested: check_requested,
    CancelRequested: cancel_requested,
}
