"""The local Service Bus broker as its users meet it: through the genuine SDK, and as a process."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from azure.servicebus import (
    ServiceBusMessage,
    ServiceBusMessageState,
    ServiceBusReceivedMessage,
    ServiceBusReceiveMode,
    ServiceBusSubQueue,
)
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver, ServiceBusSender
from azure.servicebus.amqp import AmqpAnnotatedMessage
from azure.servicebus.exceptions import (
    MessageLockLostError,
    MessageNotFoundError,
    MessagingEntityNotFoundError,
    ServiceBusError,
)

from sandbox.servicebus import Broker, PortUnavailableError, QueueSettings

ROOT = Path(__file__).parents[2]
SOON = 10.0
"""Seconds to wait at most for what should be there in milliseconds."""


PATIENT = {"retry_total": 10, "retry_backoff_factor": 0.05, "retry_backoff_max": 0.5}
"""Options for a client that keeps trying, in short steps."""


class Clock:
    """Starts at the present and then stands still until it is moved."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    def after(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(self.now + seconds, UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def broker(clock: Clock) -> Iterator[Broker]:
    queues = [
        QueueSettings("add-domain", max_delivery_count=3),
        QueueSettings("notices", duplicate_window=20),
        QueueSettings("verify-domain", max_delivery_count=1, forward_dead_letters_to="notices"),
    ]
    with Broker(queues, clock=clock) as running:
        yield running


@asynccontextmanager
async def client_of(broker: Broker, **options: Any) -> AsyncIterator[ServiceBusClient]:
    options = {"retry_total": 0, **options}
    async with ServiceBusClient.from_connection_string(broker.connection_string, **options) as client:
        yield client


@pytest.fixture
async def client(broker: Broker) -> AsyncIterator[ServiceBusClient]:
    async with client_of(broker) as connected:
        yield connected


@pytest.fixture
async def links(client: ServiceBusClient) -> AsyncIterator[tuple[ServiceBusSender, ServiceBusReceiver]]:
    """Both ends of add-domain. The SDK takes half a second to open either, whatever the broker does."""
    async with AsyncExitStack() as stack:
        sender, receiver = await asyncio.gather(
            stack.enter_async_context(client.get_queue_sender("add-domain")),
            stack.enter_async_context(client.get_queue_receiver("add-domain")),
        )
        yield sender, receiver


@pytest.fixture
def sender(links: tuple[ServiceBusSender, ServiceBusReceiver]) -> ServiceBusSender:
    return links[0]


@pytest.fixture
def receiver(links: tuple[ServiceBusSender, ServiceBusReceiver]) -> ServiceBusReceiver:
    return links[1]


async def send(client: ServiceBusClient, queue: str, *messages: ServiceBusMessage) -> None:
    async with client.get_queue_sender(queue) as sender:
        await send_by(sender, *messages)


async def send_by(sender: ServiceBusSender, *messages: ServiceBusMessage) -> None:
    for message in messages:
        await sender.send_messages(message)


async def receive(receiver: ServiceBusReceiver) -> ServiceBusReceivedMessage:
    messages = await receiver.receive_messages(max_message_count=1, max_wait_time=SOON)
    assert messages, f"no message of {receiver.entity_path} within {SOON} seconds"
    return messages[0]


async def waiting(receiver: ServiceBusReceiver) -> list[str]:
    """The bodies of all messages in the queue, in any state."""
    return [str(message) for message in await receiver.peek_messages(100, sequence_number=1)]


def pass_time(broker: Broker, clock: Clock, seconds: float) -> None:
    clock.now += seconds
    broker.wake()


