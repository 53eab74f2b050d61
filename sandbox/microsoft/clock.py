"""The simulator's clock: real time plus an offset that the control port moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Tells the time everywhere in the simulator, except in tokens.

    Tokens use real time, because the client's own SDK compares their expiry with the real clock.
    """

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._offset = 0.0

    @property
    def offset(self) -> float:
        """Seconds by which this clock is ahead of its source."""
        return self._offset

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._source() + self._offset

    def now(self) -> datetime:
        """The same moment as an aware UTC datetime."""
        return datetime.fromtimestamp(self.time(), UTC)

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`. Raises ValueError for a negative number: time does not go back."""
        if seconds < 0:
            raise ValueError(f"The clock only moves forward; asked for {seconds} s. Use POST /reset to start again.")
        self._offset += seconds

    def reset(self) -> None:
        """Back to real time."""
        self._offset = 0.0


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with seven decimals and a Z, the way ARM and Graph write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
