"""The flat columns of table `onboardings`, copied to where KQL can be run, as docs/table.md says: here into DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb_kql

from onboarding.columns import COLUMNS, ColumnType, flat
from onboarding.core.record import Record

NAME = "Onboardings"
_KINDS = {ColumnType.STRING: "string", ColumnType.INTEGER: "int", ColumnType.TIME: "datetime"}
_SQL = {"string": "VARCHAR", "int": "INTEGER", "datetime": "TIMESTAMP"}
TABLE: Mapping[str, str] = {"PartitionKey": "string", "RowKey": "string", **{c.name: _KINDS[c.type] for c in COLUMNS}}
"""Column → its type in KQL."""


class Copy:
    """The columns of some onboardings."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._database = duckdb_kql.connect()
        self._database.execute("SET TimeZone = 'UTC'")
        columns = ", ".join(f'"{name}" {_SQL[kind]}' for name, kind in TABLE.items())
        self._database.execute(f'CREATE TABLE "{NAME}" ({columns})')
        for record in records:
            values = ["closed" if record.closed else "open", record.id, *map(_stored, flat(record).values())]
            self._database.execute(f'INSERT INTO "{NAME}" VALUES ({", ".join("?" * len(values))})', values)

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The answer to a query."""
        answer = self._database.sql(str(duckdb_kql.to_sql(query, schema={NAME: list(TABLE)})))
        return [dict(zip(answer.columns, values, strict=True)) for values in answer.fetchall()]

    def close(self) -> None:
        self._database.close()


def _stored(value: Any) -> Any:
    # DuckDB's TIMESTAMP knows no zone, as KQL's datetime; both are UTC.
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