class TestMessages:
    async def test_a_message_arrives_as_it_was_sent_and_is_gone_when_completed(
        self, sender: ServiceBusSender, receiver: ServiceBusReceiver, clock: Clock
    ) -> None:
        properties: dict[str | bytes, int | float | bytes | bool | str | UUID] = {
            b"attempt": 3,
            b"step": "add-domain",
            b"dry": False,
            b"share": 0.5,
        }
        sent = ServiceBusMessage(
            '{"grüße": "世界"}',
            message_id="o1/add-domain/3",
            content_type="application/json",
            subject="step",
            correlation_id="o1",
            application_properties=properties,
            time_to_live=timedelta(minutes=5),
        )
        await send_by(sender, sent)
        message = await receive(receiver)
        assert str(message) == '{"grüße": "世界"}'
        assert (message.message_id, message.content_type) == ("o1/add-domain/3", "application/json")
        assert (message.subject, message.correlation_id) == ("step", "o1")
        assert message.application_properties == {**properties, b"step": b"add-domain"}  # as the SDK has it
        assert message.time_to_live == timedelta(minutes=5)
        assert (message.sequence_number, message.delivery_count) == (1, 0)
        assert message.enqueued_time_utc is not None
        assert abs((message.enqueued_time_utc - clock.after(0)).total_seconds()) < 0.01
        assert message.locked_until_utc == message.enqueued_time_utc + timedelta(minutes=1)
        await receiver.complete_message(message)
        assert await waiting(receiver) == []

    async def test_a_large_body_and_an_amqp_value_pass_unharmed(
        self, sender: ServiceBusSender, receiver: ServiceBusReceiver
    ) -> None:
        large = bytes(range(256)) * 800
        await sender.send_messages(ServiceBusMessage(large))
        await sender.send_messages(AmqpAnnotatedMessage(value_body={"step": 7}))
        message = await receive(receiver)
        assert b"".join(message.body) == large
        assert (await receive(receiver)).body == {b"step": 7}

    async def test_a_batch_is_delivered_one_by_one(
        self, sender: ServiceBusSender, receiver: ServiceBusReceiver
    ) -> None:
        batch = await sender.create_message_batch()
        for number in range(50):
            batch.add_message(ServiceBusMessage(f"message {number}", message_id=str(number)))
        await sender.send_messages(batch)
        messages = [await receive(receiver) for _ in range(50)]
        assert [str(message) for message in messages] == [f"message {number}" for number in range(50)]
        assert messages[7].message_id == "7"

    async def test_receive_and_delete_needs_no_settling(
        self, client: ServiceBusClient, sender: ServiceBusSender, receiver: ServiceBusReceiver
    ) -> None:
        await send_by(sender, ServiceBusMessage("1"))
        mode = ServiceBusReceiveMode.RECEIVE_AND_DELETE
        async with client.get_queue_receiver("add-domain", receive_mode=mode) as greedy:
            assert str(await receive(greedy)) == "1"
        assert await waiting(receiver) == []

    async def test_peeking_shows_every_state_and_takes_nothing(
        self, sender: ServiceBusSender, receiver: ServiceBusReceiver, clock: Clock
    ) -> None:
        later = ServiceBusMessage("later", scheduled_enqueue_time_utc=clock.after(60))
        await send_by(sender, ServiceBusMessage("now"), later)
        for _ in range(2):
            now, scheduled = await receiver.peek_messages(10, sequence_number=1)
            assert (str(now), now.state) == ("now", ServiceBusMessageState.ACTIVE)
            assert (str(scheduled), scheduled.state) == ("later", ServiceBusMessageState.SCHEDULED)
            assert scheduled.sequence_number == 2
        assert str(await receive(receiver)) == "now"

    async def test_several_receivers_share_the_messages_and_none_comes_twice(
        self, client: ServiceBusClient, sender: ServiceBusSender, receiver: ServiceBusReceiver
    ) -> None:
        async def work(number: int) -> list[str]:
            bodies = []
            async with client.get_queue_receiver("add-domain") as own:
                for _ in range(10):
                    message = await receive(own)
                    bodies.append(str(message))
                    await own.complete_message(message)
            return bodies

        async def feed() -> None:
            await send_by(sender, *(ServiceBusMessage(str(number)) for number in range(40)))

        *done, _ = await asyncio.gather(*(work(number) for number in range(4)), feed())
        assert sorted(int(body) for bodies in done if bodies for body in bodies) == list(range(40))
        assert await waiting(receiver) == []

    async def test_a_message_reaches_a_waiting_receiver_at_once(
        self, sender: ServiceBusSender, receiver: ServiceBusReceiver
    ) -> None:
        delays = []
        for _ in range(10):
            waits = asyncio.create_task(receive(receiver))
            started = time.perf_counter()
            await sender.send_messages(ServiceBusMessage("1"))
            await receiver.complete_message(await waits)
            delays.append(time.perf_counter() - started)
        # Some 3 ms each; the bound leaves room for a busy machine, the median for its odd pause.
        assert sorted(delays)[5] < 0.1


