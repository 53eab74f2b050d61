"""AMQP 1.0 message bytes: what the broker must read of a message, and what it adds on delivery.

A message is a row of described sections (OASIS AMQP 1.0 part 3, 3.2). All that the sender wrote is passed
on byte for byte; only the header and the annotations, which belong to the broker, are written anew, and the
application properties once a receiver has set any.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from proton import Array, Data, DataException, Described, int32, symbol, timestamp, ubyte, uint, ulong

from sandbox.servicebus.message import State, StoredMessage

HEADER, DELIVERY_ANNOTATIONS, MESSAGE_ANNOTATIONS = 0x70, 0x71, 0x72
PROPERTIES, APPLICATION_PROPERTIES, DATA, FOOTER = 0x73, 0x74, 0x75, 0x78

_HEADER_TTL = 2
"""Index of the ttl field in the header section."""

_DUE = symbol("x-opt-scheduled-enqueue-time")
_ACTIVE, _DEFERRED, _SCHEDULED = 0, 1, 2
"""x-opt-message-state (ServiceBusMessageState in the SDK); whether a message is locked makes no difference."""

_FIXED_WIDTHS = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}


class MalformedMessageError(ValueError):
    """The bytes are not an AMQP 1.0 message."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as sent. ``ttl`` is seconds (infinite if none); ``due_at`` epoch seconds, or None."""

    content: bytes
    message_id: str | None
    ttl: float
    due_at: float | None


def read_transfer(raw: bytes) -> list[Incoming]:
    """The messages in one transfer: one, or all of a batch. Raises MalformedMessageError.

    A batch is a message whose data sections are messages (message format 0x80013700). Proton hides that
    format from its users, so a batch is told by shape: every data section must parse as a message.
    """
    parts = [_data_of(section) for code, section in _sections(raw) if code == DATA]
    if parts and all(_is_message(part) for part in parts):
        return [read(part) for part in parts]
    return [read(raw)]


def read(raw: bytes) -> Incoming:
    """One message as sent. Raises MalformedMessageError."""
    sections = dict(_sections(raw))
    try:
        header = _value(sections.get(HEADER), [])
        properties = _value(sections.get(PROPERTIES), [])
        due = _value(sections.get(MESSAGE_ANNOTATIONS), {}).get(_DUE)
        _value(sections.get(APPLICATION_PROPERTIES), {}).keys()
        ttl = header[_HEADER_TTL] if len(header) > _HEADER_TTL else None
        message_id = properties[0] if properties else None
        return Incoming(
            content=raw,
            message_id=None if message_id is None else str(message_id),
            ttl=math.inf if ttl is None else ttl / 1000,
            due_at=None if due is None else due / 1000,
        )
    except (DataException, TypeError, AttributeError, RecursionError) as problem:
        raise MalformedMessageError(f"a section holds another type than AMQP gives it: {problem}") from problem


def write(message: StoredMessage) -> bytes:
    """The bytes of a stored message for a receiver, with the broker's header and annotations."""
    sections = list(_sections(message.content))
    stored = dict(sections)
    annotations: dict[Any, Any] = _value(stored.get(MESSAGE_ANNOTATIONS), {})
    annotations |= {
        symbol("x-opt-sequence-number"): message.sequence,
        symbol("x-opt-enqueued-time"): milliseconds(message.enqueued_at),
        symbol("x-opt-message-state"): int32(_state_code(message)),
    }
    if message.lock is not None:
        annotations[symbol("x-opt-locked-until")] = milliseconds(message.locked_until)
    application: dict[str, Any] | None = None
    if message.properties:
        application = _value(stored.get(APPLICATION_PROPERTIES), {}) | message.properties
    if message.dead_letter_source is not None:
        annotations[symbol("x-opt-deadletter-source")] = message.dead_letter_source
    ttl = None if message.ttl == math.inf else uint(min(round(message.ttl * 1000), 2**32 - 1))
    # The SDK needs the delivery count in full, also when it is zero, which proton's own Message leaves out.
    header = [False, ubyte(4), ttl, message.delivery_count == 0, uint(message.delivery_count)]
    parts = [described(HEADER, header), described(MESSAGE_ANNOTATIONS, annotations)]
    parts += [section for code, section in sections if code == PROPERTIES]
    if application is not None:
        parts.append(described(APPLICATION_PROPERTIES, application))
    rest = range(APPLICATION_PROPERTIES if application is None else DATA, FOOTER + 1)
    parts += [section for code, section in sections if code in rest]
    return b"".join(parts)


