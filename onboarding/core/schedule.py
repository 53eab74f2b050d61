"""When a wait is looked at: a pure function of since when it waits, so that a look which saw nothing new writes
nothing.

The gap between two looks grows with the wait's age (`Policy.poll_after`). How many gaps fit into an age is the integral
of 1 / gap; a look is due whenever that passes a whole number. Times are taken on a grid of `poll_first`, on which the
timer's passes fall too, so that one that comes a moment early is not a look missed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import exp, floor, log

from onboarding.core.policy import Policy

_EPSILON = 1e-6
"""What is lost where floating point should meet a whole number."""


def is_due(since: datetime, last: datetime | None, now: datetime, policy: Policy) -> bool:
    """Whether a wait that has lasted since then is to be looked at, when that was last done at `last`."""
    if last is None or last < since:
        return True
    return looks(since, now, policy) > looks(since, last, policy)


def looks(since: datetime, now: datetime, policy: Policy) -> int:
    """How many looks such a wait has had by then, beside the first, at its beginning."""
    return floor(_gaps(_on_grid(now, policy) - _on_grid(since, policy), policy) + _EPSILON)


def next_look(since: datetime, now: datetime, policy: Policy) -> datetime:
    """The first look after `now`."""
    age = _age(looks(since, now, policy) + 1, policy)
    at = datetime.fromtimestamp(_on_grid(since, policy) + age, UTC)
    return max(at, now + timedelta(seconds=policy.poll_first / 2))


def _on_grid(at: datetime, policy: Policy) -> float:
    return round(at.timestamp() / policy.poll_first) * policy.poll_first


def _bends(policy: Policy) -> tuple[float, float]:
    """The ages up to which the gap is the first, and from which it is the longest."""
    longest = max(policy.poll_longest, policy.poll_first)
    return policy.poll_first / policy.poll_share, longest / policy.poll_share


def _gaps(age: float, policy: Policy) -> float:
    young, old = _bends(policy)
    if age <= young:
        return max(0.0, age / policy.poll_first)
    gaps = young / policy.poll_first + log(min(age, old) / young) / policy.poll_share
    return gaps + max(0.0, age - old) / max(policy.poll_longest, policy.poll_first)


def _age(gaps: float, policy: Policy) -> float:
    """The age into which so many gaps fit: the inverse of `_gaps`."""
    young, old = _bends(policy)
    if (first := young / policy.poll_first) >= gaps:
        return gaps * policy.poll_first
    growing = log(old / young) / policy.poll_share
    if first + growing >= gaps:
        return young * exp((gaps - first) * policy.poll_share)
    return old + (gaps - first - growing) * max(policy.poll_longest, policy.poll_first)
