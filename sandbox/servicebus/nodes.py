"""What a link can be attached to, and why some links can't be had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from proton import Link, Message, symbol

from sandbox.servicebus import cbs, management
from sandbox.servicebus.namespace import DEAD_LETTER_SUFFIX, Namespace
from sandbox.servicebus.queue import Queue

_SESSION_FILTER = symbol("com.microsoft:session-filter")


class RefusalError(Exception):
    """A link or a message that is refused, with the AMQP condition that says why."""

    def __init__(self, condition: str, text: str) -> None:
        super().__init__(text)
        self.condition = condition


@dataclass(frozen=True, slots=True)
class Node:
    """What a link is attached to: a queue, or a node that answers requests, perhaps about a queue.

    ``refusal`` is what every message sent here is rejected with.
    """

    path: str
    queue: Queue | None = None
    answer: Callable[[Message], Message] | None = None
    refusal: RefusalError | None = None


def resolve(namespace: Namespace, link: Link) -> Node:
    """The node that a client's link is for. Raises RefusalError, which names the queue.

    Only a link for receiving can be refused so that the SDK shows the reason. One for sending it takes for
    open before it reads on, and then knows only that it was closed: so that one is opened, and its messages
    are rejected with the reason. Requests are answered with it, likewise.
    """
    address = (link.remote_source if link.is_sender else link.remote_target).address or ""
    # The SDK names queues by full address (amqps://host:port/queue), management nodes by bare path.
    path = address.partition("://")[2].partition("/")[2] if "://" in address else address
    path = path.strip("/")
    if path == cbs.NODE:
        return Node(path, answer=cbs.answer)
    queue = namespace.find(path.removesuffix(management.SUFFIX))
    refusal = _refusal(namespace, link, path, queue)
    if path.endswith(management.SUFFIX):
        if queue is None:
            return Node(path, answer=partial(management.not_found, str(refusal)))
        return Node(path, queue, partial(management.answer, queue))
    if refusal is not None and link.is_sender:
        raise refusal
    return Node(path, queue, refusal=refusal)


def _refusal(namespace: Namespace, link: Link, path: str, queue: Queue | None) -> RefusalError | None:
    if queue is None:
        names = ", ".join(queue.name for queue in namespace if not queue.is_dead_letter_queue)
        name = path.removesuffix(management.SUFFIX)
        return RefusalError(
            "amqp:not-found",
            f"The messaging entity '{name}' could not be found. Expected one of:"
            f" {names} (or its {DEAD_LETTER_SUFFIX}). Queues are defined in the broker's Config.json.",
        )
    if link.is_receiver and queue.is_dead_letter_queue:
        text = f"Nothing can be sent to '{queue.name}'; send to the queue itself."
        return RefusalError("amqp:not-allowed", text)
    if link.is_sender and _wants_session(link):
        return RefusalError(
            "amqp:not-allowed",
            f"Seen a receiver for a session of '{queue.name}', expected one without: the local broker has no"
            " sessions. Use the official Service Bus emulator for them.",
        )
    return None


def _wants_session(link: Link) -> bool:
    wanted = link.remote_source.filter
    wanted.rewind()
    try:
        filters: Any = wanted.get_object() if wanted.next() is not None else None
    except (TypeError, RecursionError) as problem:
        text = f"the filter of a link to '{link.remote_source.address}': {problem}"
        raise RefusalError("amqp:decode-error", text) from problem
    return isinstance(filters, dict) and _SESSION_FILTER in filters
