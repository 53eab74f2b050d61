"""What a step is to the engine.

A task is `inspect` (read the world: is it done, or what is missing) and `apply` (make exactly that true, and
nothing else). Every apply may run twice. A wait is `look`, for many onboardings at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from onboarding.azure.gateway_resource import GATEWAY_DOMAIN_SUFFIX
from onboarding.azure.permissions import ChangesBy, ProjectSynergyBy
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import (
    NotApprovedError,
    PersonMustActError,
    StepProblemError,
    TryLaterError,
    unexpected_problem,
)
from onboarding.core.proposal import Api, Call, Change, ValueChange, propose
from onboarding.core.record import Record, Repair, StepRecord
from onboarding.core.request import OnboardingRequest
from onboarding.core.sight import Sight
from onboarding.core.stored import Stored
from onboarding.limits import OverdueError
from onboarding.ports import (
    NO_SENDER,
    Directory,
    Dns,
    DnsUpdates,
    DnsZones,
    Gateways,
    Notifier,
    Peerings,
    Sender,
    TlsProbe,
)

log = logging.getLogger("onboarding")


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside that steps may use, the constants of its cloud, and who may do what in it."""

    gateways: Gateways
    directory: Directory
    dns: Dns
    notifier: Notifier
    dns_zones: DnsZones
    dns_updates: DnsUpdates
    tls: TlsProbe
    peerings: Peerings
    domain_suffix: str = GATEWAY_DOMAIN_SUFFIX
    permitted_admin_users: tuple[str, ...] = ()
    """User names or object ids of those who may be made Admin without a second person."""
    permitted_applications: tuple[str, ...] = ()
    """Client ids of those that may be given roles without a second person."""
    trunks_on_loopback: bool = False
    """Whether trunks may be on this machine: in the sandbox."""
    sender: Sender = NO_SENDER
    """In whose name people outside are written to."""
    project_synergy_by: ProjectSynergyBy = ProjectSynergyBy.APPLICATION
    changes_by: ChangesBy = ChangesBy.APPLICATION


def is_by_hand(request: OnboardingRequest, world: World) -> bool:
    """Whether people make the changes: the request wants it so, or the settings do, for all."""
    return request.by_hand or world.changes_by is ChangesBy.PEOPLE


@dataclass(frozen=True, slots=True)
class Work:
    """One step of one onboarding."""

    record: Record
    world: World
    step: StepRecord
    at: datetime
    """When it is done."""
    again: bool = False
    """It was done before, and is looked at again: that it is not needed any more makes it no less a part of it."""

    @property
    def request(self) -> OnboardingRequest:
        return self.record.request

    @property
    def is_by_hand(self) -> bool:
        """Whether people make the changes, because the request or this application's own settings want it so."""
        return is_by_hand(self.request, self.world)

    def calls_by_hand(self, inspection: Inspection) -> tuple[Call, ...]:
        """What of it a person has to do. People are told by this application all the same."""
        if not self.is_by_hand:
            return ()
        calls = (change.call for change in inspection.changes)
        return tuple(call for call in calls if call is not None and call.api is not Api.MAIL)


@dataclass(frozen=True, slots=True)
class Consent:
    """Why a person has to say yes first, and to exactly what."""

    code: ProblemCode
    seen: str
    what_next: str
    changes: tuple[ValueChange, ...]

    def expect(self, step: StepRecord) -> None:
        """Raises NotApprovedError unless a person has said yes to exactly these changes."""
        proposal = propose(*self.changes)
        if step.approved != proposal.id:
            raise NotApprovedError(self.code, self.seen, self.what_next, proposal)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a look at the world showed."""

    changes: tuple[Change, ...]
    """What is still to be made true; empty: the step is done."""
    found: str
    """What is there, in words."""
    findings: Stored | None = None
    """What of it the record keeps: the step's own model, with what is known set."""
    seen: Any = None
    """What `apply` needs of it."""
    consent: Consent | None = None
    """What a person has to say yes to before any of it is made."""
    also: tuple[ValueChange, ...] = ()
    """What is seen besides and is not as it should be, though this step changes nothing about it: as it should be, and
    as it is."""

    @property
    def done(self) -> bool:
        return not self.changes


