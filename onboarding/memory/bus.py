"""A bus in memory: it keeps what was published until a test takes it, loses it or doubles it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from onboarding.core.events import Effect
from onboarding.core.messages import decode, encode, message_id, queue_of
from onboarding.core.record import Problem
from onboarding.memory.faults import Faults
from onboarding.ports import BusRefusedError


@dataclass(frozen=True, slots=True)
class Published:
    """A message on its way."""

    queue: str
    message_id: str
    body: bytes
    due: datetime

    @property
    def effect(self) -> Effect:
        """What it says, as its function will read it: its delay is over."""
        return decode(self.body)


class MemoryBus:
    """A port `Bus`. Messages wait in the order of publishing; nothing is dropped as a duplicate."""

    def __init__(self) -> None:
        self.waiting: list[Published] = []
        self.published: list[Published] = []
        """Everything ever published."""
        self.carry: Callable[[Published], None] | None = None
        """Takes every message in place of `waiting` and `published`, for a test with a broker of its own."""
        self.faults = Faults()
        self.refuses: dict[str, Problem] = {}
        """Queues to which this application may not send."""

    @property
    def resting(self) -> float:
        """Nothing in memory keeps anybody waiting."""
        return 0.0

    async def publish(self, effects: Sequence[Effect], now: datetime) -> None:
        """Put each nudge on its queue, to arrive after its time."""
        self.faults.raise_next("publish")
        refused = {queue: self.refuses[queue] for queue in map(queue_of, effects) if queue in self.refuses}
        for effect in effects:
            if queue_of(effect) in refused:
                continue
            due = now + timedelta(seconds=max(0.0, effect.after))
            message = Published(queue_of(effect), message_id(effect), encode(effect), due)
            if self.carry:
                self.carry(message)
                continue
            self.waiting.append(message)
            self.published.append(message)
        if refused:
            raise BusRefusedError(refused)

    def take_due(self, now: datetime) -> list[Published]:
        """Remove and return what has arrived by then, earliest first."""
        due = sorted((m for m in self.waiting if m.due <= now), key=lambda m: m.due)
        self.waiting = [m for m in self.waiting if m.due > now]
        return due

    def next_due(self) -> datetime | None:
        """When the next message arrives; None when none is waiting."""
        return min((m.due for m in self.waiting), default=None)

    def drop(self, which: Callable[[Published], bool] = lambda _: True) -> int:
        """Lose the waiting messages for which this holds; how many."""
        before = len(self.waiting)
        self.waiting = [m for m in self.waiting if not which(m)]
        return before - len(self.waiting)

    def duplicate(self, which: Callable[[Published], bool] = lambda _: True) -> int:
        """Deliver the waiting messages for which this holds once more; how many."""
        copies = [m for m in self.waiting if which(m)]
        self.waiting.extend(copies)
        return len(copies)
