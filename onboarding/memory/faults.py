"""Exceptions to come: what a twin raises at the next calls of a method."""

from __future__ import annotations

from collections import defaultdict, deque


class Faults:
    """Queues of exceptions, one a method, and how often each method was called."""

    def __init__(self) -> None:
        self.calls: dict[str, int] = defaultdict(int)
        self._coming: dict[str, deque[Exception | None]] = defaultdict(deque)

    def add(self, method: str, *errors: Exception | None) -> None:
        """Raise these at the next calls of that method, one each; None lets a call through."""
        self._coming[method].extend(errors)

    def raise_next(self, method: str) -> None:
        """For the twins: count a call, and raise what is due."""
        self.calls[method] += 1
        error = self._coming[method].popleft() if self._coming[method] else None
        if error is not None:
            raise error

    @property
    def left(self) -> int:
        """Faults that no call has met yet."""
        return sum(len(queue) for queue in self._coming.values())
