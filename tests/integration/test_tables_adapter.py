"""Table Storage through azure-data-tables, on Azurite."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.data.tables import generate_account_sas

from onboarding.azure.tables import AzureTable
from onboarding.columns import COLUMNS
from onboarding.hourly import HourlyLimit, HourlyLimitError
from onboarding.memory import ManualClock
from onboarding.ports import Query, Row
from onboarding.rows import CLOSED, OPEN, to_row
from tests.support.crowd import crowd
from tests.support.table_proxy import table_proxy, through
from tests.twins.tables import TableBehaviour, all_rows


def a_table(azurite: str) -> AzureTable:
    return AzureTable(f"t{uuid4().hex}", connection_string=azurite)


@pytest.fixture
async def table(azurite: str) -> AsyncIterator[AzureTable]:
    table = a_table(azurite)
    yield table
    await table.close()


class TestAzureTable(TableBehaviour):
    async def test_many_first_writers_create_the_table_once(self, table: AzureTable) -> None:
        rows = [Row("open", f"{n:02d}", {"Version": n}) for n in range(8)]
        batches = [table.upsert([Row("events", f"{n}{m}", {}) for m in range(3)]) for n in range(3)]
        await asyncio.gather(*(table.insert(row) for row in rows), *batches)
        assert len(await all_rows(table, Query("open"))) == 8
        assert len(await all_rows(table, Query("events"))) == 9

    async def test_two_instances_count_what_is_limited_together(self, table: AzureTable) -> None:
        limits = [HourlyLimit(table, ManualClock(), 5, "Onboardings begun", "A_SETTING") for _ in range(2)]
        results = await asyncio.gather(*(limits[n % 2].take("ada/?#") for n in range(12)), return_exceptions=True)
        assert results.count(None) == 5
        assert {type(r) for r in results} == {type(None), HourlyLimitError}

    async def test_a_thousand_and_one_rows_come_in_pages(self, table: AzureTable) -> None:
        await table.upsert([Row("open", f"{n:05d}", {"Version": n}) for n in range(1001)])
        found = await all_rows(table, Query("open", columns=("Version",)))
        assert [r.columns["Version"] for r in found] == list(range(1001))

    async def test_an_iteration_left_early_leaves_nothing_open(self, table: AzureTable) -> None:
        await table.upsert([Row("open", f"{n}", {}) for n in range(3)])
        async for row in table.rows(Query("open")):
            assert row.key == "0"
            break
        await table.close()
        assert await table.get("open", "1") is not None

    async def test_a_column_that_does_not_fit_is_an_error_of_the_storage(self, table: AzureTable) -> None:
        with pytest.raises(HttpResponseError, match="PropertyValueTooLarge"):
            await table.insert(Row("open", "a", {"Steps": "x" * 33_000}))


QUESTIONS: Mapping[str, Callable[[Row], bool]] = {
    "State eq 'needs-attention'": lambda r: r.columns["State"] == "needs-attention",
    "WaitingOn eq 'the onboarding team' or": lambda r: (
        r.columns.get("WaitingOn") in ("the onboarding team", "the admin user")
    ),
    "WaitingSince lt datetime": lambda r: (
        r.columns.get("WaitingOn") == "Microsoft" and r.columns["WaitingSince"] < datetime(2026, 1, 31, tzinfo=UTC)
    ),
    "LateFrom le datetime": lambda r: (
        "LateFrom" in r.columns and r.columns["LateFrom"] <= datetime(2026, 2, 12, tzinfo=UTC)
    ),
    "OverdueFrom lt datetime": lambda r: (
        "OverdueFrom" in r.columns and r.columns["OverdueFrom"] < datetime(2026, 2, 12, tzinfo=UTC)
    ),
    "WaitingForStep eq 'txt-record-visible'": lambda r: r.columns.get("WaitingForStep") == "txt-record-visible",
    "OpenWaitCount gt 1": lambda r: r.columns["OpenWaitCount"] > 1,
    "LastErrorCode gt ''": lambda r: "LastErrorCode" in r.columns,
    "State eq 'completed' or": lambda r: (
        r.columns["State"] in ("completed", "drifted")
        and r.columns["Environment"] == "production"
        and r.columns["ClosedAt"].year == 2026
    ),
}
"""Part of a question that docs/table.md asks → the rows that answer it."""


async def test_the_questions_that_dashboards_ask_are_answered_as_documented(table: AzureTable) -> None:
    document = (Path(__file__).parents[2] / "docs" / "table.md").read_text(encoding="utf-8")
    asked = re.findall(r"^```odata\n(.*?)\n```", document, re.MULTILINE | re.DOTALL)
    assert len(asked) == len(QUESTIONS)
    # Some stand in `open` as an older version left them: without the columns that came later.
    later = {column.name for column in COLUMNS if column.since > "0.1.0"} - {"OpenWaitCount"}
    for number, record in enumerate(crowd(60, datetime(2026, 2, 3, tzinfo=UTC))):
        # Of a trail as long as theirs the older part stands in a table of its own.
        record = record.model_copy(update={"tail": record.tail[-1:]})
        row = to_row(record, CLOSED if record.settled else OPEN)
        kept = {n: v for n, v in row.columns.items() if number % 7 or n not in later}
        await table.insert(Row(row.partition, row.key, kept))
    rows = [row async for row in table.all_rows()]
    for question in asked:
        (answers,) = [so for part, so in QUESTIONS.items() if part in question]
        partition = CLOSED if "PartitionKey eq 'closed'" in question else OPEN
        expected = {row.key for row in rows if row.partition == partition and answers(row)}
        found = {entity["RowKey"] async for entity in table._table().query_entities(question, select=["RowKey"])}
        assert expected, f"nobody in this crowd answers: {question}"
        assert found == expected, question


async def test_rows_are_found_again_after_the_client_was_closed(azurite: str) -> None:
    table = a_table(azurite)
    await table.insert(Row("open", "a", {"Version": 1}))
    await table.close()
    await table.close()
    found = await table.get("open", "a")
    await table.close()
    assert found is not None


async def test_each_call_on_a_table_that_exists_is_one_request(azurite: str) -> None:
    port = int(azurite.partition("TableEndpoint=http://127.0.0.1:")[2].partition("/")[0])
    with table_proxy(port) as (proxied, weather):
        table = a_table(through(azurite, proxied))
        await table.insert(Row("open", "a", {}))
        before = weather.seen["asked"]
        etag = await table.insert(Row("open", "b", {}))
        await table.replace(Row("open", "b", {}, etag))
        await table.upsert([Row("open", "b", {"Version": 2})])
        await table.upsert([Row("open", "c", {}), Row("open", "d", {})])
        await table.get("open", "b")
        await all_rows(table, Query("open"))
        await table.delete("open", "b")
        assert weather.seen["asked"] - before == 7
        await table.close()


async def test_a_signed_address_is_enough(azurite: str) -> None:
    """A connection string with a shared access signature in place of the account's key."""
    known = dict(part.split("=", 1) for part in azurite.split(";") if part)
    credential = AzureNamedKeyCredential(known["AccountName"], known["AccountKey"])
    until = datetime.now(UTC) + timedelta(hours=1)
    everything = {"resource_types": "sco", "permission": "raucdwl", "expiry": until}
    signature = generate_account_sas(credential, **everything)
    table = a_table(f"TableEndpoint={known['TableEndpoint']};SharedAccessSignature={signature};")
    etag = await table.insert(Row("open", "a", {"Version": 1}))
    await table.replace(Row("open", "a", {"Version": 2}, etag))
    assert [row.columns for row in await all_rows(table, Query("open"))] == [{"Version": 2}]
    await table.close()


def test_a_table_needs_to_know_where_it_is() -> None:
    with pytest.raises(ValueError, match="table events: expected a connection string, or an endpoint"):
        AzureTable("events", endpoint="https://contoso.table.core.windows.net")
