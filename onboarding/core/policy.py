"""How long to wait before what: the times that rules use, all in seconds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from onboarding.core.plan import Budget

NAMED_SPREAD = 10.0
"""Seconds over which those come, at most, who were throttled by one pause: as many as were under way when it began."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Defaults are production's; the settings may change them."""

    poll_first: float = 60.0
    """Between the first looks at a wait."""
    poll_longest: float = 3600.0
    """Between looks at an old wait."""
    poll_share: float = 0.1
    """A wait is looked at again after this share of its age: two weeks old, hourly."""
    absent_after: float = 600.0
    """For how long looks must not find what a wait waits for, before it counts as gone: lists and copies lag."""
    retry_first: float = 5.0
    retry_longest: float = 3600.0
    believed: int = 5
    """Attempts after which a time that Microsoft names is no longer believed alone: the gap begins to grow."""
    turn_share: float = 0.1
    """What pauses have held up, and hold up again, comes within this share of that time after the end of the pause."""
    lease: float = 300.0
    """How long a function may be at a step before it is taken for dead."""
    notice_lease: float = 180.0
    """How long a function may be at a notice before it is taken for dead. By the time limits of its calls (Teams 20 s,
    two e-mails 40 s each) it takes 100 s; what takes longer is broken off before."""
    notice_share: float = 0.9
    """Of its lease: sending a notice is broken off then, so that two functions never send one at once."""
    step_timeout: float = 240.0
    """When a step is broken off; less than the lease, so that two never run at once."""
    nudge_grace: float = 120.0
    """How long a message may take to arrive before another is sent; doubled with each that does not arrive either."""
    nudge_longest: float = 3600.0
    notice_longest: float = 86400.0
    """Between attempts to send a notice that nobody need see to: nothing but this bounds them."""
    person_first: float = 3600.0
    """After a notice could not be sent for a reason that a person must mend; doubled up to `remind_again`."""
    remind_first: float = 3 * 86400.0
    """After a checkpoint opened, until people are reminded."""
    remind_again: float = 7 * 86400.0
    """Between further reminders."""
    escalate_after: float = 14 * 86400.0
    """After a checkpoint opened, until a second address is told, once."""
    warn_after: float = 14 * 86400.0
    """After a wait began, until people are told that it is still waited for; then again like a reminder."""
    settle_after: float = 900.0
    """What is seen of a wait in part, and nowhere contradicted, counts when it has been so for so long."""
    tell_after: float = 1800.0
    """What keeps a wait from its end is told when it has been so for so long; then again like a checkpoint."""
    clock_skew: float = 1.0
    """How far the bus's clock may run ahead of ours while a pause is kept that Microsoft asked for."""
    early_grace: float = 5.0
    """How early a message may come, by our clock, and still be on time where nobody asked for a pause."""

    drift_every: float = 86400.0
    """Within which all completed onboardings are inspected again; 0: they never are."""
    drift_sure_after: float = 600.0
    """What is not as it was counts, and is told, when it is seen again after so long."""
    tells_programs: bool = False
    """Whether a program is told what happens, so that it is told of more than people are."""

    @property
    def notice_timeout(self) -> float:
        """When sending a notice is broken off."""
        return self.notice_lease * self.notice_share

    def poll_after(self, age: timedelta) -> timedelta:
        """The gap to the next look at a wait that has lasted for `age`."""
        return timedelta(seconds=min(self.poll_longest, max(self.poll_first, age.total_seconds() * self.poll_share)))

    def retry_after(self, attempts: int, asked: float | None, seed: str, patience: float = 1.0) -> timedelta:
        """The gap to a step's next attempt: what Microsoft asked for, with a little jitter (a fifth, NAMED_SPREAD at
        most); else doubling, with up to a fifth of jitter, and none shorter than `patience` times the first one.

        A time that proves wrong again and again would use up the budget in no time: from the attempt after `believed`
        on, the gap doubles too. The jitter is drawn from `seed`, so that the same decision is the same decision.
        """
        return self._gap(self.retry_first, self.retry_longest, attempts, asked, seed, patience)

    def tell_again_after(self, attempts: int, asked: float | None, seed: str, *, person: bool = False) -> timedelta:
        """The gap to a notice's next attempt, likewise. `person`: it will fail again until somebody acts."""
        first, longest = (
            (self.person_first, self.remind_again) if person else (self.retry_first, self.notice_longest)
        )
        return self._gap(first, longest, attempts, asked, seed)

    def turn_after(self, asked: float, behind: float, held_for: timedelta, seed: str) -> timedelta:
        """The gap to the turn of what was held up by a pause that lasts for so many seconds more: once it is over, and
        those have come who were before it (`behind` seconds).

        What has been held up for long gets longer to come: many wait then, and they come apart; and in a day it comes
        in vain some hundred times at most, not tens of thousands.
        """
        spread = min(self.retry_longest, max(0.0, held_for.total_seconds()) * self.turn_share)
        return timedelta(seconds=asked + self._margin + behind + spread * _fraction(seed))

    def _gap(
        self, first: float, longest: float, attempts: int, asked: float | None, seed: str, patience: float = 1.0
    ) -> timedelta:
        if asked is None:
            return timedelta(seconds=self._growing(first * patience, first, longest, attempts) * _jitter(seed))
        named = asked + self._margin + min(NAMED_SPREAD, asked / 5) * _fraction(seed)
        if attempts > self.believed:
            unbelieved = self._growing(first * patience, first, longest, attempts - self.believed)
            named = max(named, unbelieved * _jitter(seed))
        return timedelta(seconds=named)

    @staticmethod
    def _growing(least: float, first: float, longest: float, attempts: int) -> float:
        return min(longest, max(least, first * 2.0 ** min(max(attempts - 1, 0), 20)))

    def nudge_after(self, nudges: int) -> timedelta:
        """How long a message may take to arrive, when so many before it have not."""
        gap = self.nudge_grace * 2.0 ** min(nudges, 20)
        return timedelta(seconds=max(self.nudge_grace, min(self.nudge_longest, gap)))

    def early(self, due: datetime, now: datetime, *, pause: bool) -> float:
        """By how many seconds a message comes too early for what is due then; 0: it is on time."""
        rest = (due - now).total_seconds()
        return rest if rest > (self.clock_skew if pause else self.early_grace) else 0.0

    def not_before(self, now: datetime, asked: float) -> datetime:
        """Until when Microsoft is left alone, that asked for so many seconds."""
        return later(now, asked + self._margin)

    @property
    def _margin(self) -> float:
        """The message may arrive a clock's skew early, and Microsoft counts its own seconds."""
        return 2 * self.clock_skew

    def spent(self, budget: Budget, attempts: int, tried_for: timedelta) -> bool:
        """Whether a task that has been attempted so often, over that time, is not tried again."""
        return attempts >= budget.attempts or tried_for.total_seconds() >= budget.seconds

    def next_reminder(self, opened: datetime, now: datetime) -> datetime:
        """The first time for a reminder of a checkpoint that is still to come. Missed ones are not made up for."""
        first = opened + timedelta(seconds=self.remind_first)
        if now < first:
            return first
        rounds = int((now - first).total_seconds() // self.remind_again) + 1
        return first + timedelta(seconds=rounds * self.remind_again)


def _fraction(seed: str) -> float:
    """From 0 to 1: as good as drawn, and the same for the same seed."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big") / 2**32


def _jitter(seed: str) -> float:
    return 1 + _fraction(seed) / 5


def later(now: datetime, seconds: float) -> datetime:
    """`now` plus that many seconds."""
    return now + timedelta(seconds=seconds)
