"""A table in memory, with Table Storage's conflicts and order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from onboarding.ports import MAX_PAGE, ConflictError, ContinuationError, Page, Query, Row

STRING_LENGTH = 32 * 1024
"""UTF-16 units that a string column of Table Storage holds."""


class MemoryTable:
    """A port `Table`. Rows go in and come out as copies: whoever holds one can't change the table."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Row] = {}
        self._etags = count(1)
        self.writes: list[tuple[str, str, str]] = []
        """Every write that succeeded: (operation, partition, key)."""

    async def get(self, partition: str, key: str) -> Row | None:
        """One row."""
        return self._rows.get((partition, key))

    async def insert(self, row: Row) -> str:
        """A new row; its ETag. Raises ConflictError when it exists."""
        if (row.partition, row.key) in self._rows:
            raise ConflictError(f"{row.partition}/{row.key} exists already")
        return self._write("insert", row)

    async def replace(self, row: Row) -> str:
        """Replace the row if it still has `row.etag`; its new ETag. Raises ConflictError otherwise."""
        if not row.etag:
            raise ValueError(f"{row.partition}/{row.key}: a conditional replace needs an ETag")
        found = self._rows.get((row.partition, row.key))
        if found is None:
            raise ConflictError(f"{row.partition}/{row.key} is gone")
        self._check(found, row.etag)
        return self._write("replace", row)

    async def upsert(self, rows: Sequence[Row]) -> None:
        """Write rows of one partition whatever stands there."""
        partitions = {row.partition for row in rows}
        if len(partitions) > 1:
            raise ValueError(f"rows of one partition were expected, seen {sorted(partitions)}")
        for row in rows:
            self._write("upsert", row)

    async def delete(self, partition: str, key: str, etag: str | None = None) -> None:
        """Delete it (if it still has that ETag: ConflictError). One that isn't there is success."""
        found = self._rows.get((partition, key))
        if found is None:
            return
        if etag:
            self._check(found, etag)
        del self._rows[partition, key]
        self.writes.append(("delete", partition, key))

    async def rows(self, query: Query) -> AsyncIterator[Row]:
        """The rows, in the order of their keys."""
        for row in self._asked(query):
            yield row

    async def all_rows(self) -> AsyncIterator[Row]:
        """The rows of all partitions, in the order of their keys."""
        for _, row in sorted(self._rows.items()):
            yield row

    async def page(self, query: Query, limit: int, continuation: str | None = None) -> Page:
        """At most `limit` of the rows; a continuation is the next row's key, as in Table Storage."""
        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"a page of 1 to {MAX_PAGE} rows was expected, seen {limit}")
        if continuation and not continuation.startswith("key:"):
            raise ContinuationError(f"'{continuation[:100]}' is no continuation of a page")
        first = (continuation or "key:").removeprefix("key:")
        rows = [row for row in self._asked(query) if row.key >= first]
        return Page(tuple(rows[:limit]), f"key:{rows[limit].key}" if len(rows) > limit else None)

    def __len__(self) -> int:
        return len(self._rows)

    def _asked(self, query: Query) -> list[Row]:
        mine = [row for _, row in sorted(self._rows.items()) if row.partition == query.partition]
        return [_selected(row, query.columns) for row in mine if _due(row, query.due_by) and _fits(row, query)]

    def _write(self, operation: str, row: Row) -> str:
        columns = {n: _cell(n, v) for n, v in row.columns.items() if v is not None}
        etag = f'W/"{next(self._etags)}"'
        self._rows[row.partition, row.key] = Row(row.partition, row.key, columns, etag)
        self.writes.append((operation, row.partition, row.key))
        return etag

    def _check(self, found: Row, etag: str) -> None:
        if found.etag != etag:
            raise ConflictError(f"{found.partition}/{found.key} was changed by someone else")


def _cell(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"column {name}: an aware time was expected, seen {value.isoformat()}")
        return value.astimezone(UTC)
    if isinstance(value, str):
        value = str(value)
        length = len(value.encode("utf-16-le", "surrogatepass")) // 2
        if length > STRING_LENGTH:
            raise ValueError(f"column {name}: at most {STRING_LENGTH} characters were expected, seen {length}")
        return value
    if isinstance(value, bool | int | float | bytes):
        return value
    raise TypeError(f"column {name}: Table Storage holds no {type(value).__name__}")


def _due(row: Row, due_by: datetime | None) -> bool:
    if due_by is None:
        return True
    due = row.columns.get("NextDueAt")
    return isinstance(due, datetime) and due <= due_by


def _fits(row: Row, query: Query) -> bool:
    first, last = query.keys or (row.key, row.key)
    return first <= row.key <= last and all(row.columns.get(n) in texts for n, texts in query.equals.items())


def _selected(row: Row, columns: tuple[str, ...]) -> Row:
    chosen: Mapping[str, Any] = {n: v for n, v in row.columns.items() if not columns or n in columns}
    return Row(row.partition, row.key, dict(chosen), row.etag)
