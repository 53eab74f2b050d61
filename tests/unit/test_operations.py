"""Backup, restore and check: an operator's tools, on the in-memory twins."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onboarding import records
from onboarding.core.events import CancelRequested, ProblemReported, RetryRequested
from onboarding.core.links import Link, LinkError
from onboarding.core.links import check_open as check_link
from onboarding.core.record import OnboardingState, Record
from onboarding.memory import MemoryTable
from onboarding.operations.__main__ import Where
from onboarding.operations.backup import backup, header
from onboarding.operations.backup_file import BackupFileError, Header, Writer, read_backup
from onboarding.operations.check import check_tables
from onboarding.operations.restore import LOST_VERSIONS, NotEmptyError, restore
from onboarding.operations.tables import Tables
from onboarding.ports import Query, Row
from onboarding.rows import CLOSED, OPEN, to_row
from onboarding.settings import Settings
from onboarding.upgrade import rebuild_record as rebuild
from tests.support import requests
from tests.support.system import System, finished

CHECKPOINT = "operator-information"


def named(name: str) -> dict[str, object]:
    body = requests.operator_connect()
    body["gateway"]["name"] = name
    return body


@pytest.fixture(autouse=True)
def soon_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trails of a few events stand in their own table too."""
    monkeypatch.setattr(records, "TAIL_CHARACTERS", 12_000)


async def at_a_checkpoint(system: System | None = None, name: str = "contoso-acg") -> tuple[System, Record]:
    """An onboarding that waits for people, with a long audit trail."""
    system = system or System()
    request = requests.parsed(named(name))
    system.outside.deploy(request)
    record = (await system.request(request)).record
    for _ in range(60):
        while await system.deliver():
            pass
        system.outside.gateways.complete(request.gateway.id)
        await system.tick(3600)
    return system, await system.record(record.id)


def tables_of(system: System) -> Tables:
    return Tables(system.onboardings, system.trail)


async def saved(system: System, path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        await backup(tables_of(system), Writer(file.write, header(system.clock.now())))
    return path


async def restored(system: System, path: Path, **more: object) -> int:
    head, rows = read_backup(path)
    return await restore(tables_of(system), head, rows, actor="olga", now=system.clock.now(), **more)  # type: ignore[arg-type]


async def contents(table: MemoryTable) -> list[tuple[str, str, dict[str, object]]]:
    return [(row.partition, row.key, dict(row.columns)) async for row in table.all_rows()]


# -- the file ----------------------------------------------------------------------------------------------------


def a_file(path: Path, *rows: Row) -> Path:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        writer = Writer(file.write, Header(2, datetime(2026, 3, 1, tzinfo=UTC)))
        for row in rows:
            writer.row("onboardings", row)
        writer.end()
    return path


def test_a_row_comes_back_as_it_was(tmp_path: Path) -> None:
    columns = {
        "Text": 'two\nlines, "quoted" 日本 🎉 \udc80',
        "Small": -7,
        "Large": 2**40,
        "Share": 0.5,
        "Yes": True,
        "At": datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC),
        "Bytes": b"\x00\xff",
    }
    row = Row("open", "a", columns)
    head, found = read_backup(a_file(tmp_path / "b", row))
    assert found == [("onboardings", row)]
    assert (head.schema_version, head.at) == (2, datetime(2026, 3, 1, tzinfo=UTC))


def test_half_a_file_or_one_that_was_changed_is_no_backup(tmp_path: Path) -> None:
    path = a_file(tmp_path / "b", Row("open", "a", {"Text": "x"}), Row("open", "b", {"Text": "x"}))
    whole = path.read_text().splitlines(keepends=True)
    for lines, words in (
        (whole[:-1], "without its last line"),
        ([*whole[:2], *whole[3:]], "changed or lost"),
        ([whole[0], whole[1].replace('"x"', '"y"'), *whole[2:]], "changed or lost"),
        (["half a li"], "line 1: expected JSON"),
        (["{}\n"], "expected the first line of a backup"),
        ([], "expected the first line of a backup"),
    ):
        path.write_text("".join(lines))
        with pytest.raises(BackupFileError, match=words):
            read_backup(path)


