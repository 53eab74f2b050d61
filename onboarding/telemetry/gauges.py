"""How the steps of all open onboardings stand, measured by the timer.

Read from one short column, however large the records are: 2,000 open onboardings are 2,000 rows of about 200 bytes,
which are two pages of Table Storage and so two reads, at most once in the time after which metrics are sent anyway.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from onboarding import limits
from onboarding.columns import OPEN_STEPS
from onboarding.core.record import StepState
from onboarding.ports import Query
from onboarding.records import Records
from onboarding.rows import OPEN
from onboarding.standing import OpenStep, read_open_steps
from onboarding.telemetry import metrics
from onboarding.telemetry.names import STEPS, WAIT_AGE, Attribute

log = logging.getLogger("onboarding")

Counted = Mapping[tuple[StepState, str], int]


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
            rows = records.rows(Query(OPEN, columns=(OPEN_STEPS,)))
            async with limits.within(limits.MEASURE, "measuring the open steps"):
                steps = [step async for row in rows for step in read_open_steps(row.columns.get(OPEN_STEPS))]
            self._set(steps, now)
        except Exception:
            log.warning("the open steps could not be measured; the next pass will", exc_info=True)

    def _set(self, steps: list[OpenStep], now: datetime) -> None:
        counted = Counter((step.state, step.name) for step in steps)
        for key in self._told | set(counted):
            state, name = key
            metrics.put(STEPS, counted[key], {Attribute.STATE: state.value, Attribute.STEP: name})
        self._told = set(counted)
        ages: dict[str, float] = {}
        for step in steps:
            if step.state is StepState.WAITING:
                ages[step.name] = max(ages.get(step.name, 0.0), (now - step.since).total_seconds())
        for name in self._waited | set(ages):
            metrics.put(WAIT_AGE, ages.get(name, 0.0), {Attribute.STEP: name})
        self._waited = set(ages)


def _sent_every() -> float:
    try:
        return float(os.environ.get("OTEL_METRIC_EXPORT_INTERVAL", "60000")) / 1000
    except ValueError:
        return 60.0
