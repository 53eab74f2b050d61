"""A table in memory, with Table Storage's conflicts and order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, islice
from typing import Any

from onboarding.ports import MAX_PAGE, ConflictError, ContinuationError, Page, Query, Row

STRING_LENGTH = 32 * 1024
"""UTF-16 units that a string column of Table Storage holds."""


@dataclass(slots=True)
class _Partition:
    """Rows with their keys in order."""

    rows: dict[str, Row] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)

    def put(self, row: Row) -> None:
        if row.key not in self.rows:
            insort(self.keys, row.key)
        self.rows[row.key] = row

    def remove(self, key: str) -> None:
        del self.rows[key]
        del self.keys[bisect_left(self.keys, key)]


class MemoryTable:
    """A port `Table`. Rows go in as copies; one that comes out is the table's own, and nobody's to change."""

    def __init__(self) -> None:
        self._partitions: dict[str, _Partition] = defaultdict(_Partition)
        self._etags = count(1)
        self.writes: list[tuple[str, str, str]] = []
        """Every write that succeeded: (operation, partition, key)."""
        self.watch: Callable[[str, Row], None] | None = None
        """Called with the operation and the row (for `delete`: the one that was there) after each such write."""

    async def get(self, partition: str, key: str) -> Row | None:
        """One row."""
        return self._found(partition, key)

    async def insert(self, row: Row) -> str:
        """A new row; its ETag. Raises ConflictError when it exists."""
        if self._found(row.partition, row.key) is not None:
            raise ConflictError(f"{row.partition}/{row.key} exists already")
        return self._write("insert", row)

    async def replace(self, row: Row) -> str:
        """Replace the row if it still has `row.etag`; its new ETag. Raises ConflictError otherwise."""
        if not row.etag:
            raise ValueError(f"{row.partition}/{row.key}: a conditional replace needs an ETag")
        found = self._found(row.partition, row.key)
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
        found = self._found(partition, key)
        if found is None:
            return
        if etag:
            self._check(found, etag)
        self._partitions[partition].remove(key)
        self._note("delete", found)

    async def rows(self, query: Query) -> AsyncIterator[Row]:
        """The rows, in the order of their keys."""
        for row in list(self._asked(query)):
            yield row

    async def all_rows(self) -> AsyncIterator[Row]:
        """The rows of all partitions, in the order of their keys."""
        for partition in sorted(self._partitions):
            for key in self._partitions[partition].keys:
                yield self._partitions[partition].rows[key]

    async def page(self, query: Query, limit: int, continuation: str | None = None) -> Page:
        """At most `limit` of the rows; a continuation is the next row's key, as in Table Storage."""
        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"a page of 1 to {MAX_PAGE} rows was expected, seen {limit}")
        if continuation and not continuation.startswith("key:"):
            raise ContinuationError(f"'{continuation[:100]}' is no continuation of a page")
        first = (continuation or "key:").removeprefix("key:")
        rows = list(islice(self._asked(query, first), limit + 1))
        return Page(tuple(rows[:limit]), f"key:{rows[limit].key}" if len(rows) > limit else None)

    def __len__(self) -> int:
        return sum(len(partition.rows) for partition in self._partitions.values())

    def _found(self, partition: str, key: str) -> Row | None:
        return self._partitions[partition].rows.get(key)

    def _asked(self, query: Query, begin: str = "") -> Iterator[Row]:
        mine = self._partitions[query.partition]
        first, last = query.keys or ("", None)
        end = len(mine.keys) if last is None else bisect_right(mine.keys, last)
        for place in range(bisect_left(mine.keys, max(first, begin)), end):
            row = mine.rows[mine.keys[place]]
            if (not query.among or row.key in query.among) and _fits(row, query):
                yield _selected(row, query.columns)

    def _write(self, operation: str, row: Row) -> str:
        columns = {n: _cell(n, v) for n, v in row.columns.items() if v is not None}
        etag = f'W/"{next(self._etags)}"'
        written = Row(row.partition, row.key, columns, etag)
        self._partitions[row.partition].put(written)
        self._note(operation, written)
        return etag

    def _note(self, operation: str, row: Row) -> None:
        self.writes.append((operation, row.partition, row.key))
        if self.watch:
            self.watch(operation, row)

    def _check(self, found: Row, etag: str) -> None:
        if found.etag != etag:
            raise ConflictError(f"{found.partition}/{found.key} was changed by someone else")


def _cell(name: str, value: Any) -> Any:
    if type(value) is str and len(value) * 2 <= STRING_LENGTH:
        # Most are, and no character takes more than two units.
        return value
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


def _fits(row: Row, query: Query) -> bool:
    return not query.equals or all(row.columns.get(n) in texts for n, texts in query.equals.items())


def _selected(row: Row, columns: tuple[str, ...]) -> Row:
    if not columns:
        return row
    return Row(row.partition, row.key, {n: v for n, v in row.columns.items() if n in columns}, row.etag)
