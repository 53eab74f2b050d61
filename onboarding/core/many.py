"""One control used on many onboardings at once: what that means for each of them. Pure."""

from __future__ import annotations

from enum import StrEnum

from onboarding.core.control import Control
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import Record, StepRecord

MOST_AT_ONCE = 200
"""Onboardings that one call is about at most: as many as a page of the list holds."""


class ManyControl(StrEnum):
    """The controls that may be used on many at once. The event of each takes a reason."""

    RETRY = "retry"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class Fate(StrEnum):
    """What became of one of many."""

    DONE = "done"
    POSSIBLE = "possible"
    """It would be done, as things stand."""
    REFUSED = "refused"
    """Its state does not allow it, or it is not any more what was asked for."""
    NOT_FOUND = "not-found"
    """There is no such onboarding."""
    FAILED = "failed"
    """It could not be read or written now. Whether it was written, the onboarding itself says."""
    NOT_BEGUN = "not-begun"
    """The time was over before its turn: ask for it once more."""


def stopped_with(step: StepRecord, code: ProblemCode) -> bool:
    """Whether a step that has not ended has a problem with that code."""
    return not step.ended and step.problem is not None and step.problem.code == code


def concerns(record: Record, code: ProblemCode | None) -> bool:
    """Whether a step of it has a problem with that code, where one is named."""
    return code is None or any(stopped_with(step, code) for step in record.steps)


def steps_meant(control: Control, record: Record, code: ProblemCode | None) -> tuple[str | None, ...]:
    """The steps that a control is about: those with that code, or all for which it is possible. One None: it is about
    the onboarding as a whole."""
    if control.of_step is None:
        return (None,)
    if code is not None:
        return tuple(step.name for step in record.steps if stopped_with(step, code))
    return tuple(step.name for step in record.steps if control.of_step(record, step))
