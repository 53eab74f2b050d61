"""Calls to Microsoft for each sample, from the request to completed; tests/journeys/test_calls.py pins them."""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.operator import SAMPLE, Operator, StuckError
from bench.part import Grid, Json, Part, Shown
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID
from sandbox.cloud import Cloud
from sandbox.ports import Ports
from sandbox.requester import with_trunks_at

SAMPLES = tuple(
    sample
    for sample in sorted(path.stem for path in SAMPLE.parent.glob("*.json"))
    # It waits for people to say yes twice.
    if sample != "second-person"
)
QUICK_SAMPLES = ("operator-connect",)
KINDS = {
    "arm read": "ARM reads",
    "arm write": "ARM writes",
    "graph read": "Graph reads",
    "graph write": "Graph writes",
    "graph batch": "Graph $batch, each as one",
    "mail": "e-mails",
    "teams": "Teams posts",
}
LOOK = "arm look"
"""A list of a subscription's gateways, or a peering: as many as there are looks, whoever else waits in it."""
BOUND = 120.0


def counted(entries: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """The simulator's journal by kinds, over the wire: what is inside a $batch is not counted again. Pure."""
    return Counter(filter(None, map(_kind, entries)))


def _kind(entry: Mapping[str, Any]) -> str | None:
    service, path = entry["service"], entry["url"].partition("?")[0]
    if "batch" in entry or service not in ("arm", "graph", "teams"):
        return None
    if service == "teams":
        return "teams"
    if path.endswith("/sendMail"):
        return "mail"
    if path.endswith("/$batch"):
        return "graph batch"
    if path.endswith("/communicationsGateways") or "/Microsoft.Peering/" in path:
        return LOOK
    return f"{service} {'read' if entry['method'] == 'GET' else 'write'}"


def told_of(record: Mapping[str, Any]) -> list[str]:
    """The open checkpoints of which people have been told: who confirms before is told nothing. Pure."""
    if any(notice["nextAttemptAt"] for notice in record["notices"]):
        return []
    steps = record["steps"]
    return [step["name"] for step in steps if step["kind"] == "checkpoint" and step["state"] == "waiting"]


def is_over(record: Mapping[str, Any]) -> bool:
    """Completed, and everybody has been told. Pure."""
    return record["state"] == "completed" and not any(notice["nextAttemptAt"] for notice in record["notices"])


def run(quick: bool) -> Json:
    found: dict[str, Json] = {}
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Cloud(Ports.free(), folder=Path(folder)) as cloud,
        Operator(cloud) as operator,
    ):
        for sample in QUICK_SAMPLES if quick else SAMPLES:
            operator.control.post("/reset").raise_for_status()
            operator.lift_limits()
            body: Json = json.loads((SAMPLE.parent / f"{sample}.json").read_text(encoding="utf-8"))
            body = json.loads(with_trunks_at(json.dumps(body).encode(), cloud.ports.trunks))
            if body["alreadyOnboarded"]:
                application = {"appId": PROJECT_SYNERGY_APP_ID}
                operator.control.put("/service-principals", json=application).raise_for_status()
            (onboarding_id,) = operator.post([body])
            end = time.monotonic() + BOUND
            while not is_over(record := operator.record(onboarding_id)):
                if time.monotonic() > end:
                    raise StuckError(f"{onboarding_id} stands at {record['state']}: {record['lastError']}")
                for step in told_of(record):
                    operator.confirm(onboarding_id, step)
                time.sleep(0.02)
            found[sample] = dict(counted(operator.control.get("/requests").raise_for_status().json()))
    return {"samples": found}


def show(measured: Mapping[str, Any]) -> Shown:
    samples = measured["samples"]
    rows = [(sample, *(kinds.get(kind, 0) for kind in KINDS), _together(kinds)) for sample, kinds in samples.items()]
    return Shown(
        how=(
            "What reached the simulated Microsoft from the request to completed, waits at zero, without the looks at"
            " waits: one list of a subscription's gateways serves all that wait in it. A test pins these numbers"
            " ([`tests/journeys/test_calls.py`](../tests/journeys/test_calls.py))."
        ),
        grids=(Grid(("sample", *KINDS.values(), "together"), rows),),
    )


def _together(kinds: Mapping[str, int]) -> int:
    return sum(kinds.get(kind, 0) for kind in KINDS)


PART = Part("calls", "Calls to Microsoft for each sample", "1 minute", run, show)
