"""What was answered when a step was confirmed, as pages show it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.core.answers import AnswerKind
from onboarding.core.patterns import LINK, fits
from onboarding.core.record import StepRecord


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """One answer."""

    label: str
    values: tuple[str, ...]
    is_link: bool
    """Each leads somewhere: https, and nothing else, whoever wrote the table."""


def shown_of(step: StepRecord) -> tuple[ShownAnswer, ...]:
    """A step's answers, in the order of its fields."""
    given = ((asked, step.answers[asked.name]) for asked in step.plan.asks if asked.name in step.answers)
    found = ((asked, (value,) if isinstance(value, str) else value) for asked, value in given)
    return tuple(
        ShownAnswer(asked.label, values, asked.kind is AnswerKind.LINK and all(fits(LINK, value) for value in values))
        for asked, values in found
    )
