"""Azure Table Storage, by azure-data-tables."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from onboarding.azure.http_session import names_a_proxy
from onboarding.azure.per_loop import PerLoop
from onboarding.core.problems import StepProblemError, StoreBusyError
from onboarding.ports import MAX_PAGE, ConflictError, ContinuationError, Page, Query, Row

if TYPE_CHECKING:
    from azure.core.async_paging import AsyncItemPaged
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
_INT32 = range(-(2**31), 2**31)


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
        self._clients = PerLoop(self._client, lambda client: client.close())

    async def get(self, partition: str, key: str) -> Row | None:
        """One row."""
        from azure.core.exceptions import ResourceNotFoundError

        async with self._answer():
            try:
                return _row(await self._table().get_entity(partition, key))
            except ResourceNotFoundError:
                return None

    async def insert(self, row: Row) -> str:
        """A new row; its ETag. Raises ConflictError when it exists."""
        from azure.core.exceptions import HttpResponseError

        entity = _entity(row)
        for first in (True, False):
            async with self._answer():
                try:
                    return str((await self._table().create_entity(entity))["etag"])
                except HttpResponseError as error:
                    if _code(error) == "EntityAlreadyExists":
                        raise ConflictError(f"{self._named(row)} exists already") from error
                    if not (first and _code(error) == "TableNotFound"):
                        raise
            await self._create()
        raise AssertionError("the second round returns or raises")

    async def replace(self, row: Row) -> str:
        """Replace the row if it still has `row.etag`; its new ETag. Raises ConflictError otherwise."""
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
        from azure.data.tables import UpdateMode

        async with self._answer():
            try:
                written = await self._table().update_entity(
                    _entity(row), UpdateMode.REPLACE, etag=row.etag, match_condition=MatchConditions.IfNotModified
                )
            except ResourceModifiedError as error:
                raise ConflictError(f"{self._named(row)} was changed by someone else") from error
            except ResourceNotFoundError as error:
                raise ConflictError(f"{self._named(row)} is gone") from error
            return str(written["etag"])

    async def upsert(self, rows: Sequence[Row]) -> None:
        """Write rows of one partition whatever stands there, in transactions of at most TRANSACTION_ROWS."""
        from azure.core.exceptions import HttpResponseError

        partitions = {row.partition for row in rows}
        if len(partitions) > 1:
            raise ValueError(f"table {self.name}: rows of one partition were expected, seen {sorted(partitions)}")
        # A transaction refuses the same key twice; the last one would have stayed.
        entities = list({row.key: _entity(row) for row in rows}.values())
        for start in range(0, len(entities), TRANSACTION_ROWS):
            part = entities[start : start + TRANSACTION_ROWS]
            for first in (True, False):
                async with self._answer():
                    try:
                        await self._write(part)
                        break
                    except HttpResponseError as error:
                        if not (first and _code(error) == "TableNotFound"):
                            raise
                await self._create()

    async def delete(self, partition: str, key: str, etag: str | None = None) -> None:
        """Delete it (if it still has that ETag: ConflictError). One that isn't there is success."""
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceModifiedError

        condition = MatchConditions.IfNotModified if etag else None
        async with self._answer():
            try:
                await self._table().delete_entity(partition, key, etag=etag or None, match_condition=condition)
            except ResourceModifiedError as error:
                raise ConflictError(f"{self.name}/{partition}/{key} was changed by someone else") from error

    async def rows(self, query: Query) -> AsyncIterator[Row]:
        """The rows, in the order of their keys; a page at a time is in memory."""
        async for row in self._each(self._table().query_entities(**_question(query))):
            yield row

    async def all_rows(self) -> AsyncIterator[Row]:
        """The rows of all partitions, in the order of their keys: for an operator's tools, never for a function."""
        async for row in self._each(self._table().list_entities(read_timeout=TABLES_QUERY_TIMEOUT)):
            yield row

    async def page(self, query: Query, limit: int, continuation: str | None = None) -> Page:
        """At most `limit` of the rows, in one request.

        Source: Microsoft Learn, "Query timeout and pagination": a continuation is the keys of the next row.
        """
        from azure.core.exceptions import HttpResponseError

        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"table {self.name}: a page of 1 to {MAX_PAGE} rows was expected, seen {limit}")
        asked = self._table().query_entities(**_question(query), results_per_page=limit)
        pages = asked.by_page(_read_continuation(continuation) if continuation else None)
        async with self._answer():
            try:
                rows = await _next(pages)
            except HttpResponseError as error:
                if continuation and error.status_code == 400:
                    raise ContinuationError(f"'{continuation[:100]}' is no continuation of a page") from error
                if _code(error) != "TableNotFound":
                    raise
                rows = None
        if rows is None:
            return Page((), None)
        token = getattr(pages, "continuation_token", None)
        return Page(rows, _written_continuation(token) if token else None)

    async def _each(self, asked: AsyncItemPaged[Any]) -> AsyncIterator[Row]:
        """The rows of all pages. A page may be empty and still not be the last, however many of them."""
        from azure.core.exceptions import ResourceNotFoundError

        pages = asked.by_page()
        while True:
            async with self._answer():
                try:
                    rows = await _next(pages)
                except ResourceNotFoundError as error:
                    if _code(error) != "TableNotFound":
                        raise
                    return
            if rows is None:
                return
            for row in rows:
                yield row

    async def close(self) -> None:
        """Close the connections; the next call opens them again."""
        await self._clients.aclose()

    def _table(self) -> TableClient:
        return self._clients.get()

    def _client(self) -> TableClient:
        options: dict[str, Any] = {
            # Else aiohttp reads it, and the user's `.netrc`, in threads before each request.
            "use_env_settings": names_a_proxy(),
            "retry_total": TABLES_RETRIES,
            "retry_connect": TABLES_RETRIES,
            "retry_status": TABLES_RETRIES,
            "retry_read": 0,
            "connection_timeout": TABLES_CONNECT_TIMEOUT,
            "read_timeout": TABLES_READ_TIMEOUT,
        }
        client = _lean()
        if self._connection_string:
            return client.from_connection_string(self._connection_string, self.name, **options)
        assert self._endpoint is not None
        return client(self._endpoint, self.name, credential=self._credential, **options)

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
            seen = f"it answered HTTP {error.status_code} ({_code(error)[:60] or type(error).__name__})."
            raise StoreBusyError(self.name, seen) from error
        except (AzureError, OSError) as error:
            raise StoreBusyError(self.name, f"no answer in time ({type(error).__name__}).") from error
        except StepProblemError as problem:
            # Of the credential: nobody mends a step by signing this application in.
            raise StoreBusyError(self.name, problem.seen) from problem

    async def _write(self, entities: Sequence[Mapping[str, Any]]) -> None:
        from azure.data.tables import UpdateMode

        if len(entities) == 1:
            await self._table().upsert_entity(entities[0], UpdateMode.REPLACE)
        else:
            await self._table().submit_transaction(
                [("upsert", entity, {"mode": UpdateMode.REPLACE}) for entity in entities]
            )

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


