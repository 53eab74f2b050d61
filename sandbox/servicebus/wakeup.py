"""Waking the broker's thread from another one.

Proton's own EventInjector waits on a pipe, which Windows can't select; a pair of sockets works everywhere.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from proton import Event


class Wakeup:
    """Selected by the reactor; `wake` may be called from any thread and makes it call ``on_wake``."""

    _transport = None
    """The reactor asks everything that it selects for its AMQP transport."""

    def __init__(self, on_wake: Callable[[], None]) -> None:
        self._on_wake = on_wake
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def wake(self) -> None:
        """Ask for a call of ``on_wake``; several requests may lead to one. Does nothing after `close`."""
        # Blocked means that enough requests are waiting already; closed, that nobody waits any more.
        with suppress(BlockingIOError, OSError):
            self._writer.send(b"!")

    def fileno(self) -> int:
        """What the reactor selects."""
        return self._reader.fileno()

    def close(self) -> None:
        """Close both sockets; the reactor calls this too."""
        self._reader.close()
        self._writer.close()

    def on_selectable_init(self, event: Event) -> None:
        selectable: Any = event.context
        selectable.reading = True
        selectable.update()

    def on_selectable_readable(self, event: Event) -> None:
        with suppress(BlockingIOError):
            self._reader.recv(4096)
        self._on_wake()
