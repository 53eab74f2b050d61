"""What the timer reads in place of the onboardings themselves: thin rows, two hundred bytes where a record takes thirty
thousand.

Table `due` has a row for each onboarding for which something is to happen by itself, its key begins with when. Table
`waits` has one for each wait that is open, its key begins with what it shares a look with: a subscription, a DNS zone.
And there is a row for each of these (`passes`): when it was looked at last, and what failed. What else stands still has
rows there too, for the gauges (`held.py`).

The record stays the truth. A row is written before the commit that makes it needed, and deleted after the one that
makes it needless; so a process that ends in between leaves a row too many, which whoever finds it compares with the
record and deletes. A row too few can only be a row that was lost: the timer reads all records too, once in an hour,
and writes what is missing.

A row of `due` is not moved when its onboarding will be due later: it is found too early then, once, and moved by the
timer. So most transitions write none. The record's row names the time of the one that it counts on.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Generic, TypeVar

from onboarding.core.due import is_watched, timer_at, wake_at
from onboarding.core.policy import Policy
from onboarding.core.record import Record, StepRecord
from onboarding.core.request import OnboardingRequest
from onboarding.held import HELD_STEPS, HeldStep, held_keys, held_of, held_row, held_steps
from onboarding.numbers import number_rows, others_with
from onboarding.ports import ConflictError, Query, Row, Table
from onboarding.steps import definition_of

log = logging.getLogger("onboarding")

DUE_TABLE, WAITS_TABLE = "due", "waits"
DUE, WAITS, PASSES, ROUND, SWEEP, INSPECTED = "due", "waits", "passes", "round", "sweep", "inspected"
"""Partitions: the first of table `due`, the others of table `waits`."""
TICK = "tick"
"""Key of the row that says when the timer came round last."""
CLOCKS_DIFFER = timedelta(seconds=30)
"""At most. A row this close to its time may just be moved by a timer whose clock is ahead: it is not counted on."""
LEFT_BEHIND = timedelta(hours=1)
"""After that, a row without an onboarding was left by a process that died before it wrote one."""
_FIRST, _LAST = "0", "~"

_T = TypeVar("_T")


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
    """No look before; and one then."""
    wake: datetime | None
    """When the record is to be decided anew also if nothing new is seen."""
    asked: bool
    """Somebody wants it looked at."""
    subject: Mapping[str, str]
    """What is looked at: the definition's own words."""
    seen: str | None = field(default=None, compare=False)
    """What the last look showed, as its definition puts it; None: look at the record too."""
    version: int = field(default=0, compare=False)
    """Of the record that has it so."""
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
    at: datetime | None
    """When all of it was last looked at."""
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


@dataclass(frozen=True, slots=True)
class Round:
    """Reading all records, a slice in a pass."""

    place: str
    """The onboarding up to which they were read; empty: the last one."""
    began: datetime
    """When the first of them was."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Looking at all closed onboardings once, for what is not any more as it was."""

    began: datetime
    total: int
    """How many there were."""
    looked: int = 0
    place: str = ""
    """The one up to which they were looked at."""
    over: bool = False


@dataclass(frozen=True, slots=True)
class LastInspection:
    """The last look at a completed onboarding."""

    onboarding_id: str
    at: datetime
    unseen: int
    """Of its steps that could not be looked at."""


class _Parsed(Generic[_T]):
    """What the rows of a partition say: one that is as it was at the last reading is not parsed again."""

    def __init__(self, parse: Callable[[Row], _T]) -> None:
        self._parse = parse
        self._known: dict[str, tuple[str, _T]] = {}

    async def of(self, rows: AsyncIterator[Row]) -> AsyncIterator[_T]:
        """Of each row that can be read; of the others it is told."""
        before, now = self._known, dict[str, tuple[str, _T]]()
        self._known = now
        async for row in rows:
            known = before.get(row.key)
            if known is None or known[0] != row.etag:
                try:
                    known = row.etag, self._parse(row)
                except (KeyError, ValueError, TypeError):
                    log.error("the row '%s' of table %s can't be read; nothing is done with it", row.key, WAITS_TABLE)
                    continue
            now[row.key] = known
            yield known[1]