@cache
def _lean() -> type[TableClient]:
    """The SDK's client with a pipeline of what our requests need: the others of its thirteen policies take nearly half
    of a request's CPU.

    Left out: redirects, which Table Storage never answers with; logs, which we write none of; tracing, as our own spans
    stand around it; and the id of a request, which nobody reads.
    """
    from azure.core.pipeline import policies
    from azure.data.tables.aio import TableClient

    needless = (
        policies.AsyncRedirectPolicy,
        policies.CustomHookPolicy,
        policies.DistributedTracingPolicy,
        policies.HttpLoggingPolicy,
        policies.NetworkTraceLoggingPolicy,
        policies.ProxyPolicy,
        policies.RequestIdPolicy,
    )

    class LeanTableClient(TableClient):
        def _configure_policies(self, **options: Any) -> list[Any]:
            return [policy for policy in super()._configure_policies(**options) if not isinstance(policy, needless)]

    return LeanTableClient


def _question(query: Query) -> dict[str, Any]:
    """The arguments of query_entities: values go in as parameters, so that none of them can become a condition."""
    conditions = ["PartitionKey eq @partition"]
    parameters: dict[str, Any] = {"partition": query.partition}
    if query.keys is not None:
        conditions.append("RowKey ge @first and RowKey le @last")
        parameters["first"], parameters["last"] = query.keys
    if query.among:
        names = [f"key{number}" for number in range(len(query.among))]
        conditions.append(f"( {' or '.join(f'RowKey eq @{n}' for n in names)} )")
        parameters.update(zip(names, query.among, strict=True))
    for place, (column, texts) in enumerate(query.equals.items()):
        names = [f"is{place}x{number}" for number in range(len(texts))]
        # The SDK finds a parameter by the spaces around it. No key is less than nothing.
        conditions.append(f"( {' or '.join(f'{column} eq @{n}' for n in names)} )" if names else "RowKey lt ''")
        parameters.update(zip(names, texts, strict=True))
    return {
        "query_filter": " and ".join(conditions),
        "parameters": parameters,
        "select": ["PartitionKey", "RowKey", *query.columns] if query.columns else None,
        "read_timeout": TABLES_QUERY_TIMEOUT,
    }


