"""When waits are looked at: often while they are young, and never less than hourly."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.policy import Policy
from onboarding.core.schedule import is_due, looks, next_look
from tests.support.records import NOW

POLICY = Policy()
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def looked_at(since: datetime, days: float, every: timedelta = MINUTE, late: float = 0.0) -> list[datetime]:
    """The looks of a timer that passes so often."""
    seen: list[datetime] = []
    now, last = since, None
    while now < since + days * DAY:
        at = now + timedelta(seconds=late if len(seen) % 2 else 0)
        if is_due(since, last, at, POLICY):
            seen.append(at)
        last = at
        now += every
    return seen


def test_a_young_wait_is_looked_at_at_every_pass_also_when_passes_come_a_little_early_or_late() -> None:
    for late in (0.0, 0.4, -0.4, 5.0):
        assert len(looked_at(NOW, 10 / 1440, late=late)) == 10


def test_gaps_grow_with_the_age_up_to_an_hour() -> None:
    seen = looked_at(NOW, 14)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(seen)]
    assert gaps[:9] == [60.0] * 9
    assert max(gaps) == 3600
    assert gaps[-24:] == [3600.0] * 24
    for at, gap in zip(seen, gaps, strict=False):
        usual = POLICY.poll_after(at - NOW).total_seconds()
        assert gap <= usual * 1.2 + 60, at
    assert 360 < len(seen) < 400


def test_a_pass_that_comes_late_finds_one_look_due_however_many_were_missed() -> None:
    assert is_due(NOW, NOW + DAY, NOW + 3 * DAY, POLICY)
    assert not is_due(NOW, NOW + 3 * DAY, NOW + 3 * DAY + MINUTE, POLICY)


def test_a_wait_that_began_after_the_last_pass_is_looked_at_at_once() -> None:
    assert is_due(NOW, None, NOW, POLICY)
    assert is_due(NOW, NOW - MINUTE, NOW, POLICY)
    assert not is_due(NOW, NOW, NOW, POLICY)


@given(age=st.floats(0, 60 * 86400), first=st.floats(0.05, 600), longest=st.floats(0.05, 7200))
def test_the_next_look_is_where_the_schedule_says_and_nothing_is_due_before(
    age: float, first: float, longest: float
) -> None:
    policy = Policy(poll_first=first, poll_longest=longest)
    now = NOW + timedelta(seconds=age)
    at = next_look(NOW, now, policy)
    assert at > now
    slack = timedelta(seconds=first)
    assert is_due(NOW, now, at + slack, policy)
    if at - slack > now:
        assert not is_due(NOW, now, at - slack, policy)
    assert looks(NOW, at + slack, policy) >= looks(NOW, now, policy) + 1
