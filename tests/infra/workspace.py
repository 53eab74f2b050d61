"""A workspace of Azure Monitor Logs with Application Insights' tables: KQL is run by DuckDB."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb_kql

_COLUMNS = json.loads((Path(__file__).parent / "columns.json").read_text(encoding="utf-8"))
TABLES: Mapping[str, Mapping[str, str]] = {
    name: {**_COLUMNS["all"], **own} for name, own in _COLUMNS["tables"].items()
}
"""Name of a table → its columns, with KQL's types. A query of another table: its columns go into columns.json."""
SQL_TYPES = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "real": "DOUBLE",
    "bool": "BOOLEAN",
    "datetime": "TIMESTAMP",
    "dynamic": "JSON",
}

Row = Mapping[str, Any]


@dataclass
class Workspace:
    """What was told, by table. Columns that a row lacks are empty; TimeGenerated is required."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in TABLES})

    def add(self, table: str, rows: Iterable[Row]) -> None:
        """Take rows in.

        Raises:
            ValueError: a row has a column that the table has not.
        """
        for row in rows:
            if unknown := set(row) - set(TABLES[table]):
                raise ValueError(f"{table} has no {sorted(unknown)}")
            self.rows[table].append({"Type": table, **row})

    def ask(self, query: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
        """The answer to a query over the rows after `since`, up to `until`."""
        with _database() as database:
            for table, rows in self.rows.items():
                for row in rows:
                    if since < row["TimeGenerated"] <= until:
                        _insert(database, table, row)
            answer = duckdb_kql.query(database, query, query_now=until)
            return [dict(zip(answer.columns, values, strict=True)) for values in answer.fetchall()]


@contextmanager
def _database() -> Iterator[Any]:
    database = duckdb_kql.connect()
    try:
        for name, columns in TABLES.items():
            written = ", ".join(f'"{column}" {SQL_TYPES[kind]}' for column, kind in columns.items())
            database.execute(f'CREATE TABLE "{name}" ({written})')
        yield database
    finally:
        database.close()


def _insert(database: Any, table: str, row: Row) -> None:
    columns = ", ".join(f'"{name}"' for name in row)
    values = [_stored(value, TABLES[table][name]) for name, value in row.items()]
    database.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({", ".join("?" * len(row))})', values)


def _stored(value: Any, kind: str) -> Any:
    match kind:
        case "dynamic":
            return json.dumps(value)
        case "datetime":
            # DuckDB's TIMESTAMP knows no zone, as KQL's datetime; both are UTC.
            return value.replace(tzinfo=None)
        case _:
            return value
