"""The application at work on its twins, with its telemetry going to a workspace: what an alert and a tile look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from onboarding.telemetry.gauges import Gauges
from onboarding.telemetry.triggers import ticked
from onboarding.timer import timer_pass
from tests.infra.insights import Insights, telling
from tests.infra.workspace import Workspace
from tests.support.system import System

MINUTE = 60.0


@dataclass
class Life:
    """One system, its clock, and what it told."""

    workspace: Workspace
    insights: Insights
    system: System = field(default_factory=System)
    gauges: Gauges = field(default_factory=lambda: Gauges(every=0))

    @property
    def now(self) -> datetime:
        return self.system.clock.now()

    async def goes_on(self, minutes: int = 1) -> None:
        """The timer passes each minute, messages are delivered, and telemetry is sent."""
        for _ in range(minutes):
            self.system.clock.advance(MINUTE)
            with ticked():
                await timer_pass(self.system.engine)
            while await self.system.deliver():
                pass
            await self.gauges.measure(self.system.records, self.now)
            self.insights.store(self.now)

    def is_silent(self, minutes: float) -> None:
        """Nothing runs; what was told before is sent."""
        self.system.clock.advance(minutes * MINUTE)
        self.insights.store(self.now)

    def requested(self, function: str, *codes: int, together: int = 1) -> None:
        """The Functions host's requests, of which this application sends none: one an invocation.

        A code is the answer's status; 0 is the end of a function that no HTTP call began, with an error. `together`:
        how many a row stands for, where the host samples. Source: the .NET exporter's `RequestData`: `ResultCode` is
        the status or "0", and `Success` is false from 400 on, or when the span's status is an error.
        """
        for code in codes:
            told = {"Name": function, "ResultCode": str(code), "Success": 0 < code < 400, "DurationMs": 12.5}
            row = {**told, "ItemCount": together, "Properties": {}, "TimeGenerated": self.now}
            self.workspace.add("AppRequests", row)


@contextmanager
def life() -> Iterator[Life]:
    """A workspace in which nothing was told yet."""
    workspace = Workspace()
    try:
        with telling(workspace) as insights:
            yield Life(workspace, insights)
    finally:
        workspace.close()
