"""E-mail that comes once a day in place of single ones: when, and whether a line still says how it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from onboarding.core.notices import NoticeKind
from onboarding.core.record import Record

DAYS_KEPT = 7
"""What could not be sent for so long is given up: it says nothing any more."""
LINES = 100
"""Of one e-mail; there is the dashboard for more."""


def next_day(now: datetime, hour: int) -> datetime:
    """When what is to be told now is sent: at that hour (UTC), the next time it comes."""
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if now < today else today + timedelta(days=1)


def days_due(now: datetime, hour: int) -> Sequence[datetime]:
    """The days whose e-mail is due by now, the oldest first; older ones are given up."""
    latest = next_day(now, hour) - timedelta(days=1)
    return tuple(latest - timedelta(days=n) for n in reversed(range(DAYS_KEPT)))


def says_how_it_is(record: Record | None, kind: NoticeKind, step: str | None) -> bool:
    """Whether what was to be told meanwhile is still so: of a step that has ended since, it is not."""
    if record is None:
        return False
    at = record.find_step(step) if step else None
    if step is None:
        return kind is not NoticeKind.PAUSED or record.pause is not None
    return at is not None and not at.ended and not record.closed
