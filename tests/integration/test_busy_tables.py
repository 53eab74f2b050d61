"""Azurite behind a proxy that is busy, slow, loses answers and gives empty pages: all of it is "later", and in time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from uuid import uuid4

import pytest

from onboarding.azure.tables import AzureTable
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import StoreBusyError
from onboarding.ports import Query, Row
from tests.support.kept import records_on
from tests.support.records import new
from tests.support.table_proxy import Weather, table_proxy, through
from tests.twins.tables import all_rows

SERVED_WITHIN = 10.0
"""Seconds that whoever calls the API is kept waiting at most."""


@pytest.fixture
def weather(azurite: str) -> Iterator[tuple[str, Weather]]:
    found = re.search(r"TableEndpoint=http://[^:]+:(\d+)/", azurite)
    assert found is not None
    with table_proxy(int(found[1])) as (port, weather):
        yield through(azurite, port), weather


@pytest.fixture
async def table(weather: tuple[str, Weather]) -> AsyncIterator[AzureTable]:
    table = AzureTable(f"t{uuid4().hex}", connection_string=weather[0])
    await table.insert(Row("open", "a", {"Version": 1}))
    yield table
    await table.close()


async def test_a_busy_table_is_later_for_whatever_is_asked(table: AzureTable, weather: tuple[str, Weather]) -> None:
    weather[1].busy = 1.0
    row = Row("open", "a", {"Version": 2}, 'W/"1"')
    asked: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: table.get("open", "a"),
        lambda: table.insert(row),
        lambda: table.replace(row),
        lambda: table.delete("open", "a"),
        lambda: table.upsert([row]),
        lambda: table.upsert([row, Row("open", "b", {})]),
        lambda: table.page(Query("open"), 10),
        lambda: all_rows(table, Query("open")),
    )
    for ask in asked:
        with pytest.raises(StoreBusyError, match="it answered HTTP 503") as told:
            await ask()
        assert told.value.code is ProblemCode.STORE_BUSY


@pytest.mark.timeout(60)
async def test_a_table_that_asks_for_a_long_pause_keeps_nobody_waiting(
    table: AzureTable, weather: tuple[str, Weather]
) -> None:
    weather[1].busy, weather[1].retry_after = 1.0, 3600
    with pytest.raises(StoreBusyError, match="no answer in time"):
        await table.get("open", "a")


@pytest.mark.timeout(120)
async def test_a_frozen_table_answers_nobody_and_keeps_nobody_waiting_for_more_than_ten_seconds(
    table: AzureTable, weather: tuple[str, Weather]
) -> None:
    records = records_on(table, table)
    record = new().record
    await records.create(record)
    loaded = await records.load(record.id)
    assert loaded is not None
    weather[1].frozen = True
    for asked in (
        records.load(record.id),
        records.save(loaded, record.model_copy(update={"version": record.version + 1})),
        table.page(Query("open"), 10),
    ):
        async with asyncio.timeout(SERVED_WITHIN):
            with pytest.raises(StoreBusyError, match="no answer in time"):
                await asked


async def test_a_table_that_is_away_is_later(unused_tcp_port: int, azurite: str) -> None:
    table = AzureTable("onboardings", connection_string=through(azurite, unused_tcp_port))
    with pytest.raises(StoreBusyError, match="table onboardings: no answer in time"):
        await table.get("open", "a")
    await table.close()


async def test_pages_that_are_empty_but_not_the_last_hide_nothing(
    table: AzureTable, weather: tuple[str, Weather]
) -> None:
    # As many as a filter that fits nothing may give; the SDK's own iterator goes one call deeper for each.
    weather[1].empty_pages = 600
    assert [row.key for row in await all_rows(table, Query("open"))] == ["a"]
    weather[1].empty_pages = 1
    first = await table.page(Query("open"), 10)
    assert first.rows == ()
    assert first.continuation is not None
    second = await table.page(Query("open"), 10, first.continuation)
    assert [row.key for row in second.rows] == ["a"]
    assert second.continuation is None


async def test_a_write_whose_answer_is_lost_is_known_to_be_done(
    table: AzureTable, weather: tuple[str, Weather]
) -> None:
    records = records_on(table, table)
    record = new().record
    await records.create(record)
    loaded = await records.load(record.id)
    assert loaded is not None
    weather[1].lost = 0.5
    for version in range(loaded.record.version + 1, loaded.record.version + 30):
        changed = loaded.record.model_copy(update={"version": version})
        try:
            loaded = await records.save(loaded, changed)
        except StoreBusyError:
            # Neither the write nor the look at it was answered: then nobody may say that it was done.
            weather[1].lost = 0.0
            loaded = await records.load(record.id)
            assert loaded is not None
            weather[1].lost = 0.5
            continue
        assert loaded.record.version == version
    assert weather[1].seen["lost"]