async def _next(pages: AsyncIterator[AsyncIterator[Any]]) -> tuple[Row, ...] | None:
    """The rows of the next page; None when there is none."""
    try:
        page = await anext(pages)
    except StopAsyncIteration:
        return None
    return tuple([_row(entity) async for entity in page])


def _written_continuation(token: Mapping[str, str | None]) -> str:
    return json.dumps([token.get("PartitionKey"), token.get("RowKey")], separators=(",", ":"))


def _read_continuation(text: str) -> Any:
    """As the SDK wants it: it names the type `str`, and takes a dict."""
    try:
        partition, key = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ContinuationError(f"'{text[:100]}' is no continuation of a page") from error
    # Half of a surrogate pair can't be written into an address.
    if not isinstance(partition, str) or not isinstance(key, str | None) or not f"{partition}{key}".isascii():
        raise ContinuationError(f"'{text[:100]}' is no continuation of a page")
    return {"PartitionKey": partition, "RowKey": key}


def _code(error: HttpResponseError) -> str:
    """Table Storage's own code of an error; the SDK decodes it on some paths only."""
    code = getattr(error, "error_code", None)
    if code is None:
        # An insert's error comes as it was received: the code stands in the body, which is its message.
        known = ("EntityAlreadyExists", "TableNotFound")
        code = next((name for name in known if name in str(error)), "")
    return str(getattr(code, "value", code))


def _entity(row: Row) -> dict[str, Any]:
    cells = {name: _cell(name, value) for name, value in row.columns.items() if value is not None}
    return {**cells, "PartitionKey": row.partition, "RowKey": row.key}


def _cell(name: str, value: Any) -> Any:
    from azure.data.tables import EdmType, EntityProperty

    if isinstance(value, datetime):
        return _aware(name, value)
    if isinstance(value, int) and not isinstance(value, bool) and value not in _INT32:
        return EntityProperty(value, EdmType.INT64)
    return value


def _row(entity: Any) -> Row:
    cells = dict(entity.items())
    partition, key = cells.pop("PartitionKey"), cells.pop("RowKey")
    return Row(partition, key, dict(_values(cells.items())), str(entity.metadata["etag"]))


def _values(cells: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    for name, value in cells:
        if isinstance(value, datetime):
            # The SDK's own subclass answers with hundreds of nanoseconds that a plain datetime cannot hold.
            yield name, datetime.combine(value.date(), value.time(), value.tzinfo or UTC)
        elif isinstance(value, tuple):
            yield name, value[0]
        elif value is not None:
            yield name, value


def _aware(name: str, value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(f"column {name}: an aware time was expected, seen {value.isoformat()}")
    return value
