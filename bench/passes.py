"""The timer's pass over many waits at which nothing is new: how long, how much memory, and what it asks and writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.filling import places
from bench.part import Grid, Json, Line, Lines, Part, Shown, Target
from sandbox.cloud import Cloud
from sandbox.options import ROOT
from sandbox.ports import HOST, Ports
from sandbox.settings import inherited

SIZES, SPREADS, PASSES = (100, 1_000, 10_000), (1, 20), 3
QUICK_SIZES, QUICK_SPREADS, QUICK_PASSES = (20,), (1, 5), 1
KINDS = {"provisioning": "gateways that are not ready", "txt": "TXT records that are not there"}
ARM_PAGE, TABLE_PAGE = 100, 1_000
"""Gateways of a page of ARM's list (as the simulator has it), rows of a page of Table Storage."""
OTHER_READS = 5
"""Of each pass: what is due, the last looks, how far comparing got, a slice of records, their rows of what stands."""
LARGEST = 10_000


def run(quick: bool) -> Json:
    sizes, spreads, passes = (QUICK_SIZES, QUICK_SPREADS, QUICK_PASSES) if quick else (SIZES, SPREADS, PASSES)
    found: list[Json] = []
    ports = Ports.free()
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Cloud(ports, folder=Path(folder), provisioning=-1, dns_delay=-1, without={"broker", "functions"}) as cloud,
        _zones() as port,
    ):
        for spread in spreads:
            for size in sizes:
                for kind in KINDS:
                    cloud.restart("azurite")
                    if kind == "provisioning":
                        _deploy(cloud, size, spread)
                    found.append(_case(cloud, port, kind, size, spread, passes))
    return {"cases": found}


@contextmanager
def _zones() -> Iterator[int]:
    """Name servers of any number of zones; their port."""
    port = Ports.free().dns
    command = [sys.executable, "-P", "-m", "bench.zones", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    servers = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment, text=True)
    try:
        assert servers.stdout is not None
        if not servers.stdout.readline().startswith("READY"):
            raise RuntimeError("the name servers of the bench did not start")
        yield port
    finally:
        servers.terminate()
        servers.wait()


def _deploy(cloud: Cloud, size: int, spread: int) -> None:
    with httpx.Client(base_url=cloud.control, timeout=60, trust_env=False) as control:
        control.post("/reset").raise_for_status()
        for place in places(size, spread):
            body = {"name": place.name, "subscription": place.subscription, "status": "ChangePending"}
            control.put("/gateways", json=body).raise_for_status()


def _case(cloud: Cloud, dns_port: int, kind: str, size: int, spread: int, passes: int) -> Json:
    """In a process of its own, so that its memory is that of the passes."""
    environment = {
        **inherited(os.environ),
        **cloud.settings,
        "ONBOARDING_PUBLIC_RESOLVERS": f"{HOST}:{dns_port}",
        "ONBOARDING_DNS_AUTHORITATIVE_PORT": str(dns_port),
        "ONBOARDING_POLL_FIRST": "60",
        "ONBOARDING_POLL_LONGEST": "3600",
        "PYTHONPATH": str(ROOT),
    }
    for name in [name for name in environment if name.startswith("OTEL_")]:
        del environment[name]
    asked = {"kind": kind, "size": size, "spread": spread, "passes": passes}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "bench.passing", json.dumps(asked)],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the passes over {size} waits ({kind}) ended with status {done.returncode}")
    return {**asked, **json.loads(done.stdout.splitlines()[-1])}


def pages(size: int, spread: int) -> int:
    """Of ARM's lists, together."""
    return sum(-(-len(range(first, size, spread)) // ARM_PAGE) for first in range(min(spread, size)))


def show(measured: Mapping[str, Any]) -> Shown:
    cases = measured["cases"]
    rows = []
    for case in cases:
        last = case["rounds"][-1]
        slowest = max(r["seconds"] for r in case["rounds"])
        rows.append(
            (
                f"{case['size']:,} {KINDS[case['kind']]}", case["spread"], last["looked"], slowest,
                max(r["cpu"] for r in case["rounds"]), case["growth"], last["arm"], last["tableReads"],
                last["recordWrites"], last["otherWrites"],
            )
        )  # fmt: skip
    lines = tuple(
        Line(
            f"{KINDS[kind]}, spread over {spread}",
            tuple(
                (c["size"], max(r["seconds"] for r in c["rounds"]))
                for c in cases if c["kind"] == kind and c["spread"] == spread
            ),
        )
        for kind in KINDS for spread in sorted({c["spread"] for c in cases})
    )  # fmt: skip
    headings = (
        "waits", "subscriptions or zones", "looked at", "s a pass", "CPU s", "MB grown", "ARM calls", "table reads",
        "record writes", "other writes",
    )  # fmt: skip
    return Shown(
        how=(
            "All the waits are due at each pass, and nothing is new: an hour passes between two of them on the engine's"
            " clock. Two passes are thrown away: one writes the thin rows, one looks at each wait for the first time."
            " Of the others the slowest is shown, and the counts of the last; each compares a slice of the records with"
            " their rows too. A process for each row, with the product's own adapters on Azurite, the simulated Azure"
            " Resource Manager, and name servers for as many zones. MB grown is the most resident memory during"
            " the passes, beyond what the process had before the first. *Looked at* is what one pass came to."
        ),
        grids=(Grid(headings, rows),),
        plots=(Lines("passes", "Seconds of a pass at which nothing is new", "waits", "s", lines),),
        targets=tuple(_targets(cases)),
    )


def _targets(cases: Any) -> Iterator[Target]:
    large = [case for case in cases if case["size"] == LARGEST]
    said = f"{LARGEST:,} waits with nothing new"
    rounds = [(case, case["rounds"][-1]) for case in large]
    yield Target(
        f"{said}: seconds of a pass",
        max((r["seconds"] for c in large for r in c["rounds"]), default=None),
        at_most=10,
        unit="s",
    )
    looked = min((r["looked"] for _, r in rounds), default=None)
    yield Target(f"{said}: looked at in one pass", looked, at_least=LARGEST)
    yield Target(f"{said}: growth", max((c["growth"] for c in large), default=None), at_most=200, unit="MB")
    arm = [r["arm"] / pages(c["size"], c["spread"]) for c, r in rounds if c["kind"] == "provisioning"]
    yield Target(f"{said}: ARM calls / pages", max(arm, default=None), at_most=1)
    reads = [r["tableReads"] - OTHER_READS - -(-c["size"] // TABLE_PAGE) for c, r in rounds]
    yield Target(f"{said}: table reads beyond pages of thin rows", max(reads, default=None), at_most=0)
    yield Target(f"{said}: record writes", max((r["recordWrites"] for _, r in rounds), default=None), at_most=0)


PART = Part("passes", "Passes over many waits", "10 minutes", run, show)
