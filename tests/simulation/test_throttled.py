"""Many gateways at once, and Microsoft throttles: each waits its turn, and nobody has to see to anything."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import Event, Record
from tests.simulation import loop
from tests.simulation.chaos import CALM, MINUTE, PAUSE, Chaos
from tests.simulation.history import remembered
from tests.simulation.run import IN_A_SUBSCRIPTION, patient_collector
from tests.simulation.world import World
from tests.support import requests

GATEWAYS = 200
WITHIN = 60 * MINUTE
"""Of simulated time: before pauses were waited for in turn, it took 96 minutes."""
ROUND = MINUTE
"""Seconds between two rounds of people, who answer at once."""
BUSY = replace(CALM, answer=0.05, provisioning=(MINUTE, MINUTE))
NEXT = re.compile(r"Next attempt in (\d+) s\.$")


@dataclass(slots=True)
class Fleet:
    """What came of it."""

    seconds: float = 0.0
    messages: int = 0
    records: list[Record] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def told(self, what: str) -> list[Event]:
        return [event for event in self.events if event.what == what]


def fleet(chaos: Chaos, count: int = GATEWAYS) -> Fleet:
    """So many gateways are requested at one moment, of three processes; until the last is connected."""
    bodies = [requests.operator_connect() for _ in range(count)]
    for number, body in enumerate(bodies):
        body["gateway"]["name"] = f"gateway-{number}"
        body["gateway"]["subscriptionId"] = str(UUID(int=number // IN_A_SUBSCRIPTION + 1))
    asked, result = [requests.parsed(body) for body in bodies], Fleet()

    async def program(written: Mapping[str, Record]) -> None:
        world = World(1, asked, chaos, written, hosts=3)
        timer = world.loop.create_task(world.timer())
        await asyncio.gather(*(world.people.ask(request) for request in asked))
        while not all(record.settled for record in world.records.values()) and world.loop.time() < WITHIN:
            await asyncio.sleep(ROUND)
            world.twins.settle()
            for record in list(world.records.values()):
                await world.people.answer(record)
        timer.cancel()
        assert not world.invariants.broken, world.invariants.broken
        host = world.a_process()
        assert host is not None
        for record in world.records.values():
            result.events += await host.engine.records.events(record.id) or []
        result.seconds, result.messages = world.loop.time(), world.broker.delivered
        result.records = list(world.records.values())

    with remembered() as written, patient_collector():
        loop.run(lambda: program(written))
    return result


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("onboarding"), "disabled", True)


def test_a_fleet_that_is_throttled_waits_in_turn_and_all_of_it_is_connected() -> None:
    """5 % of calls for 2 s: 33 of 200 were done when all would have been, gaps were 307 s, 27 attempts of 30 gone."""
    done = fleet(replace(BUSY, throttled=0.05))
    assert Counter(record.state.value for record in done.records) == {"completed": GATEWAYS}
    problems = {step.problem.code for record in done.records for step in record.steps if step.problem}
    assert problems <= {ProblemCode.ADMIN_USER_NOT_APPROVED}, "nobody had to see to anything else"
    postponed = [event.detail for event in done.told("step-postponed")]
    held_up = [detail for detail in postponed if "nothing was sent" in detail]
    throttled = [detail for detail in postponed if "answered 429" in detail]
    assert len(held_up) + len(throttled) == len(postponed)
    assert len(throttled) > GATEWAYS, "a run in which nothing happens shows nothing"
    attempts = [int(event.detail.removeprefix("attempt ")) for event in done.told("step-started")]
    assert sum(number > 1 for number in attempts) < 5 * len(throttled), "what sent nothing counts nothing"
    assert max(attempts) <= 8
    assert max(int(found[1]) for detail in throttled if (found := NEXT.search(detail))) <= 2 * PAUSE + 2
    assert done.seconds < WITHIN


def test_a_fleet_that_is_not_throttled_needs_no_message_in_vain() -> None:
    done = fleet(BUSY, 30)
    assert done.messages == len(done.told("step-started")) + len(done.told("notice-started"))
    assert not done.told("time-passed")
    assert not done.told("step-postponed")
    assert done.seconds <= 6 * MINUTE
