"""How many onboardings stand where, and on whom they wait. Read from the table at most every few seconds, by each
process, for each set of filters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from onboarding.columns import named
from onboarding.core.record import OnboardingState
from onboarding.http.search import Search, listed_in
from onboarding.ports import Query
from onboarding.records import Records
from onboarding.rows import CLOSED, OPEN
from onboarding.standing import WaitsOn

GOOD_FOR = timedelta(seconds=10)
KEPT_COUNTS = 30
"""Sets of filters that are counted at a time; of more the oldest are forgotten."""
_COUNTED = named("State", "WaitsOn", "SubscriptionId", "ProblemCodes")
_STATE, _WAITS_ON, _SUBSCRIPTION, _CODES = _COUNTED


@dataclass(frozen=True, slots=True)
class Counts:
    """Of the onboardings that fit a search."""

    states: Mapping[OnboardingState, int]
    """How many are in each state, whichever the search asks for: each once."""
    waits_on: Mapping[WaitsOn, int]
    """How many wait on each, whomever the search asks for; on several at once, often."""
    subscriptions: tuple[str, ...]
    """All that there are among them."""
    codes: tuple[str, ...]
    """Of all that is wrong with them."""


@dataclass(frozen=True, slots=True)
class _Counted:
    numbers: Counter[tuple[str, str]]
    """By state, and by all that they wait on."""
    subscriptions: frozenset[str]
    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Kept:
    counted: _Counted
    until: datetime


_cache: WeakKeyDictionary[Records, dict[Search, _Kept]] = WeakKeyDictionary()


async def counts(records: Records, search: Search, now: datetime) -> Counts:
    """The onboardings that fit its filters, every state and party named. At most GOOD_FOR old, while somebody asks."""
    return _of(await _fresh(records, replace(search.filters, waits_on=None), now), search)


async def _fresh(records: Records, filters: Search, now: datetime) -> _Counted:
    kept = _cache.setdefault(records, {})
    known = kept.pop(filters, None)
    if known is not None:
        if now < known.until:
            kept[filters] = known
            return known.counted
        # Whoever asks while this call counts again gets the old numbers, and need not count too.
        kept[filters] = _Kept(known.counted, now + GOOD_FOR)
    try:
        counted = await _count(records, filters, now)
    except BaseException:
        kept.pop(filters, None)
        raise
    kept.pop(filters, None)
    kept[filters] = _Kept(counted, now + GOOD_FOR)
    while len(kept) > KEPT_COUNTS:
        del kept[next(iter(kept))]
    return counted


async def _count(records: Records, filters: Search, now: datetime) -> _Counted:
    numbers: Counter[tuple[str, str]] = Counter()
    subscriptions, codes = set[str](), set[str]()
    columns = tuple(dict.fromkeys((*_COUNTED, *filters.compared)))
    seen = set[str]()
    # An onboarding that stands in both partitions counts once, as the open one says.
    for partition in (OPEN, CLOSED):
        async for row in records.rows(Query(partition, columns=columns, equals=filters.equals)):
            if row.key in seen:
                continue
            seen.add(row.key)
            if not filters.holds(row, now):
                continue
            numbers[str(row.columns[_STATE]), str(row.columns.get(_WAITS_ON) or "")] += 1
            subscriptions.update(listed_in(row, _SUBSCRIPTION))
            codes.update(listed_in(row, _CODES))
    return _Counted(numbers, frozenset(subscriptions - {""}), frozenset(codes - {""}))


def _of(counted: _Counted, search: Search) -> Counts:
    states: Counter[str] = Counter()
    waits: Counter[str] = Counter()
    for state, parties, number in _numbers(counted):
        if not search.waits_on or search.waits_on in parties:
            states[state] += number
        if not search.states or state in search.states:
            waits.update(dict.fromkeys(parties, number))
    return Counts(
        {state: states[state.value] for state in OnboardingState},
        {party: waits[party.value] for party in WaitsOn},
        tuple(sorted(counted.subscriptions)),
        tuple(sorted(counted.codes)),
    )


def _numbers(counted: _Counted) -> Iterator[tuple[str, list[str], int]]:
    yield from ((state, parties.split(","), number) for (state, parties), number in counted.numbers.items())
