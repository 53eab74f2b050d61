"""Timer triggers, with the behaviour of TimerListener.cs in azure-webjobs-sdk-extensions.

One run at a time. An occurrence that falls due during a run follows at once, however many were missed, and is
not called past due. Past due is what was missed while the host was down; that needs a file that remembers.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from azure.functions.meta import Datum

from sandbox.functions_host.app import Function
from sandbox.functions_host.errors import HostError
from sandbox.functions_host.invocation import Invoker
from sandbox.functions_host.schedule import Schedule
from sandbox.functions_host.settings import Settings

log = logging.getLogger("sandbox.functions_host")

NEVER = datetime.min.replace(tzinfo=UTC)
_LONGEST_SLEEP = 60.0


class Clock(Protocol):
    """The host's time, so that a test can set it."""

    def now(self) -> datetime: ...

    async def sleep_until(self, moment: datetime) -> None: ...


class SystemClock:
    """The machine's time. Sleeps in pieces, so that a laptop that was suspended wakes up late only by one."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        left = (moment - self.now()).total_seconds()
        while left > 0:
            await asyncio.sleep(min(left, _LONGEST_SLEEP))
            left = (moment - self.now()).total_seconds()


@dataclass(frozen=True)
class Status:
    """When the function ran last (NEVER if it didn't) and when it is due next."""

    last: datetime
    next: datetime

    def json(self) -> dict[str, str]:
        return {"Last": _iso(self.last), "Next": _iso(self.next), "LastUpdated": _iso(self.last)}


class StatusFile:
    """Remembers the status of every timer over a restart. The real host has a blob for each."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lease = path and path.with_suffix(".lease")
        self._known: dict[str, Any] = {}
        if path is not None and path.exists():
            try:
                self._known = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise HostError(
                    f"Can't read the timers' state in {path}: {error}. Delete the file to start without it."
                ) from error

    def take(self) -> bool:
        """Whether the host before this one never gave it back: it was killed, and its lease still holds."""
        if self._lease is None:
            return False
        left = self._lease.exists()
        self._lease.parent.mkdir(parents=True, exist_ok=True)
        self._lease.touch()
        return left

    def give_back(self) -> None:
        if self._lease is not None:
            self._lease.unlink(missing_ok=True)

    def last(self, name: str) -> datetime | None:
        """When the function ran last or, before its first run, when the host first started it."""
        known = self._known.get(name)
        return None if known is None else datetime.fromisoformat(known)

    def ran(self, name: str, last: datetime) -> None:
        self._known[name] = _iso(last)
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part = self._path.with_suffix(".part")
            part.write_text(json.dumps(self._known, indent=1), encoding="utf-8")
            part.replace(self._path)


class Timer:
    """Runs one timer function on its schedule. Raises HostError for a schedule that isn't one."""

    def __init__(
        self,
        function: Function,
        settings: Settings,
        invoker: Invoker,
        clock: Clock,
        status_file: StatusFile,
        silence: timedelta = timedelta(),
    ) -> None:
        """``silence`` is how long it waits before anything else."""
        text = settings.expand(str(function.trigger["schedule"]), f"The schedule of {function.name}")
        try:
            self.schedule = Schedule.parse(text)
        except ValueError as error:
            raise HostError(f"The schedule of {function.name} can't be used: {error}.") from error
        self._function, self._invoker, self._clock, self._file = function, invoker, clock, status_file
        self._one_at_a_time = asyncio.Lock()
        self._status = Status(NEVER, NEVER)
        self._stopping = False
        self._silence = silence

    async def run(self) -> None:
        """Run until stopped or cancelled."""
        if self._silence:
            await self._clock.sleep_until(self._clock.now() + self._silence)
            self._silence = timedelta()
        past_due = self._restore(self._clock.now())
        if past_due or self._function.trigger.get("runOnStartup"):
            await self.run_once(past_due=past_due)
        while not self._stopping:
            await self._clock.sleep_until(self._status.next)
            await self.run_once()

    def stop(self) -> None:
        self._stopping = True

    def resume(self) -> None:
        """Go on as if it had not been stopped; ``run`` has to be called anew when it has come to its end."""
        self._stopping = False

    async def run_once(self, *, past_due: bool = False) -> None:
        """Run the function now, after a run that is still in progress."""
        async with self._one_at_a_time:
            if self._stopping:
                return
            started = self._clock.now()
            info = {
                "Schedule": {"AdjustForDST": True},
                "ScheduleStatus": self._status.json(),
                "IsPastDue": past_due,
            }
            try:
                await self._invoker.invoke(self._function, Datum(json.dumps(info), "json"), {})
            except Exception:  # noqa: BLE001 - the invoker has logged it, and the schedule goes on
                log.debug("%s will run again at %s", self._function.name, _iso(self._status.next))
            # A timer may wake a little early; without this the same occurrence would come twice.
            self._ran(max(started, self._status.next) if self._early(started) else started)

    def _early(self, started: datetime) -> bool:
        return 0 < (self._status.next - started).total_seconds() < 1

    def _ran(self, last: datetime) -> None:
        self._status = Status(last, self.schedule.next_after(last))
        self._file.ran(self._function.name, last)

    def _restore(self, now: datetime) -> bool:
        last = self._file.last(self._function.name)
        self._status = Status(last or NEVER, self.schedule.next_after(last or now))
        if last is None:
            self._file.ran(self._function.name, now)
        return self._status.next < now


def _iso(moment: datetime) -> str:
    return moment.isoformat()