class TestSettling:
    async def test_abandoned_messages_come_back_and_are_dead_lettered_in_the_end(
        self, client: ServiceBusClient, sender: ServiceBusSender, receiver: ServiceBusReceiver
    ) -> None:
        await send_by(sender, ServiceBusMessage("1", application_properties={"kept": 1}))
        for count in range(3):
            message = await receive(receiver)
            assert message.delivery_count == count
            await receiver.abandon_message(message)
        assert await waiting(receiver) == []
        async with client.get_queue_receiver("add-domain", sub_queue=ServiceBusSubQueue.DEAD_LETTER) as shelf:
            letter = await receive(shelf)
            assert (str(letter), letter.delivery_count) == ("1", 3)
            assert letter.dead_letter_reason == "MaxDeliveryCountExceeded"
            assert letter.dead_letter_source == "add-domain"
            assert (letter.application_properties or {})[b"kept"] == 1
            await shelf.complete_message(letter)
            assert await waiting(shelf) == []

    async def test_dead_lettering_keeps_the_reason_given(
        self, client: ServiceBusClient, sender: ServiceBusSender, receiver: ServiceBusReceiver
    ) -> None:
        await send_by(sender, ServiceBusMessage("1"))
        await receiver.dead_letter_message(await receive(receiver), reason="Unreadable", error_description="not JSON")
        assert await waiting(receiver) == []
        async with client.get_queue_receiver("add-domain", sub_queue=ServiceBusSubQueue.DEAD_LETTER) as shelf:
            letter = await receive(shelf)
            assert (letter.dead_letter_reason, letter.dead_letter_error_description) == ("Unreadable", "not JSON")
            with pytest.raises(ServiceBusError, match="can't be dead-lettered again"):
                await shelf.dead_letter_message(letter)

    async def test_dead_letters_are_forwarded(self, client: ServiceBusClient) -> None:
        async with (
            client.get_queue_receiver("verify-domain") as source,
            client.get_queue_receiver("notices") as target,
        ):
            await send(client, "verify-domain", ServiceBusMessage("1"))
            await source.abandon_message(await receive(source))
            letter = await receive(target)
            assert (str(letter), letter.delivery_count) == ("1", 0)
            assert (letter.dead_letter_source, letter.dead_letter_reason) == (
                "verify-domain",
                "MaxDeliveryCountExceeded",
            )

    async def test_an_expired_lock_passes_the_message_on(
        self,
        client: ServiceBusClient,
        sender: ServiceBusSender,
        receiver: ServiceBusReceiver,
        broker: Broker,
        clock: Clock,
    ) -> None:
        await send_by(sender, ServiceBusMessage("1"))
        slow = await receive(receiver)
        async with client.get_queue_receiver("add-domain") as other:
            waits = asyncio.create_task(receive(other))
            pass_time(broker, clock, 60)
            again = await waits
            assert (str(again), again.delivery_count) == ("1", 1)
            with pytest.raises(MessageLockLostError, match="'add-domain' is lost"):
                await receiver.complete_message(slow)
            await other.complete_message(again)
        assert await waiting(receiver) == []

    async def test_what_is_forwarded_while_its_queue_is_served_is_delivered_too(
        self, client: ServiceBusClient, clock: Clock
    ) -> None:
        async with (
            client.get_queue_receiver("verify-domain") as source,
            client.get_queue_receiver("notices") as target,
        ):
            await send(client, "verify-domain", ServiceBusMessage("1"))
            await receive(source)
            waits = asyncio.create_task(receive(target))
            # Nobody tells the broker that the lock has run out; it sees so when a receiver asks for more.
            clock.now += 60
            assert await source.receive_messages(max_message_count=1, max_wait_time=1) == []
            assert str(await waits) == "1"

    async def test_a_renewed_lock_holds(
        self, sender: ServiceBusSender, receiver: ServiceBusReceiver, broker: Broker, clock: Clock
    ) -> None:
        await send_by(sender, ServiceBusMessage("1"))
        message = await receive(receiver)
        pass_time(broker, clock, 50)
        until = await receiver.renew_message_lock(message)
        assert abs((until - clock.after(60)).total_seconds()) < 0.01
        pass_time(broker, clock, 50)
        await receiver.complete_message(message)
        assert await waiting(receiver) == []

    async def test_a_lost_lock_cannot_be_renewed(
        self, sender: ServiceBusSender, receiver: ServiceBusReceiver, broker: Broker, clock: Clock
    ) -> None:
        await send_by(sender, ServiceBusMessage("1"))
        message = await receive(receiver)
        pass_time(broker, clock, 60)
        with pytest.raises(MessageLockLostError):
            await receiver.renew_message_lock(message)

    @pytest.mark.loses_connections
    async def test_a_message_can_be_settled_after_its_receiver_reconnected(self, broker: Broker) -> None:
        async with client_of(broker, **PATIENT) as client, client.get_queue_receiver("add-domain") as receiver:
            await send(client, "add-domain", ServiceBusMessage("1"), ServiceBusMessage("2"))
            first = await receive(receiver)
            broker.stop()
            broker.start()
            await receiver.complete_message(first)
            assert await waiting(receiver) == ["2"]

    async def test_what_a_dead_client_held_comes_back_when_its_lock_ends(
        self,
        client: ServiceBusClient,
        sender: ServiceBusSender,
        receiver: ServiceBusReceiver,
        broker: Broker,
        clock: Clock,
    ) -> None:
        await send_by(sender, ServiceBusMessage("1"))
        async with client.get_queue_receiver("add-domain") as doomed:
            await receive(doomed)
        waits = asyncio.create_task(receive(receiver))
        pass_time(broker, clock, 60)
        assert (await waits).delivery_count == 1

    async def test_what_a_closed_receiver_had_prefetched_is_free_at_once(
        self, client: ServiceBusClient, sender: ServiceBusSender, receiver: ServiceBusReceiver
    ) -> None:
        await send_by(sender, *(ServiceBusMessage(str(number)) for number in range(6)))
        async with client.get_queue_receiver("add-domain", prefetch_count=4) as hoarder:
            await hoarder.complete_message(await receive(hoarder))
        rest = [await receive(receiver) for _ in range(5)]
        assert [(str(message), message.delivery_count) for message in rest] == [(str(n), 0) for n in range(1, 6)]


