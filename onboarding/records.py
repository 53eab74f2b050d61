"""Where records are kept: one row a gateway, and each transition one conditional write.

Open onboardings stand in partition `open`, settled ones in `closed`. What the timer reads of them is thin rows in
tables of their own (`index.py`), which are written with each commit.
The write in `open` is the only point of commitment. Moving a settled row is tidying: copy to `closed`, then delete
from `open`; whoever finds it in both believes the higher version, and the timer tidies again.

The audit trail travels in the row's tail, so it commits with the change. When the tail is long, its older part is
copied to table `events` (same key, same content: harmless twice) and left out of the next write.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4
from weakref import WeakValueDictionary

from onboarding.core.record import Event, Record
from onboarding.core.request import OnboardingRequest
from onboarding.index import Index
from onboarding.numbers import SharedNumbers, shared_with
from onboarding.ports import ConflictError, Page, Query, Row, Table
from onboarding.rows import (
    CLOSED,
    COMMIT,
    DUE_ROW,
    OPEN,
    UnreadableRowError,
    event_of,
    event_row,
    from_row,
    tail_length,
    to_row,
)
from onboarding.telemetry.metrics import count
from onboarding.telemetry.names import UNREADABLE_ROWS

log = logging.getLogger("onboarding")

TAIL_CHARACTERS = 24_000
"""Of the tail's JSON, beyond which its older part moves to table `events`: a column holds 32 K, one event at most
`changes.EVENT_UNITS`. Most onboardings copy their tail once."""
LAST_KEY = "~"
"""No onboarding's key is greater."""
KEPT_RECORDS = 100
"""Onboardings whose last version a process keeps, those that it wrote last: their next step needs no read."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A record as it was read, with what a conditional write of it needs."""

    record: Record
    partition: str
    etag: str
    due_row: datetime | None = None
    """The time of the row of table `due` that it counts on."""


@dataclass(frozen=True, slots=True)
class LoadedPage:
    """Some of the open onboardings."""

    loaded: tuple[Loaded, ...]
    last: str | None
    """The key of its last row; None: no more follow."""


