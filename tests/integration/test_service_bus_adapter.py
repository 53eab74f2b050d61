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
from azure.servicebus.aio import ServiceBusClient, ServiceBusSender
from azure.servicebus.exceptions import ServiceBusError

from onboarding.azure.bus_answers import SENDER_ROLE
from onboarding.azure.service_bus import REST, ServiceBusPublisher, bus_authorities
from onboarding.core.events import Effect, Nudge, NudgeNotice
from onboarding.core.messages import decode
from onboarding.ports import BusRefusedError, BusUnavailableError
from sandbox.processes import wait_until
from sandbox.servicebus import Broker, Faults, load
from tests.twins.bus import BusBehaviour

CONFIG = Path(__file__).resolve().parents[2] / "infra" / "servicebus" / "Config.json"


class Later:
    """A clock for the broker that can be moved ahead of the true time."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Patience:
    """The publisher's clock, which stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Later:
    return Later()


@pytest.fixture
def patience() -> Patience:
    return Patience()


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
async def bus(broker: Broker, patience: Patience) -> AsyncIterator[ServiceBusPublisher]:
    publisher = ServiceBusPublisher(connection_string=broker.connection_string, clock=patience)
    yield publisher
    await publisher.close()


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


class TestServiceBusPublisher(BusBehaviour):
    pass


