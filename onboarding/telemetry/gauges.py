"""How the steps of all open onboardings stand, measured by the timer.

Read from the thin rows of what stands still, however large and many the records are: 2,000 steps are 2,000 rows of
about 200 bytes, which are two or three pages of Table Storage, at most once in the time after which metrics are sent
anyway. A step that gets on at its first attempt stands for seconds, and is in no gauge.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from onboarding import limits
from onboarding.core.record import StepState
from onboarding.index import Index
from onboarding.records import Records
from onboarding.telemetry import metrics
from onboarding.telemetry.names import STEPS, WAIT_AGE, Attribute

log = logging.getLogger("onboarding")

Standing = tuple[str, StepState, datetime]
"""A step's name and state, and since when."""


class Gauges:
    """Sets the gauges of one process, and sets back to zero what it has told of and is over."""

    def __init__(self, every: float | None = None) -> None:
        """`every`: seconds between two measurements; as often as metrics are sent when left out."""
        self._every = every
        self._next = float("-inf")
        self._told: set[tuple[StepState, str]] = set()
        self._waited: set[str] = set()

    async def measure(self, records: Records, now: datetime) -> None:
        """One measurement, when it is time for one. It never fails: the next pass measures again."""
        if not metrics.in_use() or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + (_sent_every() if self._every is None else self._every)
        try:
            async with limits.within(limits.MEASURE, "measuring the open steps"):
                self._set(await _standing(records.index), now)
        except Exception:
            log.warning("the open steps could not be measured; the next pass will", exc_info=True)

    def _set(self, steps: Sequence[Standing], now: datetime) -> None:
        counted = Counter((state, name) for name, state, _ in steps)
        for key in self._told | set(counted):
            state, name = key
            metrics.put(STEPS, counted[key], {Attribute.STATE: state.value, Attribute.STEP: name})
        self._told = set(counted)
        ages: dict[str, float] = {}
        for name, state, since in steps:
            if state is StepState.WAITING:
                ages[name] = max(ages.get(name, 0.0), (now - since).total_seconds())
        for name in self._waited | set(ages):
            metrics.put(WAIT_AGE, ages.get(name, 0.0), {Attribute.STEP: name})
        self._waited = set(ages)


async def _standing(index: Index) -> list[Standing]:
    waits = [(wait.step, StepState.WAITING, wait.since) async for wait in index.waits()]
    return waits + [(held.step, held.state, held.since) async for held in index.held()]


def _sent_every() -> float:
    try:
        return float(os.environ.get("OTEL_METRIC_EXPORT_INTERVAL", "60000")) / 1000
    except ValueError:
        return 60.0