class TestDeferring:
    async def test_it_comes_to_who_asks_for_its_number_and_to_nobody_else(
        self, sender: ServiceBusSender, receiver: ServiceBusReceiver, broker: Broker, clock: Clock
    ) -> None:
        await send_by(sender, ServiceBusMessage("1", application_properties={"kept": 1}), ServiceBusMessage("2"))
        message = await receive(receiver)
        number = message.sequence_number
        assert number is not None
        await receiver.defer_message(message)
        assert str(await receive(receiver)) == "2"
        seen = [(str(found), found.state) for found in await receiver.peek_messages(10, sequence_number=1)]
        assert seen == [("1", ServiceBusMessageState.DEFERRED), ("2", ServiceBusMessageState.ACTIVE)]
        [deferred] = await receiver.receive_deferred_messages(number)
        assert (str(deferred), deferred.delivery_count, deferred.state) == ("1", 1, ServiceBusMessageState.DEFERRED)
        assert (deferred.application_properties or {})[b"kept"] == 1
        assert deferred.locked_until_utc is not None
        assert abs((deferred.locked_until_utc - clock.after(60)).total_seconds()) < 0.01
        with pytest.raises(MessageNotFoundError, match=f"Missing sequence numbers: {number}, 99"):
            await receiver.receive_deferred_messages([number, 99])
        pass_time(broker, clock, 50)
        await receiver.renew_message_lock(deferred)
        pass_time(broker, clock, 50)
        await receiver.complete_message(deferred)
        assert await waiting(receiver) == ["2"]

    async def test_given_back_it_stays_deferred(self, sender: ServiceBusSender, receiver: ServiceBusReceiver) -> None:
        await send_by(sender, ServiceBusMessage("1"))
        await receiver.defer_message(await receive(receiver))
        [message] = await receiver.receive_deferred_messages(1)
        await receiver.abandon_message(message)
        [again] = await receiver.receive_deferred_messages(1)
        assert (str(again), again.delivery_count) == ("1", 2)

    @pytest.mark.parametrize("last", ["dead-letter", "defer too often", "receive and delete"])
    async def test_it_ends_like_any_other(
        self, client: ServiceBusClient, sender: ServiceBusSender, receiver: ServiceBusReceiver, last: str
    ) -> None:
        await send_by(sender, ServiceBusMessage("1"))
        await receiver.defer_message(await receive(receiver))
        if last == "receive and delete":
            mode = ServiceBusReceiveMode.RECEIVE_AND_DELETE
            async with client.get_queue_receiver("add-domain", receive_mode=mode) as greedy:
                [message] = await greedy.receive_deferred_messages(1)
            assert str(message) == "1"
            assert await waiting(receiver) == []
            return
        [message] = await receiver.receive_deferred_messages(1)
        if last == "dead-letter":
            await receiver.dead_letter_message(message, reason="Unreadable", error_description="not JSON")
        else:
            await receiver.defer_message(message)
            [message] = await receiver.receive_deferred_messages(1)
            await receiver.defer_message(message)
        assert await waiting(receiver) == []
        async with client.get_queue_receiver("add-domain", sub_queue=ServiceBusSubQueue.DEAD_LETTER) as shelf:
            letter = await receive(shelf)
            reason = "Unreadable" if last == "dead-letter" else "MaxDeliveryCountExceeded"
            assert (str(letter), letter.dead_letter_reason) == ("1", reason)


