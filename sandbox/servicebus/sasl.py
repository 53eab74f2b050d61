"""SASL, the first part of a connection (OASIS AMQP 1.0 part 5, 5.3): bytes in, bytes out, no network.

Proton has one too, but its Python binding can't offer ``MSSBCBS``, the only mechanism of Microsoft's .NET
client and so of the real Functions host. Nothing is proved here: rights are shown afterwards, to ``$cbs``.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from proton import UNDESCRIBED, Array, Data, DataException, Described, symbol, ubyte

from sandbox.servicebus import codec

AMQP, SASL = b"AMQP\x00\x01\x00\x00", b"AMQP\x03\x01\x00\x00"
"""The headers of both protocols, version 1.0.0: what both sides say first."""

MECHANISMS = ("MSSBCBS", "PLAIN", "ANONYMOUS", "EXTERNAL")
"""As the service offers them."""

_FRAME, _OFFSET, _TYPE = 8, 2, 1
"""Bytes of a frame's header; the offset (in words of four bytes) and the type that it names."""

_MAX_FRAME = 512
"""Bytes: no SASL frame may be longer (5.3.1)."""

_SERVER_MECHANISMS, _OUTCOME = 0x40, 0x44
_INIT = (0x41, "amqp:sasl-init:list")
"""By number or by name, as AMQP lets a client choose."""

_OK, _AUTH = 0, 1


class RefusedError(Exception):
    """The client can't be let in. ``farewell`` is what it is told before its connection is closed."""

    def __init__(self, text: str, farewell: bytes) -> None:
        super().__init__(text)
        self.farewell = farewell


Handshake = Generator[tuple[bytes, int], bytes, bytes]


def serve() -> Handshake:
    """The server's side. Yields bytes to send and how many bytes are wanted next, which are sent in.

    Returns the header of AMQP, which every connection comes to, with SASL before it or without. Never wants
    a byte beyond that. Raises RefusedError.
    """
    header = yield b"", len(AMQP)
    if header[:5] == SASL[:5]:
        offered = Array(UNDESCRIBED, Data.SYMBOL, *map(symbol, MECHANISMS))
        if header != SASL:
            raise _wrong_header(header, SASL)
        head = yield SASL + _frame(_SERVER_MECHANISMS, [offered]), _FRAME
        size = int.from_bytes(head[:4], "big")
        if not _FRAME < size <= _MAX_FRAME or head[4:6] != bytes((_OFFSET, _TYPE)):
            raise _refusal(f"seen a frame that starts {head.hex(' ')}, expected SASL's, of at most {_MAX_FRAME} bytes")
        mechanism = _mechanism((yield b"", size - _FRAME))
        if mechanism not in MECHANISMS:
            raise _refusal(f"seen the SASL mechanism '{mechanism}', expected one of {', '.join(MECHANISMS)}")
        header = yield _outcome(_OK), len(AMQP)
    if header != AMQP:
        raise _wrong_header(header, AMQP)
    return header


def _wrong_header(seen: bytes, expected: bytes) -> RefusedError:
    # Whose protocol isn't understood is told one that is (part 2, 2.2).
    return RefusedError(f"seen {seen!r} as the protocol's header, expected {expected!r}", expected)


def _mechanism(body: bytes) -> str:
    """The mechanism that the client's init names."""
    data = Data()
    try:
        data.decode(body)
        data.rewind()
        data.next()
        said = data.get_object()
    except (DataException, TypeError, RecursionError) as problem:
        raise _refusal(f"seen a SASL frame that doesn't parse ({problem}), expected the client's init") from problem
    match said:
        case Described(descriptor=code, value=[symbol() as mechanism, *_]) if code in _INIT:
            return str(mechanism)
        case _:
            raise _refusal(f"seen {said!r} in a SASL frame, expected the client's init with its mechanism")


def _refusal(text: str) -> RefusedError:
    return RefusedError(text, _outcome(_AUTH))


def _outcome(code: int) -> bytes:
    return _frame(_OUTCOME, [ubyte(code)])


def _frame(code: int, fields: list[Any]) -> bytes:
    body = codec.described(code, fields)
    return (_FRAME + len(body)).to_bytes(4, "big") + bytes((_OFFSET, _TYPE, 0, 0)) + body
