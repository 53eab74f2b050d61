"""The AMQP side: connections, links, credit, deliveries and their settlement.

One handler of proton's raw events, run by one thread, which alone touches the queues. (Proton's friendlier
MessagingHandler opens links on its own account after the callback, so a link can't be refused in it.)
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol
from uuid import UUID, uuid4

from proton import (
    Condition,
    Connection,
    DataException,
    Delivery,
    Endpoint,
    Handler,
    Link,
    Message,
    ProtonException,
    Receiver,
    Session,
    symbol,
)

from sandbox.servicebus import codec, faults
from sandbox.servicebus.faults import Faults
from sandbox.servicebus.message import QueueError
from sandbox.servicebus.namespace import Namespace
from sandbox.servicebus.nodes import Node, RefusalError, resolve
from sandbox.servicebus.queue import DESCRIPTION, REASON, Clock, Queue

MAX_MESSAGE_SIZE = 256 * 1024
"""Bytes, of a message or a batch: the Standard tier's limit."""

_CREDIT = 500

_log = logging.getLogger("sandbox.servicebus")


class Event(Protocol):
    """Proton's event: one about a link has a link, and so on up to its connection."""

    connection: Connection
    session: Session
    link: Link
    delivery: Delivery


class Links(Handler):
    """Serves every connection. ``on_change`` is called after anything that may alter what is due when."""

    def __init__(
        self, namespace: Namespace, clock: Clock, faults_now: Callable[[], Faults], on_change: Callable[[], None]
    ) -> None:
        super().__init__()
        self._namespace = namespace
        self._clock = clock
        self._faults = faults_now
        self._on_change = on_change
        self._connections: set[Connection] = set()
        self._swallowed: set[Connection] = set()
        self._used: dict[Link, float] = {}
        self._receivers: dict[Queue, deque[Link]] = {queue: deque() for queue in namespace}
        self._replies: dict[tuple[Session, str], Link] = {}

    def deliver_due(self) -> None:
        """Let due time pass in all queues and deliver what became ready."""
        self._detach_idle()
        self._namespace.advance()
        for queue in self._namespace:
            self._pump(queue)
        self._on_change()

    @property
    def senders(self) -> int:
        """How many links there are on which clients send to queues."""
        return len(self._used)

    def next_due(self) -> float | None:
        """When the next message or link falls due."""
        idle = min(self._used.values()) + self._faults().idle_seconds if self._used else None
        return min((due for due in (self._namespace.next_due(), idle) if due is not None), default=None)

    def _detach_idle(self) -> None:
        patience = self._faults().idle_seconds
        for link in [link for link, used in self._used.items() if used + patience <= self._clock()]:
            del self._used[link]
            condition, description = faults.IDLE
            link.condition = Condition(condition, description.format(timedelta(seconds=patience)))
            link.close()

    def disconnect_all(self) -> None:
        """Close every client's socket without a goodbye, as a broken network does."""
        for connection in list(self._connections):
            if (transport := connection.transport) is not None:
                transport.close_tail()
                transport.close_head()

    # -- connections and sessions -------------------------------------------------------------------------

    def on_connection_bound(self, event: Event) -> None:
        self._connections.add(event.connection)

    def on_connection_remote_open(self, event: Event) -> None:
        event.connection.container = "local-service-bus"
        event.connection.open()

    def on_connection_remote_close(self, event: Event) -> None:
        self._forget(lambda link: link.connection == event.connection)
        if event.connection not in self._swallowed:
            event.connection.close()

    def on_transport_closed(self, event: Event) -> None:
        self._forget(lambda link: link.connection == event.connection)
        self._connections.discard(event.connection)
        self._swallowed.discard(event.connection)

    def on_session_remote_open(self, event: Event) -> None:
        event.session.open()

    def on_session_remote_close(self, event: Event) -> None:
        self._forget(lambda link: link.session == event.session)
        if event.connection not in self._swallowed:
            event.session.close()

    def _forget(self, gone: Callable[[Link], bool]) -> None:
        """Deliver no more to links that are gone. What they hold stays locked until its lock runs out."""
        for receivers in self._receivers.values():
            for link in [link for link in receivers if gone(link)]:
                receivers.remove(link)
        self._replies = {key: link for key, link in self._replies.items() if not gone(link)}
        self._used = {link: used for link, used in self._used.items() if not gone(link)}

    # -- links --------------------------------------------------------------------------------------------

    def on_link_remote_open(self, event: Event) -> None:
        link = event.link
        # Repeated also in a refusal: without a source and a target the SDK hides the reason for it.
        link.source.copy(link.remote_source)
        link.target.copy(link.remote_target)
        link.snd_settle_mode, link.rcv_settle_mode = link.remote_snd_settle_mode, link.remote_rcv_settle_mode
        link.max_message_size = MAX_MESSAGE_SIZE
        try:
            node = resolve(self._namespace, link)
        except RefusalError as refusal:
            _log.warning("refused a link: %s", refusal)
            link.open()
            link.condition = Condition(refusal.condition, str(refusal))
            link.close()
            return
        link.node = node
        link.open()
        if link.is_receiver:
            link.flow(_CREDIT)
            if node.queue is not None and node.answer is None:
                self._used[link] = self._clock()
                self._on_change()
        elif node.answer is not None:
            self._replies[link.session, node.path] = link
        elif node.queue is not None:
            self._receivers[node.queue].append(link)

    def on_link_remote_close(self, event: Event) -> None:
        self._forget(lambda link: link == event.link)
        if event.connection not in self._swallowed:
            event.link.close()

    def on_link_remote_detach(self, event: Event) -> None:
        self._forget(lambda link: link == event.link)
        event.link.detach()

    def on_link_flow(self, event: Event) -> None:
        node = _node_of(event.link)
        if event.link.is_sender and node is not None:
            if node.queue is not None and node.answer is None:
                self._pump(node.queue)
                self._on_change()
            # Proton reports the sending of messages as a flow too, so the answer follows the last of them.
            if event.link.drain_mode and not event.link.queued:
                _answer_drain(event.link)

    # -- deliveries ---------------------------------------------------------------------------------------

    def on_delivery(self, event: Event) -> None:
        link, delivery = event.link, event.delivery
        node = _node_of(link)
        if node is None or event.connection in self._swallowed or link.state & Endpoint.LOCAL_CLOSED:
            return
        if link.is_receiver:
            if self._faults().swallow and link in self._used:
                self._swallowed.add(event.connection)
                return
            if delivery.aborted:
                delivery.settle()
            elif delivery.readable and not delivery.partial:
                self._receive(link, node, delivery)
        elif delivery.updated:
            self._settle(node, delivery)
        if node.queue is not None:
            self._pump(node.queue)
        self._on_change()

    def _receive(self, link: Link, node: Node, delivery: Delivery) -> None:
        raw = link.recv(delivery.pending) or b""
        link.advance()
        if link in self._used:
            self._used[link] = self._clock()
        try:
            if (fault := self._fault(link, node)) is not None:
                raise fault
            if node.refusal is not None:
                raise node.refusal
            if node.answer is not None:
                self._respond(link, node, raw)
            elif node.queue is not None:
                _accept(node.queue, raw)
            delivery.update(Delivery.ACCEPTED)
        except RefusalError as refusal:
            _log.warning("refused a message: %s", refusal)
            _reject(delivery, refusal.condition, str(refusal))
        delivery.settle()
        if link.credit < _CREDIT / 2:
            link.flow(_CREDIT - link.credit)

    def _fault(self, link: Link, node: Node) -> RefusalError | None:
        """Why a message to a queue is refused although it could be taken."""
        told = self._faults()
        if link not in self._used or node.queue is None:
            return None
        if node.queue.name in told.no_sender:
            return RefusalError(*faults.unauthorized(node.queue.name))
        return RefusalError(*faults.BUSY) if told.busy else None

    def _respond(self, link: Link, node: Node, raw: bytes) -> None:
        request = Message()
        try:
            request.decode(raw)
        except (ProtonException, TypeError, RecursionError) as problem:
            raise RefusalError(
                "amqp:decode-error", f"a request to '{node.path}' doesn't decode: {problem}"
            ) from problem
        # Several clients may share a connection and use the same addresses; each has a session of its own.
        reply_link = self._replies.get((link.session, node.path))
        if reply_link is None or node.answer is None:
            raise RefusalError(
                "amqp:precondition-failed", f"no link of this session takes the replies of '{node.path}'"
            )
        reply = _new_delivery(reply_link, uuid4())
        reply_link.stream(node.answer(request).encode())
        reply_link.advance()
        reply.settle()

    def _settle(self, node: Node, delivery: Delivery) -> None:
        lock: UUID | None = getattr(delivery, "lock", None)
        outcome = delivery.remote_state
        if node.queue is not None and lock is not None and outcome:
            try:
                _apply(node.queue, lock, delivery)
                # The SDK settles in mode "second": it waits until its outcome comes back unchanged.
                delivery.local.failed, delivery.local.undeliverable = (
                    delivery.remote.failed,
                    delivery.remote.undeliverable,
                )
                delivery.update(outcome)
            except (QueueError, RefusalError) as refusal:
                _reject(delivery, refusal.condition, str(refusal))
            except (codec.MalformedMessageError, DataException, TypeError, RecursionError) as problem:
                _reject(delivery, "amqp:decode-error", f"an outcome for a message of '{node.path}': {problem}")
        delivery.settle()

    def _pump(self, queue: Queue) -> None:
        """Deliver what is ready, and what was dead-lettered meanwhile."""
        self._deliver(queue)
        if queue.dead_letters is not None:
            self._deliver(queue.dead_letters)

    def _deliver(self, queue: Queue) -> None:
        """Deliver what is ready, in turn, to the receivers that have credit."""
        receivers = self._receivers[queue]
        while (link := next((link for link in receivers if link.credit > 0), None)) is not None:
            message = queue.take()
            if message is None or message.lock is None:
                return
            receivers.remove(link)
            receivers.append(link)
            delivery = _new_delivery(link, message.lock)
            link.stream(codec.write(message))
            link.advance()
            if link.snd_settle_mode == Link.SND_SETTLED:  # the client asked for receive-and-delete
                queue.complete(message.lock)
                delivery.settle()
            else:
                delivery.lock = message.lock