class TestScheduling:
    @pytest.mark.parametrize("by", ["annotation", "management"])
    async def test_a_scheduled_message_comes_when_it_is_due(
        self, sender: ServiceBusSender, receiver: ServiceBusReceiver, broker: Broker, clock: Clock, by: str
    ) -> None:
        if by == "annotation":
            later = ServiceBusMessage("later", scheduled_enqueue_time_utc=clock.after(300))
            await sender.send_messages(later)
        else:
            [number] = await sender.schedule_messages(ServiceBusMessage("later"), clock.after(300))
            assert number == 1
        [scheduled] = await receiver.peek_messages(10)
        assert scheduled.state == ServiceBusMessageState.SCHEDULED
        waits = asyncio.create_task(receive(receiver))
        pass_time(broker, clock, 301)
        message = await waits
        assert (str(message), message.delivery_count) == ("later", 0)
        assert message.enqueued_time_utc is not None
        assert abs((message.enqueued_time_utc - clock.after(0)).total_seconds()) < 0.01

    async def test_a_cancelled_message_does_not_come(
        self, sender: ServiceBusSender, receiver: ServiceBusReceiver, broker: Broker, clock: Clock
    ) -> None:
        messages = [ServiceBusMessage("kept"), ServiceBusMessage("cancelled")]
        kept, cancelled = await sender.schedule_messages(messages, clock.after(60))
        await sender.cancel_scheduled_messages(cancelled)
        with pytest.raises(MessageNotFoundError, match=f"Missing sequence numbers: {cancelled}"):
            await sender.cancel_scheduled_messages([kept, cancelled])
        pass_time(broker, clock, 60)
        assert str(await receive(receiver)) == "kept"
        assert await waiting(receiver) == ["kept"]

    async def test_by_the_real_clock_it_comes_on_time(self) -> None:
        with Broker([QueueSettings("add-domain")]) as broker:
            async with client_of(broker) as client, client.get_queue_receiver("add-domain") as receiver:
                waits = asyncio.create_task(receive(receiver))
                async with client.get_queue_sender("add-domain") as sender:
                    await sender.send_messages(ServiceBusMessage("opens the links"))
                    await receiver.complete_message(await waits)
                    due = datetime.now(UTC) + timedelta(seconds=0.3)
                    later = ServiceBusMessage("later", scheduled_enqueue_time_utc=due)
                    await sender.send_messages(later)
                await receive(receiver)
                late = (datetime.now(UTC) - due).total_seconds()
                assert -0.002 <= late < 0.25


class TestDuplicates:
    async def test_the_same_id_again_is_accepted_and_dropped(
        self, client: ServiceBusClient, broker: Broker, clock: Clock
    ) -> None:
        def message(body: str, **more: Any) -> ServiceBusMessage:
            return ServiceBusMessage(body, message_id="o1/notice/1", **more)

        async with client.get_queue_receiver("notices") as receiver:
            first = message("first", scheduled_enqueue_time_utc=clock.after(10))
            await send(client, "notices", first, message("again"))
            async with client.get_queue_sender("notices") as sender:
                batch = await sender.create_message_batch()
                batch.add_message(message("in a batch"))
                batch.add_message(ServiceBusMessage("other", message_id="o1/notice/2"))
                await sender.send_messages(batch)
                await sender.schedule_messages(message("scheduled again"), clock.after(10))
            assert await waiting(receiver) == ["first", "other"]
            pass_time(broker, clock, 20)
            await send(client, "notices", message("after the window"))
            assert sorted(await waiting(receiver)) == ["after the window", "first", "other"]


class TestUnknownQueues:
    async def test_sending_names_the_queue_and_those_that_exist(self, client: ServiceBusClient) -> None:
        async with client.get_queue_sender("add-domian") as sender:
            with pytest.raises(MessagingEntityNotFoundError, match=r"'add-domian'.*Expected one of: add-domain"):
                await sender.send_messages(ServiceBusMessage("1"))
            with pytest.raises(MessagingEntityNotFoundError, match="'add-domian'"):
                await sender.schedule_messages(ServiceBusMessage("1"), datetime.now(UTC))

    async def test_receiving_and_peeking_name_it_too(self, client: ServiceBusClient) -> None:
        async with client.get_queue_receiver("add-domian") as receiver:
            with pytest.raises(MessagingEntityNotFoundError, match="'add-domian'"):
                await receiver.receive_messages(max_message_count=1, max_wait_time=SOON)
        async with client.get_queue_receiver("add-domian") as receiver:
            with pytest.raises(MessagingEntityNotFoundError, match="'add-domian'"):
                await receiver.peek_messages()

    async def test_sessions_are_refused_in_clear_words(self, client: ServiceBusClient) -> None:
        receiver = client.get_queue_receiver("add-domain", session_id="s1")
        with pytest.raises(ServiceBusError, match="has no sessions"):
            async with receiver:
                await receiver.receive_messages(max_message_count=1, max_wait_time=SOON)

    async def test_nothing_can_be_sent_to_a_dead_letter_queue(self, client: ServiceBusClient) -> None:
        async with client.get_queue_sender("add-domain/$DeadLetterQueue") as sender:
            with pytest.raises(ServiceBusError, match="send to the queue itself"):
                await sender.send_messages(ServiceBusMessage("1"))


