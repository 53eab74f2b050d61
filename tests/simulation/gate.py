"""The gate that stands before every effect: where others get their turn, processes die, and faults come from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, TypeVar

from onboarding.azure.answers import MicrosoftAnswer
from onboarding.azure.cooldown import ARM_LIMIT, GRAPH_LIMIT, MAIL_LIMIT, TEAMS_LIMIT, Cooldown
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import StepProblemError, TryLaterError
from onboarding.pauses import Pauses
from onboarding.ports import ConflictError
from tests.simulation.chaos import PAUSE
from tests.simulation.journal import SUBJECT, Call

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")

MEDDLING_TURNS = 30
"""Of others, within which a person's action may be through before this effect."""
LONGEST_ANSWER = 40.0
"""Seconds until the adapters give up a call (onboarding/azure/credential.py: to connect, and to read)."""


class Crash(BaseException):
    """The process that this ran in is dead: no error that anybody could handle."""


class ServiceDownError(ConnectionError):
    """Table Storage or Service Bus does not answer."""


@dataclass(slots=True)
class Process:
    """One process of the Functions host."""

    name: str
    alive: bool = True
    skew: float = 0.0
    """Seconds that its clock is ahead."""


class Gate:
    """For the effects of one process."""

    def __init__(self, world: World, process: Process) -> None:
        self.world = world
        self.process = process
        self._cooldowns: dict[str, Cooldown] = {}

    def share(self, pauses: Pauses) -> None:
        """Keep pauses as the adapters do: whoever is throttled is throttled for all, here and in other processes."""
        limits = (ARM_LIMIT, GRAPH_LIMIT, MAIL_LIMIT, TEAMS_LIMIT)
        self._cooldowns = {x.service: Cooldown(x, pauses, clock=self.world.loop.time) for x in limits}

    @property
    def random(self) -> Random:
        return self.world.random

    async def turn(self) -> None:
        """Let others go on, and die here if the seed says so, or if the process is dead already."""
        chaos = self.world.chaos
        for _ in range(self.random.randint(0, chaos.yields) if chaos.yields else 0):
            await asyncio.sleep(0)
        if chaos.meddling and SUBJECT.get().kind != "person" and self.random.random() < chaos.meddling:
            self.world.people.meddle(SUBJECT.get().onboarding)
            for _ in range(self.random.randint(0, MEDDLING_TURNS)):
                await asyncio.sleep(0)
        self.live()

    def live(self) -> None:
        """Raises Crash when the process is dead, or dies now."""
        chaos = self.world.chaos
        if self.process.alive and chaos.crash and self.random.random() < chaos.crash:
            self.world.kill(self.process, "between two effects")
        if not self.process.alive:
            raise Crash(self.process.name)

    async def state(self, what: str, about: str, effect: Callable[[], Awaitable[T]], *, writes: bool) -> T:
        """A call of Table Storage (or, `what` = publish, of Service Bus)."""
        await self.turn()
        world, service = self.world, "bus" if what == "publish" else "table"
        rate = world.chaos.bus if service == "bus" else world.chaos.table
        if world.down(service) or (rate and self.random.random() < rate):
            world.journal.note(f"{world.stamp()} {self.process.name} [{SUBJECT.get()}] {service}.{what} {about}: down")
            raise ServiceDownError(f"{service} is down")
        result = await effect()
        if writes and self._lost():
            # The SDK sends it again, and then meets its own first write; or it gives up.
            world.journal.note(f"{world.stamp()} {self.process.name} [{SUBJECT.get()}] {service}.{what}: answer lost")
            if service == "table" and self.random.random() < 0.5:
                raise ConflictError(f"{about} was changed by someone else")
            raise ServiceDownError(f"{what}: no answer")
        self.live()
        return result

    async def read(self, service: str, method: str, about: str, effect: Callable[[], Awaitable[T]]) -> T:
        """A call of Microsoft that changes nothing."""

        async def both() -> tuple[T, str]:
            return await effect(), ""

        return await self.write(service, method, about, both, writes=False)

    async def write(
        self,
        service: str,
        method: str,
        about: str,
        effect: Callable[[], Awaitable[tuple[T, str]]],
        *,
        writes: bool = True,
    ) -> T:
        """A call of Microsoft. `effect` gives its answer, and what it changed in words; empty: nothing."""
        await self.turn()
        if service in self._cooldowns:
            await self._cooldowns[service].check()
        self.live()
        self._may_call(service, method, about)
        if self.world.chaos.answer:
            await asyncio.sleep(self.world.chaos.answer)
        problem, too_late = self._fault(service, method) or (None, False)
        if problem is not None and not (too_late and writes):
            await self._note(service, method, about, problem)
            await self._slow(problem)
            raise problem
        try:
            result, changed = await effect()
        except StepProblemError as refused:
            await self._note(service, method, about, refused)
            raise
        if problem is None and writes and self._lost():
            problem = TryLaterError(ProblemCode.TIMEOUT, f"{service} gave no answer in time.")
        await self._note(service, method, about, problem, changed)
        if problem is not None:
            await self._slow(problem)
        self.live()
        if problem is not None:
            raise problem
        return result

    async def told(self, problem: StepProblemError, service: str) -> None:
        """An answer, or a part of one, may name a Retry-After."""
        if isinstance(problem, TryLaterError) and problem.retry_after is not None:
            seconds = problem.retry_after
            SUBJECT.get().told[service] = self.world.now() + timedelta(seconds=seconds)
            answer = MicrosoftAnswer.of(429, [("Retry-After", f"{seconds:.0f}")], b"")
            await self._cooldowns[service].heed(answer)

    def _may_call(self, service: str, method: str, about: str) -> None:
        self.world.invariants.before_call(SUBJECT.get(), service, method, about, self.world.now())

    def _fault(self, service: str, method: str) -> tuple[StepProblemError, bool] | None:
        """(what the call raises, whether it took effect before), or None."""
        standing = self.world.microsoft.standing_fault(service, method)
        if standing is not None:
            return standing, False
        chaos = self.world.chaos
        if chaos.throttled and service in self._cooldowns and self.random.random() < chaos.throttled:
            return TryLaterError(ProblemCode.THROTTLED, f"{service} answered 429.", PAUSE), False
        rate = chaos.microsoft
        if not rate or self.random.random() >= rate:
            return None
        return passing_fault(self.random, service)

    async def _slow(self, problem: StepProblemError) -> None:
        if problem.code is ProblemCode.TIMEOUT:
            await asyncio.sleep(self.random.choice((5.0, 20.0, LONGEST_ANSWER)))

    def _lost(self) -> bool:
        return bool(self.world.chaos.lost_answer) and self.random.random() < self.world.chaos.lost_answer

    async def _note(
        self, service: str, method: str, about: str, problem: StepProblemError | None, effect: str = ""
    ) -> None:
        world, subject, now = self.world, SUBJECT.get(), self.world.now()
        outcome = "ok"
        if problem is not None:
            outcome = str(problem.code)
            if isinstance(problem, TryLaterError) and problem.retry_after is not None:
                outcome += f", not before {problem.retry_after:.0f} s"
        call = Call(now, self.process.name, subject, service, method, about, outcome, effect)
        world.journal.add(call)
        world.invariants.after_call(call)
        if problem is not None:
            await self.told(problem, service)


