"""One queue: what is ready, scheduled, locked and dead-lettered, and when the next thing falls due.

A state machine with the clock passed in and no I/O. Every public method first lets due time pass, so an
expired lock is lost at that instant, whether or not anybody has looked in between.

The rules are Service Bus's: https://learn.microsoft.com/azure/service-bus-messaging/, pages
message-transfers-locks-settlement, message-sequencing, message-expiration, message-deferral,
duplicate-detection and service-bus-dead-letter-queues.
"""

from __future__ import annotations

import heapq
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from sandbox.servicebus.message import (
    AlreadyDeadLetteredError,
    LockLostError,
    MessageNotFoundError,
    QueueSettings,
    State,
    StoredMessage,
)

Clock = Callable[[], float]
"""Seconds since the Unix epoch, UTC."""

Properties = Mapping[str, Any]
"""What a receiver sets on a message while giving it back or putting it aside."""

REASON, DESCRIPTION = "DeadLetterReason", "DeadLetterErrorDescription"
"""The properties that say why a message was put aside."""

_log = logging.getLogger("sandbox.servicebus")


class Queue:
    """The messages of one queue.

    ``dead_letters`` receives what is put aside; None makes this queue a dead-letter queue itself, where
    nothing expires and no number of deliveries is too many.
    """

    def __init__(
        self,
        settings: QueueSettings,
        clock: Clock,
        dead_letters: Queue | None = None,
        new_lock: Callable[[], UUID] = uuid4,
    ) -> None:
        self.settings = settings
        self.dead_letters = dead_letters
        self._clock = clock
        self._new_lock = new_lock
        self._last_sequence = 0
        self._messages: dict[int, StoredMessage] = {}
        self._locked: dict[UUID, StoredMessage] = {}
        self._seen: dict[str, float] = {}
        # Both heaps are cleaned lazily: an entry counts only if it still agrees with its message.
        self._ready: list[int] = []
        self._timers: list[tuple[float, int]] = []

    @property
    def is_dead_letter_queue(self) -> bool:
        """Whether this is the ``$DeadLetterQueue`` of another queue."""
        return self.dead_letters is None

    @property
    def name(self) -> str:
        """The queue's name as it was written in the configuration."""
        return self.settings.name

    # -- sending ------------------------------------------------------------------------------------------

    def send(
        self,
        content: bytes,
        *,
        message_id: str | None = None,
        ttl: float = math.inf,
        due_at: float | None = None,
    ) -> int:
        """Accept a message, to be delivered at ``due_at`` (or now), and return its sequence number.

        A duplicate (same id within the window, counted from the first send, scheduled or not) is accepted
        and dropped, as the service does; the number returned then belongs to no message.
        """
        now = self.advance()
        if self._is_duplicate(message_id, now):
            _log.info("%s: dropped a duplicate of message %s", self.name, message_id)
            self._last_sequence += 1
            return self._last_sequence
        message = StoredMessage(content, message_id, min(ttl, self.settings.default_ttl), State.READY)
        if due_at is not None and due_at > now:
            message.state, message.due_at = State.SCHEDULED, due_at
            message.enqueued_at = now
            self._store(message)
        else:
            self._enqueue(message, now)
        return message.sequence

    def cancel(self, sequences: Sequence[int]) -> None:
        """Remove scheduled messages. Raises MessageNotFoundError, removing none, if any isn't scheduled."""
        self.advance()
        scheduled = {n for n, message in self._messages.items() if message.state is State.SCHEDULED}
        if missing := [n for n in sequences if n not in scheduled]:
            raise MessageNotFoundError(self.name, missing)
        for sequence in sequences:
            self._messages.pop(sequence, None)

    # -- receiving ----------------------------------------------------------------------------------------

    def take(self) -> StoredMessage | None:
        """Lock and return the next ready message, lowest sequence number first; None if there is none."""
        now = self.advance()
        while self._ready:
            message = self._messages.get(heapq.heappop(self._ready))
            if message is not None and message.state is State.READY:
                self._lock(message, now)
                return message
        return None

    def take_deferred(self, sequences: Sequence[int]) -> list[StoredMessage]:
        """Lock and return deferred messages by their numbers.

        Raises MessageNotFoundError, locking none, if any isn't deferred or is locked already. One that has
        outlived its time expires here: nobody looks at it before.
        """
        now = self.advance()
        wanted = {n: self._messages.get(n) for n in sequences}
        found = [message for message in wanted.values() if message is not None and message.state is State.DEFERRED]
        for message in found:
            if message.expires_at <= now:
                self._expire(message)
        if missing := [n for n, message in wanted.items() if message not in found or n not in self._messages]:
            raise MessageNotFoundError(self.name, missing)
        for message in found:
            self._lock(message, now)
        return found

    def complete(self, lock: UUID) -> None:
        """Remove a locked message. Raises LockLostError."""
        self._remove(self._held(lock))

    def abandon(self, lock: UUID, properties: Properties | None = None) -> None:
        """Give a message back after a failed delivery; the last permitted one dead-letters it.

        Raises LockLostError.
        """
        message = self._held(lock)
        message.properties.update(properties or {})
        self._give_back(message, failed=True)

    def defer(self, lock: UUID, properties: Properties | None = None) -> None:
        """Keep a message for `take_deferred`. It counts as a delivery, so the last permitted one dead-letters it.

        Raises LockLostError. (The count: azure-service-bus issue 375, and the SDK for JavaScript's live tests.)
        """
        message = self._held(lock)
        message.deferred = True
        message.properties.update(properties or {})
        self._give_back(message, failed=True)

    def release(self, lock: UUID) -> None:
        """Give a message back unseen, without counting a delivery. Raises LockLostError."""
        self._give_back(self._held(lock), failed=False)

    def dead_letter(
        self,
        lock: UUID,
        reason: str | None = None,
        description: str | None = None,
        properties: Properties | None = None,
    ) -> None:
        """Put a locked message aside for a person. Raises LockLostError, AlreadyDeadLetteredError."""
        message = self._held(lock)
        if self.dead_letters is None:
            raise AlreadyDeadLetteredError(self.name)
        message.properties.update(properties or {})
        self._put_aside(message, reason, description)

    def renew(self, lock: UUID) -> float:
        """Start the lock anew and return when it now runs out (epoch seconds). Raises LockLostError."""
        message = self._held(lock)
        message.locked_until = self._clock() + self.settings.lock_duration
        self._watch(message)
        return message.locked_until

    def peek(self, from_sequence: int, count: int) -> list[StoredMessage]:
        """Up to ``count`` messages in any state from ``from_sequence`` on, in order, without locking them."""
        self.advance()
        return [self._messages[n] for n in sorted(n for n in self._messages if n >= from_sequence)[:count]]

    # -- time ---------------------------------------------------------------------------------------------

    def advance(self) -> float:
        """Carry out all that has fallen due (schedule, lock expiry, message expiry) and return the time."""
        now = self._clock()
        while self._timers and self._timers[0][0] <= now:
            message = self._timed(heapq.heappop(self._timers))
            if message is None:
                continue
            if message.state is State.SCHEDULED:
                self._remove(message)
                self._enqueue(message, now)
            elif message.state is State.LOCKED:
                _log.info("%s: the lock on message %s expired", self.name, message.message_id)
                self._give_back(message, failed=True)
            else:
                self._expire(message)
        return now

    def next_due(self) -> float | None:
        """When `advance` has something to do next (seconds since the epoch); None if never."""
        while self._timers and self._timed(self._timers[0]) is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    # -- inside -------------------------------------------------------------------------------------------

    def _is_duplicate(self, message_id: str | None, now: float) -> bool:
        if not self.settings.duplicate_window or message_id is None:
            return False
        # The window is one length for all, so the oldest entry is always the first.
        while self._seen and self._seen[oldest := next(iter(self._seen))] <= now:
            del self._seen[oldest]
        if message_id in self._seen:
            return True
        self._seen[message_id] = now + self.settings.duplicate_window
        return False

    def _held(self, lock: UUID) -> StoredMessage:
        self.advance()
        if (message := self._locked.get(lock)) is None:
            raise LockLostError(self.name, lock)
        return message

    def _store(self, message: StoredMessage) -> None:
        self._last_sequence += 1
        message.sequence = self._last_sequence
        self._messages[message.sequence] = message
        self._watch(message)

    def _enqueue(self, message: StoredMessage, now: float) -> None:
        """Append a message that is due: a scheduled one gets its place, number and lifetime only now."""
        message.state, message.enqueued_at, message.expires_at = State.READY, now, now + message.ttl
        self._store(message)
        heapq.heappush(self._ready, message.sequence)

    def _lock(self, message: StoredMessage, now: float) -> None:
        message.state, message.lock = State.LOCKED, self._new_lock()
        message.locked_until = now + self.settings.lock_duration
        self._locked[message.lock] = message
        self._watch(message)

    def _remove(self, message: StoredMessage) -> None:
        self._messages.pop(message.sequence, None)
        if message.lock is not None:
            self._locked.pop(message.lock, None)

    def _give_back(self, message: StoredMessage, *, failed: bool) -> None:
        if message.lock is not None:
            self._locked.pop(message.lock, None)
        message.state, message.lock = State.DEFERRED if message.deferred else State.READY, None
        message.delivery_count += failed
        if self.dead_letters is not None and message.delivery_count >= self.settings.max_delivery_count:
            text = f"Message could not be consumed after {message.delivery_count} delivery attempts."
            self._put_aside(message, "MaxDeliveryCountExceeded", text)
        elif message.deferred:
            return
        elif message.expires_at <= self._clock():
            # A lock keeps a message past its lifetime, but no longer than that.
            self._expire(message)
        else:
            heapq.heappush(self._ready, message.sequence)
            self._watch(message)

    def _expire(self, message: StoredMessage) -> None:
        if self.settings.dead_letter_on_expiry:
            self._put_aside(message, "TTLExpiredException", "The message expired and was dead lettered.")
        else:
            _log.info("%s: message %s expired unread and is gone", self.name, message.message_id)
            self._remove(message)

    def _put_aside(self, message: StoredMessage, reason: str | None, description: str | None) -> None:
        if self.dead_letters is None:
            raise AlreadyDeadLetteredError(self.name)
        self._remove(message)
        target, told = self.dead_letters, {REASON: reason, DESCRIPTION: description}
        _log.warning(
            "%s: message %s dead-lettered to %s: %s (%s)",
            self.name, message.message_id, target.name, reason, description,
        )  # fmt: skip
        # A dead letter is never dropped as a duplicate. Its own dead-letter queue keeps it for ever and shows
        # how often it was tried; a queue that it is forwarded to treats it like any new message.
        own = target.is_dead_letter_queue
        ttl = math.inf if own else min(message.ttl, target.settings.default_ttl)
        copy = StoredMessage(message.content, message.message_id, ttl, State.READY, dead_letter_source=self.name)
        copy.properties = message.properties | {name: text for name, text in told.items() if text is not None}
        copy.delivery_count = message.delivery_count if own else 0
        target._enqueue(copy, target.advance())

    def _watch(self, message: StoredMessage) -> None:
        if message.deadline < math.inf:
            heapq.heappush(self._timers, (message.deadline, message.sequence))
        if len(self._timers) > 64 + 4 * len(self._messages):
            live = ((message.deadline, n) for n, message in self._messages.items())
            self._timers = [timer for timer in live if timer[0] < math.inf]
            heapq.heapify(self._timers)

    def _timed(self, timer: tuple[float, int]) -> StoredMessage | None:
        """The message that a timer is about, or None if the timer is out of date."""
        message = self._messages.get(timer[1])
        return message if message is not None and message.deadline == timer[0] else None
