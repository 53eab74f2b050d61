"""A client that speaks AMQP 1.0 in frames, for what no SDK sends or shows."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from proton import UNDESCRIBED, Array, Data, Described, Message, uint, ulong

from sandbox.servicebus import Broker

AMQP, SASL = b"AMQP\x00\x01\x00\x00", b"AMQP\x03\x01\x00\x00"

OPEN, BEGIN, ATTACH, FLOW, TRANSFER, DISPOSITION, DETACH = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16
REJECTED, MODIFIED = 0x25, 0x27
_SOURCE, _TARGET = 0x28, 0x29
_WINDOW = uint(2**31 - 1)


class Frame(NamedTuple):
    """One frame: the code of its performative, the performative's fields, and what follows them."""

    code: int
    fields: list[Any]
    payload: bytes


class Peer:
    """One connection. Reading waits 10 seconds at most."""

    def __init__(self, broker: Broker) -> None:
        self.socket = socket.create_connection((broker.host, broker.port), timeout=10)
        self._sent = 0

    def send(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(raw)

    def read(self, count: int) -> bytes:
        """So many bytes, or fewer if the connection ends before."""
        raw = b""
        while len(raw) < count and (more := self.socket.recv(count - len(raw))):
            raw += more
        return raw

    def say(self, code: int, fields: list[Any], payload: bytes = b"", kind: int = 0) -> None:
        """Send a frame on channel 0; ``kind`` 1 is SASL's."""
        data = Data()
        data.put_object(Described(ulong(code), fields))
        body = bytes(data.encode()) + payload
        self.send((8 + len(body)).to_bytes(4, "big") + bytes((2, kind, 0, 0)) + body)

    def hear(self) -> Frame:
        """The next frame; its fields are filled up with None."""
        body = self.read(int.from_bytes(self.read(4), "big") - 4)[4:]
        data = Data()
        end = data.decode(body)
        data.rewind()
        data.next()
        said: Any = data.get_object()
        # Binary fields are views of memory that proton frees together with the data.
        fields = [bytes(field) if isinstance(field, memoryview) else field for field in said.value]
        return Frame(int(said.descriptor), fields + [None] * (20 - len(fields)), body[end:])

    def expect(self, code: int) -> Frame:
        """The next frame, which must be of this performative."""
        frame = self.hear()
        assert frame.code == code, frame
        return frame

    def begin(self) -> None:
        """Open the connection, without SASL, and a session."""
        self.send(AMQP)
        assert self.read(8) == AMQP
        self.say(OPEN, ["peer", "localhost"])
        self.say(BEGIN, [None, uint(0), _WINDOW, _WINDOW])
        self.expect(OPEN)
        self.expect(BEGIN)

    def attach(self, address: str, *, handle: int, receiving: bool) -> None:
        """Attach a link; one for sending gets its credit. Links are settled by both sides, the receiver's second."""
        source, target = Described(ulong(_SOURCE), [address]), Described(ulong(_TARGET), [address])
        name, start = f"{address}-{handle}", None if receiving else uint(0)
        self.say(ATTACH, [name, uint(handle), receiving, None, None, source, target, None, None, start])
        self.expect(ATTACH)
        if not receiving:
            self.expect(FLOW)

    def flow(self, *, handle: int, count: int, credit: int, drain: bool = False) -> None:
        """Grant credit beyond the deliveries counted so far."""
        fields = [uint(0), _WINDOW, uint(0), _WINDOW, uint(handle), uint(count), uint(credit), uint(0), drain]
        self.say(FLOW, fields)

    def transfer(self, handle: int, message: Message) -> None:
        """Send a message, settled."""
        number = self._sent
        self._sent += 1
        self.say(TRANSFER, [uint(handle), uint(number), number.to_bytes(4, "big"), uint(0), True], message.encode())

    def settle(self, number: int, outcome: int, fields: list[Any]) -> Described:
        """Settle a delivery, and return the outcome that the broker gives it in turn."""
        self.say(DISPOSITION, [True, uint(number), None, False, Described(ulong(outcome), fields)])
        role, first, _, settled, state, *_ = self.expect(DISPOSITION).fields
        assert (role, first, settled) == (False, number, True)
        assert isinstance(state, Described)
        return state


@contextmanager
def peer_of(broker: Broker) -> Iterator[Peer]:
    """A connection that is closed at the end."""
    peer = Peer(broker)
    with peer.socket:
        yield peer


def request(operation: str, **body: Any) -> Message:
    """A request to a management node; ``_`` in a field's name stands for ``-``."""
    fields = {name.replace("_", "-"): value for name, value in body.items()}
    return Message(id="1", properties={"operation": f"com.microsoft:{operation}"}, body=fields)


def array(kind: int, *values: Any) -> Array:
    """An AMQP array, such as of lock tokens."""
    return Array(UNDESCRIBED, kind, *values)