class TestLife:
    @pytest.mark.loses_connections
    async def test_a_client_recovers_when_the_broker_comes_back_empty(self) -> None:
        queues = [QueueSettings("add-domain")]
        first = Broker(queues).start()
        try:
            async with (
                client_of(first, **PATIENT) as client,
                client.get_queue_receiver("add-domain") as receiver,
                client.get_queue_sender("add-domain") as sender,
            ):
                await sender.send_messages(ServiceBusMessage("lost with the broker"))
                waits = asyncio.create_task(receive(receiver))
                await receiver.complete_message(await waits)
                await sender.send_messages(ServiceBusMessage("lost with the broker"))
                first.stop()
                with Broker(queues, port=first.port):
                    await sender.send_messages(ServiceBusMessage("sent again"))
                    assert str(await receive(receiver)) == "sent again"
        finally:
            first.stop()

    async def test_clients_notice_at_once_that_it_stopped(self, broker: Broker) -> None:
        reader, writer = await asyncio.open_connection(broker.host, broker.port)
        writer.write(b"AMQP\x00\x01\x00\x00")
        assert await reader.readexactly(8) == b"AMQP\x00\x01\x00\x00"
        started = time.perf_counter()
        broker.stop()
        assert time.perf_counter() - started < 1
        async with asyncio.timeout(SOON):
            while await reader.read(1024):
                pass
        writer.close()
        await writer.wait_closed()
        assert not broker.running

    async def test_messages_outlive_a_stop_and_start(self, broker: Broker) -> None:
        async with client_of(broker) as client:
            await send(client, "add-domain", ServiceBusMessage("1"))
        port = broker.port
        broker.stop()
        broker.start()
        assert broker.port == port
        async with client_of(broker) as client, client.get_queue_receiver("add-domain") as receiver:
            assert str(await receive(receiver)) == "1"

    async def test_what_is_not_amqp_harms_nobody(self, client: ServiceBusClient, broker: Broker) -> None:
        reader, writer = await asyncio.open_connection(broker.host, broker.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(SOON):
            await reader.read()
        writer.close()
        await writer.wait_closed()
        await send(client, "add-domain", ServiceBusMessage("1"))

    def test_a_taken_port_is_named(self, broker: Broker) -> None:
        with pytest.raises(PortUnavailableError, match=f"127.0.0.1:{broker.port}: .*--port"):
            Broker([QueueSettings("other")], port=broker.port).start()


@contextmanager
def process(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-W", "error", "-m", "sandbox.servicebus", *arguments]
    started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    try:
        with started:
            yield started
            if started.poll() is None:
                started.kill()
    finally:
        if started.poll() is None:
            started.kill()
            started.wait()


class TestProcess:
    @pytest.mark.loses_connections
    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
    async def test_it_says_when_it_is_ready_and_stops_quickly_with_clients_attached(self) -> None:
        with process("--port", "0") as started:
            assert started.stdout is not None
            assert started.stderr is not None
            word, _, rest = (await asyncio.to_thread(started.stdout.readline)).partition(" ")
            ready = json.loads(rest)
            assert (word, ready["part"]) == ("READY", "servicebus")
            assert "notices" in ready["queues"]
            text = ready["connectionString"]
            async with (
                ServiceBusClient.from_connection_string(text, retry_total=0) as client,
                client.get_queue_receiver("notices") as receiver,
            ):
                await send(client, "notices", ServiceBusMessage("1"))
                assert str(await receive(receiver)) == "1"
                before = time.perf_counter()
                started.send_signal(signal.SIGTERM)
                status = await asyncio.to_thread(started.wait, SOON)
                took = time.perf_counter() - before
            assert (status, took < 1) == (0, True)
            log = started.stderr.read()
            assert "in memory only" in log
            assert "Traceback" not in log

    async def test_a_taken_port_ends_it_with_status_3(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            with process("--port", port) as started:
                _, errors = await asyncio.to_thread(started.communicate, timeout=SOON)
        assert started.returncode == 3
        assert f"127.0.0.1:{port}" in errors
        assert "--port" in errors
        assert "Traceback" not in errors

    async def test_wrong_definitions_end_it_with_status_2(self, tmp_path: Path) -> None:
        queue = {"Name": "steps", "Properties": {"RequiresSession": True}}
        namespace = {"Name": "sbemulatorns", "Queues": [queue]}
        (tmp_path / "Config.json").write_text(json.dumps({"UserConfig": {"Namespaces": [namespace]}}))
        with process("--config", str(tmp_path / "Config.json"), "--port", "0") as started:
            _, errors = await asyncio.to_thread(started.communicate, timeout=SOON)
        assert started.returncode == 2
        assert "(steps).Properties.RequiresSession: seen true; expected false" in errors
        assert "Traceback" not in errors
