"""Service Bus queue triggers: receive under peek lock, complete on return, abandon on an exception."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox.functions_host import messages
from sandbox.functions_host.app import Function
from sandbox.functions_host.connections import Connections
from sandbox.functions_host.errors import one_line
from sandbox.functions_host.hostjson import HostConfig
from sandbox.functions_host.invocation import Invoker
from sandbox.functions_host.settings import Settings

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusReceivedMessage
    from azure.servicebus.aio import ServiceBusReceiver

log = logging.getLogger("sandbox.functions_host")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
_STEADY = 10.0
_LONG = 60.0
_NEVER = float("inf")


@dataclass(eq=False)
class _Delivery:
    """A message that we hold. Times are the event loop's, in seconds."""

    message: ServiceBusReceivedMessage
    receiver: ServiceBusReceiver
    renew_at: float
    renew_until: float


class QueueListener:
    """Runs one function for every message of its queue, at most ``max_concurrent_calls`` at once.

    One receiver, and only this listener's own task uses it: a pyamqp receiver is one socket and not
    re-entrant. So a receive in progress is cancelled before a message is settled or its lock renewed.
    Messages are asked for one by one: the SDK lingers 0.2 s for the rest of any larger number.
    """

    def __init__(
        self,
        function: Function,
        settings: Settings,
        config: HostConfig,
        connections: Connections,
        invoker: Invoker,
    ) -> None:
        self._function, self._config = function, config
        self._connections, self._invoker = connections, invoker
        self._connection = str(function.trigger["connection"])
        connections.check(self._connection, f"The queue trigger of {function.name}")
        self._queue = settings.expand(str(function.trigger["queueName"]), f"The queue of {function.name}")
        self._binary = str(function.trigger.get("dataType", "")).upper() == "BINARY"
        self._held: dict[asyncio.Task[bool], _Delivery] = {}
        self._stop, self._wanted = asyncio.Event(), True

    def stop(self) -> None:
        """Receive nothing more. ``run`` returns when what it holds has run and is settled."""
        self._wanted = False
        self._stop.set()

    def resume(self) -> None:
        """Receive again: ``run`` has to be called anew."""
        self._wanted = True

    async def run(self, after: asyncio.Task[None] | None = None) -> None:
        """Receive until stopped; reconnect for as long as that takes, with growing pauses.

        ``after`` is the run before a stop, which may still hold messages.
        """
        if after is not None:
            await asyncio.wait([after])
            if self._wanted:
                self._stop.clear()
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            opened = _now()
            try:
                async with await self._open() as receiver:
                    log.debug("Listening on queue %s", self._queue)
                    await self._serve(receiver)
            except Exception as error:  # noqa: BLE001 - whatever it was, a new connection is the way on
                if _now() - opened > _STEADY:
                    pause = FIRST_PAUSE
                level = logging.WARNING if pause == FIRST_PAUSE else logging.DEBUG
                log.log(level, "Can't receive from queue %s, trying again: %s", self._queue, one_line(error))
                await self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _open(self) -> ServiceBusReceiver:
        client = await self._connections.client(self._connection)
        return client.get_queue_receiver(self._queue, prefetch_count=self._config.prefetch_count)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return

    async def _serve(self, receiver: ServiceBusReceiver) -> None:
        stopped = asyncio.create_task(self._stop.wait())
        receiving: asyncio.Task[list[ServiceBusReceivedMessage]] | None = None
        try:
            while self._held or not self._stop.is_set():
                room = len(self._held) < self._config.max_concurrent_calls
                if receiving is None and room and not self._stop.is_set():
                    receiving = asyncio.create_task(receiver.receive_messages(1, max_wait_time=_LONG))
                await self._wait(receiving, stopped)
                if receiving is not None and (receiving.done() or self._needs_the_receiver()):
                    received, receiving = await _interrupt(receiving), None
                    for message in received:
                        if self._stop.is_set():
                            await receiver.abandon_message(message)
                        else:
                            self._start(message, receiver)
                await self._settle_finished(receiver)
                await self._renew_due(receiver)
        finally:
            stopped.cancel()
            if receiving is not None:
                await _interrupt(receiving)

    async def _wait(
        self, receiving: asyncio.Task[list[ServiceBusReceivedMessage]] | None, stopped: asyncio.Task[bool]
    ) -> None:
        tasks: set[asyncio.Task[object]] = {*self._held}
        if receiving is not None:
            tasks.add(receiving)
        if not self._stop.is_set():
            tasks.add(stopped)
        renew_at = min((held.renew_at for held in self._held.values()), default=_NEVER)
        timeout = None if renew_at == _NEVER else max(0.0, renew_at - _now())
        await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)

    def _needs_the_receiver(self) -> bool:
        now = _now()
        return self._stop.is_set() or any(t.done() or held.renew_at <= now for t, held in self._held.items())

    def _start(self, message: ServiceBusReceivedMessage, receiver: ServiceBusReceiver) -> None:
        now = _now()
        until = now + self._config.max_lock_renewal.total_seconds()
        half = messages.lock_seconds(message, datetime.now(UTC)) / 2
        held = _Delivery(message, receiver, now + half if now + half < until else _NEVER, until)
        self._held[asyncio.create_task(self._invoke(message))] = held

    async def _invoke(self, message: ServiceBusReceivedMessage) -> bool:
        try:
            body = messages.body(message, binary=self._binary)
            labels = messages.overwritten(messages.metadata(message), body)
            await self._invoker.invoke(self._function, body, labels)
        except (Exception, asyncio.CancelledError):  # noqa: BLE001 - logged by the invoker; here it means: abandon
            return False
        return True

    async def _settle_finished(self, receiver: ServiceBusReceiver) -> None:
        for task in [task for task in self._held if task.done()]:
            held = self._held.pop(task)
            ran = task.result()
            try:
                if held.receiver is not receiver:
                    raise ConnectionError("the connection that it came by was lost meanwhile")
                settle = receiver.complete_message if ran else receiver.abandon_message
                await settle(held.message)
            except Exception as error:  # noqa: BLE001 - what can't be settled comes again when its lock ends
                log.warning(
                    "%s ran for message %s, which couldn't be %s and will be delivered again: %s",
                    self._function.name,
                    held.message.message_id,
                    "completed" if ran else "abandoned",
                    one_line(error),
                )

    async def _renew_due(self, receiver: ServiceBusReceiver) -> None:
        for held in self._held.values():
            if held.renew_at > _now():
                continue
            held.renew_at = _NEVER
            if held.receiver is not receiver or _now() >= held.renew_until:
                continue
            try:
                until = await receiver.renew_message_lock(held.message)
            except Exception as error:  # noqa: BLE001 - the function goes on; settling will tell
                log.warning("The lock of message %s wasn't renewed: %s", held.message.message_id, one_line(error))
            else:
                held.renew_at = _now() + max(0.0, (until - datetime.now(UTC)).total_seconds()) / 2


async def _interrupt(
    receiving: asyncio.Task[list[ServiceBusReceivedMessage]],
) -> list[ServiceBusReceivedMessage]:
    """Stop a receive and return what it got. What was on its way stays in the SDK's buffer for the next."""
    receiving.cancel()
    await asyncio.wait([receiving])
    return [] if receiving.cancelled() else receiving.result()


def _now() -> float:
    return asyncio.get_running_loop().time()
