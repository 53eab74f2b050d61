"""The turns of a checkpoint that goes back and forth: whose turn it is, and who said that the others are done. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from onboarding.core.record import Record, StepRecord, StepState
from onboarding.steps import definition_of
from onboarding.whom import whom_of


class TurnState(StrEnum):
    """Where one turn stands."""

    DONE = "done"
    NOW = "now"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """One turn, for whoever looks at its checkpoint."""

    name: str
    title: str
    on: str
    """The party."""
    on_name: str | None
    state: TurnState
    at: datetime | None = None
    """Of one that somebody said is done."""
    by: str | None = None
    note: str | None = None


def turns_of(record: Record, step: StepRecord, *, outside: bool = False) -> tuple[ShownTurn, ...]:
    """In their order; none of a step without. `outside`: without the names and notes of the operator's people."""
    words = {word.turn: word for word in step.words if word.turn is not None}
    titles = {turn.name: turn.title for turn in definition_of(step).turns}
    now = step.turn if step.state is not StepState.PENDING else None
    shown: list[ShownTurn] = []
    for turn in step.plan.turns:
        on, word = whom_of(record, turn.waits_on), words.get(turn.name)
        ended = word is not None or step.state is StepState.DONE
        state = TurnState.DONE if ended else TurnState.NOW if now and now.name == turn.name else TurnState.LATER
        title = titles.get(turn.name, turn.name.replace("-", " ").capitalize())
        made = ShownTurn(turn.name, title, turn.waits_on.value, on.name, state)
        if word is not None:
            hidden = outside and not word.outside
            by = "the operator" if hidden else word.who
            made = replace(made, at=word.at, by=by, note=None if hidden else word.note)
        shown.append(made)
    return tuple(shown)
