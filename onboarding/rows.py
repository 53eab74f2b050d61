"""A record as a row of table `onboardings`: flat columns to filter and show, and the rest as JSON columns."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from onboarding.columns import COLUMN_LENGTH, flat
from onboarding.core.bounds import utf16_units
from onboarding.core.record import SCHEMA_VERSION, Event, Record
from onboarding.core.stored import Stored
from onboarding.kinds import STORED
from onboarding.ports import Row
from onboarding.steps import definition_of
from onboarding.upgrade import read_record

OPEN, CLOSED = "open", "closed"

_JSON_COLUMNS = {
    "request": "Request",
    "steps": "Steps",
    "notices": "Notices",
    "tail": "Tail",
}


_OURS = f'{{"schemaVersion":{SCHEMA_VERSION},'
"""What the JSON of a record begins with that this version wrote."""
_ELSEWHERE = set(_JSON_COLUMNS)


class UnreadableRowError(Exception):
    """A row that holds no record as this version knows it. It is left as it is."""

    def __init__(self, key: str, what: str) -> None:
        self.key = key
        super().__init__(
            f"The row of onboarding {key} can't be read: {what}. Nothing is done with it; what to do is in"
            " docs/runbook.md."
        )


class RowTooLargeError(Exception):
    """A column of the row would not fit into Table Storage."""


COMMIT = "Commit"
"""The column that names the write which made the row what it is."""
DUE_ROW = "DueRow"
"""The column with the time of the row of table `due` that this one counts on."""


def to_row(
    record: Record, partition: str, etag: str = "", commit: str = "", due_row: datetime | None = None
) -> Row:
    """The row of a record. Raises RowTooLargeError rather than writing half of one."""
    columns: dict[str, Any] = {column: _json(record, name) for name, column in _JSON_COLUMNS.items()}
    columns["Rest"] = record.model_dump_json(by_alias=True, exclude=_ELSEWHERE)
    columns[COMMIT] = commit
    columns[DUE_ROW] = due_row
    columns.update(flat(record))
    for name, value in columns.items():
        if isinstance(value, str) and utf16_units(value) > COLUMN_LENGTH:
            raise RowTooLargeError(
                f"column {name} of onboarding {record.id} would hold {len(value)} characters; {COLUMN_LENGTH} fit."
            )
    return Row(partition, record.id, columns, etag)


def _json(record: Record, name: str) -> str:
    if name == "request":
        return record.request.model_dump_json(by_alias=True)
    parts: tuple[Stored, ...] = getattr(record, name)
    return f"[{','.join(part.text for part in parts)}]"


def from_row(row: Row) -> Record:
    """The record of a row, whatever older version wrote it.

    Raises UnreadableRowError for one that this version of the application can't read, or must not write back because a
    newer one wrote it: what that one added would be lost.
    """
    try:
        columns = {**_JSON_COLUMNS, **({"findings": "Findings"} if "Findings" in row.columns else {})}
        parts = "".join(f',"{name}":{row.columns[column]}' for name, column in columns.items())
        whole = f"{row.columns['Rest'].removesuffix('}')}{parts}}}"
        if whole.startswith(_OURS):
            record = Record.model_validate_json(whole, context=STORED)
        else:
            record = read_record(json.loads(whole))
        for step in record.steps:
            definition_of(step).found.model_validate(step.found, context=STORED)
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise UnreadableRowError(row.key, _newer(row) or f"unexpected or missing: {_where(error)}") from None
    if record.schema_version > SCHEMA_VERSION:
        raise UnreadableRowError(row.key, _too_new(record.schema_version))
    if not row.key == record.id == record.request.gateway.onboarding_id:
        raise UnreadableRowError(
            row.key,
            f"its key, its id ({record.id}) and its gateway (whose is {record.request.gateway.onboarding_id}) do not"
            " belong together, so it was not this application that wrote it",
        )
    return record


def _where(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return f"column {error}" if isinstance(error, KeyError | AttributeError) else "JSON"
    return ", ".join(_place(e) for e in error.errors()[:5])


def _place(error: Any) -> str:
    said = f" ({error['ctx']['error']})" if error["type"] == "value_error" else ""
    return (".".join(map(str, error["loc"])) or "JSON") + said


def _newer(row: Row) -> str | None:
    """Why a row that makes no sense here was perhaps never meant to."""
    try:
        version = int(json.loads(row.columns["Rest"])["schemaVersion"])
    except (KeyError, TypeError, ValueError):
        return None
    return _too_new(version) if version > SCHEMA_VERSION else None


def _too_new(version: int) -> str:
    return (
        f"it has schema version {version}, which a newer version of the application wrote; this one knows"
        f" {SCHEMA_VERSION}"
    )


def tail_length(record: Record) -> int:
    """Of the record's tail as its column holds it, in UTF-16 units."""
    return utf16_units(_json(record, "tail"))


def event_row(onboarding_id: str, event: Event) -> Row:
    """An audit event as a row of table `events`: the same version always gives the same row."""
    columns = {
        "At": event.at,
        "Actor": event.actor,
        "What": event.what,
        "Step": event.step,
        "Body": json.dumps(event.to_json(), separators=(",", ":"), ensure_ascii=False),
    }
    return Row(onboarding_id, f"{event.version:010d}", columns)


def event_of(row: Row) -> Event:
    """The event of a row."""
    return Event.model_validate_json(row.columns["Body"])
