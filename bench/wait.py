"""A wait of fourteen days: how often it is looked at, and how many versions of the record that writes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bench.filling import places
from bench.part import Grid, Json, Line, Lines, Part, Shown, Target
from onboarding.core.plan import DAY
from onboarding.core.record import StepState
from tests.support.system import System

DAYS, QUICK_DAYS = 14, 2
MINUTE = 60.0
"""Between two passes of the timer."""
WAIT = "provisioning-complete"


def run(quick: bool) -> Json:
    return asyncio.run(_lived(QUICK_DAYS if quick else DAYS))


async def _lived(days: int) -> Json:
    system = System()
    request = places(1, 1)[0].request
    system.outside.deploy(request)
    onboarding_id = (await system.request(request)).record.id
    while await system.deliver():
        pass
    record = await system.record(onboarding_id)
    assert record.step(WAIT).state is StepState.WAITING, f"{WAIT} is {record.step(WAIT).state}"
    first, looks, writes = record.version, 0, len(system.onboardings.writes)
    listed = system.outside.gateways.in_subscription

    async def counted(subscription_id: str) -> Any:
        nonlocal looks
        looks += 1
        return await listed(subscription_id)

    system.outside.gateways.in_subscription = counted  # type: ignore[method-assign]
    samples: list[tuple[float, int, int]] = []
    for minute in range(1, int(days * DAY / MINUTE)):
        await system.tick(MINUTE)
        await system.deliver()
        if minute % 60 == 0:
            samples.append((minute * MINUTE / DAY, looks, (await system.record(onboarding_id)).version - first))
    return {
        "days": days, "looks": looks, "versions": samples[-1][2], "writes": len(system.onboardings.writes) - writes,
        "samples": samples,
    }  # fmt: skip


def show(measured: Mapping[str, Any]) -> Shown:
    samples = measured["samples"]
    full = measured["days"] == DAYS
    return Shown(
        how=(
            "Simulated: the real rules, engine and timer on a clock in hand, a pass each minute, at a gateway that is"
            " not ready. Nobody touches the onboarding meanwhile."
        ),
        grids=(
            Grid(
                ("days", "looks", "versions of the record", "writes to its table"),
                [(measured["days"], measured["looks"], measured["versions"], measured["writes"])],
            ),
        ),
        plots=(
            Lines("wait", "One long wait", "days", "times", (
                Line("looks", tuple((s[0], s[1]) for s in samples)),
                Line("versions", tuple((s[0], s[2]) for s in samples)),
            )),
        ),
        targets=(
            Target(f"A wait of {DAYS} days: versions written", measured["versions"] if full else None, at_most=9),
        ),
    )  # fmt: skip


PART = Part("wait", "A wait of fourteen days", "half a minute", run, show)
