"""What looking for drift costs: requests at Microsoft, and CPU, for 1,000 completed onboardings a day."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

import pytest

from bench.part import Grid, Json, Part, Shown, Target
from onboarding.planning.drift import SLICES, inspect_all
from tests.support.adapters import connected
from tests.support.drift_load import A_DAY, KINDS, SLICE, completed_alone, gathering, looking
from tests.support.system import System

AN_HOUR = 200
"""Requests at Graph that are aimed at, a tenant."""


def run(quick: bool) -> Json:
    """Each kind by itself."""
    # The steps were not really done, so each look says what it could not see.
    logging.getLogger("onboarding").setLevel(logging.ERROR)
    return {kind: asyncio.run(_slices(body, 1 if quick else 10)) for kind, body in KINDS.items()}


async def _slices(body: dict[str, Any], slices: int) -> Json:
    with pytest.MonkeyPatch.context() as patch:
        async with connected(patch) as microsoft, gathering(microsoft) as gathered:
            system = System()
            engine = looking(system, microsoft, gathered)
            records = [completed_alone(system, microsoft, body, number) for number in range(SLICE * slices)]
            before = {service: len(microsoft.sent(service)) for service in ("graph", "arm")}
            cpu = time.process_time()
            for start in range(0, len(records), SLICE):
                await inspect_all(engine, records[start : start + SLICE])
            used = time.process_time() - cpu
            sent = {service: (len(microsoft.sent(service)) - n) / slices for service, n in before.items()}
    return {"onboardings": len(records), "graphASlice": sent["graph"], "armASlice": sent["arm"], "cpu": used}


def show(measured: Mapping[str, Any]) -> Shown:
    """A slice as it is looked at every half hour."""
    rows = [
        (
            kind,
            one["onboardings"],
            one["graphASlice"] * SLICES / 24,
            one["armASlice"] * SLICES / 24,
            one["cpu"] / one["onboardings"] * A_DAY,
        )
        for kind, one in measured.items()
    ]
    most = max((float(row[2]) for row in rows), default=None)
    return Shown(
        f"Slices of {SLICE} completed onboardings that have nothing in common but the tenant, by the adapters, at the"
        f" simulated Microsoft; {A_DAY:,} a day are {SLICES} slices. The CPU is that of one process, in which"
        " Microsoft is simulated too, so the application's own part is less.",
        (Grid(("kind", "looked at", "Graph an hour", "ARM an hour", f"CPU s for {A_DAY:,}"), rows),),
        targets=(Target(f"requests at Graph an hour, of {A_DAY:,} a day", most, at_most=AN_HOUR),),
    )


PART = Part("drift", "Looking for drift", "a minute", run, show)
