"""A message in a queue, the settings that rule it, and what a queue may refuse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar
from uuid import UUID


class QueueError(Exception):
    """A request that the queue refuses. ``condition`` and ``status`` are the service's own codes for it."""

    condition: ClassVar[str]
    status: ClassVar[int]


class LockLostError(QueueError):
    """The message is no longer locked by this token: it was settled, or the lock ran out."""

    condition = "com.microsoft:message-lock-lost"
    status = 410

    def __init__(self, queue: str, lock: UUID) -> None:
        super().__init__(
            f"The lock {lock} on a message of queue '{queue}' is lost: it expired, or the message was already"
            " settled. Settle within the lock duration, or renew the lock."
        )


class MessageNotFoundError(QueueError):
    """No message with such a number is scheduled, or deferred and free (text as in azure-service-bus issue 239)."""

    condition = "com.microsoft:message-not-found"
    status = 404

    def __init__(self, queue: str, sequences: Sequence[int]) -> None:
        missing = ", ".join(map(str, sequences))
        super().__init__(f"Messages not found in queue '{queue}'. Missing sequence numbers: {missing}")


class AlreadyDeadLetteredError(QueueError):
    """A message of a dead-letter queue can't be dead-lettered again."""

    condition = "amqp:not-allowed"
    status = 400

    def __init__(self, queue: str) -> None:
        super().__init__(f"A message of '{queue}' can't be dead-lettered again; complete or abandon it.")


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What the service lets one set on a queue. Durations are seconds; ``math.inf`` means never.

    ``duplicate_window`` of 0 means no duplicate detection. The defaults are those of the service.
    """

    name: str
    lock_duration: float = 60.0
    max_delivery_count: int = 10
    duplicate_window: float = 0.0
    default_ttl: float = math.inf
    dead_letter_on_expiry: bool = False
    forward_dead_letters_to: str | None = None


class State(Enum):
    """Where a message stands; a dead letter is a ready message of another queue."""

    READY = "ready"
    SCHEDULED = "scheduled"
    LOCKED = "locked"
    DEFERRED = "deferred"


@dataclass(slots=True, eq=False)
class StoredMessage:
    """A message and its standing. Times are seconds since the epoch; ``ttl`` is seconds.

    ``delivery_count`` counts deliveries that ended in another way than completion or release; ``content`` is
    whatever the queue was given, and ``properties`` are those that receivers have set on it since. Once
    ``deferred``, a message is given back to whoever asks for its number, no more to whoever comes first.
    """

    content: bytes
    message_id: str | None
    ttl: float
    state: State
    sequence: int = 0
    enqueued_at: float = 0.0
    due_at: float = 0.0
    expires_at: float = math.inf
    locked_until: float = 0.0
    lock: UUID | None = None
    delivery_count: int = 0
    deferred: bool = False
    properties: dict[str, Any] = field(default_factory=dict)
    dead_letter_source: str | None = None

    @property
    def deadline(self) -> float:
        """When time alone changes the message's state next."""
        match self.state:
            case State.SCHEDULED:
                return self.due_at
            case State.LOCKED:
                return self.locked_until
            case State.DEFERRED:
                return math.inf
            case State.READY:
                return self.expires_at
