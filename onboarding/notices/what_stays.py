"""What the tasks of an onboarding did at Microsoft, or may have done in part: a cancel leaves it there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from onboarding.core.plan import StepKind
from onboarding.core.record import MadeBy, Record, StepRecord, StepState
from onboarding.steps import definition_of

_BEGUN = (StepState.DUE, StepState.RUNNING, StepState.NEEDS_ATTENTION)
_MADE, _THERE, _UNSURE = "Made by this onboarding", "Was there already", "Made by this onboarding, or there already"
_HEADINGS: Mapping[MadeBy | None, str] = {
    MadeBy.ONBOARDING: _MADE,
    MadeBy.PERSON: _MADE,
    MadeBy.OTHERS: _THERE,
    MadeBy.UNSURE: _UNSURE,
    None: _UNSURE,
}


@dataclass(frozen=True, slots=True)
class Stays:
    """One step's work."""

    step: str
    """Its name."""
    title: str
    told: str
    """What it found or changed; or that it was begun and not finished."""
    made_by: MadeBy | None
    """None: nobody knows."""
    shared_with: str
    """Who else uses it, as the end of a sentence; empty: nobody but this onboarding's gateway."""

    @property
    def heading(self) -> str:
        """Whose it is."""
        return _HEADINGS[self.made_by]

    @property
    def advice(self) -> str:
        """What to mind before it is undone; empty: nothing."""
        by_hand = "Made by hand, with this onboarding's commands." if self.made_by is MadeBy.PERSON else ""
        shared = f"Shared with {self.shared_with}: leave it as long as they use it." if self.shared_with else ""
        return " ".join(filter(None, (by_hand, shared)))

    @property
    def whole(self) -> str:
        """All of it in one text."""
        return " ".join(filter(None, (f"{self.heading}.", self.told, self.advice)))


def what_stays(record: Record) -> tuple[Stays, ...]:
    """In the order of the steps. A task that only reads leaves nothing behind before it is done."""
    steps = (step for step in record.steps if step.plan.kind is StepKind.TASK)
    return tuple(_stays(record, step, told) for step in steps if (told := _told(step)))


def by_heading(stays: Sequence[Stays]) -> tuple[tuple[str, tuple[Stays, ...]], ...]:
    """Whose it is → what: what may be undone comes first."""
    order = (_MADE, _UNSURE, _THERE)
    ordered = sorted(stays, key=lambda it: order.index(it.heading))
    return tuple((heading, tuple(found)) for heading, found in groupby(ordered, key=lambda it: it.heading))


def _stays(record: Record, step: StepRecord, told: str) -> Stays:
    definition = definition_of(step)
    made_by = MadeBy.OTHERS if step.plan.only_reads else step.made_by
    return Stays(step.name, definition.title, told, made_by, definition.shared_with(record))


def _told(step: StepRecord) -> str | None:
    if step.state is StepState.DONE:
        return step.detail or "done"
    if step.state not in _BEGUN or not step.attempts or step.plan.only_reads:
        return None
    tried = "1 attempt" if step.attempts == 1 else f"{step.attempts} attempts"
    last = f" Last seen: {step.problem.seen}" if step.problem else ""
    return f"Not finished, after {tried}: a part of it may be in place.{last}"
