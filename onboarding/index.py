"""What the timer reads in place of the onboardings themselves: thin rows, two hundred bytes where a record takes thirty
thousand.

Table `due` has a row for each onboarding for which something is to happen by itself, its key begins with when. Table
`waits` has one for each wait that is open, its key begins with what it shares a look with: a subscription, a DNS zone.
And there is a row for each of these (`passes`): when it was looked at last, and what failed.

The record stays the truth. A row is written before the commit that makes it needed, and deleted after the one that
makes it needless; so a process that ends in between leaves a row too many, which whoever finds it compares with the
record and deletes. A row too few can only be a row that was lost: the timer reads all records too, a slice in each
pass, and writes what is missing.

A row of `due` is not moved when its onboarding will be due later: it is found too early then, once, and moved by the
timer. So most transitions write none. The record's row names the time of the one that it counts on.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil

from onboarding.core.due import is_watched, timer_at
from onboarding.core.policy import Policy
from onboarding.core.record import Record
from onboarding.ports import ConflictError, Query, Row, Table
from onboarding.steps import definition_of

DUE_TABLE, WAITS_TABLE = "due", "waits"
DUE, WAITS, PASSES, TAKEN_OVER = "due", "waits", "passes", "taken-over"
"""Partitions: the first of table `due`, the others of table `waits`."""
CLOCKS_DIFFER = timedelta(seconds=30)
"""At most. A row this close to its time may just be moved by a timer whose clock is ahead: it is not counted on."""
_FIRST, _LAST = "0", "~"


@dataclass(frozen=True, slots=True)
class DueRow:
    """An onboarding that the timer is to look at, from then on."""

    onboarding_id: str
    at: datetime
    etag: str = ""

    @property
    def key(self) -> str:
        return f"{_stamp(self.at)}|{self.onboarding_id}"


@dataclass(frozen=True, slots=True)
class OpenWait:
    """A wait that is open: what a look needs of it, and what it showed."""

    onboarding_id: str
    step: str
    definition: str
    shared: str
    """What it shares a look with."""
    ticket: int
    since: datetime
    not_before: datetime | None
    subject: Mapping[str, str]
    """What is looked at: the definition's own words."""
    seen: str | None = field(default=None, compare=False)
    """What the last look showed, as its definition puts it; None: look at the record too."""
    wake: datetime | None = field(default=None, compare=False)
    """When the record is to be looked at also if nothing new is seen."""
    etag: str = field(default="", compare=False)

    @property
    def group(self) -> str:
        """Those that one pass looks at together."""
        return f"{self.definition}|{self.shared}"

    @property
    def key(self) -> str:
        return f"{self.group}|{self.onboarding_id}|{self.step}"


@dataclass(frozen=True, slots=True)
class Pass:
    """The last looks at a group."""

    group: str
    at: datetime
    """When it was looked at. What of it was not reached then is older: `cursor`."""
    looked: int = 0
    """Waits that were looked at."""
    failed: str | None = None
    """What went wrong, in words."""
    failures: int = 0
    """One after another."""
    not_before: datetime | None = None
    """When it is looked at again, at the earliest: after a failure, or because Microsoft asked for a pause."""
    began: datetime | None = None
    """When the looks began that are still to be gone on with."""
    cursor: str | None = None
    """The key up to which they got."""


