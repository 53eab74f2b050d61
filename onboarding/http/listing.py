"""The list of onboardings: filtered by Table Storage where it can, searched and sorted here, a page at a time.

In the order of gateways, a page goes on where Table Storage's own continuation says, and open onboardings stand before
closed ones. Any other order needs all rows that fit, and looks for them among the first MAX_READ: of each it reads what
is compared, and then, whole, the rows of its page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onboarding.columns import LISTED, named
from onboarding.core.record import OnboardingState
from onboarding.http.cursor import CursorError, ListPlace, Position
from onboarding.http.problems import ProblemError
from onboarding.http.search import CLOSED_STATES, Search, Sort
from onboarding.http.urgency import BY_STATE, URGENCY_COLUMNS, urgency
from onboarding.ports import MAX_PAGE, MOST_AMONG, ContinuationError, Query, Row
from onboarding.records import Records
from onboarding.rows import CLOSED, OPEN

MAX_READ = 5000
"""Rows that one call reads or sorts at most."""

_STATE = named("State")
_SORTED_BY = {
    Sort.GATEWAY: (),
    Sort.UPDATED: named("UpdatedAt"),
    Sort.WAITING: named("WaitingSince"),
    Sort.STATE: _STATE,
    Sort.URGENCY: URGENCY_COLUMNS,
}
"""The columns that an order looks at."""


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
    values = {row.key: _value(row, search.sort, now) for row in rows}
    ordered = sorted(
        (r for r in rows if values[r.key] is not None),
        key=lambda r: (values[r.key], r.key),
        reverse=search.descending,
    )
    ordered += [r for r in rows if values[r.key] is None]
    start = 0
    if search.after:
        last = Position.read(search.after, search.digest, int if search.sort is Sort.STATE else str)
        after = (i for i, row in enumerate(ordered) if _is_after(values[row.key], row.key, last, search))
        start = next(after, len(ordered))
    shown = ordered[start : start + search.limit]
    more = start + search.limit < len(ordered)
    position = Position(values[shown[-1].key], shown[-1].key).written(search.digest) if more else None
    return Listed(await _whole(records, shown, (*LISTED, *search.more)), position, cut)


async def _all(records: Records, search: Search, now: datetime) -> tuple[list[Row], bool]:
    """Those of the first MAX_READ rows that fit, by partition and key, and whether there were more rows. Of each it is
    no more than what is compared: a row in the list is twenty times as large."""
    rows: dict[str, Row] = {}
    known: set[str] | None = None if search.equals else set()
    columns = tuple(dict.fromkeys((*_STATE, *_SORTED_BY[search.sort], *search.compared)))
    read = 0
    for partition in _partitions(search):
        continuation: str | None = None
        query = Query(partition, columns=columns, equals=search.equals)
        while True:
            if read >= MAX_READ:
                return list(rows.values()), True
            page = await records.page(query, min(MAX_PAGE, MAX_READ - read), continuation)
            read += max(len(page.rows), 1)
            fresh = page.rows
            if known is not None:
                # Every open one has been seen: none need be looked for.
                fresh = tuple(row for row in fresh if row.key not in known)
                known.update(row.key for row in fresh)
            # One that is moved meanwhile is read in both partitions.
            for row in await _fitting(records, search, now, partition, fresh, all_seen=known is not None):
                rows.setdefault(row.key, row)
            continuation = page.continuation
            if not continuation:
                break
    return list(rows.values()), False


async def _whole(records: Records, thin: Sequence[Row], columns: tuple[str, ...]) -> tuple[Row, ...]:
    """The same rows, with all that the list shows. One that was deleted meanwhile is left out."""
    found = await _read_whole(records, {row.key: row.partition for row in thin}, columns)
    moved = {row.key: CLOSED if row.partition == OPEN else OPEN for row in thin if row.key not in found}
    found |= await _read_whole(records, moved, columns)
    return tuple(found[row.key] for row in thin if row.key in found)


async def _read_whole(records: Records, places: Mapping[str, str], columns: tuple[str, ...]) -> dict[str, Row]:
    """`places`: key → partition."""
    questions = list[Query]()
    for partition in (OPEN, CLOSED):
        keys = sorted(key for key, place in places.items() if place == partition)
        for begin in range(0, len(keys), MOST_AMONG):
            among = tuple(keys[begin : begin + MOST_AMONG])
            questions.append(Query(partition, columns=columns, keys=(among[0], among[-1]), among=among))
    read = await asyncio.gather(*(_every(records, question) for question in questions))
    return {row.key: row for rows in read for row in rows}


async def _every(records: Records, question: Query) -> list[Row]:
    return [row async for row in records.rows(question)]


async def _fitting(
    records: Records, search: Search, now: datetime, partition: str, rows: Sequence[Row], *, all_seen: bool = False
) -> list[Row]:
    """Those that hold what is asked for, without closed rows whose gateway stands among the open ones too (`all_seen`:
    there are none of these left)."""
    fitting = [row for row in rows if search.holds(row, now)]
    if partition == CLOSED and fitting and not all_seen:
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
    columns = tuple(dict.fromkeys((*LISTED, *search.compared, *search.more)))
    return Query(partition, columns=columns, equals=search.equals)


def _value(row: Row, sort: Sort, now: datetime) -> str | int | None:
    match sort:
        case Sort.GATEWAY:
            return row.key
        case Sort.STATE:
            return BY_STATE.index(OnboardingState(row.columns[_STATE[0]]))
        case Sort.URGENCY:
            return urgency(row, now)
        case _:
            value: Any = row.columns.get(_SORTED_BY[sort][0])
            return value.isoformat() if value else None


def _is_after(value: str | int | None, key: str, last: Position, search: Search) -> bool:
    if value is None or last.value is None:
        # Rows without the value stand last, in the order of their keys.
        return value is None and (last.value is not None or key > last.key)
    mine, other = (value, key), (last.value, last.key)
    return mine < other if search.descending else mine > other