def _node_of(link: Link) -> Node | None:
    node: Node | None = getattr(link, "node", None)
    return node


def _answer_drain(link: Link) -> None:
    """Say that the credit is used up, giving back what is left of it."""
    if link.credit == 0:
        # A client waits for the answer also when every message took its share, or when it had granted nothing
        # (as the Python SDK does on closing). Proton answers only if credit can be given back, so one is lent for
        # that; the client isn't told of it. A sending link has no such method, but is the same thing inside.
        Receiver.flow(link, 1)
    link.drained()


def _new_delivery(link: Link, token: UUID) -> Delivery:
    """A delivery whose tag is the token, in .NET's byte order, as the SDK reads lock tokens."""
    return link.delivery(token.bytes_le)


def _accept(queue: Queue, raw: bytes) -> None:
    if len(raw) > MAX_MESSAGE_SIZE:
        raise RefusalError(
            "amqp:link:message-size-exceeded",
            f"seen {len(raw)} bytes for queue '{queue.name}', expected at most {MAX_MESSAGE_SIZE}: split it",
        )
    try:
        messages = codec.read_transfer(raw)
    except codec.MalformedMessageError as problem:
        raise RefusalError("amqp:decode-error", f"a message for queue '{queue.name}': {problem}") from problem
    for message in messages:
        queue.send(message.content, message_id=message.message_id, ttl=message.ttl, due_at=message.due_at)


