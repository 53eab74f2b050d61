"""Azure Service Bus, by azure-servicebus: where nudges are sent to our own functions."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from onboarding.azure.per_loop import PerLoop
from onboarding.core.events import Effect
from onboarding.core.messages import CONTENT_TYPE, encode, message_id, queue_of
from onboarding.steps import QUEUES
from onboarding.telemetry.spans import message_properties

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusMessage
    from azure.servicebus.aio import ServiceBusClient, ServiceBusSender

    from onboarding.azure.credential import Credential

log = logging.getLogger("onboarding")

BATCH_MESSAGES = 100
"""Messages in one send: with at most about a KB each, well below the 256 KB that a batch of the Standard tier holds."""
PUBLISH_RETRIES = 2
RETRY_DELAY = 0.5
OPEN_TIMEOUT = 10.0
SEND_TIMEOUT = 20.0
"""Seconds for one send with its retries; the timer repeats a nudge that did not go out."""


class ServiceBusPublisher:
    """A port `Bus`. Make one a process: a sender for each queue stays open.

    Errors of the SDK pass through after every queue was tried: the record says what should be happening, so the
    timer repairs what did not go out.
    """

    def __init__(
        self,
        *,
        connection_string: str | None = None,
        namespace: str | None = None,
        credential: Credential | None = None,
    ) -> None:
        """Nothing is opened yet. Give a connection string, or `….servicebus.windows.net` and a credential."""
        if not connection_string and not (namespace and credential):
            raise ValueError("Service Bus: expected a connection string, or a namespace and a credential")
        self._connection_string = connection_string
        self._namespace = namespace
        self._credential = credential
        self._senders = PerLoop(lambda: _Senders(self._client(), self._credential), _Senders.close)

    async def publish(self, effects: Sequence[Effect], now: datetime) -> None:
        """Put each nudge on its queue, to arrive after its time. One send a queue."""
        queues: dict[str, list[Effect]] = defaultdict(list)
        for effect in effects:
            queues[queue_of(effect)].append(effect)
        senders = self._senders.get()
        sent = await asyncio.gather(
            *(senders.send(queue, [_message(e, now) for e in group]) for queue, group in queues.items()),
            return_exceptions=True,
        )
        failures = [error for error in sent if isinstance(error, BaseException)]
        for error in failures[1:]:
            log.error("publishing failed", exc_info=error)
        if failures:
            raise failures[0]

    async def open(self) -> None:
        """Open every queue's sender, so that the first publish need not. What fails is tried again by publish."""
        await self._senders.get().opened()

    async def close(self) -> None:
        """Close every sender; the next publish opens them again."""
        await self._senders.aclose()

    def _client(self) -> ServiceBusClient:
        import certifi
        from azure.servicebus.aio import ServiceBusClient

        options: dict[str, Any] = {
            # What the SDK would trust as well, but it would read that file anew for each queue's sender: 30 ms each,
            # in which nothing else of the process goes on (azure-servicebus 7.15).
            "ssl_context": ssl.create_default_context(cafile=certifi.where()),
            "retry_total": PUBLISH_RETRIES,
            "retry_mode": "fixed",
            "retry_backoff_factor": RETRY_DELAY,
        }
        if self._connection_string:
            return ServiceBusClient.from_connection_string(self._connection_string, **options)
        assert self._namespace is not None
        assert self._credential is not None
        return ServiceBusClient(self._namespace, self._credential, **options)


class _Senders:
    """A client with a sender for each queue.

    Opening a sender takes about half a second (azure-servicebus 7.15), and the steps of an onboarding go from queue
    to queue. So all are opened side by side, behind the first message.
    """

    def __init__(self, client: ServiceBusClient, credential: Credential | None = None) -> None:
        self._client = client
        self._credential = credential
        self._senders: dict[str, ServiceBusSender] = {}
        # The SDK's senders are not safe for two coroutines at a time.
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._opening = asyncio.gather(*(self._open(queue) for queue in QUEUES))

    async def send(self, queue: str, messages: Sequence[ServiceBusMessage]) -> None:
        async with self._turns[queue]:
            for start in range(0, len(messages), BATCH_MESSAGES):
                part = list(messages[start : start + BATCH_MESSAGES])
                await self._hand_over(queue, part if len(part) > 1 else part[0])

    async def _hand_over(self, queue: str, messages: ServiceBusMessage | list[ServiceBusMessage]) -> None:
        """One send; once more with a new token when this one is refused, which the SDK shows again on each retry."""
        from azure.servicebus.exceptions import ServiceBusAuthenticationError, ServiceBusAuthorizationError

        signed_in = self._credential.in_use() if self._credential else None
        try:
            await self._sender(queue).send_messages(messages, timeout=SEND_TIMEOUT)
        except (ServiceBusAuthenticationError, ServiceBusAuthorizationError):
            if self._credential is None or not await self._credential.renew(signed_in):
                raise
            await self._sender(queue).send_messages(messages, timeout=SEND_TIMEOUT)

    async def opened(self) -> None:
        # Whoever is tired of waiting does not stop the opening for the others.
        await asyncio.wait([self._opening])

    async def close(self) -> None:
        # The SDK forgets the socket of an opening that is cancelled.
        await asyncio.wait([self._opening], timeout=OPEN_TIMEOUT)
        self._opening.cancel()
        await asyncio.gather(self._opening, return_exceptions=True)
        # The client knows its senders by weak references only, and would close them one after the other.
        await asyncio.gather(*(sender.close() for sender in self._senders.values()), return_exceptions=True)
        self._senders.clear()
        await self._client.close()

    def _sender(self, queue: str) -> ServiceBusSender:
        if queue not in self._senders:
            self._senders[queue] = self._client.get_queue_sender(queue)
        return self._senders[queue]

    async def _open(self, queue: str) -> None:
        async with self._turns[queue]:
            try:
                # The SDK's public call that opens a sender and sends nothing.
                await self._sender(queue).create_message_batch()
            except Exception as error:  # noqa: BLE001 - whoever sends to this queue meets it again, and raises it
                log.info("opening the sender of queue %s failed: %s", queue, error)


def _message(effect: Effect, now: datetime) -> ServiceBusMessage:
    from azure.servicebus import ServiceBusMessage

    # As an annotation of the message itself, a time to arrive costs no call of its own.
    due = now + timedelta(seconds=effect.after) if effect.after > 0 else None
    return ServiceBusMessage(
        encode(effect),
        message_id=message_id(effect),
        content_type=CONTENT_TYPE,
        scheduled_enqueue_time_utc=due,
        application_properties=message_properties(),
    )
