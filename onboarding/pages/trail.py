"""The audit trail as its page shows it: what repeats itself for weeks is one line, with how often and since when. Pure.

The events are stored, and given by the API, one by one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from onboarding.core.event_kinds import EventKind
from onboarding.core.record import Event

ROUTINE = frozenset(
    {
        EventKind.LOOKED,
        EventKind.STEP_STARTED,
        EventKind.STEP_POSTPONED,
        EventKind.NOTICE_STARTED,
        EventKind.NOTICE_FAILED,
    }
)
"""What this application does again and again of itself while something lasts."""
_NUMBERS = re.compile(r"(^|, )attempt \d+$| Next attempt in \d+ s\.$")
"""What differs between two events that say the same."""


@dataclass(frozen=True, slots=True)
class TrailLine:
    """One line: an event, or several of them that say the same."""

    event: Event
    """The newest of them."""
    count: int
    first_at: datetime
    first_version: int


def trail(events: Sequence[Event]) -> tuple[TrailLine, ...]:
    """The lines, the newest first. `events` come oldest first.

    Nothing is told across an event that is no routine, and what says something else begins a new line.
    """
    lines: list[TrailLine] = []
    last: dict[tuple[str, str | None, str], int] = {}
    for event in reversed(events):
        if event.what not in ROUTINE:
            last.clear()
            lines.append(_entry(event))
            continue
        about = (event.what, event.step, event.actor)
        place = last.get(about)
        if place is not None and _said(lines[place].event) == _said(event):
            of_now = lines[place]
            lines[place] = replace(of_now, count=of_now.count + 1, first_at=event.at, first_version=event.version)
        else:
            last[about] = len(lines)
            lines.append(_entry(event))
    return tuple(lines)


def _entry(event: Event) -> TrailLine:
    return TrailLine(event, 1, event.at, event.version)


def _said(event: Event) -> str:
    return _NUMBERS.sub("", event.detail)
