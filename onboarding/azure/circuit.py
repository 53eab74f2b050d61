"""Whether a service is worth a call: after a failure it is left alone for a while, so that nobody waits in vain."""

from __future__ import annotations

import time
from collections.abc import Callable


class Circuit:
    """Lets every call through until one fails; then one in `rest` seconds, until one succeeds."""

    def __init__(self, rest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest = rest
        self._clock = clock
        self._until: float | None = None

    @property
    def left(self) -> float:
        """Seconds for which no call is let through."""
        return 0.0 if self._until is None else max(0.0, self._until - self._clock())

    def enter(self) -> bool:
        """Before a call: whether it may go. The one that tries the service anew keeps the others away meanwhile."""
        if self.left > 0:
            return False
        if self._until is not None:
            self._until = self._clock() + self._rest
        return True

    def succeeded(self) -> None:
        """The service answered."""
        self._until = None

    def failed(self) -> None:
        """The service did not answer, or asked for a pause."""
        self._until = self._clock() + self._rest
