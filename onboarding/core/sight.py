"""What is seen of a wait that goes on: for how long it has been so makes a difference. Pure.

A look says what it sees, and what follows when that stays so; the record keeps since when. Another kind begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from pydantic import AwareDatetime

from onboarding.core.notices import NoticeKind
from onboarding.core.policy import Policy, later
from onboarding.core.stored import Stored


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look saw, and what follows when it stays so."""

    kind: str
    settles: bool = False
    """The wait is over when this has been seen for `Policy.settle_after`."""
    word: NoticeKind | None = None
    """What people are told, and reminded of like a checkpoint. None: nothing is to be done about it."""
    soon: bool = True
    """They are told after `Policy.tell_after`, else as late as they are reminded of a checkpoint."""


class Seen(Stored):
    """What was last seen, as the record keeps it."""

    kind: str
    since: AwareDatetime
    word_at: AwareDatetime | None = None
    """When people are told of it next."""

    @classmethod
    def begun(cls, sight: Sight, now: datetime, policy: Policy) -> Self:
        """Seen for the first time."""
        after = policy.tell_after if sight.soon else policy.remind_first
        return cls(kind=sight.kind, since=now, word_at=later(now, after) if sight.word else None)

    def has_settled(self, sight: Sight, now: datetime, policy: Policy) -> bool:
        """Whether it has been so for long enough to count."""
        return sight.settles and later(self.since, policy.settle_after) <= now

    def is_to_be_told(self, now: datetime) -> bool:
        return self.word_at is not None and self.word_at <= now

    def told(self, now: datetime, policy: Policy) -> Seen:
        """People are told now; the next word comes when a checkpoint's would."""
        return self.model_copy(update={"word_at": policy.next_reminder(self.since, now)})

    def next_turn(self, sight: Sight, now: datetime, policy: Policy) -> timedelta | None:
        """How long until it makes a difference that this is still so; None: never."""
        times = [later(self.since, policy.settle_after)] if sight.settles else []
        times += [self.word_at] if sight.word and self.word_at is not None else []
        return min((time - now for time in times), default=None)

    def shifted(self, by: timedelta) -> Seen:
        """As if that time had not passed."""
        return self.model_copy(update={"since": self.since + by, "word_at": self.word_at and self.word_at + by})
