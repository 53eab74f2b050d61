"""The whole system in one simulated world: hosts, tables, bus, Microsoft and people, on one virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import cast

from onboarding.core.policy import Policy
from onboarding.core.record import Record
from onboarding.core.request import OnboardingRequest
from onboarding.durations import Durations
from onboarding.engine import Engine
from onboarding.index import DUE, WAITS, Index
from onboarding.limits import OverdueError
from onboarding.looks import next_pass
from onboarding.memory import MemoryBus, MemoryTable, MemoryWorld
from onboarding.memory.clock import START
from onboarding.notify import Notifying
from onboarding.pauses import Pauses
from onboarding.planning.store import Plans
from onboarding.ports import Row
from onboarding.reads import Reads
from onboarding.records import Records
from onboarding.steps.base import World as Outside
from onboarding.timer import timer_pass
from tests.simulation.broker import Broker
from tests.simulation.chaos import CALM, MINUTE, Chaos
from tests.simulation.gate import Crash, Gate, Process
from tests.simulation.gated import (
    GatedBus,
    GatedDirectory,
    GatedDns,
    GatedDnsUpdates,
    GatedDnsZones,
    GatedGateways,
    GatedNotifier,
    GatedPeerings,
    GatedTable,
    GatedTls,
)
from tests.simulation.history import History
from tests.simulation.invariants import Invariants
from tests.simulation.journal import SUBJECT, Journal, Subject
from tests.simulation.loop import VirtualLoop
from tests.simulation.microsoft import Microsoft
from tests.simulation.people import People
from tests.support.trunks import show_certificates

TELLING = Notifying("https://onboarding.example.com", link_key="a key that is long enough to be trusted")


@dataclass(slots=True)
class Host(Process):
    """A process with the application in it."""

    engine: Engine = field(init=False)
    stopping: bool = False
    """Told to stop: it takes nothing new, and ends what it holds."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Clock:
    """A port `Clock`: one process's."""

    def __init__(self, world: World, skew: float) -> None:
        self._world = world
        self._skew = timedelta(seconds=skew)

    def now(self) -> datetime:
        return self._world.now() + self._skew

MANY = 100
"""Gateways. Of more, the timer passes each minute."""


