"""The two tables, as an operator's tools see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from onboarding.ports import Row, Table


class WholeTable(Table, Protocol):
    """A port `Table` that can also be read whole."""

    def all_rows(self) -> AsyncIterator[Row]:
        """The rows of all partitions, in the order of their keys."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What the application keeps."""

    onboardings: WholeTable
    events: WholeTable


def version_of(row: Row) -> int:
    """The version of an onboarding's row; 0 when it has none (somebody else wrote it)."""
    version = row.columns.get("Version")
    return version if isinstance(version, int) else 0


def event_version(row: Row) -> int:
    """The version that an event's row is of; 0 when its key is no version."""
    return int(row.key) if row.key.isdecimal() else 0
