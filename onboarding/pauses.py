"""Pauses that Microsoft asked for, shared by all processes: a row of table `pauses` for each service, and for what of
it the pause is (a subscription).

Flex Consumption runs each queue function in processes of its own: without the row each of them would be throttled
before it knows. The row is a help and no more: a process that was throttled knows by itself, and a table that does not
answer keeps no step from going on. It holds nothing worth a backup.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from onboarding.ports import Clock, ConflictError, Row, Table

_Answer = TypeVar("_Answer")
log = logging.getLogger("onboarding")

PAUSES_TABLE = "pauses"
FRESH = timedelta(seconds=5)
"""For so long what was read is taken for what stands there. A pause that is over sooner is not worth a row."""
PATIENCE = 1.0
"""Seconds that whoever is about to call Microsoft waits for the table."""
WRITES = 3
"""How often a write is tried that others come before."""
_UNTIL = "Until"


@dataclass(slots=True)
class _Known:
    read_at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pauses:
    """For one process."""

    table: Table
    clock: Clock
    _known: dict[tuple[str, str], _Known] = field(default_factory=dict)

    async def until(self, service: str, of: str) -> datetime | None:
        """When the pause ends, by the clock of whoever noted it; None: there is none that this process knows of."""
        known, now = self._known.get((service, of)), self.clock.now()
        if known is None or not known.read_at <= now < known.read_at + FRESH:
            # Before the read: others who come meanwhile need not read too.
            known = self._known[service, of] = _Known(now, known.until if known else None)
            row = await _within_patience(self.table.get(service, of))
            if not isinstance(row, Exception):
                known.until = _until(row)
        return known.until

    async def heed(self, service: str, of: str, until: datetime) -> None:
        """Note a pause that this process was asked for. Of several that others note, the one that ends last counts."""
        if until - self.clock.now() > FRESH:
            await _within_patience(self._write(service, of, until))

    async def _write(self, service: str, of: str, until: datetime) -> None:
        for _ in range(WRITES):
            row = await self.table.get(service, of)
            there = _until(row)
            if there is not None and there + FRESH >= until:
                return
            try:
                if row is None:
                    await self.table.insert(Row(service, of, {_UNTIL: until}))
                else:
                    await self.table.replace(Row(service, of, {_UNTIL: until}, row.etag))
            except ConflictError:
                continue
            return


def _until(row: Row | None) -> datetime | None:
    until = row.columns.get(_UNTIL) if row else None
    return until if isinstance(until, datetime) else None


async def _within_patience(asked: Awaitable[_Answer]) -> _Answer | Exception:
    """What the table answered, or why it did not: nobody is kept from anything by that."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await asked
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the same to the caller
        log.info("pauses are not shared for now: %s", error)
        return error
