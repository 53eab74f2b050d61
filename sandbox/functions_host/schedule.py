"""When a timer function is due: NCRONTAB with five or six fields, or a time span. All times are UTC.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from croniter import croniter
from croniter.croniter import CroniterError

from sandbox.functions_host.timespan import parse_timespan


@dataclass(frozen=True)
class Schedule:
    """Either ``cron`` (six fields, seconds first) or ``interval``."""

    text: str
    cron: str | None = None
    interval: timedelta | None = None

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Raises ValueError for what is neither NCRONTAB nor a positive time span."""
        if ":" in text:
            interval = parse_timespan(text)
            if interval <= timedelta():
                raise ValueError(f"the time span '{text}' isn't longer than nothing")
            return cls(text, interval=interval)
        fields = text.split()
        cron = " ".join(["0", *fields] if len(fields) == 5 else fields)
        try:
            if len(cron.split()) != 6:
                raise ValueError(f"it has {len(fields)} fields")
            croniter(cron, second_at_beginning=True)
        except (CroniterError, ValueError) as error:
            raise ValueError(
                f"'{text}' is no schedule: {error}. Expected '{{second}} {{minute}} {{hour}} {{day}}"
                " {month} {day of week}', five fields without the second, or a time span such as 00:01:00"
            ) from error
        return cls(text, cron=cron)

    def next_after(self, moment: datetime) -> datetime:
        """The first occurrence later than ``moment``."""
        if self.interval is not None:
            return moment + self.interval
        following: datetime = croniter(self.cron, moment, second_at_beginning=True).get_next(datetime)
        return following
