"""The real core and engine on the in-memory twins: a whole system in one object, with the clock in hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from onboarding.core.events import Confirmed
from onboarding.core.permitted import Permitted
from onboarding.core.plan import StepKind
from onboarding.core.policy import Policy
from onboarding.core.record import Event, Record, StepState
from onboarding.core.request import OnboardingRequest
from onboarding.durations import Durations
from onboarding.engine import Accepted, Engine
from onboarding.index import Index
from onboarding.looks import next_pass
from onboarding.memory import ManualClock, MemoryBus, MemoryTable, MemoryWorld
from onboarding.notify import Notifying
from onboarding.planning.store import Plans
from onboarding.reads import Reads
from onboarding.records import Records
from onboarding.timer import timer_pass

BOUND = timedelta(days=60)
"""Simulated time within which everything must have ended."""


TELLING = Notifying("https://onboarding.example.com", link_key="a key that is long enough to be trusted")


@dataclass
class System:
    """Post, deliver, tick, confirm."""

    outside: MemoryWorld = field(default_factory=MemoryWorld)
    clock: ManualClock = field(default_factory=ManualClock)
    bus: MemoryBus = field(default_factory=MemoryBus)
    onboardings: MemoryTable = field(default_factory=MemoryTable)
    trail: MemoryTable = field(default_factory=MemoryTable)
    """Table `events`."""
    shared: MemoryTable = field(default_factory=MemoryTable)
    """Table `reads`."""
    due: MemoryTable = field(default_factory=MemoryTable)
    waits: MemoryTable = field(default_factory=MemoryTable)
    plans: MemoryTable = field(default_factory=MemoryTable)
    durations: MemoryTable = field(default_factory=MemoryTable)
    policy: Policy = field(default_factory=Policy)
    telling: Notifying = TELLING
    permitted: Permitted = field(default_factory=Permitted)

    def __post_init__(self) -> None:
        self.records = Records(self.onboardings, self.trail, Index(self.due, self.waits, self.policy))
        world, policy, telling = self.outside.world, self.policy, self.telling
        reads = Reads(self.shared, policy)
        plans = Plans(self.plans)
        durations = Durations(self.durations, {})
        self.engine = Engine(
            self.records, self.bus, self.clock, world, policy, telling, reads, plans, durations, self.permitted
        )

    async def request(self, request: OnboardingRequest, *, again: bool = False) -> Accepted:
        return await self.engine.request(request, "ada", again=again)

    async def record(self, onboarding_id: str) -> Record:
        loaded = await self.records.load(onboarding_id)
        assert loaded is not None
        return loaded.record

    async def events(self, onboarding_id: str) -> list[Event]:
        return await self.records.events(onboarding_id) or []

    async def deliver(self) -> int:
        """Deliver what has arrived; how many messages."""
        arrived = self.bus.take_due(self.clock.now())
        for message in arrived:
            await self.engine.receive(message.effect)
        return len(arrived)

    async def tick(self, seconds: float = 60.0) -> None:
        """Let time pass, and the timer run at its end."""
        self.clock.advance(seconds)
        await timer_pass(self.engine)

    async def confirm_open_checkpoints(self, onboarding_id: str) -> None:
        for step in (await self.record(onboarding_id)).steps:
            if step.state is StepState.WAITING and step.plan.kind is StepKind.CHECKPOINT:
                await self.engine.happen(onboarding_id, Confirmed(step.name, "ada"))

    async def _until_something_is_due(self) -> float:
        """Seconds, a minute at least: the timer passes between change nothing."""
        times = [await next_pass(self.records.index, self.policy), self.bus.next_due()]
        at = min((t for t in times if t is not None), default=self.clock.now())
        return max(60.0, (at - self.clock.now()).total_seconds())

    async def run(self, onboarding_id: str, *, settle: bool = True, confirm: bool = True) -> Record:
        """Until nothing more can happen by itself, closed or not: Microsoft and people do their part."""
        end = self.clock.now() + BOUND
        while self.clock.now() < end:
            while await self.deliver():
                pass
            if settle:
                self.outside.settle()
            if confirm:
                await self.confirm_open_checkpoints(onboarding_id)
            record = await self.record(onboarding_id)
            if _at_rest(record) and (record.closed or not self.bus.waiting):
                return record
            await self.tick(await self._until_something_is_due())
        raise AssertionError(f"not ended after {BOUND}: {(await self.record(onboarding_id)).state}")


def _at_rest(record: Record) -> bool:
    """Nothing more happens by itself, except that people are reminded of what needs attention."""
    going_on = [s for s in record.steps if s.next_attempt_at and s.state is not StepState.NEEDS_ATTENTION]
    return not going_on and not any(n.owed for n in record.notices)


async def later(system: System, onboarding_id: str) -> Record:
    """A day later: Microsoft has done its part, people have not."""
    for _ in range(24):
        while await system.deliver():
            pass
        system.outside.settle()
        await system.tick(3600)
    return await system.record(onboarding_id)


async def finished(request: OnboardingRequest, system: System | None = None) -> tuple[System, Record]:
    """A system in which this request has been taken as far as it goes."""
    system = system or System()
    system.outside.deploy(request)
    accepted = await system.request(request)
    return system, await system.run(accepted.record.id)
