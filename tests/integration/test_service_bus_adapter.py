"""Service Bus through azure-servicebus, on the broker of the sandbox."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.servicebus import ServiceBusMessageState, ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import ServiceBusError

from onboarding.azure.service_bus import ServiceBusPublisher
from onboarding.core.events import Effect, Nudge, NudgeNotice
from onboarding.core.messages import decode
from sandbox.servicebus import Broker, load
from tests.twins.bus import BusBehaviour

CONFIG = Path(__file__).resolve().parents[2] / "infra" / "servicebus" / "Config.json"


class Later:
    """A clock for the broker that can be moved ahead of the true time."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Later:
    return Later()


@pytest.fixture
def broker(clock: Later) -> Iterator[Broker]:
    with Broker(load(CONFIG), clock=clock) as running:
        yield running


class Queues:
    """Receives with the genuine SDK, as the Functions host does."""

    def __init__(self, broker: Broker, clock: Later) -> None:
        self._broker = broker
        self._clock = clock

    async def messages(self, queue: str) -> list[ServiceBusReceivedMessage]:
        """Take everything that is there now."""
        taken: list[ServiceBusReceivedMessage] = []
        async with (
            ServiceBusClient.from_connection_string(self._broker.connection_string) as client,
            client.get_queue_receiver(queue) as receiver,
        ):
            while any(m.state is ServiceBusMessageState.ACTIVE for m in await receiver.peek_messages(100)):
                for message in await receiver.receive_messages(max_message_count=100, max_wait_time=1):
                    await receiver.complete_message(message)
                    taken.append(message)
        return taken

    async def arrived(self, queue: str, at: datetime) -> list[Effect]:
        self._clock.ahead = max(self._clock.ahead, at.timestamp() - time.time())
        self._broker.wake()
        return [decode(b"".join(m.body)) for m in await self.messages(queue)]


@pytest.fixture
def receiver(broker: Broker, clock: Later) -> Queues:
    return Queues(broker, clock)


@pytest.fixture
async def bus(broker: Broker) -> AsyncIterator[ServiceBusPublisher]:
    publisher = ServiceBusPublisher(connection_string=broker.connection_string)
    await publisher.open()
    yield publisher
    await publisher.close()


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


class TestServiceBusPublisher(BusBehaviour):
    pass


async def test_authorities_are_read_once_for_all_queues(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading them takes 30 ms, in which the process does nothing else."""
    loads: list[object] = []
    load = ssl.SSLContext.load_verify_locations

    def counted(self: ssl.SSLContext, *args: Any, **kwargs: Any) -> None:
        loads.append((args, kwargs))
        load(self, *args, **kwargs)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    publisher = ServiceBusPublisher(connection_string=broker.connection_string)
    await publisher.open()
    await publisher.close()
    assert len(loads) == 1


async def test_the_message_says_what_it_is(bus: ServiceBusPublisher, receiver: Queues, now: datetime) -> None:
    await bus.publish([Nudge("contoso-acg-0123456781", "add-domain", 7)], now)
    (message,) = await receiver.messages("add-domain")
    assert message.message_id == "contoso-acg-0123456781/add-domain/7"
    assert message.content_type == "application/json"
    assert b"".join(message.body) == b'{"onboarding":"contoso-acg-0123456781","step":"add-domain","ticket":7}'


async def test_the_same_nudge_sent_again_at_once_arrives_once(
    bus: ServiceBusPublisher, receiver: Queues, now: datetime
) -> None:
    nudge = Nudge("contoso-acg-0123456781", "add-domain", 7)
    await bus.publish([nudge, nudge], now)
    await bus.publish([nudge], now)
    assert await receiver.arrived("add-domain", now) == [nudge]


async def test_many_publishers_at_once_share_the_senders(
    bus: ServiceBusPublisher, receiver: Queues, now: datetime
) -> None:
    nudges = [Nudge(f"gateway-{n:010d}", "verify-domain", n) for n in range(20)]
    await asyncio.gather(*(bus.publish([nudge], now) for nudge in nudges))
    arrived = await receiver.arrived("verify-domain", now)
    assert sorted(arrived, key=lambda e: e.ticket) == nudges


@pytest.mark.loses_connections
async def test_publishing_goes_on_after_the_bus_was_restarted(
    bus: ServiceBusPublisher, broker: Broker, receiver: Queues, now: datetime
) -> None:
    await bus.publish([Nudge("contoso-acg-0123456781", "add-domain", 1)], now)
    broker.stop()
    broker.start()
    await bus.publish([Nudge("contoso-acg-0123456781", "add-domain", 2)], now)
    assert [e.ticket for e in await receiver.arrived("add-domain", now)] == [1, 2]


@pytest.mark.loses_connections
async def test_a_bus_that_is_down_is_an_error_and_works_again_when_it_is_back(
    bus: ServiceBusPublisher, broker: Broker, receiver: Queues, now: datetime
) -> None:
    await bus.publish([Nudge("contoso-acg-0123456781", "add-domain", 1)], now)
    broker.stop()
    with pytest.raises(ServiceBusError):
        await bus.publish([Nudge("contoso-acg-0123456781", "add-domain", 2)], now)
    broker.start()
    await bus.publish([Nudge("contoso-acg-0123456781", "add-domain", 3)], now)
    assert [e.ticket for e in await receiver.arrived("add-domain", now)] == [1, 3]


async def test_a_queue_that_is_missing_does_not_keep_the_others_from_theirs(clock: Later, now: datetime) -> None:
    queues = [queue for queue in load(CONFIG) if queue.name != "notices"]
    with Broker(queues, clock=clock) as broker:
        publisher = ServiceBusPublisher(connection_string=broker.connection_string)
        nudge = Nudge("contoso-acg-0123456781", "add-domain", 1)
        with pytest.raises(ServiceBusError):
            await publisher.publish([NudgeNotice("contoso-acg-0123456781", "completed:onboarding:9", 9), nudge], now)
        await publisher.close()
        assert await Queues(broker, clock).arrived("add-domain", now) == [nudge]


async def test_a_closed_publisher_opens_again(bus: ServiceBusPublisher, receiver: Queues, now: datetime) -> None:
    for ticket in (1, 2):
        await bus.publish([Nudge("contoso-acg-0123456781", "add-domain", ticket)], now)
        await bus.close()
    assert len(await receiver.arrived("add-domain", now)) == 2


def test_a_publisher_needs_to_know_where_the_bus_is() -> None:
    with pytest.raises(ValueError, match="expected a connection string, or a namespace and a credential"):
        ServiceBusPublisher(namespace="contoso.servicebus.windows.net")
