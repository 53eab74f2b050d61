"""The timer's pass: whatever is due and has no message of its own. Bounded, and safe to run twice, or two at a time.

First what is to be repaired, the oldest first; then the looks at waits, a group at a time, those first that were looked
at longest ago; then, once in an hour, all records, a slice in each pass, to find rows of the index that were lost.
Whatever a pass does not come to goes on at the next.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from onboarding import limits
from onboarding.core.events import TimePassed
from onboarding.core.record import Record
from onboarding.engine import Engine
from onboarding.held import held_steps
from onboarding.index import DueRow, OpenWait, Pass, Round
from onboarding.looks import WRITES_AT_ONCE, look_at, look_closely, to_look_at
from onboarding.planning.drift import sweep_on
from onboarding.records import LAST_KEY
from onboarding.telemetry.about import About, about_this

log = logging.getLogger("onboarding")

GROUPS_AT_ONCE = 8
"""Groups of waits that are looked at at one time."""
SLICE = 250
"""Records that a pass compares with their rows, until all were compared: 15,000 an hour."""
ROUND_EVERY = timedelta(hours=1)
"""All records are compared with their rows so often, however few they are: each is a hundred times its rows."""

@dataclass(frozen=True, slots=True)
class Time:
    """What is left of a pass."""

    ends: float

    @property
    def over(self) -> bool:
        return asyncio.get_running_loop().time() >= self.ends


async def timer_pass(engine: Engine) -> int:
    """One pass. Returns how many onboardings were due for repair, and waits that were looked at.

    Raises OverdueError when something hangs that none of its own limits ends.
    """
    time = Time(asyncio.get_running_loop().time() + limits.PASS)
    async with limits.within(limits.PASS + limits.RECORD + limits.LOOK, "the timer's pass"):
        before = await engine.records.index.round()
        if before is None:
            # No onboarding has rows yet: an older version wrote them all.
            await _make_good(engine, [], None, time)
        repaired = await _repair(engine, Time(time.ends - limits.PASS / 3))
        known = [wait async for wait in engine.records.index.waits()]
        looked = await _looks(engine, known, time)
        if before is not None and _goes_on(before, engine.clock.now()):
            await _make_good(engine, known, before, time)
            await _drop_plans(engine)
        await _sweep(engine)
        await _daily(engine)
        await engine.records.index.ticked(engine.clock.now())
    return repaired + looked


async def _drop_plans(engine: Engine) -> None:
    """Those that were kept for long enough. What fails is tried in the next hour."""
    try:
        await engine.plans.drop_old(engine.clock.now())
    except Exception:
        log.exception("timer: old plans were not deleted")


async def _sweep(engine: Engine) -> None:
    """Look for drift a little further. What fails is tried in the next pass."""
    try:
        await sweep_on(engine)
    except Exception:
        log.exception("timer: what is to be looked at for drift was not said")


async def _daily(engine: Engine) -> None:
    """Say which day's e-mail is due. What fails is tried in ten minutes."""
    daily = engine.telling.daily
    try:
        if daily is not None:
            await daily.say_what_is_due(engine.bus, engine.clock.now())
    except Exception:
        log.exception("timer: that the day's e-mail is due was not said")


async def _repair(engine: Engine, time: Time) -> int:
    now = engine.clock.now()
    due: dict[str, list[DueRow]] = defaultdict(list)
    async for row in engine.records.index.due(now):
        due[row.onboarding_id].append(row)

    async def one(onboarding_id: str) -> None:
        with about_this(About(onboarding_id)):
            async with limits.within(limits.RECORD, f"writing what is due of {onboarding_id}"):
                await _settle(engine, due[onboarding_id], now)

    return await _each(list(due), WRITES_AT_ONCE, one, time, "onboardings are due")


