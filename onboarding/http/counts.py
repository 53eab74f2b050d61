"""How many onboardings stand where. Read from the table at most every few seconds, by each process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from onboarding.columns import named
from onboarding.core.record import OnboardingState
from onboarding.ports import Query
from onboarding.records import Records
from onboarding.rows import CLOSED, OPEN

GOOD_FOR = timedelta(seconds=10)
(_STATE,) = named("State")

Counts = Mapping[OnboardingState, int]


@dataclass(frozen=True, slots=True)
class _Counted:
    counts: Counts
    until: datetime


_cache: WeakKeyDictionary[Records, _Counted] = WeakKeyDictionary()


async def counts(records: Records, now: datetime) -> Counts:
    """Onboardings by state, every state named. At most GOOD_FOR old, while somebody asks."""
    known = _cache.get(records)
    if known is not None and now < known.until:
        return known.counts
    if known is not None:
        # Whoever asks while this call counts again gets the old numbers, and need not count too.
        _cache[records] = _Counted(known.counts, now + GOOD_FOR)
    try:
        fresh = await _count(records)
    except BaseException:
        _cache.pop(records, None)
        raise
    _cache[records] = _Counted(fresh, now + GOOD_FOR)
    return fresh


async def _count(records: Records) -> Counts:
    states: dict[str, str] = {}
    # An onboarding that stands in both partitions counts once, as the open one says.
    for partition in (OPEN, CLOSED):
        async for row in records.rows(Query(partition, columns=(_STATE,))):
            states.setdefault(row.key, str(row.columns[_STATE]))
    found = Counter(states.values())
    return {state: found[state.value] for state in OnboardingState}