class Index:
    """The thin rows."""

    def __init__(self, due: Table, waits: Table, policy: Policy) -> None:
        self._due = due
        self._waits = waits
        self._policy = policy
        self._parsed_waits, self._parsed_passes = _Parsed(_wait_of), _Parsed(_pass_of)

    # -- with each commit -----------------------------------------------------------------------------------------

    async def before(self, old: Record | None, new: Record, counted_on: datetime | None) -> datetime | None:
        """Write what `new` needs before it is committed; the time of the row of `due` that it counts on from then."""
        now = new.updated_at
        known = {wait.key: wait for wait in watched_waits(old, self._policy, now)} if old else {}
        for wait in watched_waits(new, self._policy, now):
            if known.get(wait.key) != wait:
                await self._waits.upsert([_wait_row(wait)])
        before = held_steps(old)
        for held in held_steps(new):
            if held not in before:
                await self._waits.upsert([held_row(held)])
        if (old is None or old.request is not new.request) and (numbers := number_rows(old, new)):
            await self._waits.upsert(numbers)
        at = timer_at(new, self._policy)
        if at is None or (counted_on and counted_on <= at and new.updated_at < counted_on - CLOCKS_DIFFER):
            return counted_on
        row = DueRow(new.id, _whole(at))
        await self._due.upsert([Row(DUE, row.key, {})])
        return row.at

    async def after(self, old: Record, new: Record) -> None:
        """Delete what `new` made needless."""
        still = {wait.key for wait in watched_waits(new, self._policy, new.updated_at)}
        for wait in watched_waits(old, self._policy, new.updated_at):
            if wait.key not in still:
                await self._waits.delete(WAITS, wait.key)
        kept = {held.key for held in held_steps(new)}
        for held in held_steps(old):
            if held.key not in kept:
                await self._waits.delete(HELD_STEPS, held.key)

    # -- what is due ------------------------------------------------------------------------------------------------

    async def due(self, now: datetime) -> AsyncIterator[DueRow]:
        """What is due by now, the oldest first."""
        async for row in self._due.rows(Query(DUE, keys=(_FIRST, f"{_stamp(now)}{_LAST}"))):
            stamp, _, onboarding_id = row.key.partition("|")
            yield DueRow(onboarding_id, _read_stamp(stamp), row.etag)

    async def first_due(self) -> datetime | None:
        """When the first of all is due."""
        page = await self._due.page(Query(DUE), 1)
        return _read_stamp(page.rows[0].key.partition("|")[0]) if page.rows else None

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
        async for wait in self._parsed_waits.of(self._waits.rows(Query(WAITS))):
            yield wait

    async def seen(self, wait: OpenWait) -> None:
        """Keep what a look showed."""
        await self._waits.upsert([_wait_row(wait)])

    async def over(self, wait: OpenWait) -> None:
        """Delete the row of a wait that is none any more, unless somebody has just written it anew."""
        try:
            await self._waits.delete(WAITS, wait.key, wait.etag)
        except ConflictError:
            return

    async def held(self, after: str = "", last: str = _LAST) -> AsyncIterator[HeldStep]:
        """Every step that stands still, of the onboardings after this one, up to and with the last."""
        async for row in self._waits.rows(Query(HELD_STEPS, keys=held_keys(after, last))):
            try:
                held = held_of(row)
            except (KeyError, ValueError):
                log.error("the row '%s' of table %s can't be read; nothing is done with it", row.key, WAITS_TABLE)
                continue
            if held.onboarding_id > after:
                yield held

    async def passes(self) -> dict[str, Pass]:
        """The last looks at each group, by its name."""
        return {done.group: done async for done in self._parsed_passes.of(self._waits.rows(Query(PASSES)))}

    async def passed(self, done: Pass) -> None:
        """Keep when a group was looked at."""
        await self._waits.upsert([_pass_row(done)])

    # -- numbers ----------------------------------------------------------------------------------------------------

    async def others_with(self, request: OnboardingRequest) -> Mapping[str, tuple[str, ...]]:
        """Ids of other onboardings that may have numbers of a request, each with these as they are written."""
        return await others_with(self._waits, request)

    # -- repair -----------------------------------------------------------------------------------------------------

    async def make_good(
        self, records: Sequence[Record], known: Mapping[str, Sequence[OpenWait]], now: datetime
    ) -> None:
        """Write what is missing of the rows of records, and delete what is too many. `known`: the rows of their waits.

        All of one partition in few transactions: what stands there already costs next to nothing.
        """
        due, waits, numbers = list[Row](), list[Row](), list[Row]()
        for record in records:
            numbers += number_rows(None, record)
            at = timer_at(record, self._policy)
            if at is not None:
                due.append(Row(DUE, DueRow(record.id, _whole(max(at, now))).key, {}))
            wanted = {wait.key: wait for wait in watched_waits(record, self._policy, now)}
            for wait in known.get(record.id, ()):
                if wait.key not in wanted:
                    if not to_come(wait, record, now):
                        await self.over(wait)
                elif replace(wanted[wait.key], wake=wait.wake) == wait:
                    del wanted[wait.key]
            waits += map(_wait_row, wanted.values())
        for table, rows in ((self._due, due), (self._waits, waits), (self._waits, numbers)):
            if rows:
                await table.upsert(rows)

    async def make_good_held(self, record: Record | None, known: Sequence[HeldStep]) -> None:
        """The same for the rows of what stands still. `record` is read after them."""
        wanted = held_steps(record)
        for held in known:
            if held.key not in {each.key for each in wanted}:
                try:
                    await self._waits.delete(HELD_STEPS, held.key, held.etag)
                except ConflictError:
                    continue
        for held in wanted:
            if held not in known:
                await self._waits.upsert([held_row(held)])

    async def round(self) -> Round | None:
        """How far reading all of them got. None: they never were read."""
        row = await self._waits.get(ROUND, ROUND)
        return None if row is None else Round(str(row.columns.get("Onboarding", "")), row.columns["Began"])

    async def ticked(self, now: datetime) -> None:
        """The timer has come round."""
        await self._waits.upsert([Row(ROUND, TICK, {"At": now})])

    async def last_tick(self) -> datetime | None:
        """When it did so last."""
        row = await self._waits.get(ROUND, TICK)
        return None if row is None else row.columns["At"]
    async def sweep(self) -> Sweep | None:
        """How far the last sweep got that looks for drift. None: there was none yet."""
        row = await self._waits.get(SWEEP, SWEEP)
        return None if row is None else _sweep_of(row)

    async def keep_sweep(self, got: Sweep) -> None:
        """Keep how far it got."""
        columns = {"Began": got.began, "Total": got.total, "Looked": got.looked, "Onboarding": got.place}
        await self._waits.upsert([Row(SWEEP, SWEEP, {**columns, "Over": got.over})])

    async def inspection(self, record: Record) -> LastInspection | None:
        """When a completed onboarding was last inspected. None: it was not since it was completed, or is not."""
        row = await self._waits.get(INSPECTED, record.id) if record.completed else None
        if row is None or record.closed_at is None or row.columns["At"] < record.closed_at:
            return None
        return LastInspection(record.id, row.columns["At"], row.columns["Unseen"])

    async def keep_inspections(self, looked: Sequence[LastInspection]) -> None:
        """Keep that they were inspected."""
        rows = [Row(INSPECTED, one.onboarding_id, {"At": one.at, "Unseen": one.unseen}) for one in looked]
        if rows:
            await self._waits.upsert(rows)

    async def keep_round(self, got: Round) -> None:
        """Keep how far reading all of them got."""
        await self._waits.upsert([Row(ROUND, ROUND, {"Onboarding": got.place, "Began": got.began})])


