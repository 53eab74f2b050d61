"""One run of one seed: chaos, then calm and diligence, then the end; and what came of it."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from uuid import UUID

from onboarding.core.record import Record
from onboarding.core.request import OnboardingRequest
from tests.simulation import loop
from tests.simulation.chaos import BIG, DAY, HOUR, MINUTE, Chaos, drawn
from tests.simulation.ending import check_end
from tests.simulation.history import remembered
from tests.simulation.invariants import Broken
from tests.simulation.world import World
from tests.support import requests

BOUND = 4 * DAY
"""Simulated seconds after the last fault within which everything must have ended: `verify-domain` is tried for three
days, also where its domain was never added because somebody skipped that."""
DILIGENCE = 20 * MINUTE
"""How soon people answer then."""

IN_A_SUBSCRIPTION = 10
"""Gateways; all are of one tenant."""
SHAPES = (
    requests.operator_connect,
    requests.teams_phone_mobile,
    requests.lab,
    requests.preselected,
    requests.own_sbc,
    requests.sbc_in_azure_dns,
    requests.sbc_by_updates,
)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run."""

    seed: int
    size: str
    broken: tuple[Broken, ...]
    gateways: int
    commits: int
    calls: int
    messages: int
    actions: int
    simulated: float
    """Days."""
    real: float
    """Seconds."""
    states: dict[str, int]
    lines: tuple[str, ...]

    @property
    def command(self) -> str:
        """Replays it."""
        return f"python3 dev.py test simulation -- --seed {self.seed}" + (" --big" if self.size == "big" else "")

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.gateways} gateways, {self.simulated:.1f} days, {self.commits} changes,"
            f" {self.calls} calls at Microsoft, {self.messages} messages, {self.actions} actions of people,"
            f" in {self.real:.2f} s; {', '.join(f'{n} {state}' for state, n in self.states.items())}"
        )


def small(seed: int, *, keep: bool = False) -> Result:
    """One to four gateways of one tenant."""
    random = Random(f"small {seed}")
    count = random.choice((1, 1, 1, 1, 2, 2, 3, 4))
    chaos = drawn(random)
    return _run(seed, "small", _gateways(random, count), chaos, hosts=random.choice((1, 2, 3)), keep=keep)


