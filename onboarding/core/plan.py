"""The plan of an onboarding: which steps it has, what each needs, and who brings it to its end.

A plan is made once, when an onboarding is created, and stands on its record. The rules read it there: so a record runs
to its end by the plan that it was made with, whatever is planned for others meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from onboarding.core.answers import Field
from onboarding.core.stored import Stored

DAY = 86400.0
"""Seconds."""


class StepKind(StrEnum):
    """Who brings a step to its end."""

    TASK = "task"
    """We do: the step's queue-triggered function."""
    WAIT = "wait"
    """The world does; the timer looks."""
    CHECKPOINT = "checkpoint"
    """A person does, and says so over HTTP."""


class Party(StrEnum):
    """On whom a step waits, as shown to people."""

    US = "this application"
    MICROSOFT = "Microsoft"
    ONBOARDING_TEAM = "the onboarding team"
    ADMIN_USER = "the admin user"
    OPERATOR = "the operator"
    """Its own people, whoever of them it concerns."""
    VENDOR = "the vendor"
    """Who runs the equipment for the operator."""
    DNS_OWNER = "the owner of the DNS zone"


class Budget(Stored):
    """How long a task is tried before a person is asked, whichever ends first."""

    attempts: int = 30
    """With the gaps of `policy.py`, these take about 20 hours of an outage."""
    seconds: float = DAY
    """From the first attempt on."""
    patience: float = 1.0
    """No gap between attempts is shorter than so many times the shortest: whom is asked is asked gently."""


USUAL_BUDGET = Budget()


class Turn(Stored):
    """One of several things that a checkpoint waits for, one after the other, each on somebody."""

    name: str
    waits_on: Party


class Planned(Stored):
    """What the rules know of a step: its part of the plan."""

    definition: str
    """What is to be done: the name of a module in `steps/`, with hyphens, and of a task's queue."""
    kind: StepKind
    needs: tuple[str, ...] = ()
    """Names of the steps that must have ended first."""
    about: str | None = None
    """Which one, where a plan has several of one definition."""
    waits_on: Party = Party.US
    confirmable: bool = False
    """A person may end it by saying that it is so."""
    may_be_left_out: bool = False
    """Microsoft's article itself lets it be left out; else an operator has to insist."""
    tells_the_team: bool = False
    """It sends the onboarding team something: done again for another team, while what needs it is open."""
    only_reads: bool = False
    """It changes nothing at Microsoft, and tells nobody."""
    budget: Budget = USUAL_BUDGET
    asks: tuple[Field, ...] = ()
    """What a person who ends it is asked for."""
    usual: float = 0.0
    """Seconds that it usually takes from when it can begin; 0: about nothing."""
    turns: tuple[Turn, ...] = ()
    """Of a checkpoint that goes back and forth, in their order; what it asks for belongs to the last."""

    @model_serializer(mode="wrap")
    def _what_differs(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what is as ever: a row has room for so much."""
        made = {k: v for k, v in handler(self).items() if v and v != _USUAL.get(k)}
        if "asks" in made:
            made["asks"] = [{k: v for k, v in asked.items() if v != _USUAL_FIELD.get(k)} for asked in made["asks"]]
        return made


_USUAL: dict[str, Any] = {"waitsOn": Party.US.value, "budget": USUAL_BUDGET.to_json()}
_USUAL_FIELD: dict[str, Any] = {
    f.name: [] if f.default == () else f.default for f in fields(Field) if f.default is not MISSING
}
"""As JSON."""


@dataclass(frozen=True, slots=True)
class NewStep:
    """One step of a plan in the making."""

    name: str
    """Its own: that of its definition, with what it is about where there are several."""
    plan: Planned
    left_out_because: str | None = None
    """Why it is skipped from the beginning on."""


def check_plan(steps: Sequence[NewStep]) -> None:
    """Raises ValueError for a name that stands twice, and for a step that needs one which does not stand before it."""
    before: set[str] = set()
    for step in steps:
        unknown = [name for name in step.plan.needs if name not in before]
        if step.name in before or unknown:
            what = f"needs {', '.join(unknown)}, which is not planned before it" if unknown else "is planned twice"
            raise ValueError(f"the step '{step.name}' {what}")
        before.add(step.name)
