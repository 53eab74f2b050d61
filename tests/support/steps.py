"""The steps of a gateway's usual plan, each with its definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onboarding.core.plan import NewStep, StepKind
from onboarding.steps import LIBRARY
from tests.support import requests


class Step:
    """A step of the plan; what its definition says of it, it says too."""

    def __init__(self, new: NewStep) -> None:
        self.name = new.name
        self.needs = new.plan.needs
        self.plan = new.plan
        self.definition = LIBRARY[new.plan.definition]
        self.queue = self.name if self.plan.kind is StepKind.TASK else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.definition, name)


STEPS: tuple[Step, ...] = tuple(Step(new) for new in requests.parsed(requests.operator_connect()).plan())
BY_NAME: Mapping[str, Step] = {step.name: step for step in STEPS}
TASKS, WAITS, CHECKPOINTS = (tuple(s for s in STEPS if s.plan.kind is kind) for kind in StepKind)
