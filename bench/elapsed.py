"""Days from the request to completed: along the graph, by the real rules, and in the order of Microsoft's article."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bench.operator import body_for
from bench.part import Bars, Grid, Json, Part, Shown, ratio
from onboarding.core.events import Confirmed
from onboarding.core.plan import DAY, StepKind
from onboarding.core.record import Record, StepState
from onboarding.kinds import read_request
from onboarding.kinds.communications_gateway import CommunicationsGatewayRequest
from tests.support.system import System

TICK = 3600.0
"""Seconds between two looks of the simulated world."""
DURATIONS: Mapping[str, Mapping[str, float]] = {
    "quick": {
        "provisioning-complete": 2, "operator-information": 1, "portal-access": 0.5, "add-application-ids": 0.5,
        "txt-record-visible": 1,
    },
    "usual": {
        "provisioning-complete": 7, "operator-information": 5, "portal-access": 1, "add-application-ids": 1,
        "txt-record-visible": 3,
    },
    "slow": {
        "provisioning-complete": 14, "operator-information": 10, "portal-access": 3, "add-application-ids": 3,
        "txt-record-visible": 7,
    },
}  # fmt: skip
"""Days that Microsoft and people take for each step that is not ours, from when it can begin. The article says only "up
to two weeks" of the first; the others are assumed."""


def run(quick: bool) -> Json:
    """The same at both sizes: it is simulated."""
    return {"cases": [{"case": c, "days": dict(d), "graph": asyncio.run(_lived(d))} for c, d in DURATIONS.items()]}


async def _lived(durations: Mapping[str, float]) -> float:
    """Days until it is completed."""
    system = System()
    request = read_request(body_for("elapsed"))
    assert isinstance(request, CommunicationsGatewayRequest)
    system.outside.deploy(request)
    onboarding_id = (await system.request(request)).record.id
    began = system.clock.now()
    bound = timedelta(days=sum(durations.values()) + 1)
    while system.clock.now() - began < bound:
        while await system.deliver():
            pass
        record = await system.record(onboarding_id)
        if record.closed_at is not None:
            return (record.closed_at - began).total_seconds() / DAY
        await _world_moves(system, record, durations)
        await system.tick(TICK)
    raise AssertionError(f"not completed after {bound}: it is {record.state}")


async def _world_moves(system: System, record: Record, durations: Mapping[str, float]) -> None:
    """Whoever's time is over has done their part."""
    for step in record.steps:
        if step.state is not StepState.WAITING:
            continue
        if (system.clock.now() - _opened(record, step.name)).total_seconds() < durations[step.name] * DAY:
            continue
        if step.plan.kind is StepKind.CHECKPOINT:
            await system.engine.happen(record.id, Confirmed(step.name, "ada"))
        elif step.name == "provisioning-complete":
            request = record.request
            assert isinstance(request, CommunicationsGatewayRequest)
            system.outside.gateways.complete(request.gateway.id)
        else:
            system.outside.settle()


def _opened(record: Record, name: str) -> Any:
    """When the last of what it needs had ended."""
    return max(record.step(need).since for need in record.step(name).plan.needs)


def show(measured: Mapping[str, Any]) -> Shown:
    rows = []
    for case in measured["cases"]:
        article = sum(case["days"].values())
        rows.append((case["case"], *case["days"].values(), article, case["graph"], ratio(case["graph"], article)))
    steps = tuple(measured["cases"][0]["days"])
    usual = next(row for row in rows if row[0] == "usual")
    return Shown(
        how=(
            "Simulated: the real rules, engine and timer on a clock in hand, with Microsoft and people taking as many"
            " days for each step as the row says, from when it can begin. *The article's order* is their sum, with"
            " nothing lost between two steps; its manual actions are taken for no time at all."
        ),
        grids=(Grid(("case", *steps, "the article's order, days", "along the graph, days", "ratio"), rows),),
        plots=(
            Bars("elapsed", "Days from the request to completed, the usual case", "days",
                 (("the article's order", usual[-3]), ("along the graph", usual[-2]))),
        ),
    )  # fmt: skip


PART = Part("elapsed", "Elapsed days", "seconds", run, show)
