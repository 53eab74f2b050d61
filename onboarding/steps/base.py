"""What a step is to the engine.

A task is `inspect` (read the world: is it done, or what is missing) and `apply` (make exactly that true, and
nothing else). Every apply may run twice. A wait is `look`, for many onboardings at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from onboarding.core.communications_gateway import GONE
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError, unexpected
from onboarding.core.record import Findings, Record
from onboarding.core.request import OnboardingRequest
from onboarding.limits import OverdueError
from onboarding.ports import Directory, Dns, GatewayResource, Gateways, Notifier


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside that steps may use, and the one constant of its cloud."""

    gateways: Gateways
    directory: Directory
    dns: Dns
    notifier: Notifier
    domain_suffix: str = "commsgw.azure.com"


@dataclass(frozen=True, slots=True)
class Work:
    """One onboarding, as a step sees it."""

    record: Record
    world: World

    @property
    def request(self) -> OnboardingRequest:
        return self.record.request

    @property
    def findings(self) -> Findings:
        return self.record.findings

    async def gateway(self) -> GatewayResource:
        """The gateway resource. Raises PersonMustActError when it isn't there."""
        found = await self.world.gateways.get(self.request.gateway.id)
        if found is None:
            raise gateway_gone(self.record)
        return found


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a look at the world showed."""

    missing: tuple[str, ...]
    """What is still to be made true, in words; empty: the step is done."""
    found: str
    """What is there, in words."""
    findings: Mapping[str, Any] = field(default_factory=dict)
    seen: Any = None
    """What `apply` needs of it."""

    @property
    def done(self) -> bool:
        return not self.missing


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` made true."""

    did: str
    findings: Mapping[str, Any] = field(default_factory=dict)


class Task(Protocol):
    """A step that we do."""

    async def inspect(self, work: Work) -> Inspection:
        """Read the world. Raises StepProblemError."""

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        """Make true what is missing. Raises StepProblemError."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the timer saw of one wait."""

    done: bool
    detail: str
    findings: Mapping[str, Any] = field(default_factory=dict)
    problem: StepProblemError | None = None


class Wait(Protocol):
    """A step that the world does."""

    async def look(self, works: Sequence[Work]) -> Mapping[str, Look]:
        """Onboarding id → what was seen, for each of these. Never raises StepProblemError: it is in the look."""


def broken(error: Exception) -> Look:
    """A look that failed as this application does not expect: it is tried again, and seen on the record meanwhile."""
    if isinstance(error, OverdueError):
        slow = TryLaterError(ProblemCode.TIMEOUT, f"{error}")
        return Look(False, slow.seen, problem=slow)
    problem = unexpected(error)
    return Look(False, problem.seen, problem=TryLaterError(problem.code, problem.seen))


def gateway_gone(record: Record) -> PersonMustActError:
    """The resource of this onboarding does not exist."""
    gateway = record.request.gateway
    return PersonMustActError(
        ProblemCode.GATEWAY_GONE,
        f"There is no gateway '{gateway.name}' in resource group '{gateway.resource_group}' of subscription"
        f" {gateway.subscription_id}, or this application may not read it.",
        f"Check the names in the request and that the managed identity has Reader on the gateway. {GONE}",
    )


def finding_missing(what: str, found_by: str) -> PersonMustActError:
    """A step needs what an earlier one finds out, and that one was skipped: nothing else leaves it out."""
    return PersonMustActError(
        ProblemCode.FINDING_MISSING,
        f"The record does not hold {what}: the step '{found_by}', which finds it, was skipped.",
        f"Reopen '{found_by}', or skip this step too if it was done in another way.",
    )


def plural(count: int, noun: str) -> str:
    """`1 line`, `2 lines`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