def milliseconds(seconds: float) -> timestamp:
    """An AMQP timestamp from seconds since the epoch."""
    return timestamp(round(seconds * 1000))


def properties(sent: Any) -> dict[str, Any]:
    """The properties that a receiver sets, from a map with strings or symbols as keys (or from None).

    Raises MalformedMessageError if it is something else, or a value isn't simple (part 3, 3.2.5).
    """
    if sent is None:
        return {}
    if not isinstance(sent, dict) or not all(isinstance(name, str) for name in sent):
        raise MalformedMessageError(f"seen {sent!r} as properties to modify, expected a map by name")
    for name, value in sent.items():
        # The .NET SDK describes its own types, each a simple one inside.
        inner = value.value if isinstance(value, Described) else value
        if isinstance(inner, list | dict | Array | Described):
            raise MalformedMessageError(f"seen {value!r} for property '{name}', expected a simple value")
    return {str(name): _own(value) for name, value in sent.items()}


def described(code: int, value: Any) -> bytes:
    """The bytes of a described value, such as a section or the body of a frame."""
    data = Data()
    data.put_object(Described(ulong(code), value))
    return bytes(data.encode())


def _state_code(message: StoredMessage) -> int:
    if message.state is State.SCHEDULED:
        return _SCHEDULED
    return _DEFERRED if message.deferred else _ACTIVE


def _sections(raw: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    if not raw:
        raise MalformedMessageError("no section at all")
    try:
        while start < len(raw):
            if raw[start : start + 2] == b"\x00\x53":
                code, body = raw[start + 2], start + 3
            elif raw[start : start + 2] == b"\x00\x80":
                code, body = int.from_bytes(raw[start + 2 : start + 10], "big"), start + 10
            else:
                raise MalformedMessageError(f"no section starts at byte {start} of {len(raw)}")
            end = _end_of_value(raw, body)
            if not HEADER <= code <= FOOTER or end > len(raw):
                raise MalformedMessageError(f"the section at byte {start} has code {code:#x} and ends at {end}")
            yield code, raw[start:end]
            start = end
    except (IndexError, KeyError, RecursionError) as problem:
        raise MalformedMessageError(f"the section at byte {start} of {len(raw)} doesn't parse") from problem


def _end_of_value(raw: bytes, start: int) -> int:
    """Index just past a value: the upper half of its constructor says how wide it is (part 1, 1.2)."""
    if raw[start] == 0:  # a described value: its descriptor, then the value
        return _end_of_value(raw, _end_of_value(raw, start + 1))
    kind = raw[start] >> 4
    if kind in (0xA, 0xC, 0xE):
        return start + 2 + raw[start + 1]
    if kind in (0xB, 0xD, 0xF):
        return start + 5 + int.from_bytes(raw[start + 1 : start + 5], "big")
    return start + 1 + _FIXED_WIDTHS[kind]


def _data_of(section: bytes) -> bytes:
    body = 3 if section[1] == 0x53 else 10
    return section[body + (2 if section[body] == 0xA0 else 5) :]


def _is_message(raw: bytes) -> bool:
    try:
        list(_sections(raw))
    except MalformedMessageError:
        return False
    return True


def _value(section: bytes | None, missing: Any) -> Any:
    if section is None:
        return missing
    data = Data()
    data.decode(section)
    data.rewind()
    data.next()
    found = data.get_object()
    return _own(found.value) if isinstance(found, Described) and found.value else missing


def _own(value: Any) -> Any:
    """A value that holds by itself: proton gives binary ones as views of memory that it frees with their source."""
    match value:
        case memoryview():
            return bytes(value)
        case Described():
            return Described(value.descriptor, _own(value.value))
        case dict():
            return {_own(key): _own(item) for key, item in value.items()}
        case Array():
            return Array(value.descriptor, value.type, *map(_own, value.elements))
        case list():
            return [_own(item) for item in value]
        case _:
            return value
