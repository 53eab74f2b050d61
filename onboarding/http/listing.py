"""The list of onboardings: filtered by Table Storage where it can, searched and sorted here, a page at a time.

In the order of gateways, a page goes on where Table Storage's own continuation says. Any other order needs all rows
that fit, and looks for them among the first MAX_READ. Open onboardings stand before closed ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onboarding.columns import LISTED, named
from onboarding.core.record import OnboardingState
from onboarding.http.cursor import CursorError, ListPlace, Position
from onboarding.http.problems import ProblemError
from onboarding.http.search import CLOSED_STATES, SEARCHED, Search, Sort
from onboarding.ports import MAX_PAGE, ContinuationError, Query, Row
from onboarding.records import Records
from onboarding.rows import CLOSED, OPEN

MAX_READ = 5000
"""Rows that one call reads or sorts at most."""

_URGENCY = tuple(
    OnboardingState(state)
    for state in (
        "needs-attention",
        "drifted",
        "waiting-for-people",
        "running",
        "waiting-for-microsoft",
        "paused",
        "cancelling",
        "completed",
        "cancelled",
    )
)
_SORTED_BY = dict(zip((Sort.UPDATED, Sort.WAITING), named("UpdatedAt", "WaitingSince"), strict=True))
_STATE = named("State")
_SEARCHED = tuple(dict.fromkeys((*LISTED, *SEARCHED)))


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the list."""

    rows: tuple[Row, ...]
    next: str | None
    """Of a further page; None when there is none."""
    cut: bool = False
    """There are more than could be looked at: the order holds only among the first MAX_READ, by gateway."""


async def listed(records: Records, search: Search, now: datetime) -> Listed:
    """One page. Raises ProblemError 400 when `search.after` is none, or belongs to another search."""
    try:
        if search.sort is Sort.GATEWAY and not search.descending:
            return await _by_key(records, search, now)
        return await _sorted(records, search, now)
    except (CursorError, ContinuationError) as error:
        raise ProblemError(400, "The request is invalid", str(error)) from None


async def _by_key(records: Records, search: Search, now: datetime) -> Listed:
    partitions = _partitions(search)
    place: ListPlace | None = ListPlace.read(search.after, search.digest) if search.after else ListPlace(partitions[0])
    found: list[Row] = []
    read = 0
    while place and read < MAX_READ and len(found) < search.limit:
        # What Table Storage can't compare is compared here: fewer, larger pages are faster then.
        size = MAX_PAGE if search.narrows else search.limit - len(found)
        page = await records.page(_query(search, place.partition), size, place.continuation)
        read += max(len(page.rows), 1)
        fresh = [row for row in page.rows if row.key > place.after_key]
        fitting = await _fitting(records, search, now, place.partition, fresh)
        fitting = [row for row in fitting if row.key not in {seen.key for seen in found}]
        room = search.limit - len(found)
        found += fitting[:room]
        if len(fitting) > room:
            place = ListPlace(place.partition, place.continuation, found[-1].key)
        elif page.continuation:
            place = ListPlace(place.partition, page.continuation)
        else:
            later = CLOSED if place.partition == OPEN and CLOSED in partitions else None
            place = ListPlace(later) if later else None
    return Listed(tuple(found), place.written(search.digest) if place else None)


async def _sorted(records: Records, search: Search, now: datetime) -> Listed:
    rows, cut = await _all(records, search, now)
    ordered = sorted(
        (r for r in rows if _value(r, search.sort) is not None),
        key=lambda r: (_value(r, search.sort), r.key),
        reverse=search.descending,
    )
    ordered += [r for r in rows if _value(r, search.sort) is None]
    start = 0
    if search.after:
        last = Position.read(search.after, search.digest, int if search.sort is Sort.STATE else str)
        start = next((i for i, row in enumerate(ordered) if _is_after(row, last, search)), len(ordered))
    shown = ordered[start : start + search.limit]
    more = start + search.limit < len(ordered)
    position = Position(_value(shown[-1], search.sort), shown[-1].key).written(search.digest) if more else None
    return Listed(tuple(shown), position, cut)


async def _all(records: Records, search: Search, now: datetime) -> tuple[list[Row], bool]:
    """Those of the first MAX_READ rows that fit, by partition and key, and whether there were more rows."""
    rows: dict[str, Row] = {}
    read = 0
    for partition in _partitions(search):
        continuation: str | None = None
        while True:
            if read >= MAX_READ:
                return list(rows.values()), True
            page = await records.page(_query(search, partition), min(MAX_PAGE, MAX_READ - read), continuation)
            read += max(len(page.rows), 1)
            # One that is moved meanwhile is read in both partitions.
            for row in await _fitting(records, search, now, partition, page.rows):
                rows.setdefault(row.key, row)
            continuation = page.continuation
            if not continuation:
                break
    return list(rows.values()), False


async def _fitting(
    records: Records, search: Search, now: datetime, partition: str, rows: Sequence[Row]
) -> list[Row]:
    """Those that hold what is asked for, without closed rows whose gateway stands among the open ones too."""
    fitting = [row for row in rows if search.holds(row, now)]
    if partition == CLOSED and fitting:
        span = (fitting[0].key, fitting[-1].key)
        standing = {row.key async for row in records.rows(Query(OPEN, keys=span, columns=_STATE))}
        fitting = [row for row in fitting if row.key not in standing]
    return fitting


def _partitions(search: Search) -> tuple[str, ...]:
    """Where rows that fit can stand. A closed onboarding stands among the open ones until everybody has been told."""
    if search.late or (search.states and not CLOSED_STATES & set(search.states)):
        return (OPEN,)
    return (OPEN, CLOSED)


def _query(search: Search, partition: str) -> Query:
    columns = (*(_SEARCHED if search.words else LISTED), *search.more)
    return Query(partition, columns=columns, equals=search.equals)


def _value(row: Row, sort: Sort) -> str | int | None:
    if sort is Sort.GATEWAY:
        return row.key
    if sort is Sort.STATE:
        return _URGENCY.index(OnboardingState(row.columns[_STATE[0]]))
    value: Any = row.columns.get(_SORTED_BY[sort])
    return value.isoformat() if value else None


def _is_after(row: Row, last: Position, search: Search) -> bool:
    value = _value(row, search.sort)
    if value is None or last.value is None:
        # Rows without the value stand last, in the order of their keys.
        return value is None and (last.value is not None or row.key > last.key)
    mine, other = (value, row.key), (last.value, last.key)
    return mine < other if search.descending else mine > other
