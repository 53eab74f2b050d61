"""How often something may be done in an hour, counted in a table: over all instances, and through restarts.

An hour is one of the clock's, so that twice as much may happen around its end. A row is one caller's, or everybody's:
it is counted on within the hour, and begins again in the next, so that there are never more rows than callers. They are
named by a hash, because a table's key can't hold every name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil

from onboarding.core.problems import StoreBusyError
from onboarding.ports import Clock, ConflictError, Row, Table

HOURLY_TABLE = "hourly"
EVERYBODY = ""
_ROUNDS = 50
_HOUR = timedelta(hours=1)


class HourlyLimitError(Exception):
    """It was done as often as it may be in this hour. `retry_after`: seconds until the next."""

    def __init__(self, what: str, per_hour: int, setting: str, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"{what}: {per_hour} in an hour are permitted ({setting}); try again in {retry_after} s.")


@dataclass(frozen=True, slots=True)
class HourlyLimit:
    """A limit. `per_hour` 0: none, and nothing is counted."""

    table: Table
    clock: Clock
    per_hour: int
    what: str
    """For people: `E-mail addresses written to`."""
    setting: str
    """Where it is set."""

    async def take(self, who: str = EVERYBODY, count: int = 1) -> None:
        """Count it, before it is done. Raises HourlyLimitError and counts nothing when it would be too much.

        More at once than is permitted in an hour takes a whole one. What is counted and then fails stays counted.
        Raises StoreBusyError when it can't be counted: so many count at a time that every round was lost, too.
        """
        if not self.per_hour:
            return
        key = sha256(who.encode("utf-8", "replace")).hexdigest()
        for _ in range(_ROUNDS):
            now = self.clock.now()
            hour = now.replace(minute=0, second=0, microsecond=0)
            row = await self.table.get(self.setting, key)
            used = row.columns["Count"] if row and row.columns["Hour"] == hour else 0
            if used and used + count > self.per_hour:
                raise HourlyLimitError(self.what, self.per_hour, self.setting, _until(hour + _HOUR, now))
            counted = Row(self.setting, key, {"Hour": hour, "Count": used + count}, row.etag if row else "")
            try:
                await (self.table.replace(counted) if row else self.table.insert(counted))
            except ConflictError:
                continue
            return
        raise StoreBusyError(HOURLY_TABLE, f"{self.what}: counted by many at a time")


def _until(then: datetime, now: datetime) -> int:
    return max(1, ceil((then - now).total_seconds()))