def expect_agreed(inspection: Inspection, step: StepRecord, repair: Repair | None) -> None:
    """Raises NotApprovedError unless everybody has said yes who has to: a repair changes back what was shown, or asks.

    Whoever asked for the repair has seen what it would change on the gateway; who becomes Admin, and which application
    gets roles, is another person's word.
    """
    consent = inspection.consent
    if consent is not None and (repair is None or consent.code is not ProblemCode.CHANGE_NOT_APPROVED):
        consent.expect(step)
        return
    if repair is None:
        return
    proposal = propose(*(value for change in inspection.changes for value in change.values))
    if proposal.id not in (repair.proposal, step.approved):
        raise NotApprovedError(
            ProblemCode.CHANGE_NOT_APPROVED,
            "What this repair would change is not what was shown when it was asked for: something else was changed in"
            " between. Nothing was changed.",
            "Compare before and after on the onboarding's page (`problem.proposal` of this step), and apply this change"
            " there; or cancel the repair.",
            proposal,
        )


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` made true."""

    did: str
    findings: Stored | None = None


class Task(Protocol):
    """A step that we do."""

    async def inspect(self, work: Work) -> Inspection:
        """Read the world. Raises StepProblemError."""

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        """Make true what is missing. Raises StepProblemError."""


@dataclass(frozen=True, slots=True)
class SharedRead:
    """What is read at Microsoft for all onboardings that wait there, and how that went."""

    what: str
    """`gateways` …: the partition of its row."""
    of: str
    """Which: a subscription."""
    problem: PersonMustActError | None = None
    """Microsoft refuses it: that is nothing of any one onboarding."""
    soon: bool = True
    """People are told of that at once, else when it has been so for `Policy.tell_after`."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the timer saw of one wait."""

    done: bool
    detail: str
    problem: StepProblemError | None = None
    reads: tuple[SharedRead, ...] = ()
    """The shared ones that it rests on, if they were answered. A problem of theirs stops no wait."""
    absent: bool = False
    """What it waits for was not found. That stops the wait only when it stays so."""
    shown: str | None = None
    """What a glance shows as long as there is nothing new; None: each look has to be a close one."""
    sight: Sight | None = None
    """What follows when it stays so."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a wait is about, as far as looking takes: it stands in a thin row (`index.py`), without the record."""

    shared: str
    """What it shares a look with: a subscription, a DNS zone."""
    subject: Mapping[str, str]
    """The definition's own words."""


class Wait(Protocol):
    """A step that the world does."""

    def watched(self, record: Record, step: StepRecord) -> Watched:
        """What is looked at."""

    async def glance(self, world: World, subjects: Sequence[Mapping[str, str]]) -> Sequence[str | None]:
        """What these show, all of one group, in few words: as long as it stays so, nothing new is seen, and no record
        is looked at. None: it takes a look. Raises StepProblemError when what they share can't be read."""

    async def look(self, works: Sequence[Work]) -> Sequence[Look]:
        """What was seen of each of these, in their order. Never raises StepProblemError: it is in the look."""


def failing(problem: StepProblemError) -> str:
    """What a glance shows that fails."""
    return f"! {problem.code}"


def broken(error: Exception) -> Look:
    """A look that failed as this application does not expect: it is tried again, and seen on the record meanwhile."""
    if isinstance(error, OverdueError):
        slow = TryLaterError(ProblemCode.TIMEOUT, f"{error}")
        return Look(False, slow.seen, problem=slow)
    problem = unexpected_problem(error)
    return Look(False, problem.seen, problem=TryLaterError(problem.code, problem.seen))


class EachAlone:
    """A wait of which each is read by itself: none keeps the others from their look."""

    async def glance(self, world: World, subjects: Sequence[Mapping[str, str]]) -> Sequence[str | None]:
        return await asyncio.gather(*(self._glance(world, subject) for subject in subjects))

    async def look(self, works: Sequence[Work]) -> Sequence[Look]:
        return await asyncio.gather(*(self._look(work) for work in works))

    async def shown(self, world: World, subject: Mapping[str, str]) -> str | None:
        """As `Wait.glance`, of one. Raises StepProblemError."""
        raise NotImplementedError

    async def seen(self, work: Work) -> Look:
        """As `Wait.look`, of one. Raises StepProblemError."""
        raise NotImplementedError

    async def _glance(self, world: World, subject: Mapping[str, str]) -> str | None:
        try:
            return await self.shown(world, subject) if subject else None
        except StepProblemError as problem:
            return failing(problem)

    async def _look(self, work: Work) -> Look:
        try:
            return await self.seen(work)
        except StepProblemError as problem:
            return Look(False, problem.seen, problem=problem)
        except Exception as error:
            log.exception("%s of %s failed unexpectedly", work.step.plan.definition, work.record.id)
            return broken(error)


def kept(*findings: Stored | None) -> dict[str, Any]:
    """What was found, one after the other, as the record keeps it: of what was not set it keeps what it has."""
    made: dict[str, Any] = {}
    for found in findings:
        made.update(found.model_dump(mode="json", by_alias=True, exclude_unset=True) if found else {})
    return made


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
