"""What the tasks of an onboarding did at Microsoft, or may have done in part: a cancel leaves it there. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.core.plan import StepKind
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.steps import definition_of

_BEGUN = (StepState.DUE, StepState.RUNNING, StepState.NEEDS_ATTENTION)


@dataclass(frozen=True, slots=True)
class Stays:
    """One step's work."""

    step: str
    """Its name."""
    title: str
    told: str
    """What it found or changed; or that it was begun and not finished."""


def what_stays(record: Record) -> tuple[Stays, ...]:
    """In the order of the steps. A task that only reads leaves nothing behind before it is done."""
    steps = (step for step in record.steps if step.plan.kind is StepKind.TASK)
    return tuple(Stays(step.name, definition_of(step).title, told) for step in steps if (told := _told(step)))


def _told(step: StepRecord) -> str | None:
    if step.state is StepState.DONE:
        return step.detail or "done"
    if step.state not in _BEGUN or not step.attempts or step.plan.only_reads:
        return None
    tried = "1 attempt" if step.attempts == 1 else f"{step.attempts} attempts"
    last = f" Last seen: {step.problem.seen}" if step.problem else ""
    return f"Not finished, after {tried}: a part of it may be in place.{last}"
