"""A thousand gateways at once."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.operator import Operator, body_for
from bench.part import Grid, Json, Line, Lines, Part, Shown, Target
from bench.usage import Tree
from sandbox.cloud import Cloud
from sandbox.ports import Ports

GATEWAYS, QUICK = 1_000, 6
FIRST = 100
"""After so many the memory should stay as it is."""
BOUND, QUICK_BOUND = 3_600.0, 6.0
SAMPLE_EVERY = 1.0


def run(quick: bool) -> Json:
    count, bound = (QUICK, QUICK_BOUND) if quick else (GATEWAYS, BOUND)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Cloud(Ports.free(), folder=Path(folder)) as cloud,
        Operator(cloud) as operator,
    ):
        pid = cloud.pid("functions")
        assert pid is not None
        tree = Tree(pid)
        names = [f"fleet-{number}" for number in range(count + 1)]
        operator.deploy(names)
        # The first one also pays for imports, connections and tables.
        operator.run([body_for(names.pop())], BOUND)
        samples: list[tuple[float, int, float]] = []
        cpu, began = tree.cpu(), time.perf_counter()
        ids = operator.post([body_for(name) for name in names])
        left: Mapping[str, str] = {}
        for left in operator.answering(ids, bound):
            now = time.perf_counter() - began
            if not samples or now >= samples[-1][0] + SAMPLE_EVERY or not left:
                samples.append((now, count - len(left), tree.megabytes()))
        cpu, seconds = tree.cpu() - cpu, time.perf_counter() - began
        ended = datetime.now(UTC)
        turns = [longest_turn(operator.events(onboarding_id), ended) for onboarding_id in ids]
    return {
        "gateways": count,
        "ended": count - len(left),
        "attention": sum(state == "needs-attention" for state in left.values()),
        "seconds": seconds,
        "cpu": cpu / count,
        "longestTurn": max(turns),
        "samples": samples,
    }


def longest_turn(events: Iterable[Mapping[str, Any]], until: datetime) -> float:
    """The most seconds that a step of this onboarding was due and had not been started, until then. Pure."""
    due: dict[str, datetime] = {}
    longest = 0.0
    for event in events:
        changes, at = event["changes"], datetime.fromisoformat(event["at"])
        if event["what"] == "step-started" and event["step"] in due:
            longest = max(longest, (at - due.pop(event["step"])).total_seconds())
        for path, (_, after) in changes.items():
            step, _, field = path.removeprefix("steps.").rpartition(".")
            if path.startswith("steps.") and field == "state" and after == "due":
                # A step that is to be tried again later has its turn later.
                _, then = changes.get(f"steps.{step}.nextAttemptAt", (None, None))
                due[step] = datetime.fromisoformat(then) if then else at
    return max(longest, *((until - then).total_seconds() for then in due.values()), 0.0)


def memory_after(samples: Iterable[tuple[float, int, float]], first: int) -> tuple[float, float] | None:
    """MB when the first so many had ended, and the most after that; None when they never had. Pure."""
    later = [megabytes for _, ended, megabytes in samples if ended >= first]
    return (later[0], max(later)) if later else None


def show(measured: Mapping[str, Any]) -> Shown:
    count, ended = measured["gateways"], measured["ended"]
    rate = 60 * ended / measured["seconds"]
    memory = memory_after([(*sample,) for sample in measured["samples"]], min(FIRST, max(1, count // 4)))
    grown = memory[1] / memory[0] if memory else None
    headings = (
        "gateways", "ended", "need attention", "s", "a minute", "CPU s a gateway", "longest without a turn, s",
        "MB after the first", "most MB after that",
    )  # fmt: skip
    row = (
        count, ended, measured["attention"], measured["seconds"], rate, measured["cpu"], measured["longestTurn"],
        *(memory or (None, None)),
    )  # fmt: skip
    said = f"{GATEWAYS:,} gateways at once"
    full = count == GATEWAYS
    samples = measured["samples"]
    return Shown(
        how=(
            "All are requested at once, on one Functions host; waits at zero, checkpoints confirmed when people have"
            " been told. The time without a turn is from a step being due to its start, by the audit trail, of the"
            f" step that waited longest. *After the first* is when {FIRST} of them had ended."
        ),
        grids=(Grid(headings, [row]),),
        plots=(
            Lines(
                "fleet", "Ended, and memory of the Functions host", "seconds", "gateways, MB",
                (
                    Line("gateways ended", tuple((s[0], s[1]) for s in samples)),
                    Line("MB", tuple((s[0], s[2]) for s in samples)),
                ),
            ),
        ),
        targets=(
            Target(f"{said}: a minute", rate if full else None, at_least=150),
            Target(f"{said}: longest without a turn", measured["longestTurn"] if full else None, at_most=60, unit="s"),
            Target(f"{said}: most memory / after the first {FIRST}", grown if full else None, at_most=1.1),
            Target(f"{said}: need attention", measured["attention"] if full else None, at_most=0),
            Target(f"{said}: have not ended", count - ended if full else None, at_most=0),
        ),
    )  # fmt: skip


PART = Part("fleet", "A thousand gateways at once", "15 minutes", run, show)
