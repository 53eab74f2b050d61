"""Copies both tables into a backup, while the application goes on.

Table Storage has no snapshots, so the order makes the copy whole. Each onboarding's row comes before its events: what
the row leaves out of its tail was in table `events` before the row was written. Events that are newer than the row are
left out. Partition `open` is read before and after `closed`: a row that moves meanwhile is met at least once.
"""

from __future__ import annotations

from datetime import datetime

from onboarding.core.record import SCHEMA_VERSION
from onboarding.operations.backup_file import EVENTS, ONBOARDINGS, Header, Writer
from onboarding.operations.tables import Tables, event_version, version_of
from onboarding.ports import Query
from onboarding.rows import CLOSED, OPEN


def header(now: datetime) -> Header:
    """What the backup's first line says."""
    return Header(SCHEMA_VERSION, now)


async def backup(tables: Tables, writer: Writer) -> int:
    """Write every row, also those that this version can't read. Returns how many onboardings there are."""
    versions: dict[str, int] = {}
    for partition in (OPEN, CLOSED, OPEN):
        async for row in tables.onboardings.rows(Query(partition)):
            if version_of(row) > versions.get(row.key, -1):
                versions[row.key] = version_of(row)
                writer.row(ONBOARDINGS, row)
    async for event in tables.events.all_rows():
        # An onboarding that was requested meanwhile isn't in the backup, and neither are its events.
        if event_version(event) <= versions.get(event.partition, -1):
            writer.row(EVENTS, event)
    writer.end()
    return len(versions)