async def _settle(engine: Engine, rows: Sequence[DueRow], now: datetime) -> None:
    """Repair one onboarding, and say when it is due next."""
    loaded = await engine.records.load(rows[0].onboarding_id)
    if loaded is not None and loaded.record.settled:
        await engine.settle(loaded)
    elif loaded is not None:
        happened = await engine.happen(loaded.record.id, TimePassed(), loaded)
        loaded = happened.loaded if happened else None
    record = loaded.record if loaded else None
    for row in rows:
        await engine.records.index.moved(row, None if record is None or record.settled else record, now)


async def _looks(engine: Engine, known: Sequence[OpenWait], time: Time) -> int:
    """Look at the groups of waits in which something is due."""
    groups: dict[str, list[OpenWait]] = defaultdict(list)
    for wait in known:
        groups[wait.group].append(wait)
    passes = await engine.records.index.passes() if groups else {}
    now = engine.clock.now()
    due = [group for group in groups if to_look_at(groups[group], passes.get(group), now, engine.policy)]
    order = sorted(due, key=lambda group: _last(passes.get(group)))
    looked = 0

    async def one(group: str) -> None:
        nonlocal looked
        # Not in one statement: others add to it meanwhile.
        count = await look_at(engine, groups[group], passes.get(group), lambda: time.over)
        looked += count

    await _each(order, GROUPS_AT_ONCE, one, time, "groups of waits")
    return looked


def _last(done: Pass | None) -> float:
    return done.at.timestamp() if done and done.at else 0.0


def _goes_on(before: Round, now: datetime) -> bool:
    """Whether records are to be compared: a round is not over, or it is time for the next."""
    return bool(before.place) or not before.began <= now < before.began + ROUND_EVERY


async def _make_good(engine: Engine, known: Sequence[OpenWait], before: Round | None, time: Time) -> None:
    """Compare the next slice of all records with their rows; None: all of them."""
    index, rows = engine.records.index, defaultdict(list)
    for wait in known:
        rows[wait.onboarding_id].append(wait)
    place = before.place if before else None
    began = before.began if before and before.place else engine.clock.now()
    got: Round | None = None
    while not time.over:
        page = await engine.records.after(place or "", SLICE)
        now = engine.clock.now()
        its = {loaded.record.id: rows.pop(loaded.record.id, []) for loaded in page.loaded}
        await index.make_good([loaded.record for loaded in page.loaded], its, now)
        await _make_good_held(engine, {loaded.record.id: loaded.record for loaded in page.loaded}, place, page.last)
        for onboarding_id in [key for key in rows if (place or "") < key <= (page.last or LAST_KEY)]:
            # Of no onboarding that is open: it is looked at once more, and deleted if that is so.
            for wait in rows.pop(onboarding_id):
                await look_closely(engine, [wait])
        place = page.last or ""
        got = Round(place, began)
        if before is not None or not place:
            break
    if got is not None:
        await index.keep_round(got)


async def _make_good_held(engine: Engine, records: Mapping[str, Record], place: str | None, last: str | None) -> None:
    """The same for the rows of what stands still; those that differ are compared with what is read after them."""
    index, rows = engine.records.index, defaultdict(list)
    async for held in index.held(place or "", last or LAST_KEY):
        rows[held.onboarding_id].append(held)
    for onboarding_id in sorted({*records, *rows}):
        if set(rows[onboarding_id]) != set(held_steps(records.get(onboarding_id))):
            loaded = await engine.records.load(onboarding_id)
            await index.make_good_held(loaded.record if loaded else None, rows[onboarding_id])


async def _each(
    items: Sequence[str], at_once: int, do: Callable[[str], Awaitable[None]], time: Time, what: str
) -> int:
    """Each of them, in their order, so many at a time and as long as there is time; how many were done.

    One that fails must not keep the others from their turn: it is due again at the next pass.
    """
    limit, done = asyncio.Semaphore(at_once), 0

    async def one(item: str) -> None:
        nonlocal done
        async with limit:
            if time.over:
                return
            try:
                await do(item)
            except Exception:
                log.exception("timer: onboarding or group %s failed", item)
            done += 1

    await asyncio.gather(*(one(item) for item in items))
    if done < len(items):
        log.warning("timer: %d of %d %s; the others follow at the next pass", done, len(items), what)
    return done
