"""A thousand gateways at once, while Microsoft throttles: on a clock in hand, because what it costs is waiting."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bench.fleet import GATEWAYS, longest_turn
from bench.part import Grid, Json, Line, Lines, Part, Shown, Target
from onboarding.core.record import OnboardingState
from tests.simulation.chaos import HOUR, PAUSE
from tests.simulation.fleet import BUSY, fleet

QUICK, SHARE, WITHIN = 20, 0.05, 12 * HOUR
MINUTE = 60.0
EACH = 10
"""Of the gateways, in the plot."""


def run(quick: bool) -> Json:
    count = QUICK if quick else GATEWAYS
    began = time.perf_counter()
    done = fleet(replace(BUSY, throttled=SHARE), count, WITHIN)
    real = time.perf_counter() - began
    begun = min(record.created_at for record in done.records)
    ends = sorted((r.closed_at - begun).total_seconds() for r in done.records if r.closed_at is not None)
    trails = defaultdict(list)
    for onboarding_id, event in done.events:
        trails[onboarding_id].append(event.model_dump(mode="json"))
    postponed = Counter("nothing was sent" in event.detail for event in done.told("step-postponed"))
    attempts = [int(event.detail.removeprefix("attempt ")) for event in done.told("step-started")]
    last = max(event.at for _, event in done.events)
    return {
        "gateways": count,
        "ended": sum(record.state is OnboardingState.COMPLETED for record in done.records),
        "attention": sum(record.state is OnboardingState.NEEDS_ATTENTION for record in done.records),
        "minutes": max(ends, default=WITHIN) / MINUTE,
        "longestTurn": max(longest_turn(trail, last) for trail in trails.values()),
        "throttled": postponed[False],
        "heldUp": postponed[True],
        "attempts": max(attempts),
        "real": real,
        "samples": [(end / MINUTE, number) for number, end in enumerate(ends, 1) if number % EACH == 0],
    }


def show(measured: Mapping[str, Any]) -> Shown:
    count = measured["gateways"]
    headings = (
        "gateways", "ended", "need attention", "simulated minutes", "a simulated minute", "longest without a turn, s",
        "turns throttled", "turns that waited for a pause", "most attempts of a step", "s really",
    )  # fmt: skip
    row = (
        count, measured["ended"], measured["attention"], measured["minutes"], measured["ended"] / measured["minutes"],
        measured["longestTurn"], measured["throttled"], measured["heldUp"], measured["attempts"], measured["real"],
    )  # fmt: skip
    full = count == GATEWAYS
    said = f"{GATEWAYS:,} gateways at once, {SHARE:.0%} of the calls throttled"
    return Shown(
        how=(
            "The real rules, engine and adapters' pauses in the simulation, three hosts: one call of twenty, drawn by a"
            f" seed, is answered 429, Retry-After {PAUSE:g} s, which holds up every call to that service, of all"
            " gateways. So calls come in spurts of twenty and pauses between them, whatever the machine. Microsoft"
            " completes a gateway in a minute, people answer each minute."
        ),
        grids=(Grid(headings, [row]),),
        plots=(
            Lines(
                "fleet-throttled", "Gateways ended", "simulated minutes", "gateways",
                (Line("ended", tuple(map(tuple, measured["samples"]))),),
            ),
        ),
        targets=(
            Target(f"{said}: longest without a turn", measured["longestTurn"] if full else None, at_most=60, unit="s"),
            Target(f"{said}: need attention", measured["attention"] if full else None, at_most=0),
            Target(f"{said}: have not ended", count - measured["ended"] if full else None, at_most=0),
        ),
    )  # fmt: skip


PART = Part("fleet-throttled", "A thousand gateways at once, throttled", "2 minutes", run, show)