def _sweep_of(row: Row) -> Sweep:
    c = row.columns
    return Sweep(c["Began"], c["Total"], c["Looked"], str(c.get("Onboarding", "")), c["Over"])


def to_come(wait: OpenWait, record: Record | None, now: datetime) -> bool:
    """Whether a row stands there before the commit that it is of: then it is no row too many."""
    if record is None:
        return now - wait.since < LEFT_BEHIND
    return wait.version > record.version


def watched_waits(record: Record, policy: Policy, now: datetime) -> tuple[OpenWait, ...]:
    """What of a record is looked at from now on, as its rows say it."""
    return tuple(_open_wait(record, step, policy, now) for step in record.steps if is_watched(record, step))


def _open_wait(record: Record, step: StepRecord, policy: Policy, now: datetime) -> OpenWait:
    definition = definition_of(step)
    assert definition.wait is not None, f"{definition.name} is no wait, and is never looked at"
    watched = definition.wait.watched(record, step)
    wake = wake_at(step, now, policy)
    return OpenWait(
        record.id,
        step.name,
        definition.name,
        watched.shared,
        step.ticket,
        step.since,
        step.next_attempt_at,
        wake,
        step.asked,
        watched.subject,
        version=record.version,
    )


def _whole(at: datetime) -> datetime:
    return datetime.fromtimestamp(ceil(at.timestamp()), UTC)


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _read_stamp(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC)


def _wait_row(wait: OpenWait) -> Row:
    columns = {
        "Ticket": wait.ticket,
        "Since": wait.since,
        "NotBefore": wait.not_before,
        "Subject": json.dumps(dict(wait.subject), separators=(",", ":"), sort_keys=True),
        "Seen": wait.seen,
        "Wake": wait.wake,
        "Asked": wait.asked,
        "Version": wait.version,
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
        c.get("Wake"),
        c.get("Asked", False),
        json.loads(c["Subject"]),
        c.get("Seen"),
        c.get("Version", 0),
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
        c.get("At"),
        c.get("Looked", 0),
        c.get("Failed"),
        c.get("Failures", 0),
        c.get("NotBefore"),
        c.get("Began"),
        c.get("Cursor"),
    )
