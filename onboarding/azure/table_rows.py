"""A row as Table Storage's JSON has it: OData with minimal metadata. Pure.

Source: Microsoft Learn, "Understanding the Table service data model" (types of properties), "Payload format for Table
service operations".
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from onboarding.ports import Query, Row

PARTITION, KEY = "PartitionKey", "RowKey"
TYPE = "@odata.type"
"""After a property's name: the property that says its type, where JSON doesn't."""
_ETAG, _WRITTEN = "odata.etag", "Timestamp"
_INT32 = range(-(2**31), 2**31)


def to_entity(row: Row) -> dict[str, Any]:
    """What is written. Raises ValueError for a time without zone, TypeError for a value that no row holds."""
    entity: dict[str, Any] = {PARTITION: row.partition, KEY: row.key}
    for name, value in row.columns.items():
        if value is None:
            continue
        kind, entity[name] = _written(name, value)
        if kind:
            entity[name + TYPE] = kind
    return entity


def from_entity(entity: Mapping[str, Any]) -> Row:
    """What was read."""
    columns = {
        name: _read(value, entity.get(name + TYPE))
        for name, value in entity.items()
        if value is not None and name not in (PARTITION, KEY, _WRITTEN) and "odata." not in name
    }
    # Source of the ETag that is not told: azure-data-tables 12.7.
    etag = entity.get(_ETAG) or f"W/\"datetime'{quote(str(entity.get(_WRITTEN)))}'\""
    return Row(entity[PARTITION], entity[KEY], columns, etag)


def of_key(partition: str, key: str) -> str:
    """Which row, in an address: a quote in a key is written twice."""
    return f"({PARTITION}='{_in_address(partition)}',{KEY}='{_in_address(key)}')"


def condition(query: Query) -> str:
    """The query's `$filter`. Values are texts in quotes, so none of them can become a condition."""
    conditions = [f"{PARTITION} eq {_text(query.partition)}"]
    if query.keys is not None:
        first, last = map(_text, query.keys)
        conditions.append(f"{KEY} ge {first} and {KEY} le {last}")
    for column, texts in query.equals.items():
        # No key is less than nothing.
        one_of = " or ".join(f"{column} eq {_text(text)}" for text in texts)
        conditions.append(f"({one_of})" if texts else f"{KEY} lt ''")
    return " and ".join(conditions)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _in_address(value: str) -> str:
    return quote(value.replace("'", "''"), safe="")


def _written(name: str, value: Any) -> tuple[str | None, Any]:
    """Its type, where JSON doesn't say it, and its value."""
    if isinstance(value, str | bool):
        return None, value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"column {name}: an aware time was expected, seen {value.isoformat()}")
        return "Edm.DateTime", f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    if isinstance(value, int):
        return (None, value) if value in _INT32 else ("Edm.Int64", str(value))
    if isinstance(value, float):
        return "Edm.Double", value
    if isinstance(value, bytes):
        return "Edm.Binary", b64encode(value).decode()
    what = "a text, a number, a time, bytes, yes or no was expected"
    raise TypeError(f"column {name}: {what}, seen {type(value).__name__}")


_READERS: Mapping[str, Callable[[Any], Any]] = {
    # More digits than a datetime can hold are left out.
    "Edm.DateTime": lambda value: datetime.fromisoformat(value).astimezone(UTC),
    "Edm.Int64": int,
    "Edm.Double": float,
    "Edm.Binary": b64decode,
}


def _read(value: Any, kind: str | None) -> Any:
    reader = _READERS.get(kind) if kind else None
    return reader(value) if reader else value
