"""One sender of azure-servicebus, used until something fails, and then got rid of without waiting for it.

A call into the SDK (7.15) is never cancelled while it has a socket: it would forget the socket, or leave the link
between two states. One that takes too long goes on by itself; its socket is closed under it, and so it comes to an end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusMessage
    from azure.servicebus.aio import ServiceBusClient

BATCH_MESSAGES = 100
"""Messages in one send: with at most about a KB each, well below the 256 KB that a batch of the Standard tier holds."""
SEND_LIMIT = 3.0
"""Seconds for one send on an open link. A good one takes some milliseconds."""
OPEN_LIMIT = 10.0
"""Seconds for opening a link. A good one takes half a second; at the cold start of a small instance, with the first
token, several. No caller waits for so long: see the publisher."""
CLOSE_LIMIT = 2.0
"""Seconds for a call to end when its socket is closed, and for a goodbye."""


class SilentBusError(Exception):
    """Service Bus accepted the connection, or had one, and did not answer in time."""

    def __init__(self, queue: str, seconds: float) -> None:
        super().__init__(
            f"Service Bus did not answer within {seconds:g} s on the link to the queue {queue}. Look at its health in"
            " the portal, and at what stands between (firewall, network)."
        )


class BusLink:
    """For one coroutine at a time, like the SDK's senders. After any error, `discard` it and make another."""

    def __init__(self, client: ServiceBusClient, queue: str) -> None:
        self._queue = queue
        # Without a timeout of its own, at whose end the SDK would cancel what it has begun.
        self._sender = client.get_queue_sender(queue)
        self._opened = False
        self._call: asyncio.Future[Any] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, messages: Sequence[ServiceBusMessage]) -> None:
        """Send these. Raises the SDK's errors, and SilentBusError when one of its calls takes too long."""
        if not self._opened:
            # The SDK's public call that opens a sender and sends nothing: it may take longer than a send.
            await self._within(OPEN_LIMIT, self._sender.create_message_batch())
            self._opened = True
        for start in range(0, len(messages), BATCH_MESSAGES):
            part = list(messages[start : start + BATCH_MESSAGES])
            await self._within(SEND_LIMIT, self._sender.send_messages(part if len(part) > 1 else part[0]))

    async def discard(self) -> None:
        """Close it, in whatever state it is. Takes a few seconds at most, and raises nothing."""
        if self._call is not None and not self._call.done():
            self._sever()
            await _ended(self._call)
        await _ended(asyncio.ensure_future(self._sender.close()))
        self._sever()

    async def _within(self, limit: float, call: Coroutine[Any, Any, Any]) -> None:
        self._call = asyncio.ensure_future(call)
        await asyncio.wait([self._call], timeout=limit)
        self._writer = self._socket() or self._writer
        if not self._call.done():
            raise SilentBusError(self._queue, limit)
        self._call.result()

    def _socket(self) -> asyncio.StreamWriter | None:
        """The SDK has no name for it that it promises to keep. Where it has none at all, there is nothing to close."""
        found: Any = self._sender
        for name in ("_handler", "_connection", "_transport", "writer"):
            found = getattr(found, name, None)
        return found if isinstance(found, asyncio.StreamWriter) else None

    def _sever(self) -> None:
        """Close the socket at once. Also one that the SDK has forgotten, because the other side closed it first."""
        for writer in (self._writer, self._socket()):
            if writer is not None:
                writer.transport.abort()


async def _ended(call: asyncio.Future[Any]) -> None:
    """Wait for it. What has no socket yet, and hangs in connecting, may be cancelled."""
    for _ in range(2):
        await asyncio.wait([call], timeout=CLOSE_LIMIT)
        if call.done():
            break
        call.cancel()
    if call.done() and not call.cancelled():
        call.exception()
