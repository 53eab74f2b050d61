"""Finding the step that a happening is about."""

from __future__ import annotations

from onboarding.core.draft import Draft
from onboarding.core.record import StepRecord, StepState
from onboarding.core.rules.told import RefusedError
from onboarding.core.steps import BY_NAME


def open_step(draft: Draft, name: str) -> StepRecord | None:
    """The step, unless the onboarding is closed or has no such step (a foreign message)."""
    return None if draft.record.closed or name not in BY_NAME else draft.record.step(name)


def known_step(draft: Draft, name: str) -> StepRecord:
    """The step that a person named. Raises RefusedError when there is none, or nothing can be done to it any more."""
    if name not in BY_NAME:
        raise RefusedError(f"There is no step '{name}'; the steps are {', '.join(BY_NAME)}.")
    if draft.record.closed:
        raise RefusedError(f"The onboarding is {draft.record.state}; nothing can be done to its steps any more.")
    return draft.record.step(name)


def because(draft: Draft, step: StepRecord) -> str:
    """Why a step is in its state, as the end of a sentence."""
    open_needs = [n for n in step.definition.needs if not draft.record.step(n).ended]
    if step.state is StepState.PENDING:
        return f" until {' and '.join(open_needs)} {'has' if len(open_needs) == 1 else 'have'} ended"
    return f", by {step.ended_by}" if step.ended_by else ""