def _apply(queue: Queue, lock: UUID, delivery: Delivery) -> None:
    """Carry out the outcome that a receiver chose for a message. Raises QueueError, RefusalError."""
    outcome = delivery.remote_state
    if outcome == Delivery.ACCEPTED:
        queue.complete(lock)
    elif outcome == Delivery.REJECTED:
        condition = delivery.remote.condition
        told = codec.properties(condition.info if condition is not None else None)
        reason, description = told.pop(REASON, None), told.pop(DESCRIPTION, None)
        queue.dead_letter(lock, reason, description, told)
    elif outcome == Delivery.RELEASED:
        queue.release(lock)
    elif outcome == Delivery.MODIFIED:
        settle = queue.defer if delivery.remote.undeliverable else queue.abandon
        settle(lock, codec.properties(delivery.remote.annotations))
    else:
        raise RefusalError(
            "amqp:not-implemented",
            f"Seen outcome {outcome!r} for a message of '{queue.name}', expected complete, abandon, defer or"
            " dead-letter.",
        )


def _reject(delivery: Delivery, condition: str, text: str) -> None:
    # The SDK hangs on a rejection without the optional "info" (it reads all three fields), and proton leaves
    # out an empty one.
    delivery.local.condition = Condition(condition, text, {symbol("source"): "local-service-bus"})
    delivery.update(Delivery.REJECTED)