class World:
    """Made inside the virtual loop that it lives in."""

    def __init__(
        self,
        seed: int,
        requests: Sequence[OnboardingRequest],
        chaos: Chaos,
        written: Mapping[str, Record],
        *,
        hosts: int = 1,
        keep: bool = False,
    ) -> None:
        """`written`: what each commit wrote (`history.remembered`)."""
        self.loop = cast(VirtualLoop, asyncio.get_running_loop())
        self.random = Random(seed)
        self.chaos = chaos
        self.requests = requests
        self.policy = Policy()
        self.telling = TELLING
        self.journal = Journal(keep=keep)
        self.over = asyncio.Event()
        """Something broke: nothing more need be simulated."""
        self.records: dict[str, Record] = {}
        """The last committed version of each."""
        self.twins = MemoryWorld()
        self.onboardings, self.events, self.bus = MemoryTable(), MemoryTable(), MemoryBus()
        self.reads, self.due, self.waits = MemoryTable(), MemoryTable(), MemoryTable()
        self.pauses, self.plans, self.durations = MemoryTable(), MemoryTable(), MemoryTable()
        self.due.watch = self.waits.watch = self.due_changed
        self.invariants = Invariants(self)
        self.history = History(self, written)
        self.broker = Broker(self)
        self.microsoft = Microsoft(self, self.twins)
        self.people = People(self)
        self.onboardings.watch = self.history.written
        self.bus.carry = self.broker.carry
        self.offset = 0.0
        """Seconds that the application's clock is ahead of the world's."""
        self.passes = 0
        self._commits = count(1)
        self._down: dict[str, float] = {}
        self._due = asyncio.Event()
        self._hosts = [self._host(f"host-{place + 1}") for place in range(hosts)]
        for request in requests:
            self.twins.deploy(request)
            show_certificates(self.twins, request)
            self.microsoft.has_zone(request)

    # -- time ---------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """By the application's clock."""
        return START + timedelta(seconds=self.loop.time() + self.offset)

    def loop_time(self, moment: datetime) -> float:
        """A moment as the bus's clock has it."""
        return (moment - START).total_seconds()

    def stamp(self) -> str:
        """For the journal."""
        return f"{self.now():%d %H:%M:%S}"

    # -- hosts --------------------------------------------------------------------------------------------------

    def _host(self, name: str) -> Host:
        host = Host(name, skew=self.random.uniform(-0.4, 0.4) if self.chaos is not CALM else 0.0)
        gate = Gate(self, host)
        outside = Outside(
            GatedGateways(gate, self.twins.gateways),
            GatedDirectory(gate, self.twins.directory),
            GatedDns(gate, self.twins.dns),
            GatedNotifier(gate, self.twins.notifier),
            GatedDnsZones(gate, self.twins.dns_zones),
            GatedDnsUpdates(gate, self.twins.dns_updates),
            GatedTls(gate, self.twins.tls),
            GatedPeerings(gate, self.twins.peerings),
            permitted_applications=self.twins.permitted_applications,
        )
        index = Index(GatedTable(gate, self.due), GatedTable(gate, self.waits), self.policy)
        onboardings, events = GatedTable(gate, self.onboardings), GatedTable(gate, self.events)
        records = Records(onboardings, events, index, lambda: f"commit-{next(self._commits)}")
        clock = Clock(self, host.skew)
        gate.share(Pauses(GatedTable(gate, self.pauses), clock))
        reads = Reads(GatedTable(gate, self.reads), self.policy)
        plans = Plans(GatedTable(gate, self.plans))
        durations = Durations(GatedTable(gate, self.durations), {})
        host.engine = Engine(
            records, GatedBus(gate, self.bus), clock, outside, self.policy, self.telling, reads, plans, durations
        )
        return host

    def a_process(self) -> Host | None:
        """One that is alive; None when none is."""
        alive = [host for host in self._hosts if host.alive and not host.stopping]
        return self.random.choice(alive) if len(alive) > 1 else alive[0] if alive else None

    def kill(self, process: Process, why: str) -> None:
        """A process dies; another takes its place after a while."""
        if not process.alive:
            return
        process.alive = False
        self.journal.note(f"{self.stamp()} {process.name} died {why}")
        self.loop.call_later(self.random.uniform(2, 90), self._start, self._hosts.index(cast(Host, process)))

    def _start(self, place: int) -> None:
        name, _, count = self._hosts[place].name.partition("/")
        self._hosts[place] = self._host(f"{name}/{int(count or 1) + 1}")

    def kill_any(self, why: str) -> None:
        """One of them, when one is alive."""
        process = self.a_process()
        if process is not None:
            self.kill(process, why)

    def stop_any(self) -> None:
        """One is told to stop, and is ended a little later."""
        process = self.a_process()
        if process is None:
            return
        self.journal.note(f"{self.stamp()} {process.name} is told to stop")
        process.stopping = True
        for task in sorted(process.tasks, key=lambda t: t.get_name()):
            task.cancel()
        self.loop.call_later(10, self.kill, process, "as it was told to")

    # -- outages ------------------------------------------------------------------------------------------------

    def down(self, what: str) -> bool:
        """Whether `table`, `bus` or `timer` is out of order now."""
        return self.loop.time() < self._down.get(what, 0.0)

    def take_down(self, what: str, seconds: float) -> None:
        """For so long."""
        self.journal.note(f"{self.stamp()} {what} is down for {seconds:.0f} s")
        self._down[what] = self.loop.time() + seconds

    def set_clock(self, offset: float) -> None:
        """The application's clock is set."""
        self.journal.note(f"{self.stamp()} the clock is set from {self.offset:+.0f} s to {offset:+.0f} s")
        self.offset = offset
        self._due.set()

    def calm(self) -> None:
        """Faults stop, and everything is put right."""
        self.journal.note(f"{self.stamp()} faults stop")
        self.chaos = CALM
        self._down.clear()
        self.set_clock(0.0)
        self.microsoft.mend_all()
        self.twins.directory.replicate()

    # -- the timer ----------------------------------------------------------------------------------------------

    def due_changed(self, operation: str, row: Row) -> None:
        """A row that the timer reads was written: it may have to come by earlier."""
        if operation == "upsert" and row.partition in (DUE, WAITS):
            self._due.set()

    async def timer(self) -> None:
        """The timer trigger: each minute at which something is due. A pass with nothing due changes nothing.

        Of many gateways something is due in most minutes: to look whether would take as long as to pass.
        """
        last, index = -MINUTE, Index(self.due, self.waits, self.policy)
        while True:
            self._due.clear()
            many = len(self.requests) > MANY
            due_at = self.now() if many else await next_pass(index, self.policy)
            if due_at is None:
                await self._due.wait()
                continue
            due = (due_at - START).total_seconds() - self.offset
            minute = -(-max(due, last + 1.0, self.loop.time()) // MINUTE) * MINUTE
            wake = self.loop.call_at(minute, self._due.set)
            await self._due.wait()
            wake.cancel()
            if self.loop.time() < minute:
                continue
            last = self.loop.time()
            process = self.a_process()
            if process is not None and not self.down("timer"):
                self.passes += 1
                await self.loop.create_task(self._pass(process))

    async def _pass(self, host: Host) -> None:
        SUBJECT.set(Subject("timer"))
        try:
            await timer_pass(host.engine)
        except (Crash, ConnectionError, OverdueError) as error:
            # A machine that stands still breaks a pass off; the next one comes all the same.
            self.journal.note(f"{self.stamp()} {host.name} timer pass ended by {type(error).__name__}")
