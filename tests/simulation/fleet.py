"""Many gateways that are requested at once, on a clock in hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from onboarding.core.record import Event, Record
from tests.simulation import loop
from tests.simulation.chaos import CALM, MINUTE, Chaos
from tests.simulation.history import remembered
from tests.simulation.run import IN_A_SUBSCRIPTION, patient_collector
from tests.simulation.world import World
from tests.support import requests

WITHIN = 60 * MINUTE
"""Of simulated time: before pauses were waited for in turn, 200 took 96 minutes."""
ROUND = MINUTE
"""Seconds between two rounds of people, who answer at once."""
BUSY = replace(CALM, answer=0.05, provisioning=(MINUTE, MINUTE))


@dataclass(slots=True)
class Fleet:
    """What came of it."""

    seconds: float = 0.0
    messages: int = 0
    records: list[Record] = field(default_factory=list)
    events: list[tuple[str, Event]] = field(default_factory=list)
    """Of which onboarding, and the event; oldest first in each."""

    def told(self, what: str) -> list[Event]:
        return [event for _, event in self.events if event.what == what]


def fleet(chaos: Chaos, count: int, within: float = WITHIN) -> Fleet:
    """So many gateways are requested at one moment, of three processes; until the last is connected, or so many
    seconds have passed.
    """
    bodies = [requests.operator_connect() for _ in range(count)]
    for number, body in enumerate(bodies):
        body["gateway"]["name"] = f"gateway-{number}"
        body["gateway"]["subscriptionId"] = str(UUID(int=number // IN_A_SUBSCRIPTION + 1))
    asked, result = [requests.parsed(body) for body in bodies], Fleet()

    async def program(written: Mapping[str, Record]) -> None:
        world = World(1, asked, chaos, written, hosts=3)
        timer = world.loop.create_task(world.timer())
        await asyncio.gather(*(world.people.ask(request) for request in asked))
        while not all(record.settled for record in world.records.values()) and world.loop.time() < within:
            await asyncio.sleep(ROUND)
            world.twins.settle()
            for record in list(world.records.values()):
                await world.people.answer(record)
        timer.cancel()
        assert not world.invariants.broken, world.invariants.broken
        host = world.a_process()
        assert host is not None
        for record in world.records.values():
            result.events += [(record.id, event) for event in await host.engine.records.events(record.id) or ()]
        result.seconds, result.messages = world.loop.time(), world.broker.delivered
        result.records = list(world.records.values())

    with remembered() as written, patient_collector():
        loop.run(lambda: program(written))
    return result
