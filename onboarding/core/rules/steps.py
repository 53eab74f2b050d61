"""Finding the step that a happening is about."""

from __future__ import annotations

from onboarding.core.draft import Draft
from onboarding.core.record import StepRecord, StepState
from onboarding.core.rules.transition import RefusedError, UnknownStepError

NAME_SHOWN = 100
"""Characters of a step's name that somebody made up."""


def open_step(draft: Draft, name: str) -> StepRecord | None:
    """The step, unless the onboarding is closed or has no such step (a foreign message)."""
    return None if draft.record.closed else draft.record.find_step(name)


def known_step(draft: Draft, name: str) -> StepRecord:
    """The step that a person named.

    Raises UnknownStepError when there is none, RefusedError when nothing can be done to it any more.
    """
    step = named_step(draft, name)
    expect_open(draft, "nothing can be done to its steps any more")
    return step


def named_step(draft: Draft, name: str) -> StepRecord:
    """The step of that name, whatever can be done to it. Raises UnknownStepError when there is none."""
    step = draft.record.find_step(name)
    if step is None:
        steps = ", ".join(s.name for s in draft.record.steps)
        raise UnknownStepError(f"There is no step '{name[:NAME_SHOWN]}'; the steps are {steps}.")
    return step


def expect_open(draft: Draft, so: str) -> None:
    """Raises RefusedError when the onboarding has ended or is being cancelled; `so` says what that prevents."""
    state = draft.record.state
    if draft.record.closed:
        raise RefusedError(f"The onboarding is {state}; {so}. It can be started again.")
    if draft.record.cancelling:
        raise RefusedError(f"The onboarding is {state}; {so}. It can be started again when it is cancelled.")


def expect_going_on(draft: Draft, what: str) -> None:
    """Raises RefusedError while the onboarding is paused; `what` is what was asked for: `'x' cannot be retried`."""
    pause = draft.record.pause
    if pause is not None:
        raise RefusedError(f"{what} now: the onboarding is paused, by {pause.by} ({pause.because}). Resume it first.")


def because(draft: Draft, step: StepRecord) -> str:
    """Why a step is in its state, as the end of a sentence."""
    if step.state is StepState.PENDING:
        open_needs = [s.name for s in draft.record.open_needs(step)]
        return f" until {' and '.join(open_needs)} {'has' if len(open_needs) == 1 else 'have'} ended"
    return f", by {step.ended_by}" if step.ended_by else ""
