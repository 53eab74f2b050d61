"""How long steps take with this operator: a thin row for each step of a completed onboarding, in table `durations`.

They are written when an onboarding is settled, and read where onboardings are requested: for an hour what was read is
good. Once there are enough of a step, their median takes the place of what the settings or its definition say. Nobody
is named in a row. The table holds nothing worth a backup: without it, the settings count until there are enough again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from statistics import median

from onboarding.core.expected_ends import Usual, took
from onboarding.core.plan import StepKind
from onboarding.core.record import Record
from onboarding.ports import Query, Row, Table
from onboarding.steps import LIBRARY

log = logging.getLogger("onboarding")

DURATIONS_TABLE = "durations"
ENOUGH = 10
"""Steps of one definition, of which a median says how long it usually takes."""
LATEST = 100
"""So many of them count, those that ended last: what was usual years ago is not what is."""
READ_EVERY = timedelta(hours=1)
_END_OF_TIME = 9_999_999_999
"""Seconds since 1970: keys count down to it, so that the latest row stands first."""
_LASTED = tuple(d.name for d in LIBRARY.values() if d.kind is not StepKind.TASK)
"""What somebody else brings to its end: the other steps take about nothing."""


class Durations:
    """How long steps usually take here."""

    def __init__(self, table: Table, chosen: Usual) -> None:
        """`chosen`: by the settings."""
        self._table = table
        self._chosen = chosen
        self._known: Usual = chosen
        self._good_until: datetime | None = None

    async def usual(self, now: datetime) -> Usual:
        """What counts in place of the definitions. Never raises: what can't be read is tried again in an hour, and
        meanwhile what was known counts."""
        if self._good_until is None or now >= self._good_until:
            # Whoever comes while this call reads takes what was known, and need not read too.
            self._good_until = now + READ_EVERY
            try:
                self._known = {**self._chosen, **await self._medians()}
            except Exception:
                log.warning("how long steps take here can't be read now; the settings count", exc_info=True)
        return self._known

    async def keep(self, record: Record) -> None:
        """How long the steps of a settled onboarding took. The same rows each time: it may be written again."""
        for step in record.steps:
            length = took(record, step)
            if length is not None:
                key = f"{_END_OF_TIME - int(step.since.timestamp()):010d}|{record.id}|{record.run}|{step.name}"
                await self._table.upsert([Row(step.plan.definition, key, {"Seconds": length.total_seconds()})])

    async def _medians(self) -> Mapping[str, float]:
        found = dict(zip(_LASTED, await asyncio.gather(*map(self._latest, _LASTED)), strict=True))
        return {name: median(seconds) for name, seconds in found.items() if len(seconds) >= ENOUGH}

    async def _latest(self, definition: str) -> list[float]:
        page = await self._table.page(Query(definition), LATEST)
        return [float(row.columns["Seconds"]) for row in page.rows]
