"""Puts a backup back. The application must be stopped meanwhile: docs/runbook.md.

What happened after the backup is lost to the record, but not to the world: messages are still in queues, people hold
links, and Microsoft has what later steps did. So a restored onboarding goes on at a version that nothing of that time
can have: a ticket, link or audit event of the lost time never fits a new one. Its steps look before they write, and
find what is done already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from onboarding.core.event_kinds import EventKind
from onboarding.core.record import Event, Record
from onboarding.operations.backup_file import ONBOARDINGS, Header
from onboarding.operations.tables import Tables, event_version
from onboarding.ports import Query, Row
from onboarding.rows import CLOSED, OPEN, UnreadableRowError, from_row, to_row

LOST_VERSIONS = 100_000
"""Versions left out for what happened after the backup: more transitions than an onboarding ever has."""
"""What the audit trail says of it."""


class NotEmptyError(Exception):
    """There is something that would be overwritten."""

    def __init__(self, keys: list[str]) -> None:
        shown = ", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")
        super().__init__(
            f"The tables are expected to hold none of these onboardings, but hold {shown}. Nothing was written. With"
            " --overwrite they are set back to the backup, and what happened to them since is lost."
        )


async def restore(
    tables: Tables,
    header: Header,
    rows: Iterable[tuple[str, Row]],
    *,
    actor: str,
    now: datetime,
    only: str | None = None,
    overwrite: bool = False,
) -> int:
    """Write what the backup holds (`only`: of one onboarding). Returns how many onboardings were restored.

    Others that are in the tables are left alone. Raises NotEmptyError, before anything is written. Whoever was
    interrupted does it again with `overwrite`.
    """
    wanted: dict[str, Row] = {}
    events: dict[str, dict[str, Row]] = defaultdict(dict)
    for table, row in rows:
        onboarding = row.key if table == ONBOARDINGS else row.partition
        if only not in (None, onboarding):
            continue
        if table == ONBOARDINGS:
            wanted[row.key] = row
        else:
            events[row.partition][row.key] = row
    if not overwrite and (there := await _already_there(tables, wanted)):
        raise NotEmptyError(there)
    for key, row in sorted(wanted.items()):
        await _restore_events(tables, key, events[key])
        # The row comes last: with it the onboarding is there, and its audit trail is whole.
        await _restore_row(tables, _going_on(row, header, actor, now))
    return len(wanted)


async def _already_there(tables: Tables, wanted: dict[str, Row]) -> list[str]:
    there = {row.key async for row in tables.onboardings.all_rows() if row.key in wanted}
    return sorted(there | {row.partition async for row in tables.events.all_rows() if row.partition in wanted})


async def _restore_events(tables: Tables, key: str, events: dict[str, Row]) -> None:
    async for row in tables.events.rows(Query(key)):
        if row.key not in events:
            await tables.events.delete(key, row.key)
    await tables.events.upsert([events[name] for name in sorted(events, key=lambda name: event_version(events[name]))])


async def _restore_row(tables: Tables, row: Row) -> None:
    await tables.onboardings.upsert([row])
    await tables.onboardings.delete(CLOSED if row.partition == OPEN else OPEN, row.key)


def _going_on(row: Row, header: Header, actor: str, now: datetime) -> Row:
    """The row to write: that of the backup, with the restore in its audit trail. An unreadable one stays as it is."""
    try:
        record = from_row(row)
    except UnreadableRowError:
        return row
    return to_row(restored(record, header.at, actor, now), row.partition)


def restored(record: Record, backup_at: datetime, actor: str, now: datetime) -> Record:
    """The record as it goes on after the backup of that time was restored."""
    version = record.version + LOST_VERSIONS
    lost = f"From the backup of {backup_at:%Y-%m-%d %H:%M} UTC, version {record.version}; what came after it is lost."
    event = Event(version=version, at=now, actor=actor, what=EventKind.RESTORED.value, detail=lost)
    return record.model_copy(update={"version": version, "updated_at": now, "tail": (*record.tail, event)})
