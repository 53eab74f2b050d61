"""A received message in the form in which the .NET host passes it to the Python worker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from azure.functions.meta import Datum

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusReceivedMessage


def body(message: ServiceBusReceivedMessage, *, binary: bool = False) -> Datum:
    """The body as text, as the host does for every trigger without a dataType; as bytes if it isn't UTF-8.

    With dataType binary always as bytes.
    """
    raw = b"".join(message.body)
    if binary:
        return Datum(raw, "bytes")
    try:
        return Datum(raw.decode(), "string")
    except UnicodeDecodeError:
        return Datum(raw, "bytes")


def metadata(message: ServiceBusReceivedMessage) -> dict[str, Datum]:
    """The trigger metadata: the members that AddBindingData in ServiceBusTriggerBindingStrategy.cs adds.

    Numbers, times and maps travel as JSON. The times ending in Utc come without an offset, so the library
    makes naive datetimes of them (https://github.com/Azure/azure-functions-python-worker/issues/1731). The
    delivery count includes this delivery, where the AMQP header counts only the failed ones before.
    """
    properties = {_text(key): _plain(value) for key, value in (message.application_properties or {}).items()}
    members = {
        "DeliveryCount": (message.delivery_count or 0) + 1,
        "DeadLetterSource": message.dead_letter_source,
        "LockToken": str(message.lock_token),
        "ExpiresAtUtc": _naive(message.expires_at_utc),
        "ExpiresAt": _aware(message.expires_at_utc),
        "EnqueuedTimeUtc": _naive(message.enqueued_time_utc),
        "EnqueuedTime": _aware(message.enqueued_time_utc),
        "MessageId": message.message_id,
        "ContentType": message.content_type,
        "ReplyTo": message.reply_to,
        "SequenceNumber": message.sequence_number,
        "To": message.to,
        "Subject": message.subject,
        "Label": message.subject,
        "CorrelationId": message.correlation_id,
        "ApplicationProperties": properties,
        "UserProperties": properties,
        "SessionId": message.session_id,
        "ReplyToSessionId": message.reply_to_session_id,
        "PartitionKey": message.partition_key,
    }
    return {name: _datum(value) for name, value in members.items() if value is not None}


def overwritten(labels: Mapping[str, Datum], content: Datum) -> dict[str, Datum]:
    """The metadata as it reaches the function: a text that is a JSON object has put its own keys over it.

    Names match whatever their case, and keep the case that they had; objects travel as JSON, all else as text; arrays
    and null are left out. Source: `Utility.ApplyBindingData` in azure-functions-host, on the binder's dictionary of
    azure-webjobs-sdk, which ignores case. Bytes are not looked into.
    """
    result = dict(labels)
    if content.type != "string":
        return result
    try:
        claims = json.loads(content.value)
    except ValueError:
        return result
    if not isinstance(claims, dict):
        return result
    known = {name.lower(): name for name in result}
    for name, value in claims.items():
        if value is not None and not isinstance(value, list):
            nested = isinstance(value, dict)
            spelt = known.setdefault(name.lower(), name)
            result[spelt] = Datum(json.dumps(value), "json") if nested else Datum(_net(value), "string")
    return result


def _net(value: str | float | bool) -> str:
    """As .NET writes it: `True`, `1.5`, and `1` for 1.0."""
    if isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def lock_seconds(message: ServiceBusReceivedMessage, now: datetime) -> float:
    """How long the lock still holds, in seconds."""
    until = message.locked_until_utc
    return max(0.0, (until - now).total_seconds()) if until is not None else 0.0


def _datum(value: Any) -> Datum:
    return Datum(value, "string") if isinstance(value, str) else Datum(json.dumps(value), "json")


def _naive(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None).isoformat()


def _aware(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, datetime):
        return _aware(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {_text(key): _plain(item) for key, item in value.items()}
    return value if isinstance(value, str | int | float | bool | None) else str(value)