class Index:
    """The thin rows."""

    def __init__(self, due: Table, waits: Table, policy: Policy) -> None:
        self._due = due
        self._waits = waits
        self._policy = policy

    # -- with each commit -----------------------------------------------------------------------------------------

    async def before(self, old: Record | None, new: Record, counted_on: datetime | None) -> datetime | None:
        """Write what `new` needs before it is committed; the time of the row of `due` that it counts on from then."""
        known = {wait.key: wait for wait in open_waits(old)} if old else {}
        for wait in open_waits(new):
            if known.get(wait.key) != wait:
                await self._waits.upsert([_wait_row(wait)])
        at = timer_at(new, self._policy)
        if at is None or (counted_on and counted_on <= at and new.updated_at < counted_on - CLOCKS_DIFFER):
            return counted_on
        row = DueRow(new.id, _whole(at))
        await self._due.upsert([Row(DUE, row.key, {})])
        return row.at

    async def after(self, old: Record, new: Record) -> None:
        """Delete what `new` made needless."""
        still = {wait.key for wait in open_waits(new)}
        for wait in open_waits(old):
            if wait.key not in still:
                await self._waits.delete(WAITS, wait.key)

    # -- what is due ------------------------------------------------------------------------------------------------

    async def due(self, now: datetime) -> AsyncIterator[DueRow]:
        """What is due by now, the oldest first."""
        async for row in self._due.rows(Query(DUE, keys=(_FIRST, f"{_stamp(now)}{_LAST}"))):
            stamp, _, onboarding_id = row.key.partition("|")
            yield DueRow(onboarding_id, _read_stamp(stamp), row.etag)

    async def moved(self, row: DueRow, record: Record | None, now: datetime) -> None:
        """What was due at that row is done: the next row is written where there is more to come, then it is deleted."""
        at = timer_at(record, self._policy) if record else None
        if record and at is not None:
            await self._due.upsert([Row(DUE, DueRow(record.id, _whole(max(at, now))).key, {})])
        try:
            # Unless somebody has just written it anew.
            await self._due.delete(DUE, row.key, row.etag)
        except ConflictError:
            return

    # -- waits ------------------------------------------------------------------------------------------------------

    async def waits(self) -> AsyncIterator[OpenWait]:
        """Every wait that is open, those of a group one after another."""
        async for row in self._waits.rows(Query(WAITS)):
            yield _wait_of(row)

    async def seen(self, wait: OpenWait) -> None:
        """Keep what a look showed."""
        await self._waits.upsert([_wait_row(wait)])

    async def over(self, wait: OpenWait) -> None:
        """Delete the row of a wait that is none any more, unless somebody has just written it anew."""
        try:
            await self._waits.delete(WAITS, wait.key, wait.etag)
        except ConflictError:
            return

    async def passes(self) -> dict[str, Pass]:
        """The last looks at each group, by its name."""
        return {row.key: _pass_of(row) async for row in self._waits.rows(Query(PASSES))}

    async def passed(self, done: Pass) -> None:
        """Keep when a group was looked at."""
        await self._waits.upsert([_pass_row(done)])

    # -- repair -----------------------------------------------------------------------------------------------------

    async def make_good(self, record: Record, known: Mapping[str, OpenWait], now: datetime) -> None:
        """Write what is missing of a record's rows. `known`: the waits' rows that there are."""
        at = timer_at(record, self._policy)
        if at is not None:
            await self._due.upsert([Row(DUE, DueRow(record.id, _whole(max(at, now))).key, {})])
        for wait in open_waits(record):
            if known.get(wait.key) != wait:
                await self._waits.upsert([_wait_row(wait)])

    async def taken_over(self) -> str | None | bool:
        """Where reading all records goes on: a continuation; None: from the beginning; False: it never was done."""
        row = await self._waits.get(TAKEN_OVER, TAKEN_OVER)
        return False if row is None else row.columns.get("Cursor")

    async def take_over_from(self, continuation: str | None) -> None:
        """Keep where it goes on; None: all were read."""
        await self._waits.upsert([Row(TAKEN_OVER, TAKEN_OVER, {"Cursor": continuation})])


def open_waits(record: Record) -> tuple[OpenWait, ...]:
    """What of a record is looked at, as its rows say it."""
    return tuple(_open_wait(record, step.name) for step in record.steps if is_watched(record, step))


def _open_wait(record: Record, name: str) -> OpenWait:
    step = record.step(name)
    definition = definition_of(step)
    assert definition.wait is not None, f"{definition.name} is no wait, and is never looked at"
    watched = definition.wait.watched(record)
    return OpenWait(
        record.id, name, definition.name, watched.shared, step.ticket, step.since, step.next_attempt_at, watched.subject
    )


def _whole(at: datetime) -> datetime:
    return datetime.fromtimestamp(ceil(at.timestamp()), UTC)


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _read_stamp(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _wait_row(wait: OpenWait) -> Row:
    columns = {
        "Ticket": wait.ticket,
        "Since": wait.since,
        "NotBefore": wait.not_before,
        "Subject": json.dumps(dict(wait.subject), separators=(",", ":"), sort_keys=True),
        "Seen": wait.seen,
        "Wake": wait.wake,
    }
    return Row(WAITS, wait.key, columns)


def _wait_of(row: Row) -> OpenWait:
    definition, shared, onboarding_id, step = row.key.split("|")
    c = row.columns
    return OpenWait(
        onboarding_id,
        step,
        definition,
        shared,
        c["Ticket"],
        c["Since"],
        c.get("NotBefore"),
        json.loads(c["Subject"]),
        c.get("Seen"),
        c.get("Wake"),
        row.etag,
    )


def _pass_row(done: Pass) -> Row:
    columns = {
        "At": done.at,
        "Looked": done.looked,
        "Failed": done.failed,
        "Failures": done.failures,
        "NotBefore": done.not_before,
        "Began": done.began,
        "Cursor": done.cursor,
    }
    return Row(PASSES, done.group, columns)


def _pass_of(row: Row) -> Pass:
    c = row.columns
    return Pass(
        row.key,
        c["At"],
        c.get("Looked", 0),
        c.get("Failed"),
        c.get("Failures", 0),
        c.get("NotBefore"),
        c.get("Began"),
        c.get("Cursor"),
    )
