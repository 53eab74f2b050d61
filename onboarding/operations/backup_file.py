"""A backup: a text file with one row in each line, as JSON.

The first line says what the file is, the last how many lines there are and what they add up to, so that half a file is
never taken for a whole one. It holds names, addresses and phone numbers: keep it like the tables themselves.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onboarding.ports import Row

FORMAT = "onboarding-backup/1"
ONBOARDINGS, EVENTS = "onboardings", "events"
"""The tables, as the lines name them."""


class BackupFileError(Exception):
    """The file isn't a whole backup. The message says what was seen and where."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says."""

    schema_version: int
    """Of the application that made the backup; each row has its own."""
    at: datetime
    """When it was begun: what happened after it may be missing."""


class Writer:
    """Writes a backup, line by line. Without `end` it is not whole."""

    def __init__(self, write: Callable[[str], Any], header: Header) -> None:
        self._write = write
        self._sum = hashlib.sha256()
        self.rows = {ONBOARDINGS: 0, EVENTS: 0}
        self._line({"format": FORMAT, "schemaVersion": header.schema_version, "at": header.at.isoformat()})

    def row(self, table: str, row: Row) -> None:
        """One row. A later line of the same onboarding counts in place of an earlier one."""
        self.rows[table] += 1
        columns = {name: _told(value) for name, value in row.columns.items()}
        self._line({"table": table, "partition": row.partition, "key": row.key, "columns": columns})

    def end(self) -> None:
        """The last line."""
        self._write(_text({"end": True, "rows": self.rows, "sha256": self._sum.hexdigest()}) + "\n")

    def _line(self, what: dict[str, Any]) -> None:
        text = _text(what) + "\n"
        self._sum.update(text.encode())
        self._write(text)


def read_backup(path: Path) -> tuple[Header, list[tuple[str, Row]]]:
    """What a file holds: the header, and each row with the name of its table.

    Raises BackupFileError unless the whole file is there as it was written.
    """
    with path.open(encoding="utf-8", newline="\n") as file:
        lines = _lines(path, file)
        number, first, _ = next(lines, (1, {}, ""))
        if first.get("format") != FORMAT:
            raise BackupFileError(f"{path}, line {number}: expected the first line of a backup ({FORMAT}).")
        header = Header(int(first["schemaVersion"]), datetime.fromisoformat(first["at"]))
        found: list[tuple[str, Row]] = []
        for _, said, before in lines:
            if "end" in said:
                if said["sha256"] != before:
                    raise BackupFileError(f"{path}: lines were changed or lost since it was written (SHA-256 differs).")
                return header, found
            columns = {name: _read(value) for name, value in said["columns"].items()}
            found.append((said["table"], Row(said["partition"], said["key"], columns)))
    raise BackupFileError(f"{path} ends after {len(found)} rows, without its last line: it is not a whole backup.")


def _lines(path: Path, file: Iterator[str]) -> Iterator[tuple[int, dict[str, Any], str]]:
    """(number, what it says, the sum of all lines before it)."""
    total = hashlib.sha256()
    for number, line in enumerate(file, 1):
        try:
            said = json.loads(line)
        except ValueError as error:
            raise BackupFileError(f"{path}, line {number}: expected JSON.") from error
        yield number, said, total.hexdigest()
        total.update(line.encode())


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _told(value: Any) -> Any:
    """A column's value as JSON; what JSON has no type for is an object that names its type."""
    if isinstance(value, datetime):
        return {"time": value.astimezone(UTC).isoformat()}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    return value


def _read(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return datetime.fromisoformat(value["time"]) if "time" in value else base64.b64decode(value["bytes"])
