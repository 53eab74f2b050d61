"""Calls of Table Storage and messages of one onboarding; tests/unit/test_calls.py pins them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bench.part import Grid, Json, Part, Shown, Target
from tests.support.counted import CountedTable, journey
from tests.support.system import System


def run(quick: bool) -> Json:
    return asyncio.run(_counted())


async def _counted() -> Json:
    onboardings, trail = CountedTable(), CountedTable()
    system = System(onboardings=onboardings, trail=trail)
    record, messages = await journey(system, onboardings)
    asked, copied = dict(onboardings.calls), trail.calls["copied"]
    begun = [e for e in await system.events(record.id) if e.what in ("step-started", "notice-started")]
    thin = len(system.due.writes) + len(system.waits.writes)
    return {
        "reads": asked["read"], "written": asked["written"], "lost": asked.get("lost", 0), "copied": copied,
        "thin": thin, "messages": messages, "without": messages - len(begun),
    }  # fmt: skip


def show(measured: Mapping[str, Any]) -> Shown:
    headings = (
        "reads of the record", "writes of it", "lost writes", "copies of its tail", "writes of thin rows", "messages",
        "without effect",
    )  # fmt: skip
    keys = ("reads", "written", "lost", "copied", "thin", "messages", "without")
    return Shown(
        how=(
            "Simulated: Operator Connect to its end on tables in memory, its branches side by side, waits at zero, and"
            " nobody else at the record. A test pins these numbers"
            " ([`tests/unit/test_calls.py`](../tests/unit/test_calls.py))."
        ),
        grids=(Grid(("one onboarding", *headings), [("Operator Connect", *(measured[key] for key in keys))]),),
        targets=(
            Target("An onboarding: reads of its record", measured["reads"], at_most=24),
            Target("An onboarding: lost writes without a stranger", measured["lost"], at_most=0),
            Target("An onboarding: copies of its tail", measured["copied"], at_most=1),
            Target("An onboarding: messages without effect", measured["without"], at_most=0),
        ),
    )


PART = Part("counts", "Table Storage for an onboarding", "a second", run, show)
