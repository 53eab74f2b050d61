"""E-mail once a day: what would have been written each time is kept as a row of table `daily`, and gathered in one.

A row is a line of one addressee: the newest of an onboarding's step. Its partition is the day on which it is sent, so a
line that comes while others are being sent is the next day's. The front's timer sees that there is something, and says
so by a message; the steps' app, which may send mail, sends it. A day that fails is tried again every ten minutes.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from onboarding import limits
from onboarding.core.daily import DAYS_KEPT, LINES, days_due, next_day, says_how_it_is
from onboarding.core.events import SendDaily
from onboarding.core.notices import NoticeKind
from onboarding.core.problems import StepProblemError, TryLaterError
from onboarding.core.record import Notice, Record
from onboarding.ports import Bus, Clock, ConflictError, Notification, Query, Row, Table
from onboarding.records import Records
from onboarding.steps.base import World

log = logging.getLogger("onboarding")

DAILY_TABLE = "daily"
LOOK_EVERY = 600
"""Seconds: how often it is looked whether something is due, and how soon what failed is tried again."""
_CLAIMS = "claims"
_CLAIMED_FOR = timedelta(seconds=LOOK_EVERY)
_DAY = "%Y%m%d-%H"


class Gatherer(Protocol):
    """What is needed of the engine."""

    @property
    def records(self) -> Records: ...
    @property
    def bus(self) -> Bus: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def public_url(self) -> str: ...

    def reach(self) -> World:
        """The world for one piece of work."""


@dataclass(frozen=True, slots=True)
class DailyMail:
    """The table, and when it is emptied."""

    table: Table
    hour: int = 6
    """Of the day, UTC."""
    _looked: dict[str, int] = field(default_factory=dict)

    async def keep(self, notice: Notice, record: Record, to: Sequence[str], message: Notification) -> None:
        """A line for each of them. Doing it twice changes nothing; a newer one of the same step takes its place."""
        day = f"{next_day(notice.owed_since, self.hour):{_DAY}}"
        line = {
            "At": notice.owed_since,
            "Kind": notice.kind,
            "Onboarding": record.id,
            "Step": notice.step or "",
            "Told": message.title,
            "Why": message.why[0][:1000] if message.why else "",
            "Link": message.link or "",
        }
        rows = (Row(day, _key(address, record.id, notice.step), {**line, "To": address}) for address in to)
        await self.table.upsert([*rows])

    async def say_what_is_due(self, bus: Bus, now: datetime) -> None:
        """A message for each day of which something is to be sent; looked at once in ten minutes by a process."""
        slot = int(now.timestamp()) // LOOK_EVERY
        if self._looked.get(_CLAIMS) == slot:
            return
        self._looked[_CLAIMS] = slot
        for day in days_due(now, self.hour):
            name = f"{day:{_DAY}}"
            page = await self.table.page(Query(name), 1)
            if page.rows:
                await bus.publish([SendDaily(str(page.rows[0].columns["Onboarding"]), name, slot)], now)

    async def claim(self, address: str, now: datetime) -> bool:
        """Whether this process is the one that writes to that address now."""
        key = _key(address)
        row = await self.table.get(_CLAIMS, key)
        if row and row.columns["Until"] > now:
            return False
        claimed = Row(_CLAIMS, key, {"Until": now + _CLAIMED_FOR}, row.etag if row else "")
        try:
            await (self.table.replace(claimed) if row else self.table.insert(claimed))
        except ConflictError:
            return False
        return True

    async def done(self, address: str, rows: Sequence[Row]) -> None:
        """They were sent, or say nothing any more."""
        for row in rows:
            await self.table.delete(row.partition, row.key)
        await self.table.delete(_CLAIMS, _key(address))

    async def put_off(self, rows: Sequence[Row], now: datetime) -> None:
        """They can't be sent before a person has acted: with the next day's, unless they are too old for that."""
        day = f"{next_day(now, self.hour):{_DAY}}"
        young = [row for row in rows if now - row.columns["At"] < timedelta(days=DAYS_KEPT)]
        await self.table.upsert([Row(day, row.key, row.columns) for row in young])


async def send_daily(engine: Gatherer, daily: DailyMail, day: str) -> None:
    """A message says: send what was kept for that day. An address that fails does not keep the others waiting."""
    by_address: dict[str, list[Row]] = defaultdict(list)
    async for row in daily.table.rows(Query(day)):
        by_address[str(row.columns["To"])].append(row)
    for address, rows in by_address.items():
        if await daily.claim(address, engine.clock.now()):
            async with limits.within(limits.RECORD, "sending one daily e-mail"):
                await _send_one(engine, daily, address, rows)


async def _send_one(engine: Gatherer, daily: DailyMail, address: str, rows: Sequence[Row]) -> None:
    lines = [row for row in rows if await _still(engine.records, row)]
    lines.sort(key=lambda row: row.columns["At"])
    try:
        if lines:
            await engine.reach().notifier.mail((address,), gathered(lines, engine.public_url))
    except TryLaterError as problem:
        log.warning("a daily e-mail (lines: %d) is tried again in some minutes: %s", len(lines), problem.seen)
        return
    except StepProblemError as problem:
        log.error("a daily e-mail (lines: %d) goes with the next day's: %s", len(lines), problem.seen)
        await daily.put_off(lines, engine.clock.now())
    await daily.done(address, rows)


async def _still(records: Records, row: Row) -> bool:
    loaded = await records.load(str(row.columns["Onboarding"]))
    step = str(row.columns["Step"]) or None
    return says_how_it_is(loaded.record if loaded else None, NoticeKind(str(row.columns["Kind"])), step)


def gathered(lines: Sequence[Row], public_url: str) -> Notification:
    """One e-mail of many lines, oldest first."""
    shown = lines[-LINES:]
    rest = len(lines) - len(shown)
    more = (f"{rest} earlier ones are left out; the dashboard has them.",) if rest else ()
    things = "1 thing" if len(lines) == 1 else f"{len(lines)} things"
    return Notification(
        f"Onboardings: {things} to know today",
        tuple((f"{row.columns['At']:%d %b, %H:%M} UTC", _told(row)) for row in shown),
        ("This comes once a day, in place of single e-mails. What was settled meanwhile is left out.", *more),
        f"{public_url}/api/dashboard?state=needs-attention,waiting-for-people",
        "Open what waits for people",
    )


def _told(row: Row) -> str:
    return " ".join(filter(None, (f"{row.columns['Told']}.", row.columns["Why"], row.columns["Link"])))


def _key(address: str, onboarding_id: str = "", step: str | None = None) -> str:
    """Addresses are no keys of a table: a hash is."""
    hashed = sha256(address.lower().encode()).hexdigest()[:32]
    return f"{hashed}-{onboarding_id}-{step or 'onboarding'}" if onboarding_id else hashed
