"""Azure Table Storage: azure-data-tables to make tables, and requests of our own over azure.core's pipeline."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from onboarding.azure.http_session import http_session
from onboarding.azure.per_loop import PerLoop
from onboarding.azure.table_calls import TableAnswer, TableCalls
from onboarding.azure.table_rows import KEY, PARTITION, condition, from_entity, of_key, to_entity
from onboarding.core.problems import StepProblemError, StoreBusyError
from onboarding.ports import MAX_PAGE, ConflictError, ContinuationError, Page, Query, Row

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.exceptions import HttpResponseError
    from azure.data.tables.aio import TableClient

TRANSACTION_ROWS = 100
"""Rows that one transaction holds (Microsoft Learn, "Performing entity group transactions")."""
TABLES_CONNECT_TIMEOUT = 2.0
TABLES_READ_TIMEOUT = 4.0
"""Seconds of silence. Of a write whose answer is lost the row is read once more (`records.py`): both fit within the ten
seconds that whoever calls the API is kept waiting."""
TABLES_QUERY_TIMEOUT = 7.0
"""The same for a query: Table Storage works at one for up to five seconds before it answers with what it has (Microsoft
Learn, "Query timeout and pagination")."""
TABLES_PATIENCE = 8.0
"""Seconds for one request with all that the SDK does about it: a token, its retry, a pause that is asked for."""
TABLES_RETRIES = 1
"""After silence there is none. A retried write whose first answer was lost looks like a conflict: the loser loads again
and finds its own write."""

_OUR_DEFECT = (400, 413)
"""HTTP statuses of a request that makes no sense, however often it is sent."""
_CONTINUATION = ("NextPartitionKey", "NextRowKey")


@dataclass(frozen=True, slots=True)
class _Opened:
    """What belongs to an event loop. Both send by the same transport, which the client closes."""

    client: TableClient
    calls: TableCalls


class AzureTable:
    """One table; a port `Table`. It is created when the first write finds it missing.

    Whatever keeps the storage from doing what it is asked is a StoreBusyError. What it can't do however often it is
    asked (a column that is too long) is a defect of ours: azure.core's exception passes through.
    """

    def __init__(
        self,
        name: str,
        *,
        connection_string: str | None = None,
        endpoint: str | None = None,
        credential: AsyncTokenCredential | None = None,
    ) -> None:
        """Nothing is opened yet. Give a connection string, or `https://….table.core.windows.net` and a credential."""
        if not connection_string and not (endpoint and credential):
            raise ValueError(f"table {name}: expected a connection string, or an endpoint and a credential")
        self.name = name
        self._connection_string = connection_string
        self._endpoint = endpoint
        self._credential = credential
        self._opened = PerLoop(self._open, lambda opened: opened.client.close())

    async def get(self, partition: str, key: str) -> Row | None:
        """One row."""
        answer = await self._ask("GET", of_key(partition, key))
        if answer.status == 404:
            return None
        return from_entity(self._good(answer).json)

    async def insert(self, row: Row) -> str:
        """A new row; its ETag. Raises ConflictError when it exists."""
        entity, headers = to_entity(row), {"Prefer": "return-no-content"}
        answer = await self._write(lambda: self._ask("POST", "", entity=entity, headers=headers))
        if answer.code == "EntityAlreadyExists":
            raise ConflictError(f"{self._named(row)} exists already")
        return self._good(answer).etag

    async def replace(self, row: Row) -> str:
        """Replace the row if it still has `row.etag`; its new ETag. Raises ConflictError otherwise."""
        if not row.etag:
            raise ValueError(f"{self._named(row)}: an ETag was expected, to tell whether it is still the same row")
        answer = await self._ask(
            "PUT", of_key(row.partition, row.key), entity=to_entity(row), headers={"If-Match": row.etag}
        )
        if answer.status == 412:
            raise ConflictError(f"{self._named(row)} was changed by someone else")
        if answer.status == 404:
            raise ConflictError(f"{self._named(row)} is gone")
        return self._good(answer).etag

    async def upsert(self, rows: Sequence[Row]) -> None:
        """Write rows of one partition whatever stands there, in transactions of at most TRANSACTION_ROWS."""
        partitions = {row.partition for row in rows}
        if len(partitions) > 1:
            raise ValueError(f"table {self.name}: rows of one partition were expected, seen {sorted(partitions)}")
        # A transaction refuses the same key twice; the last one would have stayed.
        different = list({row.key: row for row in rows}.values())
        for start in range(0, len(different), TRANSACTION_ROWS):
            part = different[start : start + TRANSACTION_ROWS]
            entities = {of_key(row.partition, row.key): to_entity(row) for row in part}
            self._good(await self._write(partial(self._replace_all, entities)))

    async def delete(self, partition: str, key: str, etag: str | None = None) -> None:
        """Delete it (if it still has that ETag: ConflictError). One that isn't there is success."""
        answer = await self._ask("DELETE", of_key(partition, key), headers={"If-Match": etag or "*"})
        if answer.status == 412:
            raise ConflictError(f"{self.name}/{partition}/{key} was changed by someone else")
        if answer.status != 404:
            self._good(answer)

    async def rows(self, query: Query) -> AsyncIterator[Row]:
        """The rows, in the order of their keys; a page at a time is in memory."""
        async for row in self._each(query):
            yield row

    async def all_rows(self) -> AsyncIterator[Row]:
        """The rows of all partitions, in the order of their keys: for an operator's tools, never for a function."""
        async for row in self._each(None):
            yield row

    async def page(self, query: Query, limit: int, continuation: str | None = None) -> Page:
        """At most `limit` of the rows, in one request."""
        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"table {self.name}: a page of 1 to {MAX_PAGE} rows was expected, seen {limit}")
        begin = _read_continuation(continuation) if continuation else {}
        answer = await self._ask_page(query, {"$top": f"{limit}", **begin})
        if continuation and answer.status == 400:
            raise ContinuationError(f"'{continuation[:100]}' is no continuation of a page")
        rows, following = self._found(answer)
        return Page(rows, json.dumps(list(following.values()), separators=(",", ":")) if following else None)

    async def _each(self, query: Query | None) -> AsyncIterator[Row]:
        """The rows of all pages. A page may be empty and still not be the last, however many of them."""
        following: Mapping[str, str | None] = {}
        while True:
            rows, following = self._found(await self._ask_page(query, following))
            for row in rows:
                yield row
            if not following:
                return

    async def _ask_page(self, query: Query | None, more: Mapping[str, str | None]) -> TableAnswer:
        asked: dict[str, str | None] = dict(more)
        if query is not None:
            asked["$filter"] = condition(query)
            asked["$select"] = ",".join((PARTITION, KEY, *query.columns)) if query.columns else None
        return await self._ask("GET", "()", query=asked, read_timeout=TABLES_QUERY_TIMEOUT)

    def _found(self, answer: TableAnswer) -> tuple[tuple[Row, ...], Mapping[str, str | None]]:
        """The rows of a page, and what the next one begins with; nothing when this is the last.

        Source: Microsoft Learn, "Query timeout and pagination": a continuation is the keys of the next row.
        """
        if answer.code == "TableNotFound":
            return (), {}
        rows = tuple(from_entity(entity) for entity in self._good(answer).json["value"])
        following = {name: answer.headers.get(f"x-ms-continuation-{name}") for name in _CONTINUATION}
        return rows, following if any(following.values()) else {}

    async def close(self) -> None:
        """Close the connections; the next call opens them again."""
        await self._opened.aclose()

    def _table(self) -> TableClient:
        return self._opened.get().client

    def _open(self) -> _Opened:
        from azure.core.pipeline.transport import AioHttpTransport
        from azure.data.tables.aio import TableClient

        retries = {
            "retry_total": TABLES_RETRIES,
            "retry_connect": TABLES_RETRIES,
            "retry_status": TABLES_RETRIES,
            "retry_read": 0,
        }
        transport = AioHttpTransport(
            session=http_session(), connection_timeout=TABLES_CONNECT_TIMEOUT, read_timeout=TABLES_READ_TIMEOUT
        )
        options: dict[str, Any] = {**retries, "transport": transport}
        if self._connection_string:
            client = TableClient.from_connection_string(self._connection_string, self.name, **options)
        else:
            assert self._endpoint is not None
            client = TableClient(self._endpoint, self.name, credential=self._credential, **options)
        return _Opened(client, TableCalls(client, transport, retries))

    async def _ask(self, method: str, path: str, **asked: Any) -> TableAnswer:
        async with self._answer():
            return await self._opened.get().calls.send(method, path, **asked)

    async def _replace_all(self, entities: Mapping[str, Mapping[str, Any]]) -> TableAnswer:
        """One without a transaction, which costs more."""
        async with self._answer():
            calls = self._opened.get().calls
            if len(entities) > 1:
                return await calls.replace_all(entities)
            ((path, entity),) = entities.items()
            return await calls.send("PUT", path, entity=entity)

    async def _write(self, write: Callable[[], Awaitable[TableAnswer]]) -> TableAnswer:
        """A write that makes the table, if it is the first."""
        answer = await write()
        if answer.code != "TableNotFound":
            return answer
        await self._create()
        return await write()

    def _good(self, answer: TableAnswer) -> TableAnswer:
        """An answer that says that it was done. Raises StoreBusyError; HttpResponseError for a defect of ours."""
        from azure.core.exceptions import HttpResponseError

        if answer.ok:
            return answer
        if answer.status in _OUR_DEFECT:
            raise HttpResponseError(f"table {self.name} answered HTTP {answer.status} ({answer.code}).")
        raise self._busy(answer.status, answer.code)

    def _busy(self, status: int | None, code: str) -> StoreBusyError:
        return StoreBusyError(self.name, f"it answered HTTP {status} ({code or 'without a code'}).")

    @asynccontextmanager
    async def _answer(self) -> AsyncIterator[None]:
        """Around one request: it ends in time, and its failures are what they mean here.

        Raises StoreBusyError. An error of ours, and one that says that the request itself makes no sense, pass through.
        """
        from azure.core.exceptions import AzureError, HttpResponseError

        try:
            async with asyncio.timeout(TABLES_PATIENCE):
                yield
        except HttpResponseError as error:
            if error.status_code in _OUR_DEFECT:
                raise
            raise self._busy(error.status_code, _code(error)) from error
        except (AzureError, OSError) as error:
            raise StoreBusyError(self.name, f"no answer in time ({type(error).__name__}).") from error
        except StepProblemError as problem:
            # Of the credential: nobody mends a step by signing this application in.
            raise StoreBusyError(self.name, problem.seen) from problem

    async def _create(self) -> None:
        from azure.core.exceptions import ResourceExistsError

        async with self._answer():
            try:
                await self._table().create_table()
            except ResourceExistsError:
                # Another instance was faster: what we wanted is there.
                return

    def _named(self, row: Row) -> str:
        return f"{self.name}/{row.partition}/{row.key}"


def _read_continuation(text: str) -> dict[str, str | None]:
    try:
        partition, key = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ContinuationError(f"'{text[:100]}' is no continuation of a page") from error
    # Half of a surrogate pair can't be written into an address.
    if not isinstance(partition, str) or not isinstance(key, str | None) or not f"{partition}{key}".isascii():
        raise ContinuationError(f"'{text[:100]}' is no continuation of a page")
    return dict(zip(_CONTINUATION, (partition, key), strict=True))


def _code(error: HttpResponseError) -> str:
    """Table Storage's own code of an error that the SDK raises; empty where it did not read it."""
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))[:60]
