"""What every port `Bus` does: run for the twin in memory and for Service Bus."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

from onboarding.core.events import Effect, Nudge, NudgeNotice
from onboarding.ports import Bus
from onboarding.steps import QUEUES, TASKS


class Receiver(Protocol):
    """How a test sees what arrived."""

    async def arrived(self, queue: str, at: datetime) -> list[Effect]:
        """Take everything that has arrived on a queue by then."""


class BusBehaviour:
    """Subclasses give fixtures `bus`, `receiver` and `now` (the time by the bus's own clock)."""

    async def test_each_nudge_arrives_on_the_queue_of_its_step(
        self, bus: Bus, receiver: Receiver, now: datetime
    ) -> None:
        effects: list[Effect] = [Nudge("contoso-acg-0123456781", s.name, ticket) for ticket, s in enumerate(TASKS)]
        effects.append(NudgeNotice("contoso-acg-0123456781", "checkpoint-opened:portal-access:12", 12))
        await bus.publish(effects, now)
        arrived = await asyncio.gather(*(receiver.arrived(queue, now) for queue in QUEUES))
        assert [e for queue in arrived for e in queue] == effects

    async def test_several_nudges_for_one_queue_all_arrive(self, bus: Bus, receiver: Receiver, now: datetime) -> None:
        effects = [Nudge(f"gateway-{n:010d}", "add-domain", n) for n in range(230)]
        await bus.publish(effects, now)
        assert await receiver.arrived("add-domain", now) == effects

    async def test_publishing_nothing_is_nothing(self, bus: Bus, receiver: Receiver, now: datetime) -> None:
        await bus.publish([], now)
        assert await receiver.arrived("add-domain", now) == []

    async def test_a_nudge_for_later_arrives_after_its_time(self, bus: Bus, receiver: Receiver, now: datetime) -> None:
        at_once, later = (
            Nudge("contoso-acg-0123456781", "add-domain", 1),
            Nudge("contoso-acg-0123456782", "add-domain", 2, after=90.0),
        )
        await bus.publish([at_once, later], now)
        assert await receiver.arrived("add-domain", now + timedelta(seconds=89)) == [at_once]
        arrived = await receiver.arrived("add-domain", now + timedelta(seconds=91))
        assert arrived == [Nudge("contoso-acg-0123456782", "add-domain", 2)]


MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
