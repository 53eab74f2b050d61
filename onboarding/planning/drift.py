"""Looking for drift: completed onboardings are inspected again, evenly over the time of a sweep, in small slices.

The timer says by messages which are to be looked at; they are looked at where Microsoft can be read (in the app of the
steps). A sweep goes through the closed onboardings in the order of their ids. So there is no row to lose, and none to
write with an onboarding: a slice that is lost with its message is looked at in the next sweep.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from typing import Protocol

from onboarding import limits
from onboarding.columns import named
from onboarding.core.events import DriftSeen, Happening, LookForDrift
from onboarding.core.policy import Policy
from onboarding.core.record import Record
from onboarding.index import LastInspection, Sweep
from onboarding.planning.deviating import Inspected, inspect_again
from onboarding.planning.remembered import remembered
from onboarding.ports import Bus, Clock, Query, Row
from onboarding.records import LAST_KEY, Records
from onboarding.rows import CLOSED, UnreadableRowError, from_row
from onboarding.steps.base import World
from onboarding.telemetry.about import About, about_this

log = logging.getLogger("onboarding")

SLICES = 48
"""Of a sweep: what a slice has in common is read once."""
MESSAGE_HOLDS = 25
"""Onboardings that one message is about: looked at within its time."""
INSPECTED_AT_ONCE = 8
"""Onboardings that are looked at at one time."""
(_STATE,) = named("State")


class Sweeper(Protocol):
    """What a sweep needs of the engine."""

    @property
    def records(self) -> Records: ...
    @property
    def bus(self) -> Bus: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def policy(self) -> Policy: ...

    def reach_together(self) -> World:
        """The world for a piece of work that reads a lot at a time."""

    async def happen(self, onboarding_id: str, happening: Happening, /) -> object:
        """One transition."""


async def sweep_on(engine: Sweeper) -> None:
    """Say what is due of a sweep by now: one read when nothing is."""
    index, now = engine.records.index, engine.clock.now()
    if engine.policy.drift_every <= 0:
        return
    every = timedelta(seconds=engine.policy.drift_every)
    sweep = await index.sweep()
    if sweep is None or now < sweep.began or (sweep.over and now >= sweep.began + every):
        sweep = Sweep(now, await _count(engine.records))
    elif sweep.over or _goal(sweep, now, every) <= sweep.looked:
        return
    room = max(_goal(sweep, now, every) - sweep.looked, 1)
    page = await engine.records.page(Query(CLOSED, columns=(_STATE,), keys=(sweep.place, LAST_KEY)), room + 1)
    left = [row.key for row in page.rows if row.key != sweep.place]
    keys = left[:room]
    ticket = int(sweep.began.timestamp())
    slices = [keys[start : start + MESSAGE_HOLDS] for start in range(0, len(keys), MESSAGE_HOLDS)]
    await engine.bus.publish([LookForDrift(part[0], part[-1], ticket) for part in slices], now)
    place = keys[-1] if keys else sweep.place
    over = page.continuation is None and len(left) == len(keys)
    await index.keep_sweep(replace(sweep, looked=sweep.looked + len(keys), place=place, over=over))


def _goal(sweep: Sweep, now: datetime, every: timedelta) -> int:
    """How many are to have been looked at by now."""
    slices = min(SLICES, int((now - sweep.began) / every * SLICES) + 1)
    return ceil(sweep.total * slices / SLICES)


async def _count(records: Records) -> int:
    return len([row async for row in records.rows(Query(CLOSED, columns=(_STATE,)))])


async def look_for_drift(engine: Sweeper, first: str, last: str) -> None:
    """A message says: look at the completed onboardings from here to there. What they share is read once."""
    rows = engine.records.rows(Query(CLOSED, keys=(first, last)))
    found = await (_one(engine.records, first) if first == last else _readable(rows))
    await inspect_all(engine, [record for record in found if record.completed])


async def _one(records: Records, onboarding_id: str) -> list[Record]:
    """Of one that people are still to be told something of, the row is not with the closed ones."""
    try:
        loaded = await records.load(onboarding_id)
    except UnreadableRowError as error:
        log.error("%s", error)
        return []
    return [loaded.record] if loaded else []


async def _readable(rows: AsyncIterator[Row]) -> list[Record]:
    found: list[Record] = []
    async for row in rows:
        if len(found) == MESSAGE_HOLDS:
            break
        try:
            found.append(from_row(row))
        except UnreadableRowError as error:
            log.error("%s", error)
    return found


async def inspect_all(engine: Sweeper, records: Sequence[Record]) -> None:
    """These, and put on the record what is new. One that can't be looked at keeps no other from its turn."""
    world, at_once = remembered(engine.reach_together()), asyncio.Semaphore(INSPECTED_AT_ONCE)
    looked: list[LastInspection] = []

    async def one(record: Record) -> None:
        async with at_once:
            with about_this(About(record.id)):
                try:
                    inspected = await _inspect(engine, record, world)
                except Exception:
                    log.exception("drift: onboarding %s failed", record.id)
                else:
                    looked.append(LastInspection(record.id, engine.clock.now(), len(inspected.unseen)))

    await asyncio.gather(*map(one, records))
    await engine.records.index.keep_inspections(looked)


async def _inspect(engine: Sweeper, record: Record, world: World) -> Inspected:
    async with limits.within(limits.RECORD, f"looking for drift of {record.id}"):
        inspected = await inspect_again(record, world, engine.clock.now(), limits.LOOK)
    if inspected.unseen:
        reasons = ", ".join(f"{step} ({code})" for step, code in inspected.unseen.items())
        log.warning("drift: of onboarding %s could not be looked at: %s", record.id, reasons)
    await engine.happen(record.id, DriftSeen(record.version, inspected.deviations))
    return inspected
