"""Where records are kept: one conditional write a transition, open and closed, and the audit trail."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from onboarding.columns import COLUMN_LENGTH
from onboarding.core.decide import create, decide
from onboarding.core.events import CancelRequested, Looked
from onboarding.core.record import Record
from onboarding.memory import MemoryTable
from onboarding.ports import ConflictError
from onboarding.records import Loaded, Records
from onboarding.rows import CLOSED, OPEN, RowTooLargeError, from_row, to_row
from onboarding.upgrade import rebuild_record as rebuild
from tests.support import requests
from tests.support.kept import records_on
from tests.support.records import NOW, after, told
from tests.support.system import System


@pytest.fixture
def tables() -> tuple[MemoryTable, MemoryTable]:
    return MemoryTable(), MemoryTable()


@pytest.fixture
def records(tables: tuple[MemoryTable, MemoryTable]) -> Records:
    return records_on(*tables)


def new() -> Record:
    return create(requests.parsed(requests.lab()), "ada", NOW).record


async def loaded(records: Records, record: Record) -> Loaded:
    found = await records.load(record.id)
    assert found is not None
    return found


def test_a_row_holds_the_whole_record_and_columns_that_a_dashboard_can_show() -> None:
    record = after("provisioning-complete")
    row = to_row(record, OPEN)
    assert from_row(row) == record
    shown = {k: row.columns[k] for k in ("Gateway", "State", "WaitingFor", "WaitingOn", "StepsEnded", "Services")}
    assert shown == {
        "Gateway": "contoso-acg",
        "State": "waiting-for-microsoft",
        "WaitingFor": "Wait until the gateway is provisioned",
        "WaitingOn": "Microsoft",
        "StepsEnded": 2,
        "Services": "operatorConnect",
    }
    assert row.columns["NextDueAt"] == datetime.fromisoformat(record.steps[2].since.isoformat())


def test_a_row_that_would_not_fit_is_refused_whole() -> None:
    record = new()
    huge = record.tail[0].model_copy(update={"detail": "x" * COLUMN_LENGTH})
    with pytest.raises(RowTooLargeError, match="column Tail"):
        to_row(record.model_copy(update={"tail": (huge,)}), OPEN)


async def test_the_slower_of_two_writers_loses_and_nothing_of_its_write_stays(records: Records) -> None:
    record = new()
    await records.create(record)
    seen = await loaded(records, record)
    cancelled = decide(record, CancelRequested("ada", "first"), NOW).record
    await records.save(seen, cancelled)
    with pytest.raises(ConflictError):
        await records.save(seen, decide(record, CancelRequested("bob", "second"), NOW).record)
    assert (await loaded(records, record)).record.cancelled_because == "first"


async def test_a_gateway_has_one_record(records: Records) -> None:
    await records.create(new())
    with pytest.raises(ConflictError):
        await records.create(new())


async def test_a_settled_onboarding_leaves_the_timers_partition(
    records: Records, tables: tuple[MemoryTable, MemoryTable]
) -> None:
    record = new()
    await records.create(record)
    cancelled = told(decide(record, CancelRequested("ada", "no"), NOW).record)
    await records.archive(await records.save(await loaded(records, record), cancelled))
    assert await tables[0].get(OPEN, record.id) is None
    assert (await loaded(records, record)).partition == CLOSED
    assert (await records.after("", 10)).loaded == ()


async def test_a_closed_one_that_still_owes_a_notice_stays_where_the_timer_reads(records: Records) -> None:
    record = new()
    await records.create(record)
    await records.save(await loaded(records, record), decide(record, CancelRequested("ada", "no"), NOW).record)
    assert [x.record.id for x in (await records.after("", 10)).loaded] == [record.id]


async def test_a_settled_row_that_a_crash_left_behind_is_moved_by_the_timer() -> None:
    system = System()
    system.clock.advance_to(NOW)
    record = (await system.request(requests.parsed(requests.lab()))).record
    settled = told(decide(record, CancelRequested("ada", "no"), system.clock.now()).record)
    row = await system.onboardings.get(OPEN, record.id)
    assert row is not None
    await system.onboardings.replace(to_row(settled, OPEN, row.etag))
    await system.tick()
    await system.tick()
    assert await system.onboardings.get(OPEN, record.id) is None
    assert (await loaded(system.records, record)).partition == CLOSED


async def test_a_closed_one_that_is_started_again_is_open_only(
    records: Records, tables: tuple[MemoryTable, MemoryTable]
) -> None:
    record = new()
    await records.create(record)
    cancelled = told(decide(record, CancelRequested("ada", "no"), NOW).record)
    await records.archive(await records.save(await loaded(records, record), cancelled))
    again = create(record.request, "ada", NOW, previous=cancelled).record
    await records.save(await loaded(records, record), again)
    assert (await loaded(records, record)).partition == OPEN
    assert await tables[0].get(CLOSED, record.id) is None


async def test_of_two_who_change_a_closed_one_the_slower_loses(
    records: Records, tables: tuple[MemoryTable, MemoryTable]
) -> None:
    """Though the faster has put it back among the closed ones by then, so that nothing stands in `open`."""
    record = new()
    await records.create(record)
    closed = told(decide(record, CancelRequested("ada", "no"), NOW).record)
    await records.archive(await records.save(await loaded(records, record), closed))
    slower, faster = await loaded(records, record), await loaded(records, record)
    await records.archive(await records.save(faster, closed.model_copy(update={"version": closed.version + 1})))
    with pytest.raises(ConflictError):
        await records.save(slower, closed.model_copy(update={"version": closed.version + 1, "requested_by": "bob"}))
    assert await tables[0].get(OPEN, record.id) is None
    assert (await loaded(records, record)).record.requested_by == "ada"


async def test_a_copy_left_by_a_crash_is_not_believed(
    records: Records, tables: tuple[MemoryTable, MemoryTable]
) -> None:
    record = new()
    await records.create(record)
    stale = told(decide(record, CancelRequested("ada", "no"), NOW).record)
    await tables[0].upsert([to_row(stale, CLOSED)])
    assert (await loaded(records, record)).record.version == record.version


async def test_a_long_audit_trail_moves_to_its_table_and_stays_whole(
    records: Records, tables: tuple[MemoryTable, MemoryTable]
) -> None:
    record = after("provisioning-complete", new())
    await records.create(record)
    now = NOW
    for i in range(200):
        now += timedelta(hours=1)
        seen = await loaded(records, record)
        happening = Looked("provisioning-complete", False, f"look {i}: " + "ChangePending " * 20)
        await records.save(seen, decide(seen.record, happening, now).record)
    last = (await loaded(records, record)).record
    assert len(last.tail) < 40
    events = await records.events(record.id)
    assert events is not None
    assert [e.version for e in events] == list(range(1, last.version + 1))
    assert rebuild(events) == last.model_copy(update={"tail": ()})


async def test_there_is_no_trail_of_what_does_not_exist(records: Records) -> None:
    assert await records.events("contoso-acg-0000000000") is None
