"""A cold start: what is imported before anything can be answered, and what the first of everything takes."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import imports
from bench.first_work import first_work
from bench.operator import Operator, body_for
from bench.part import Grid, Json, Part, Shown, Target
from bench.usage import Tree
from sandbox.cloud import Cloud
from sandbox.ports import Ports

ROUNDS, QUICK_ROUNDS = 7, 1
BOUND = 120.0
FIGURES = {
    "ready": "process started → functions loaded, s",
    "answer": "the first answer over HTTP, ms",
    "message": "requested → the first step done, s",
    "completed": "requested → completed, s",
    "megabytes": "MB after that",
}

AIMS = (
    ("import, beyond the library's", "import", "import_seconds", 0.2, "s"),
    ("the first Graph call, after the import", "first Graph call", "work_seconds", 0.15, "s"),
    ("memory after the first Graph call", "first Graph call", "megabytes", 70.0, "MB"),
)


def run(quick: bool) -> Json:
    rounds = QUICK_ROUNDS if quick else ROUNDS
    modules = [
        {"module": one.module, "seconds": one.seconds, "megabytes": one.megabytes} for one in imports.measure(rounds)
    ]
    firsts = [asdict(one) for one in first_work(rounds)]
    starts: list[Json] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Cloud(Ports.free(), folder=Path(folder)) as cloud,
        Operator(cloud) as operator,
    ):
        for number in range(rounds):
            starts.append(_start(cloud, operator, f"cold-{number}"))
    return {"rounds": rounds, "modules": modules, "firsts": firsts, "starts": starts}


def _start(cloud: Cloud, operator: Operator, name: str) -> Json:
    operator.deploy([name])
    cloud.stop_part("functions")
    began = time.perf_counter()
    cloud.start_part("functions")
    ready = time.perf_counter()
    operator.api.get("/onboardings").raise_for_status()
    answered = time.perf_counter()
    (onboarding_id,) = operator.run([body_for(name)], BOUND)
    completed = time.perf_counter()
    pid = cloud.pid("functions")
    assert pid is not None
    return {
        "ready": ready - began,
        "answer": 1000 * (answered - ready),
        "message": first_step_seconds(operator.events(onboarding_id)),
        "completed": completed - answered,
        "megabytes": Tree(pid).megabytes(),
    }


def first_step_seconds(events: list[Json]) -> float:
    """From the request to the first step that is done. Pure."""
    done = next(event for event in events if event["what"] == "step-done")
    return (datetime.fromisoformat(done["at"]) - datetime.fromisoformat(events[0]["at"])).total_seconds()


def show(measured: Mapping[str, Any]) -> Shown:
    alone, app = measured["modules"]
    modules = [(m["module"], m["seconds"], m["megabytes"]) for m in (alone, app)]
    difference = ("difference", app["seconds"] - alone["seconds"], app["megabytes"] - alone["megabytes"])
    firsts = [(f["work"], f["import_seconds"], f["work_seconds"], f["megabytes"]) for f in measured["firsts"]]
    figures = [(what, *_spread([start[key] for start in measured["starts"]])) for key, what in FIGURES.items()]
    return Shown(
        how=(
            f"Imports: medians of {measured['rounds']} processes each, in turn. First work: the same, with what a"
            " process does first after the import, which is here what it takes beyond `azure.functions`; MB at its end,"
            " of the whole process. Starts: the Functions host is stopped and started anew beside a cloud that runs,"
            " and one onboarding is requested, with waits at zero. The host is the sandbox's, and the files are in the"
            " machine's cache; Azure's own start comes before all of this."
        ),
        grids=(
            Grid(("import", "s", "MB"), [*modules, difference]),
            Grid(("first work", "s of the import", "s of the work", "MB"), firsts),
            Grid(("start", "median", "least", "most"), figures),
        ),
        targets=tuple(_targets(measured)),
    )


def _targets(measured: Mapping[str, Any]) -> Iterator[Target]:
    full = measured["rounds"] == ROUNDS
    of = {first["work"]: first for first in measured["firsts"]} if full else {}
    for says, work, key, bound, unit in AIMS:
        yield Target(f"Cold: {says}", of[work][key] if full else None, at_most=bound, unit=unit)


def _spread(values: list[float]) -> tuple[float, float, float]:
    return statistics.median(values), min(values), max(values)


PART = Part("cold", "A cold start", "3 minutes", run, show)