# -- backup ------------------------------------------------------------------------------------------------------


async def test_a_backup_restored_into_empty_tables_gives_every_onboarding_with_its_whole_trail(tmp_path: Path) -> None:
    system, waiting = await at_a_checkpoint()
    _, record = await finished(requests.parsed(named("another-acg")), system)
    before = {key: await system.events(key) for key in (waiting.id, record.id)}
    file = await saved(system, tmp_path / "b")
    elsewhere = System()
    elsewhere.clock.advance_to(system.clock.now())
    assert await restored(elsewhere, file) == 2
    for key, events in before.items():
        *same, last = await elsewhere.events(key)
        assert same == events
        assert (last.what, last.actor, last.version) == ("restored", "olga", events[-1].version + LOST_VERSIONS)
    assert (await elsewhere.record(record.id)).state is OnboardingState.COMPLETED
    assert await elsewhere.onboardings.get(OPEN, record.id) is None
    assert (await check_tables(tables_of(elsewhere))).problems == []


class Moving(MemoryTable):
    """Somebody goes on while a partition is being read."""

    def __init__(self) -> None:
        super().__init__()
        self.between: list[object] = []

    async def rows(self, query: Query) -> AsyncIterator[Row]:
        async for row in super().rows(query):
            yield row
        if self.between:
            await self.between.pop(0)  # type: ignore[misc]


async def test_an_onboarding_that_moves_while_it_is_copied_is_in_the_backup_whole(tmp_path: Path) -> None:
    system = System(onboardings=Moving())
    request = requests.parsed(named("contoso-acg"))
    system, record = await finished(request, system)

    async def again() -> None:
        # After `open` and `closed` were read without it: it stands in `open` again.
        await system.request(request, again=True)

    async def nothing() -> None: ...

    system.onboardings.between = [again(), nothing()]  # type: ignore[attr-defined]
    file = await saved(system, tmp_path / "b")
    elsewhere = System()
    assert await restored(elsewhere, file) == 1
    assert (await elsewhere.record(record.id)).run == 2
    assert (await check_tables(tables_of(elsewhere))).problems == []


async def test_audit_events_that_are_newer_than_the_row_are_left_out(tmp_path: Path) -> None:
    system = System(onboardings=Moving())
    system, record = await at_a_checkpoint(system)

    async def nothing() -> None: ...

    async def goes_on() -> None:
        for _ in range(60):
            await system.tick(3600)

    system.onboardings.between = [nothing(), nothing(), goes_on()]  # type: ignore[attr-defined]
    # Rows are read three times; then time passes, and the audit trail grows before it is read.
    file = await saved(system, tmp_path / "b")
    assert (await system.record(record.id)).version > record.version + 5
    assert {row.key async for row in system.trail.all_rows()} > {
        row.key for table, row in read_backup(file)[1] if table == "events"
    }
    elsewhere = System()
    await restored(elsewhere, file)
    assert (await elsewhere.record(record.id)).version == record.version + LOST_VERSIONS
    assert (await check_tables(tables_of(elsewhere))).problems == []


# -- restore -----------------------------------------------------------------------------------------------------


async def test_nothing_is_overwritten_unless_told(tmp_path: Path) -> None:
    system, record = await at_a_checkpoint()
    file = await saved(system, tmp_path / "b")
    before = await contents(system.onboardings), await contents(system.trail)
    with pytest.raises(NotEmptyError, match=record.id):
        await restored(system, file)
    assert (await contents(system.onboardings), await contents(system.trail)) == before


