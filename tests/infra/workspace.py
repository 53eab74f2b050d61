"""A workspace of Azure Monitor Logs with Application Insights' tables: KQL is run by DuckDB."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb_kql

_COLUMNS = json.loads((Path(__file__).parent / "columns.json").read_text(encoding="utf-8"))
TABLES: Mapping[str, Mapping[str, str]] = {name: {**_COLUMNS["all"], **own} for name, own in _COLUMNS["tables"].items()}
"""Name of a table → its columns, with KQL's types. A query of another table: its columns go into columns.json."""
SQL_TYPES = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "real": "DOUBLE",
    "bool": "BOOLEAN",
    "datetime": "TIMESTAMP",
    "dynamic": "JSON",
}

_NOW = re.compile(r"\b(ago|now)\s*\(")

Row = Mapping[str, Any]


class Workspace:
    """What was told, by table."""

    def __init__(self) -> None:
        self._database = duckdb_kql.connect()
        self._database.execute("SET TimeZone = 'UTC'")
        for name, columns in TABLES.items():
            written = ", ".join(f'"{column}" {SQL_TYPES[kind]}' for column, kind in columns.items())
            self._database.execute(f'CREATE TABLE "{name}" ({written})')

    def close(self) -> None:
        self._database.close()

    def add(self, table: str, row: Row) -> None:
        """Take a row in. Columns that it lacks are empty; it must have TimeGenerated.

        Raises:
            KeyError: the table has no such column, or the row no time.
        """
        whole = {"Type": table, "TimeGenerated": row["TimeGenerated"], **row}
        values = [_stored(value, TABLES[table][name]) for name, value in whole.items()]
        columns = ", ".join(f'"{name}"' for name in whole)
        self._database.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({", ".join("?" * len(whole))})', values)

    def ask(self, query: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
        """The answer to a query that sees what was told after `since`, up to `until`, which is its now."""
        self._database.execute("BEGIN")
        try:
            for table in TABLES:
                times = [_stored(time, "datetime") for time in (since, until)]
                self._database.execute(f'DELETE FROM "{table}" WHERE TimeGenerated <= ? OR TimeGenerated > ?', times)
            answer = self._database.sql(_translated(query, until if _NOW.search(query) else None))
            return [dict(zip(answer.columns, values, strict=True)) for values in answer.fetchall()]
        finally:
            self._database.execute("ROLLBACK")


@cache
def _translated(query: str, now: datetime | None) -> str:
    """The query in DuckDB's SQL; it takes longer to be translated than to be answered."""
    schema = {name: list(columns) for name, columns in TABLES.items()}
    return str(duckdb_kql.to_sql(query, schema=schema, query_now=now))


def _stored(value: Any, kind: str) -> Any:
    match kind:
        case "dynamic":
            return json.dumps(value)
        case "datetime":
            # DuckDB's TIMESTAMP knows no zone, as KQL's datetime; both are UTC.
            return value.astimezone(UTC).replace(tzinfo=None)
        case _:
            return value
