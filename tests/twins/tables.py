"""What every port `Table` does: run for the twin in memory and for Table Storage."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from onboarding.ports import MOST_AMONG, ConflictError, ContinuationError, Query, Row, Table

NOON = datetime(2026, 1, 5, 12, 0, 0, 123456, tzinfo=UTC)
ROUNDS = 10
WRITERS = 16


async def all_rows(table: Table, query: Query) -> list[Row]:
    return [row async for row in table.rows(query)]


async def all_pages(table: Table, query: Query, limit: int) -> list[list[str]]:
    """The keys of every page."""
    pages = list[list[str]]()
    continuation: str | None = None
    while not pages or continuation:
        page = await table.page(query, limit, continuation)
        pages.append([row.key for row in page.rows])
        continuation = page.continuation
    return pages


async def etag_of(table: Table, partition: str, key: str) -> str:
    row = await table.get(partition, key)
    assert row is not None
    return row.etag


class TableBehaviour:
    """Subclasses give a fixture `table`: a table that nobody has used."""

    async def test_a_table_never_written_is_empty(self, table: Table) -> None:
        assert await table.get("open", "a") is None
        assert await all_rows(table, Query("open")) == []
        await table.delete("open", "a")
        await table.upsert([])

    async def test_all_rows_are_those_of_every_partition_in_order(self, table: Table) -> None:
        assert [row async for row in table.all_rows()] == []  # type: ignore[attr-defined]
        for partition, key in (("open", "b"), ("closed", "c"), ("open", "a")):
            await table.insert(Row(partition, key, {"At": NOON}))
        rows = [row async for row in table.all_rows()]  # type: ignore[attr-defined]
        assert [(row.partition, row.key) for row in rows] == [("closed", "c"), ("open", "a"), ("open", "b")]
        assert all(row.columns == {"At": NOON} for row in rows)

    async def test_replacing_in_a_table_never_written_is_a_conflict(self, table: Table) -> None:
        with pytest.raises(ConflictError, match="gone"):
            await table.replace(Row("open", "a", {}, 'W/"1"'))

    async def test_an_inserted_row_comes_back_as_it_was(self, table: Table) -> None:
        columns: dict[str, Any] = {
            "Text": "Zürich 'quoted' \"twice\" 日本 🎉\nline",
            "Empty": "",
            "Long": "x" * 32_000,
            "Number": -7,
            "Large": 2**40,
            "Yes": True,
            "No": False,
            "Share": 0.25,
            "At": NOON,
        }
        etag = await table.insert(Row("open", "contoso-acg-1", columns))

        row = await table.get("open", "contoso-acg-1")

        assert row == Row("open", "contoso-acg-1", columns, etag)
        assert type(row.columns["At"]) is datetime
        assert type(row.columns["Large"]) is int
        assert type(row.columns["Yes"]) is bool

    async def test_times_are_utc_whatever_zone_they_came_in(self, table: Table) -> None:
        zone = timezone(timedelta(hours=5, minutes=30))
        await table.insert(Row("open", "a", {"At": NOON.astimezone(zone)}))
        row = await table.get("open", "a")
        assert row is not None
        assert row.columns["At"] == NOON
        assert row.columns["At"].utcoffset() == timedelta(0)

    async def test_a_time_without_zone_is_refused(self, table: Table) -> None:
        with pytest.raises(ValueError, match="column At: an aware time was expected, seen 2026-01-05T12"):
            await table.insert(Row("open", "a", {"At": NOON.replace(tzinfo=None)}))

    async def test_columns_without_value_are_left_out(self, table: Table) -> None:
        etag = await table.insert(Row("open", "a", {"Problem": "throttled", "NextDueAt": None}))
        await table.replace(Row("open", "a", {"Problem": None, "State": "completed"}, etag))
        row = await table.get("open", "a")
        assert row is not None
        assert row.columns == {"State": "completed"}

    async def test_inserting_twice_is_a_conflict_and_changes_nothing(self, table: Table) -> None:
        etag = await table.insert(Row("open", "a", {"Version": 1}))
        with pytest.raises(ConflictError, match="open/a exists already"):
            await table.insert(Row("open", "a", {"Version": 2}))
        assert await table.get("open", "a") == Row("open", "a", {"Version": 1}, etag)

    async def test_replace_gives_the_etag_for_the_next_replace(self, table: Table) -> None:
        first = await table.insert(Row("open", "a", {"Version": 1}))
        second = await table.replace(Row("open", "a", {"Version": 2}, first))
        third = await table.replace(Row("open", "a", {"Version": 3}, second))
        assert len({first, second, third}) == 3
        assert await table.get("open", "a") == Row("open", "a", {"Version": 3}, third)

    async def test_a_stale_etag_loses(self, table: Table) -> None:
        stale = await table.insert(Row("open", "a", {"Version": 1}))
        await table.replace(Row("open", "a", {"Version": 2}, stale))
        with pytest.raises(ConflictError, match="open/a was changed by someone else"):
            await table.replace(Row("open", "a", {"Version": 99}, stale))
        with pytest.raises(ConflictError, match="open/a was changed by someone else"):
            await table.delete("open", "a", stale)
        row = await table.get("open", "a")
        assert row is not None
        assert row.columns == {"Version": 2}

    async def test_a_conditional_replace_needs_an_etag(self, table: Table) -> None:
        await table.insert(Row("open", "a", {"Version": 1}))
        with pytest.raises(ValueError, match=r"(?i)etag"):
            await table.replace(Row("open", "a", {"Version": 2}))

    async def test_a_row_that_vanished_cannot_be_replaced(self, table: Table) -> None:
        etag = await table.insert(Row("open", "a", {"Version": 1}))
        await table.delete("open", "a", etag)
        with pytest.raises(ConflictError, match="open/a is gone"):
            await table.replace(Row("open", "a", {"Version": 2}, etag))
        assert await table.get("open", "a") is None

    async def test_the_etag_of_a_deleted_row_does_not_fit_a_new_one(self, table: Table) -> None:
        etag = await table.insert(Row("open", "a", {"Version": 1}))
        await table.delete("open", "a")
        await table.insert(Row("open", "a", {"Version": 1}))
        with pytest.raises(ConflictError):
            await table.replace(Row("open", "a", {"Version": 2}, etag))

    async def test_deleting_what_is_not_there_is_success(self, table: Table) -> None:
        etag = await table.insert(Row("open", "a", {}))
        await table.delete("open", "a")
        await table.delete("open", "a")
        await table.delete("open", "a", etag)

    async def test_upsert_writes_over_and_anew_and_the_last_of_a_key_stays(self, table: Table) -> None:
        await table.insert(Row("events", "1", {"Old": "gone", "What": "old"}))
        rows = [Row("events", k, {"What": w}) for k, w in (("1", "one"), ("2", "lost"), ("2", "two"))]
        await table.upsert(rows)
        found = await all_rows(table, Query("events"))
        assert [(r.key, r.columns) for r in found] == [("1", {"What": "one"}), ("2", {"What": "two"})]
        stale = found[0].etag
        await table.upsert([Row("events", "1", {"What": "again"})])
        assert await etag_of(table, "events", "1") != stale

    async def test_more_rows_than_a_transaction_holds(self, table: Table) -> None:
        rows = [Row("contoso-acg-1", f"{n:010d}", {"Body": f"event {n}"}) for n in range(250)]
        await table.upsert(rows)
        await table.upsert(rows)
        found = await all_rows(table, Query("contoso-acg-1"))
        assert [r.key for r in found] == [r.key for r in rows]
        assert found[249].columns == {"Body": "event 249"}

    async def test_rows_of_two_partitions_are_refused(self, table: Table) -> None:
        with pytest.raises(ValueError, match="one partition"):
            await table.upsert([Row("open", "a", {}), Row("closed", "a", {})])
        assert await table.get("open", "a") is None

    async def test_rows_come_in_the_order_of_their_keys_from_one_partition(self, table: Table) -> None:
        for key in ("b-2", "a-10", "a-2", "B-1"):
            await table.insert(Row("open", key, {}))
        await table.insert(Row("closed", "a-1", {}))
        assert [r.key for r in await all_rows(table, Query("open"))] == ["B-1", "a-10", "a-2", "b-2"]

    async def test_only_the_columns_asked_for(self, table: Table) -> None:
        etag = await table.insert(Row("open", "a", {"State": "running", "Steps": "[]", "NextDueAt": NOON}))
        query = Query("open", columns=("State", "Missing"))
        assert await all_rows(table, query) == [Row("open", "a", {"State": "running"}, etag)]

    async def test_only_rows_with_one_of_the_texts_asked_for(self, table: Table) -> None:
        kinds = {"a": ("running", "lab"), "b": ("completed", "lab"), "c": ("running", "production"), "d": ("x", "lab")}
        for key, (state, environment) in kinds.items():
            await table.insert(Row("open", key, {"State": state, "Environment": environment}))
        await table.insert(Row("open", "e", {}))
        query = Query("open", equals={"State": ("running", "completed"), "Environment": ("lab",)}, columns=("State",))
        assert [(r.key, r.columns) for r in await all_rows(table, query)] == [
            ("a", {"State": "running"}),
            ("b", {"State": "completed"}),
        ]
        assert await all_rows(table, Query("open", equals={"State": ("o'brien' or State ne '",)})) == []
        assert await all_rows(table, Query("open", equals={"State": ()})) == []

    async def test_only_rows_with_keys_of_a_range(self, table: Table) -> None:
        for key in ("a", "b", "c", "d"):
            await table.insert(Row("open", key, {}))
        assert [r.key for r in await all_rows(table, Query("open", keys=("b", "c")))] == ["b", "c"]

    async def test_only_rows_with_some_keys(self, table: Table) -> None:
        keys = [f"{number:02}" for number in range(MOST_AMONG + 2)]
        for key in keys:
            await table.insert(Row("open", key, {"State": "running"}))
        some = (*keys[1:MOST_AMONG], "none such' or RowKey gt '")
        for span in (None, (keys[0], keys[-1])):
            question = Query("open", columns=("State",), keys=span, among=some)
            assert [r.key for r in await all_rows(table, question)] == keys[1:MOST_AMONG]
        assert await all_rows(table, Query("closed", among=some)) == []

    async def test_pages_continue_where_the_one_before_ended(self, table: Table) -> None:
        query = Query("open", equals={"State": ("running",)}, columns=("State",))
        assert (await table.page(query, 2)).rows == ()
        for number in range(5):
            await table.insert(Row("open", f"{number}", {"State": "running"}))
        await table.insert(Row("closed", "9", {"State": "running"}))
        assert [key for page in await all_pages(table, query, 2) for key in page] == ["0", "1", "2", "3", "4"]
        assert all(len(page) <= 2 for page in await all_pages(table, query, 2))
        assert await all_pages(table, query, 1000) == [["0", "1", "2", "3", "4"]]
        first = await table.page(query, 2)
        assert first.rows[0] == Row("open", "0", {"State": "running"}, first.rows[0].etag)
        for key in ("0", "2"):
            await table.delete("open", key)
        rest = await table.page(query, 1000, first.continuation)
        assert [r.key for r in rest.rows] == ["3", "4"]

    async def test_what_no_page_gave_is_no_continuation(self, table: Table) -> None:
        for text in ("guessed", "7", "[]", '{"a": 1}', r'["\ud800", "a"]'):
            with pytest.raises(ContinuationError, match="is no continuation"):
                await table.page(Query("open"), 2, text)

    async def test_a_page_holds_one_to_a_thousand_rows(self, table: Table) -> None:
        for limit in (0, 1001):
            with pytest.raises(ValueError, match="1 to 1000 rows"):
                await table.page(Query("open"), limit)

    async def test_a_quote_in_a_key_is_a_letter_like_any_other(self, table: Table) -> None:
        partition = "o'brien' or PartitionKey ne '"
        await table.insert(Row("open", "a", {}))
        etag = await table.insert(Row(partition, "k'1", {"Version": 1}))
        await table.replace(Row(partition, "k'1", {"Version": 2}, etag))
        assert [r.columns for r in await all_rows(table, Query(partition))] == [{"Version": 2}]
        await table.delete(partition, "k'1")
        assert await table.get(partition, "k'1") is None

    async def test_of_many_writers_at_once_exactly_one_wins_each_round(self, table: Table) -> None:
        etag = await table.insert(Row("open", "a", {"Version": 0, "Winner": -1}))

        async def write(version: int, writer: int, seen: str) -> str | None:
            try:
                return await table.replace(Row("open", "a", {"Version": version, "Winner": writer}, seen))
            except ConflictError:
                return None

        for version in range(1, ROUNDS + 1):
            written = await asyncio.gather(*(write(version, w, etag) for w in range(WRITERS)))
            winners = [(w, new) for w, new in enumerate(written) if new is not None]
            assert len(winners) == 1
            (winner, etag) = winners[0]
            expected = Row("open", "a", {"Version": version, "Winner": winner}, etag)
            assert await table.get("open", "a") == expected

    async def test_of_many_inserters_at_once_exactly_one_wins(self, table: Table) -> None:
        async def insert(writer: int) -> bool:
            try:
                await table.insert(Row("open", "a", {"Winner": writer}))
            except ConflictError:
                return False
            return True

        assert sum(await asyncio.gather(*(insert(w) for w in range(WRITERS)))) == 1
