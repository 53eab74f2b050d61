"""A step that this version of the application does not know: another version planned it.

Nothing of it is done, and nothing is lost: it asks for a person, and what does not need it goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onboarding.core.instructions import Instructions
from onboarding.core.plan import Planned
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.record import Record, StepRecord
from onboarding.steps.base import Applied, Inspection, Look, Watched, Work, World
from onboarding.steps.definition import Definition


def unknown_step(plan: Planned) -> Definition:
    """A stand-in for the definition of a step that there is none of."""
    nobody = _Nobody(plan.definition)
    return Definition(
        plan.definition,
        plan.kind,
        plan.definition.replace("-", " ").capitalize(),
        "unknown to this version of the application",
        plan.waits_on,
        task=nobody,
        wait=nobody,
        confirmable=plan.confirmable,
        instructions=lambda record: Instructions((nobody.advice,)),
    )


class _Nobody:
    """Does nothing, and says so."""

    def __init__(self, definition: str) -> None:
        self._problem = PersonMustActError(
            ProblemCode.STEP_UNKNOWN,
            f"This version of the application does not know the step '{definition}', which another version planned.",
            "Deploy a version that knows it, then retry the step; or skip it, if it was done in another way.",
        )
        self.advice = self._problem.what_next

    async def inspect(self, work: Work) -> Inspection:
        raise self._problem

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        raise self._problem

    def watched(self, record: Record, step: StepRecord) -> Watched:
        return Watched("", {})

    async def glance(self, world: World, subjects: Sequence[Mapping[str, str]]) -> Sequence[str | None]:
        return [None] * len(subjects)

    async def look(self, works: Sequence[Work]) -> Sequence[Look]:
        return [Look(False, self._problem.seen, problem=self._problem)] * len(works)
