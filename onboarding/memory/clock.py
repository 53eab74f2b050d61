"""A clock that stands still until it is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""A Monday morning; any time would do."""


class ManualClock:
    """A port `Clock` for tests."""

    def __init__(self, start: datetime = START) -> None:
        if start.tzinfo is None:
            raise ValueError(f"an aware time was expected, seen {start.isoformat()}")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Now, in UTC, aware."""
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Let time pass; the new time. Time never runs backwards: ValueError."""
        if seconds < 0:
            raise ValueError(f"seconds to pass were expected, seen {seconds}")
        self._now += timedelta(seconds=seconds)
        return self._now

    def advance_to(self, moment: datetime) -> datetime:
        """Let time pass until then; a moment that has passed already changes nothing."""
        self._now = max(self._now, moment.astimezone(UTC))
        return self._now