async def test_a_restore_that_was_interrupted_is_done_again(tmp_path: Path) -> None:
    system, record = await at_a_checkpoint()
    file = await saved(system, tmp_path / "b")

    class Failing(MemoryTable):
        async def upsert(self, rows: object) -> None:
            raise TimeoutError("no answer")

    elsewhere = System(onboardings=Failing())
    with pytest.raises(TimeoutError):
        await restored(elsewhere, file)
    elsewhere = System(trail=elsewhere.trail, clock=system.clock)
    with pytest.raises(NotEmptyError):
        await restored(elsewhere, file)
    await restored(elsewhere, file, overwrite=True)
    once = await contents(elsewhere.onboardings), await contents(elsewhere.trail)
    await restored(elsewhere, file, overwrite=True)
    assert (await contents(elsewhere.onboardings), await contents(elsewhere.trail)) == once
    assert (await elsewhere.record(record.id)).state is OnboardingState.WAITING_FOR_PEOPLE


async def test_one_onboarding_can_be_set_back_alone(tmp_path: Path) -> None:
    system, record = await at_a_checkpoint()
    system, other = await at_a_checkpoint(system, "another-acg")
    file = await saved(system, tmp_path / "b")
    for key in (record.id, other.id):
        await system.engine.happen(key, CancelRequested("ada", "a mistake"))
        while await system.deliver():
            pass
    assert await system.onboardings.get(CLOSED, record.id) is not None
    assert await restored(system, file, only=record.id, overwrite=True) == 1
    assert (await system.record(record.id)).state is OnboardingState.WAITING_FOR_PEOPLE
    assert await system.onboardings.get(CLOSED, record.id) is None
    assert (await system.record(other.id)).state is OnboardingState.CANCELLED
    assert (await check_tables(tables_of(system))).problems == []
    assert await restored(system, file, only="unknown-0000000000", overwrite=True) == 0


async def test_a_record_older_than_the_world_goes_on_to_its_end_whatever_the_lost_time_left_behind(
    tmp_path: Path,
) -> None:
    system = System()
    request = requests.parsed(named("contoso-acg"))
    system.outside.deploy(request)
    key = (await system.request(request)).record.id
    await system.deliver()
    file = await saved(system, tmp_path / "b")
    then = await system.record(key)
    await system.run(key)
    lost = await system.events(key)
    letters = list(system.bus.published)
    written = list(system.outside.writes)
    await restored(system, file, overwrite=True)
    # Everything that was ever sent comes once more, whatever became of the onboarding.
    for message in letters:
        await system.engine.receive(message.effect)
    record = await system.run(key)
    assert record.state is OnboardingState.COMPLETED
    assert system.outside.writes == written, "everything was done already"
    events = await system.events(key)
    assert events[: then.version] == lost[: then.version]
    assert all(e.version > LOST_VERSIONS for e in events[then.version :])
    assert rebuild(events) == record.model_copy(update={"tail": ()})
    assert (await check_tables(tables_of(system))).problems == []


async def test_a_link_of_the_lost_time_opens_nothing_and_one_from_before_still_does(tmp_path: Path) -> None:
    system, record = await at_a_checkpoint()
    expires = system.clock.now() + timedelta(days=30)
    before = Link(record.id, CHECKPOINT, record.step(CHECKPOINT).ticket, expires)
    file = await saved(system, tmp_path / "b")
    await restored(system, file, overwrite=True)
    check_link(before, await system.record(record.id))
    # It opens anew, as it may have in the lost time, when the version was one of these.
    await system.engine.happen(record.id, ProblemReported(CHECKPOINT, "ada", "the form is not there"))
    await system.engine.happen(record.id, RetryRequested(CHECKPOINT, "ada"))
    for opening in range(record.version + 1, record.version + 50):
        with pytest.raises(LinkError, match="settled since"):
            check_link(Link(record.id, CHECKPOINT, opening, expires), await system.record(record.id))


