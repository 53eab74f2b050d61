"""``<queue>/$management``: requests about messages that don't travel over a receiving link.

https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-request-response
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from proton import UNDESCRIBED, Array, Data, Message, int32, symbol

from sandbox.servicebus import codec
from sandbox.servicebus.message import QueueError
from sandbox.servicebus.queue import Queue

SUFFIX = "/$management"
_VENDOR = "com.microsoft:"
_SETTLED_FIRST = 0
"""receiver-settle-mode of a client that receives and deletes; 1 locks."""

Body = dict[str, Any]


def answer(queue: Queue, request: Message) -> Message:
    """Carry out one request on a queue; a failure is answered with the service's own condition."""
    asked: dict[str, Any] = request.properties or {}
    operation = str(asked.get("operation")).removeprefix(_VENDOR)
    body: Body = request.body if isinstance(request.body, dict) else {}
    perform = _OPERATIONS.get(operation)
    if perform is None:
        known = ", ".join(sorted(_OPERATIONS))
        text = f"The local broker has no operation '{operation}' on queue '{queue.name}'; it has {known}."
        return _reply(request, 501, text, condition="amqp:not-implemented")
    try:
        result = perform(queue, body)
    except QueueError as refusal:
        return _reply(request, refusal.status, str(refusal), condition=refusal.condition)
    except KeyError as missing:
        text = f"{operation} on queue '{queue.name}': field {missing} is missing or has an unknown value"
        return _reply(request, 400, text, condition=_VENDOR + "argument-error")
    except (TypeError, AttributeError, codec.MalformedMessageError) as problem:
        text = f"{operation} on queue '{queue.name}': a field has the wrong type: {problem}"
        return _reply(request, 400, text, condition=_VENDOR + "argument-error")
    if result is None:
        return _reply(request, 204, "No content")
    return _reply(request, 200, "OK", result)


def not_found(text: str, request: Message) -> Message:
    """The answer to any request on the management node of a queue that doesn't exist."""
    return _reply(request, 404, text, condition="amqp:not-found")


def _reply(request: Message, status: int, text: str, body: Body | None = None, condition: str | None = None) -> Message:
    properties: dict[str, Any] = {"statusCode": int32(status), "statusDescription": text}
    if condition is not None:
        properties["errorCondition"] = symbol(condition)
    return Message(correlation_id=request.id, properties=properties, body=body or {})


def _array(kind: int, values: Sequence[int]) -> Array:
    return Array(UNDESCRIBED, kind, *values)


def _renew_lock(queue: Queue, body: Body) -> Body:
    expirations = [codec.milliseconds(queue.renew(lock)) for lock in body["lock-tokens"]]
    return {"expirations": _array(Data.TIMESTAMP, expirations)}


def _schedule(queue: Queue, body: Body) -> Body:
    messages = [codec.read(bytes(item["message"])) for item in body["messages"]]
    numbers = [
        queue.send(message.content, message_id=message.message_id, ttl=message.ttl, due_at=message.due_at)
        for message in messages
    ]
    return {"sequence-numbers": _array(Data.LONG, numbers)}


def _cancel_scheduled(queue: Queue, body: Body) -> Body:
    queue.cancel(list(body["sequence-numbers"]))
    return {}


def _peek(queue: Queue, body: Body) -> Body | None:
    found = queue.peek(body["from-sequence-number"], body["message-count"])
    return {"messages": [{"message": codec.write(message)} for message in found]} if found else None


def _receive_by_sequence_number(queue: Queue, body: Body) -> Body:
    deleting = body["receiver-settle-mode"] == _SETTLED_FIRST
    received = []
    for message in queue.take_deferred(list(body["sequence-numbers"])):
        received.append({"message": codec.write(message), "lock-token": message.lock})
        if deleting and message.lock is not None:
            queue.complete(message.lock)
    return {"messages": received}


def _update_disposition(queue: Queue, body: Body) -> Body:
    """Settle by lock token: a deferred message, or one whose link is gone by now."""
    properties = codec.properties(body.get("properties-to-modify"))
    settle: dict[str, Callable[[Any], None]] = {
        "completed": queue.complete,
        "abandoned": lambda lock: queue.abandon(lock, properties),
        "defered": lambda lock: queue.defer(lock, properties),  # the protocol's own spelling
        "suspended": lambda lock: queue.dead_letter(
            lock, body.get("deadletter-reason"), body.get("deadletter-description"), properties
        ),
    }
    for lock in body["lock-tokens"]:
        settle[body["disposition-status"]](lock)
    return {}


_OPERATIONS: dict[str, Callable[[Queue, Body], Body | None]] = {
    "renew-lock": _renew_lock,
    "schedule-message": _schedule,
    "cancel-scheduled-message": _cancel_scheduled,
    "peek-message": _peek,
    "receive-by-sequence-number": _receive_by_sequence_number,
    "update-disposition": _update_disposition,
}