def big(seed: int, gateways: int = 1000, days: float = 14, *, keep: bool = False) -> Result:
    """Many gateways, for two simulated weeks; what has not ended by then must stand as it should."""
    random = Random(f"big {seed}")
    chaos = replace(BIG, lasts=days * DAY, troubles=max(1, gateways // 20))
    return _run(seed, "big", _gateways(random, gateways), chaos, hosts=3, keep=keep, to_the_end=False)


def _gateways(random: Random, count: int) -> list[OnboardingRequest]:
    found = []
    for number in range(count):
        body = random.choice(SHAPES)()
        body["gateway"]["name"] = f"gateway-{number}"
        if "trunks" in body["gateway"]:
            body["gateway"]["domain"] = domain = f"gateway-{number}.contoso.example"
            for place, trunk in enumerate(body["gateway"]["trunks"], 1):
                trunk["fqdn"] = f"sbc{place}.{domain}"
        else:
            body["gateway"]["subscriptionId"] = str(UUID(int=number // IN_A_SUBSCRIPTION + 1))
        body["notify"]["teams"] = random.random() < 0.7
        found.append(requests.parsed(body))
    return found


def _run(
    seed: int,
    size: str,
    gateways: Sequence[OnboardingRequest],
    chaos: Chaos,
    *,
    hosts: int,
    keep: bool,
    to_the_end: bool = True,
) -> Result:
    log = logging.getLogger("onboarding")
    before, log.disabled = log.disabled, True
    started = time.perf_counter()

    async def program(written: Mapping[str, Record]) -> World:
        world = World(seed, gateways, chaos, written, hosts=hosts, keep=keep)
        await _live(world, to_the_end=to_the_end)
        return world

    try:
        with remembered() as written, patient_collector():
            world = loop.run(lambda: program(written))
    finally:
        log.disabled = before
    states: dict[str, int] = {}
    for record in world.records.values():
        states[record.state.value] = states.get(record.state.value, 0) + 1
    return Result(
        seed,
        size,
        tuple(world.invariants.broken),
        len(gateways),
        world.history.commits,
        world.journal.calls,
        world.broker.delivered,
        world.people.actions,
        world.loop.time() / DAY,
        time.perf_counter() - started,
        states,
        tuple(world.journal.lines),
    )


@contextmanager
def patient_collector() -> Iterator[None]:
    """Python's garbage collector, which otherwise takes a fifth of the time: nearly all that is made here is freed
    without it, and what is left at the end is less than a machine has."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def _live(world: World, *, to_the_end: bool) -> None:
    timer = world.loop.create_task(world.timer())
    restless = world.loop.create_task(_chaos(world))
    over = world.loop.create_task(world.over.wait())
    await asyncio.wait({restless, over}, return_when=asyncio.FIRST_COMPLETED)
    if not world.over.is_set():
        world.calm()
        if to_the_end:
            diligent = world.loop.create_task(_diligent(world))
            await asyncio.wait({diligent, over}, return_when=asyncio.FIRST_COMPLETED)
            if diligent.done():
                diligent.result()
    if not world.over.is_set():
        await check_end(world, ended=to_the_end)
    if restless.done() and not restless.cancelled():
        restless.result()
    world.invariants.closed = True
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    # All of them: one that has not begun yet would be left pending, of which Python warns.
    await asyncio.gather(timer, restless, over, *others, return_exceptions=True)


async def _chaos(world: World) -> None:
    """Requests are posted, and everything goes wrong for a while."""
    random, chaos, lasts = world.random, world.chaos, world.chaos.lasts
    end = world.loop.time() + lasts
    world.twins.directory.lag = random.choice((0, 0, 1, 4))
    for _ in range(chaos.windows):
        world.loop.call_later(random.uniform(0, lasts), _window, world)
    for _ in range(chaos.troubles):
        world.loop.call_later(random.uniform(0, lasts), world.microsoft.begin, random.choice(world.requests))
    staff = world.loop.create_task(_staff(world))
    for request in world.requests:
        await world.people.ask(request)
        if random.random() < 0.5:
            await asyncio.sleep(random.uniform(0, lasts / 10 / len(world.requests)))
    while world.loop.time() < end:
        await asyncio.sleep(min(end - world.loop.time(), random.expovariate(1 / (chaos.actions or lasts))))
        if chaos.actions:
            await world.people.restless(random.choice(world.requests))
        if random.random() < 0.1:
            world.microsoft.mend_all()
    staff.cancel()


async def _staff(world: World) -> None:
    """People who do their work while everything goes wrong."""
    while world.chaos.staff:
        await asyncio.sleep(world.random.uniform(0.5, 1.5) * world.chaos.staff)
        world.microsoft.mend_all()
        await _answer_all(world)


async def _answer_all(world: World) -> None:
    for request in world.requests:
        record = world.records.get(request.gateway.onboarding_id)
        if record is None:
            await world.people.ask(request)
        else:
            await world.people.answer(record)


def _window(world: World) -> None:
    """Something is out of order for a while, or time does what it should not."""
    if world.chaos.windows == 0:
        return
    random = world.random
    kind = random.choice(("table", "bus", "timer", "kill", "stop", "machine", "back", "foreign"))
    if kind in ("table", "bus"):
        world.take_down(kind, HOUR)
    elif kind == "timer":
        world.take_down(kind, DAY)
    elif kind == "kill":
        world.kill_any("by a signal")
    elif kind == "stop":
        world.stop_any()
    elif kind == "foreign":
        world.broker.foreign()
    elif kind == "machine":
        seconds = random.choice((10 * MINUTE, 6 * HOUR, 3 * DAY))
        world.journal.note(f"{world.stamp()} the machine stood still for {seconds / HOUR:.1f} h")
        world.loop.jump(seconds)
    else:
        world.set_clock(-random.uniform(MINUTE, 10 * MINUTE))
        world.loop.call_later(random.uniform(MINUTE, 6 * HOUR), world.set_clock, 0.0)


async def _diligent(world: World) -> None:
    """People answer until all has ended."""
    end = world.loop.time() + BOUND
    while world.loop.time() < end:
        await _answer_all(world)
        if all(r.settled for r in world.records.values()) and len(world.onboardings) == len(world.requests):
            return
        await asyncio.sleep(DILIGENCE)
