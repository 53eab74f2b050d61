"""The big simulation: 1,000 gateways for two weeks in one world, in which everything goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.part import Grid, Json, Part, Shown, Target
from tests.simulation.run import big

GATEWAYS, QUICK_GATEWAYS = 1_000, 20


def run(quick: bool) -> Json:
    result = big(1, QUICK_GATEWAYS if quick else GATEWAYS)
    return {
        "gateways": result.gateways, "days": result.simulated, "seconds": result.real, "changes": result.commits,
        "calls": result.calls, "messages": result.messages, "broken": len(result.broken),
    }  # fmt: skip


def show(measured: Mapping[str, Any]) -> Shown:
    headings = (
        "gateways", "days", "s", "changes of records", "calls at Microsoft", "messages", "ms a change",
        "invariants broken",
    )  # fmt: skip
    row = (
        measured["gateways"], measured["days"], measured["seconds"], measured["changes"], measured["calls"],
        measured["messages"], 1000 * measured["seconds"] / measured["changes"], measured["broken"],
    )  # fmt: skip
    full = measured["gateways"] == GATEWAYS
    said = f"The simulation of {GATEWAYS:,} gateways for two weeks"
    return Shown(
        how=(
            "`python -m tests.simulation --big`: the real rules, engine and timer, three hosts, and people, in one"
            " process on a clock of its own; hosts die, messages come late or twice, Microsoft and the tables fail."
        ),
        grids=(Grid(headings, [row]),),
        targets=(Target(f"{said}: seconds", measured["seconds"] if full else None, at_most=60, unit="s"),),
    )


PART = Part("simulation", "The big simulation", "a minute", run, show)