class Records:
    """The onboardings and their audit trail."""

    def __init__(
        self, onboardings: Table, events: Table, index: Index, new_id: Callable[[], str] = lambda: uuid4().hex
    ) -> None:
        """`new_id` names each commit; no two may be the same."""
        self._onboardings = onboardings
        self._events = events
        self.index = index
        self._new_id = new_id
        self._written: OrderedDict[str, Loaded] = OrderedDict()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, onboarding_id: str) -> asyncio.Lock:
        """To be held while a transition is decided and written: those of one process would only lose to each other."""
        return self._turns.setdefault(onboarding_id, asyncio.Lock())

    def written(self, onboarding_id: str) -> Loaded | None:
        """What this process wrote of it last. Others may have written since: a conditional write tells."""
        return self._written.get(onboarding_id)

    def instead(self, lost: ConflictError) -> Loaded | None:
        """What stands there in place of what lost; None when that is not known, and has to be loaded."""
        return _loaded(lost.there) if lost.there else None

    async def load(self, onboarding_id: str) -> Loaded | None:
        """The onboarding of that id, open or closed; None when there is none."""
        # Read `open` once more at the end: between the first two reads the row may have been reopened.
        for partition in (OPEN, CLOSED, OPEN):
            row = await self._onboardings.get(partition, onboarding_id)
            if row is not None:
                return self._known(row)
        return None

    def _known(self, row: Row) -> Loaded:
        """What this process wrote last, if the row is still that: then it need not be read once more."""
        written = self._written.get(row.key)
        if written and (written.partition, written.etag) == (row.partition, row.etag):
            # Another object: whoever decides by what was written looks whether this has been read.
            return replace(written)
        return _loaded(row)

    async def sharing_numbers(self, request: OnboardingRequest) -> list[SharedNumbers]:
        """Other onboardings that have numbers of a request too."""
        found: list[SharedNumbers] = []
        for other, written in (await self.index.others_with(request)).items():
            try:
                loaded = await self.load(other)
            except UnreadableRowError:
                continue
            shared = shared_with(loaded.record, written) if loaded else None
            if shared:
                found.append(shared)
        return found

    async def create(self, record: Record) -> None:
        """A first record. Raises ConflictError when the gateway has one."""
        due_row = await self.index.before(None, record, None)
        row = to_row(record, OPEN, commit=self._new_id(), due_row=due_row)
        etag = await self._write(self._onboardings.insert, row)
        self._keep(Loaded(record, OPEN, etag, due_row))

    async def save(self, loaded: Loaded, record: Record) -> Loaded:
        """Commit the next version of what was loaded, as it stands then. Raises ConflictError: somebody was faster.

        One that is settled is to be archived then.
        """
        if len(record.tail) > 1 and tail_length(record) > TAIL_CHARACTERS:
            record = await self._trimmed(record)
        due_row = await self.index.before(loaded.record, record, loaded.due_row)
        row = to_row(record, OPEN, loaded.etag, commit=self._new_id(), due_row=due_row)
        if loaded.partition == CLOSED:
            # Started again: from here on the open row, with the higher version, is the truth.
            etag = await self._write(self._onboardings.insert, row)
            if not await self._forget(record.id, loaded.etag):
                await self._expect_newest(record, etag)
        else:
            etag = await self._write(self._onboardings.replace, row)
        saved = Loaded(record, OPEN, etag, due_row)
        self._keep(saved)
        try:
            await self.index.after(loaded.record, record)
        except Exception:
            log.warning("a row of a wait of onboarding %s that is over stays for now", record.id, exc_info=True)
        return saved

    def _keep(self, written: Loaded) -> None:
        self._written[written.record.id] = written
        self._written.move_to_end(written.record.id)
        if written.record.settled or len(self._written) > KEPT_RECORDS:
            self._written.popitem(last=written.record.settled)

    async def _write(self, write: Callable[[Row], Awaitable[str]], row: Row) -> str:
        """The point of commitment; the row's new ETag.

        The answer to a write may be lost: the client then repeats it and loses against itself, or gives up. Whether
        it was done is told by the row, which names the commit that wrote it.
        """
        try:
            return await write(row)
        except Exception as error:
            try:
                found = await self._onboardings.get(row.partition, row.key)
            except Exception:
                log.warning("whether onboarding %s was written can't be told now", row.key, exc_info=True)
                if isinstance(error, ConflictError):
                    # Perhaps it lost against itself: to decide again could undo, or refuse, what was just done.
                    raise
                raise error from None
            if found and found.columns.get(COMMIT) == row.columns[COMMIT]:
                return found.etag
            if isinstance(error, ConflictError):
                error.there = found
            raise

    async def archive(self, loaded: Loaded) -> None:
        """Move a settled row out of the timer's way."""
        copy = await self._copied(loaded.record)
        try:
            await self._onboardings.delete(OPEN, loaded.record.id, loaded.etag)
        except ConflictError:
            # Reopened in between: the copy is older than the open row.
            if copy:
                await self._forget(loaded.record.id, copy)

    async def _copied(self, record: Record) -> str | None:
        """Its row in `closed`, which never takes the place of a later run's; the copy's ETag, None when there is none.

        Whoever is slow at this may find that it was started again, and has ended, in the meantime.
        """
        while True:
            there = await self._onboardings.get(CLOSED, record.id)
            if there is not None and there.columns["Version"] >= record.version:
                return there.etag if there.columns["Version"] == record.version else None
            row = to_row(record, CLOSED, there.etag if there else "")
            try:
                return await (self._onboardings.replace(row) if there else self._onboardings.insert(row))
            except ConflictError:
                continue

    async def _forget(self, onboarding_id: str, etag: str) -> bool:
        """Delete that very row of `closed`, and no later one in its place; whether it was that one."""
        try:
            await self._onboardings.delete(CLOSED, onboarding_id, etag)
        except ConflictError:
            log.info("the closed row of onboarding %s is a later one by now", onboarding_id)
            return False
        return True

    async def _expect_newest(self, record: Record, etag: str) -> None:
        """Whoever changed a closed onboarding may have been overtaken by one who has put it back in `closed` already:
        then the row in `open` is taken back. Raises ConflictError. A row in `open` that others have gone on from, or
        have moved, counts.
        """
        there, ours = [await self._onboardings.get(partition, record.id) for partition in (CLOSED, OPEN)]
        if there and ours and ours.etag == etag and there.columns["Version"] >= record.version:
            await self._onboardings.delete(OPEN, record.id, etag)
            raise ConflictError(f"Onboarding {record.id} was changed by somebody else.")

    async def after(self, onboarding_id: str, limit: int) -> LoadedPage:
        """Some of the open onboardings, those that follow this one, with settled ones that still stand among them.

        A row that can't be read is told of and left alone: it must not keep the others from their turn.
        """
        page = await self._onboardings.page(Query(OPEN, keys=(onboarding_id, LAST_KEY)), limit + 1)
        loaded: list[Loaded] = []
        for row in page.rows:
            if row.key == onboarding_id:
                continue
            try:
                loaded.append(_loaded(row))
            except UnreadableRowError as error:
                count(UNREADABLE_ROWS)
                log.error("%s", error)
        return LoadedPage(tuple(loaded), page.rows[-1].key if page.rows and page.continuation else None)

    async def page(self, query: Query, limit: int, continuation: str | None = None) -> Page:
        """Rows of onboardings as they stand in the table: a settled one may stand in both partitions."""
        return await self._onboardings.page(query, limit, continuation)

    def rows(self, query: Query) -> AsyncIterator[Row]:
        """All of them, one after the other."""
        return self._onboardings.rows(query)

    async def events(self, onboarding_id: str) -> list[Event] | None:
        """The whole audit trail, oldest first; None when there is no such onboarding."""
        loaded = await self.load(onboarding_id)
        if loaded is None:
            return None
        trail = {e.version: e for e in [event_of(row) async for row in self._events.rows(Query(onboarding_id))]}
        trail.update({e.version: e for e in loaded.record.tail})
        return [trail[version] for version in sorted(trail)]

    async def _trimmed(self, record: Record) -> Record:
        """The record with its newest event alone, after the older ones have been copied to their table."""
        *older, newest = record.tail
        rows = [event_row(record.id, event) for event in older]
        await self._events.upsert(rows)
        return record.model_copy(update={"tail": (newest,)})


def _loaded(row: Row) -> Loaded:
    return Loaded(from_row(row), row.partition, row.etag, row.columns.get(DUE_ROW))
