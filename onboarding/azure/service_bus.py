"""Azure Service Bus, by azure-servicebus: where nudges are sent to our own functions."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from onboarding.azure.bus_answers import is_answer, is_refusal, is_throttling, sender_role_missing
from onboarding.azure.bus_link import SEND_LIMIT, BusLink, SilentBusError
from onboarding.azure.circuit import Circuit
from onboarding.azure.per_loop import PerLoop
from onboarding.core.events import Effect
from onboarding.core.messages import CONTENT_TYPE, encode, message_id, queue_of
from onboarding.ports import BusRefusedError, BusUnavailableError
from onboarding.telemetry.spans import message_properties

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusMessage
    from azure.servicebus.aio import ServiceBusClient

    from onboarding.azure.credential import Credential

log = logging.getLogger("onboarding")

PUBLISH_LIMIT = SEND_LIMIT + 0.5
"""Seconds that a caller waits. The record is committed, and the timer repeats a nudge that did not go out."""
REST = 10.0
"""Seconds without a call after one that failed: as long as Service Bus asks for when it throttles a namespace
(https://learn.microsoft.com/azure/service-bus-messaging/service-bus-throttling)."""


class ServiceBusPublisher:
    """A port `Bus`. Make one a process: the sender of each queue that was sent to stays open.

    Other errors of the SDK than those of the port pass through after every queue was tried: the record says what should
    be happening, so the timer repairs what did not go out.
    """

    def __init__(
        self,
        *,
        connection_string: str | None = None,
        namespace: str | None = None,
        credential: Credential | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is opened yet. Give a connection string, or `….servicebus.windows.net` and a credential."""
        if not connection_string and not (namespace and credential):
            raise ValueError("Service Bus: expected a connection string, or a namespace and a credential")
        self._connection_string = connection_string
        self._namespace = namespace
        self._credential = credential
        # Of the bus as a whole: each queue has a connection of its own, but they go the same way.
        self._circuit = Circuit(REST, clock)
        self._senders = PerLoop(lambda: _Senders(self._client(), self._circuit, self._credential), _Senders.close)

    @property
    def resting(self) -> float:
        """Seconds for which it is left alone, because it failed just now; 0: it is used."""
        return max(0.0, self._circuit.left)

    async def publish(self, effects: Sequence[Effect], now: datetime) -> None:
        """Put each nudge on its queue, to arrive after its time. One send a queue.

        Returns or raises within PUBLISH_LIMIT; what is under way then may still go out, and if it does, all go on.
        """
        if not effects:
            return
        if not self._circuit.enter():
            raise BusUnavailableError(f"Service Bus failed just now, and is tried again in {self._circuit.left:.0f} s.")
        queues: dict[str, list[Effect]] = defaultdict(list)
        for effect in effects:
            queues[queue_of(effect)].append(effect)
        senders = self._senders.get()
        sending = {queue: senders.begin(queue, [_message(e, now) for e in group]) for queue, group in queues.items()}
        _, late = await asyncio.wait(sending.values(), timeout=PUBLISH_LIMIT)
        if late:
            self._circuit.failed()
        failures = {queue: error for queue, task in sending.items() if (error := _failure(task)) is not None}
        refused = {queue: sender_role_missing(queue) for queue, error in failures.items() if is_refusal(error)}
        others = [error for queue, error in failures.items() if queue not in refused]
        for error in others if refused else others[1:]:
            log.error("publishing failed: %s", error)
        if refused:
            raise BusRefusedError(refused)
        if others:
            raise others[0]

    async def close(self) -> None:
        """Close every sender; the next publish opens what it needs."""
        await self._senders.aclose()

    def _client(self) -> ServiceBusClient:
        from azure.servicebus.aio import ServiceBusClient

        options: dict[str, Any] = {
            # What the SDK would trust as well, but it would read that file anew for each queue's sender: 30 ms each,
            # in which nothing else of the process goes on (azure-servicebus 7.15).
            "ssl_context": bus_authorities(),
            # It would try again on a link that does not answer, and wait before each time.
            "retry_total": 0,
        }
        if self._connection_string:
            return ServiceBusClient.from_connection_string(self._connection_string, **options)
        assert self._namespace is not None
        assert self._credential is not None
        return ServiceBusClient(self._namespace, self._credential, **options)


@lru_cache(maxsize=1)
def bus_authorities() -> ssl.SSLContext:
    """Whom a client of Service Bus trusts: certifi's authorities."""
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


class _Senders:
    """A client with a link for each queue that was sent to.

    Opened by the first send: Flex Consumption runs each queue function in processes of its own, and each of them sends
    to its own queue, to that of notices and to those of the steps that follow. All eleven links would keep a host's
    first message waiting for what it never uses.
    """

    def __init__(self, client: ServiceBusClient, circuit: Circuit, credential: Credential | None = None) -> None:
        self._client = client
        self._circuit = circuit
        self._credential = credential
        self._links: dict[str, BusLink] = {}
        self._failures = 0
        """How often the bus has failed: whoever waited for a turn meanwhile need not try."""
        self._closed = False
        # The SDK's senders are not safe for two coroutines at a time.
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._under_way: set[asyncio.Task[None]] = set()

    def begin(self, queue: str, messages: Sequence[ServiceBusMessage]) -> asyncio.Task[None]:
        """Send in a task, which ends by itself: whoever is tired of waiting does not break the link."""
        return self._go(self._send(queue, messages, self._failures))

    async def close(self) -> None:
        """Close all, within some seconds. What is under way fails."""
        self._closed = True
        for queue in list(self._links):
            self._drop(queue)
        while self._under_way:
            await asyncio.wait(self._under_way)
        await self._client.close()

    async def _send(self, queue: str, messages: Sequence[ServiceBusMessage], failures: int) -> None:
        async with self._turns[queue]:
            if self._failures != failures or self._closed:
                raise BusUnavailableError(f"Service Bus failed while others were before it on the queue {queue}.")
            try:
                await self._send_or_resend(queue, messages)
            except Exception as error:
                self._failed(queue, error)
                raise
            self._circuit.succeeded()

    async def _send_or_resend(self, queue: str, messages: Sequence[ServiceBusMessage]) -> None:
        """Once more over a new link, if this one is broken: Service Bus closes it when it was idle for ten minutes.

        Likewise with a new token, if this one is refused: a link shows the token that it was opened with.
        """
        signed_in = self._credential.in_use() if self._credential else None
        try:
            await self._link(queue).send(messages)
        except Exception as error:
            renewed = is_refusal(error) and self._credential is not None and await self._credential.renew(signed_in)
            if isinstance(error, SilentBusError) or self._closed or (is_answer(error) and not renewed):
                raise
            log.info("sending to queue %s again, on a new link: %s", queue, error)
            self._drop(queue)
            await self._link(queue).send(messages)

    def _link(self, queue: str) -> BusLink:
        if queue not in self._links:
            self._links[queue] = BusLink(self._client, queue)
        return self._links[queue]

    def _failed(self, queue: str, error: Exception) -> None:
        if is_throttling(error):
            self._rest()
            return
        self._drop(queue)
        if is_answer(error):
            self._circuit.succeeded()
            return
        self._rest()
        # The others' connections go the same way; those in use find out by themselves.
        for other in list(self._links):
            if not self._turns[other].locked():
                self._drop(other)

    def _rest(self) -> None:
        self._failures += 1
        self._circuit.failed()

    def _drop(self, queue: str) -> None:
        link = self._links.pop(queue, None)
        if link is not None:
            self._go(link.discard())

    def _go(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        # Whoever waits for it reads its error; when nobody does any more, it is no news.
        if not task.cancelled():
            task.exception()


def _failure(sending: asyncio.Task[None]) -> BaseException | None:
    if not sending.done():
        return BusUnavailableError(f"Service Bus did not take the message within {PUBLISH_LIMIT:g} s.")
    error = sending.exception()
    if isinstance(error, SilentBusError):
        return BusUnavailableError(str(error))
    if is_throttling(error):
        return BusUnavailableError(f"Service Bus throttles the namespace (50009), and is left alone for {REST:g} s.")
    return error


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