def passing_fault(random: Random, service: str) -> tuple[StepProblemError, bool]:
    """A fault that is over at the next call, and whether the call takes effect all the same."""
    kinds = ("throttled", "throttled", "outage", "timeout", "no-answer", "lag", "busy")
    # A DNS server asks nobody for a pause.
    kind = random.choice(("timeout", "no-answer") if service == "dns" else kinds)
    effect = random.random() < 0.5
    if kind == "throttled":
        after = random.choice((None, 1.0, 7.0, 60.0, 600.0, 1800.0))
        return TryLaterError(ProblemCode.THROTTLED, f"{service} answered 429.", after), False
    if kind == "outage":
        after = random.choice((None, None, 30.0))
        return TryLaterError(ProblemCode.OUTAGE, f"{service} answered 503.", after), effect and after is None
    if kind == "timeout":
        return TryLaterError(ProblemCode.TIMEOUT, f"{service} gave no answer in time."), effect
    if kind == "no-answer":
        return TryLaterError(ProblemCode.NO_ANSWER, f"The connection to {service} broke."), effect
    if kind == "lag":
        return TryLaterError(ProblemCode.NOT_REPLICATED, f"{service} does not know it yet."), False
    return TryLaterError(ProblemCode.BUSY, f"{service} is at another operation."), False