async def test_an_unreadable_row_is_copied_and_put_back_as_it_is(tmp_path: Path) -> None:
    system, record = await at_a_checkpoint()
    row = await system.onboardings.get(OPEN, record.id)
    assert row is not None
    spoilt = replace(row, columns={**row.columns, "Steps": "[", "Version": "?"})
    await system.onboardings.upsert([spoilt])
    file = await saved(system, tmp_path / "b")
    elsewhere = System()
    await restored(elsewhere, file)
    back = await elsewhere.onboardings.get(OPEN, record.id)
    assert back is not None
    assert back.columns == spoilt.columns


# -- check -------------------------------------------------------------------------------------------------------


async def test_a_check_of_what_is_right_finds_nothing() -> None:
    system, record = await at_a_checkpoint()
    await finished(requests.parsed(named("another-acg")), system)
    found = await check_tables(tables_of(system))
    assert (found.onboardings, found.problems) == (2, [])
    assert found.events >= record.version


async def test_a_check_says_what_is_wrong_and_where() -> None:
    system, record = await at_a_checkpoint()
    row = await system.onboardings.get(OPEN, record.id)
    events = [e async for e in system.trail.all_rows()]
    assert row is not None
    assert len(events) > 2

    async def said() -> str:
        found = await check_tables(tables_of(system))
        assert len(found.problems) == 1, found.problems
        return found.problems[0]

    await system.onboardings.upsert([replace(row, columns={**row.columns, "Steps": "["})])
    assert "can't be read" in await said()
    await system.onboardings.upsert([to_row(record.model_copy(update={"run": 7}), OPEN)])
    assert "gives another record: run differ" in await said()
    await system.onboardings.upsert([row])

    await system.trail.delete(events[0].partition, events[0].key)
    assert "its audit trail gives no record; events are missing" in await said()
    await system.trail.upsert([replace(events[0], columns={**events[0].columns, "Body": "{"})])
    assert f"row {events[0].key} can't be read" in await said()
    await system.trail.upsert([replace(events[0], columns=events[1].columns)])
    assert f"row {events[0].key} says that it is of version {int(events[1].key)}" in await said()
    await system.trail.upsert([events[0]])

    body = {**json.loads(events[-1].columns["Body"]), "version": record.version + 3}
    newer = Row(record.id, f"{record.version + 3:010d}", {**events[-1].columns, "Body": json.dumps(body)})
    await system.trail.upsert([newer])
    assert f"versions {record.version + 3} to {record.version + 3}" in await said()
    await system.trail.delete(newer.partition, newer.key)

    in_tail = record.tail[-1]
    body = {**in_tail.to_json(), "actor": "somebody else"}
    told = Row(record.id, f"{in_tail.version:010d}", {**events[-1].columns, "Body": json.dumps(body)})
    await system.trail.upsert([told])
    assert f"tell version {in_tail.version} differently" in await said()
    await system.trail.delete(told.partition, told.key)

    await system.onboardings.upsert([replace(row, partition=CLOSED)])
    assert "rows in 'open' and 'closed'" in await said()
    await system.onboardings.delete(CLOSED, record.id)

    await system.trail.upsert([replace(events[0], partition="gone-acg-0000000000")])
    assert "gone-acg-0000000000: an audit event" in await said()


async def test_a_check_looks_again_at_what_is_being_written() -> None:
    system, record = await at_a_checkpoint()
    row = await system.onboardings.get(OPEN, record.id)
    assert row is not None
    real = system.onboardings.get
    calls = iter([replace(row, columns={**row.columns, "Steps": "["})])

    async def get(partition: str, key: str) -> Row | None:
        return next(calls, None) or await real(partition, key)

    system.onboardings.get = get  # type: ignore[method-assign]
    assert (await check_tables(tables_of(system))).problems == []


def test_the_tools_read_the_settings_of_the_application() -> None:
    for name, field in Where.model_fields.items():
        assert field.validation_alias == Settings.model_fields[name].validation_alias