async def test_only_the_queues_that_are_sent_to_have_a_sender(
    bus: ServiceBusPublisher, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All eleven were opened at a host's first message, which uses one or two."""
    made: list[str] = []
    make = ServiceBusClient.get_queue_sender

    def counted(self: ServiceBusClient, queue_name: str, **options: Any) -> ServiceBusSender:
        made.append(queue_name)
        return make(self, queue_name, **options)

    monkeypatch.setattr(ServiceBusClient, "get_queue_sender", counted)
    notice = NudgeNotice("contoso-acg-0123456781", "completed:onboarding:9", 9)
    await bus.publish(NUDGES[:1], now)
    await bus.publish([*NUDGES[1:3], notice], now)
    assert made == ["add-domain", "notices"]


async def test_authorities_are_read_once_for_all_queues(
    broker: Broker, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading them takes 30 ms, in which the process does nothing else."""
    loads: list[object] = []
    load = ssl.SSLContext.load_verify_locations

    def counted(self: ssl.SSLContext, *args: Any, **kwargs: Any) -> None:
        loads.append((args, kwargs))
        load(self, *args, **kwargs)

    bus_authorities.cache_clear()
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    publisher = ServiceBusPublisher(connection_string=broker.connection_string)
    for queue in ("add-domain", "verify-domain", "share-txt-record"):
        await publisher.publish([Nudge("contoso-acg-0123456781", queue, 1)], now)
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


async def test_publishing_goes_on_after_the_bus_was_restarted(
    bus: ServiceBusPublisher, broker: Broker, receiver: Queues, now: datetime
) -> None:
    await bus.publish([Nudge("contoso-acg-0123456781", "add-domain", 1)], now)
    broker.stop()
    broker.start()
    await bus.publish([Nudge("contoso-acg-0123456781", "add-domain", 2)], now)
    assert [e.ticket for e in await receiver.arrived("add-domain", now)] == [1, 2]


async def test_a_bus_that_is_down_is_an_error_and_works_again_when_it_is_back(
    bus: ServiceBusPublisher, broker: Broker, receiver: Queues, now: datetime, patience: Patience
) -> None:
    await bus.publish([Nudge("contoso-acg-0123456781", "add-domain", 1)], now)
    broker.stop()
    with pytest.raises(ServiceBusError):
        await bus.publish([Nudge("contoso-acg-0123456781", "add-domain", 2)], now)
    broker.start()
    patience.now += REST
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


# -- a bus that is half dead --------------------------------------------------------------------------------------

BOUND = 15.0
"""Seconds in which something must have come to an end that takes four."""
IDLE = 601.0
NUDGES = [Nudge("contoso-acg-0123456781", "add-domain", ticket) for ticket in range(1, 8)]


def told(broker: Broker, faults: Faults) -> None:
    broker.faults = faults
    broker.wake()


async def test_a_port_that_accepts_and_says_nothing_costs_the_first_caller_seconds_and_the_next_none(
    broker: Broker, receiver: Queues, now: datetime, patience: Patience
) -> None:
    told(broker, Faults(silent=True))
    bus = ServiceBusPublisher(connection_string=broker.connection_string, clock=patience)
    async with asyncio.timeout(BOUND):
        with pytest.raises(BusUnavailableError, match="did not"):
            await bus.publish(NUDGES[:1], now)
        for nudge in NUDGES[1:3]:
            with pytest.raises(BusUnavailableError, match="failed just now, and is tried again in 10 s"):
                await bus.publish([nudge], now)
    told(broker, Faults())
    await bus.close()
    patience.now += REST
    await bus.publish(NUDGES[3:4], now)
    assert await receiver.arrived("add-domain", now) == NUDGES[3:4]
    await bus.close()


async def test_a_connection_that_swallows_packets_is_dropped_and_the_next_message_takes_a_new_one(
    bus: ServiceBusPublisher, broker: Broker, receiver: Queues, now: datetime, patience: Patience
) -> None:
    await bus.publish(NUDGES[:1], now)
    told(broker, Faults(swallow=True))
    async with asyncio.timeout(BOUND):
        with pytest.raises(BusUnavailableError, match="did not"):
            await bus.publish(NUDGES[1:2], now)
        with pytest.raises(BusUnavailableError, match="failed just now"):
            await bus.publish(NUDGES[2:3], now)
    told(broker, Faults())
    patience.now += REST
    await bus.publish(NUDGES[3:4], now)
    assert await receiver.arrived("add-domain", now) == [NUDGES[0], NUDGES[3]]


async def test_those_who_wait_behind_a_send_that_hangs_fail_with_it(
    bus: ServiceBusPublisher, broker: Broker, now: datetime
) -> None:
    told(broker, Faults(swallow=True))
    async with asyncio.timeout(BOUND):
        failed = await asyncio.gather(*(bus.publish([n], now) for n in NUDGES), return_exceptions=True)
    assert [type(error) for error in failed] == [BusUnavailableError] * len(NUDGES)


async def test_one_try_after_the_rest_that_fails_keeps_the_others_away_again(
    bus: ServiceBusPublisher, broker: Broker, now: datetime, patience: Patience
) -> None:
    told(broker, Faults(swallow=True))
    for nudge in NUDGES[:2]:
        with pytest.raises(BusUnavailableError, match="did not"):
            await bus.publish([nudge], now)
        with pytest.raises(BusUnavailableError, match="failed just now"):
            await bus.publish(NUDGES[2:3], now)
        patience.now += REST


async def test_a_link_that_the_service_closed_for_idleness_costs_no_message(
    bus: ServiceBusPublisher, broker: Broker, receiver: Queues, now: datetime, clock: Later
) -> None:
    await bus.publish(NUDGES[:1], now)
    for nudge in NUDGES[1:3]:
        clock.ahead += IDLE
        broker.wake()
        assert await asyncio.to_thread(wait_until, lambda: broker.senders == 0, BOUND, 0.01)
        await bus.publish([nudge], now)
    assert await receiver.arrived("add-domain", now) == NUDGES[:3]


async def test_a_namespace_that_is_throttled_is_left_alone_for_a_while(
    bus: ServiceBusPublisher, broker: Broker, receiver: Queues, now: datetime, patience: Patience
) -> None:
    told(broker, Faults(busy=True))
    with pytest.raises(BusUnavailableError, match="50009"):
        await bus.publish(NUDGES[:1], now)
    told(broker, Faults())
    with pytest.raises(BusUnavailableError, match="failed just now"):
        await bus.publish(NUDGES[1:2], now)
    patience.now += REST
    await bus.publish(NUDGES[2:3], now)
    assert await receiver.arrived("add-domain", now) == NUDGES[2:3]


async def test_a_missing_role_is_a_refusal_that_names_the_queue_and_keeps_no_other_from_its_messages(
    bus: ServiceBusPublisher, broker: Broker, receiver: Queues, now: datetime
) -> None:
    told(broker, Faults(no_sender=("notices",)))
    notice = NudgeNotice("contoso-acg-0123456781", "completed:onboarding:9", 9)
    with pytest.raises(BusRefusedError) as refused:
        await bus.publish([notice, NUDGES[0]], now)
    [(queue, problem)] = refused.value.problems.items()
    assert (queue, problem.code) == ("notices", "messages-not-permitted")
    assert SENDER_ROLE in problem.what_next
    assert "/queues/notices" in problem.what_next
    assert await receiver.arrived("add-domain", now) == NUDGES[:1]
    told(broker, Faults())
    await bus.publish([notice], now)
    assert await receiver.arrived("notices", now) == [notice]


async def test_a_caller_that_is_cancelled_leaves_the_link_whole(
    bus: ServiceBusPublisher, receiver: Queues, now: datetime
) -> None:
    for nudge in NUDGES[:3]:
        publishing = asyncio.create_task(bus.publish([nudge], now))
        await asyncio.sleep(0)
        publishing.cancel()
        await asyncio.wait([publishing])
        assert publishing.cancelled()
    await bus.publish(NUDGES[3:4], now)
    assert await receiver.arrived("add-domain", now) == NUDGES[:4]


async def test_closing_does_not_wait_for_a_bus_that_says_nothing(broker: Broker, now: datetime) -> None:
    told(broker, Faults(silent=True))
    bus = ServiceBusPublisher(connection_string=broker.connection_string)
    async with asyncio.timeout(BOUND):
        with pytest.raises(BusUnavailableError):
            await bus.publish(NUDGES[:1], now)
        await bus.close()
