"""Every part of the bench, in the order of the page. A new one is a module with a `PART`, named here."""

from __future__ import annotations

from collections.abc import Mapping

from bench import (
    calls,
    cold,
    counts,
    dashboard,
    drift,
    elapsed,
    fleet,
    growth,
    message,
    passes,
    simulation,
    throttled,
    wait,
)
from bench.part import Part
from bench.peers import comparison

PARTS: Mapping[str, Part] = {
    part.name: part
    for part in (
        comparison.PART,
        message.PART,
        passes.PART,
        fleet.PART,
        throttled.PART,
        drift.PART,
        growth.PART,
        cold.PART,
        dashboard.PART,
        calls.PART,
        counts.PART,
        elapsed.PART,
        wait.PART,
        simulation.PART,
    )
}
