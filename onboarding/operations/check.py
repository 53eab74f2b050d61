"""Looks whether everything in the tables can be read, and agrees with itself. It writes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import ValidationError

from onboarding.core.record import Event, Record
from onboarding.operations.tables import Tables, event_version
from onboarding.ports import Query, Row
from onboarding.rows import CLOSED, OPEN, UnreadableRowError, event_of, from_row
from onboarding.upgrade import rebuild_record

ROUNDS = 3
"""How often an onboarding is looked at before what was seen counts: the application may be writing it."""


@dataclass
class Checked:
    """What a check found."""

    onboardings: int = 0
    events: int = 0
    problems: list[str] = field(default_factory=list)
    """One sentence each: which onboarding, what was seen, what was expected."""


async def check_tables(tables: Tables) -> Checked:
    """Look at every onboarding, and at events that belong to none."""
    found = Checked()
    keys = {row.key async for row in tables.onboardings.all_rows()}
    for key in sorted(keys):
        for _ in range(ROUNDS):
            events, problems = await _of_one(tables, key)
            if not problems:
                break
        found.onboardings += 1
        found.events += events
        found.problems += problems
    async for row in tables.events.all_rows():
        if row.partition not in keys and not await _is_new(tables, row.partition):
            found.problems.append(f"{row.partition}: an audit event of version {row.key}, but there is no onboarding.")
            keys.add(row.partition)
    return found


async def _is_new(tables: Tables, key: str) -> bool:
    """Whether it was requested while the check went on."""
    return any([await tables.onboardings.get(partition, key) for partition in (OPEN, CLOSED)])


async def _of_one(tables: Tables, key: str) -> tuple[int, list[str]]:
    """(audit events, problems) of one onboarding."""
    in_open = await tables.onboardings.get(OPEN, key)
    in_closed = await tables.onboardings.get(CLOSED, key)
    row = in_open or in_closed
    if row is None:
        return 0, []  # It moved between the two reads; the next round finds it.
    try:
        record = from_row(row)
    except UnreadableRowError as error:
        return 0, [f"{key}: {error}"]
    problems = []
    if in_open and in_closed and not record.settled:
        problems.append(
            f"{key}: rows in '{OPEN}' and '{CLOSED}', but it has not ended. The one in '{OPEN}' counts; the other goes"
            " when it ends."
        )
    rows = [r async for r in tables.events.rows(Query(key))]
    trail, unreadable = _trail(key, rows)
    problems += unreadable
    if not unreadable:
        problems += _disagreements(key, record, trail)
    return len(rows) + len(record.tail), problems


def _trail(key: str, rows: Iterable[Row]) -> tuple[list[Event], list[str]]:
    trail, unreadable = [], []
    for row in rows:
        try:
            event = event_of(row)
        except (KeyError, ValidationError):
            unreadable.append(f"{key}: the audit event in row {row.key} can't be read.")
            continue
        if event.version != event_version(row):
            unreadable.append(f"{key}: the audit event in row {row.key} says that it is of version {event.version}.")
        trail.append(event)
    return trail, unreadable


def _disagreements(key: str, record: Record, trail: list[Event]) -> list[str]:
    newer = [e.version for e in trail if e.version > record.version]
    if newer:
        return [
            f"{key}: audit events of versions {newer[0]} to {newer[-1]}, but the record is at {record.version}: an"
            " older row was put back without `restore`."
        ]
    in_tail = {e.version: e for e in record.tail}
    differing = [e.version for e in trail if e.version in in_tail and in_tail[e.version] != e]
    if differing:
        return [f"{key}: table 'events' and the row's tail tell version {differing[0]} differently."]
    whole = {e.version: e for e in (*trail, *record.tail)}
    try:
        told = rebuild_record([whole[v] for v in sorted(whole)])
    except (KeyError, ValidationError):
        return [f"{key}: its audit trail gives no record; events are missing (there are {len(whole)})."]
    if told == record.model_copy(update={"tail": ()}):
        return []
    differs = [n for n in Record.model_fields if n != "tail" and getattr(told, n) != getattr(record, n)]
    return [f"{key}: its audit trail gives another record: {', '.join(differs)} differ."]
