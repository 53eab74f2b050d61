"""The port: clients are accepted, taken through SASL, and then handed to proton's reactor.

Proton's own acceptor would answer SASL by itself, without the mechanism that the .NET client needs.
"""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from proton import Event, Transport
from proton.handlers import IOHandler
from proton.reactor import Container

from sandbox.servicebus import sasl

_BACKLOG = 128

_log = logging.getLogger("sandbox.servicebus")


class Listener:
    """Listens from its creation on, which raises OSError if the port can't be had.

    `stop` is for the reactor's thread. Whoever comes while it is `silent` is accepted and gets no answer.
    """

    _transport = None
    """The reactor asks everything that it selects for its AMQP transport."""

    def __init__(self, container: Container, host: str, port: int, silent: Callable[[], bool]) -> None:
        self._container = container
        self._silent = silent
        self._socket = _listen(host, port)
        self._newcomers: set[_Newcomer] = set()
        self._selectable = container.selectable(self)

    @property
    def port(self) -> int:
        """The port that is listened on, also when the system chose it."""
        port: int = self._socket.getsockname()[1]
        return port

    def stop(self) -> None:
        """Accept nobody any more, and close the connections that aren't proton's yet."""
        for newcomer in list(self._newcomers):
            newcomer.leave()
        self._selectable.terminate()
        self._selectable.update()

    def fileno(self) -> int:
        """What the reactor selects."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the port; the reactor calls this too."""
        self._socket.close()

    def on_selectable_init(self, event: Event) -> None:
        _read(event.context)

    def on_selectable_readable(self, event: Event) -> None:
        # A client that has gone again by now, or one too many for the process, is no reason to stop.
        with suppress(OSError):
            client, _ = self._socket.accept()
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._newcomers.add(_Newcomer(self, client, silent=self._silent()))

    def _selected(self, newcomer: _Newcomer) -> Any:
        return self._container.selectable(newcomer)

    def _forget(self, newcomer: _Newcomer) -> None:
        self._newcomers.discard(newcomer)

    def _hand_over(self, client: socket.socket, begun: bytes) -> None:
        """Do what proton's acceptor does with a new connection, of which the bytes ``begun`` are read already."""
        connection = self._container.connection()
        connection._acceptor = self  # else proton would dial
        transport = Transport(Transport.SERVER)
        transport.bind(connection)
        transport.push(begun)
        selectable = self._container.selectable(delegate=client)
        selectable._transport, transport._selectable = transport, selectable
        IOHandler.update(transport, selectable, self._container.now)


class _Newcomer:
    """A client's connection until its handshake is over."""

    _transport = None

    def __init__(self, listener: Listener, client: socket.socket, *, silent: bool) -> None:
        self._listener = listener
        self._client = client
        self._read = b""
        self._handshake: sasl.Handshake | None = sasl.serve()
        _, self._wanted = next(self._handshake)
        if silent:
            self._handshake = None
        self._selectable = listener._selected(self)

    def leave(self, *, close: bool = True) -> None:
        """Select this client no more."""
        if not close:
            self._selectable.release()
        self._selectable.terminate()
        self._selectable.update()
        self._listener._forget(self)

    def fileno(self) -> int:
        return self._client.fileno()

    def close(self) -> None:
        self._client.close()

    def on_selectable_init(self, event: Event) -> None:
        _read(event.context)

    def on_selectable_readable(self, event: Event) -> None:
        try:
            if self._handshake is None:
                self._ignore()
            else:
                self._proceed(self._handshake)
        except BlockingIOError:
            return
        except StopIteration as end:
            self.leave(close=False)
            self._listener._hand_over(self._client, end.value)
        except sasl.RefusedError as refusal:
            _log.warning("refused a connection: %s", refusal)
            self._refuse(refusal.farewell)
        except OSError:
            self.leave()

    def _proceed(self, handshake: sasl.Handshake) -> None:
        while True:
            while len(self._read) < self._wanted:
                self._read += self._receive(self._wanted - len(self._read))
            answer, self._wanted = handshake.send(self._read)
            self._read = b""
            self._client.sendall(answer)

    def _refuse(self, farewell: bytes) -> None:
        # Closing at once, with something unread, would take the farewell from the client: it goes first.
        self._handshake = None
        try:
            self._client.sendall(farewell)
            self._client.shutdown(socket.SHUT_WR)
        except OSError:
            self.leave()

    def _ignore(self) -> None:
        while True:
            self._receive(4096)

    def _receive(self, most: int) -> bytes:
        if received := self._client.recv(most):
            return received
        raise ConnectionResetError("the client closed its connection")


def _read(selectable: Any) -> None:
    selectable.reading = True
    selectable.update()


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket()
    try:
        # Each system's way to say "a port that a program has just left is free, one that is listened on isn't".
        if sys.platform == "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening
