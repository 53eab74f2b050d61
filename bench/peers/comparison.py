"""This beside others who do the same work: seconds, CPU and memory for a gateway, alone and fifty at once."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.calls import counted
from bench.hosted.app import AS_IN_AZURE
from bench.operator import Operator
from bench.part import Bars, Grid, Json, Part, Shown, Target, ratio
from bench.peers.postgres import MissingError, Postgres
from bench.peers.running import Ours, PeerError, PeerProcess, Running
from bench.usage import Peak
from sandbox.cloud import Cloud
from sandbox.ports import Ports
from sandbox.setup.problem import SetupError

ALONE, AT_ONCE, ROUNDS = 5, 50, 5
"""Gateways one after another, gateways at once, and rounds of both: in each round every peer has its turn."""
QUICK = (1, 2, 1)
OURS, FLOOR, DBOS, PREFECT = "this", "asyncio", "dbos-postgresql", "prefect-postgresql"


@dataclass(frozen=True, slots=True)
class Peer:
    """One row of the table."""

    name: str
    title: str
    module: str
    """Of this folder, with its lock beside it."""
    database: str | None = None
    """`sqlite`, or the driver of a PostgreSQL."""


PEERS = (
    Peer(FLOOR, "bare asyncio + httpx (the floor of the calls)", "bare_asyncio"),
    Peer(DBOS, "DBOS 3.4, PostgreSQL", "with_dbos", "psycopg"),
    Peer("dbos-sqlite", "DBOS 3.4, SQLite", "with_dbos", "sqlite"),
    Peer(PREFECT, "Prefect 3.9, PostgreSQL (ten at once)", "with_prefect", "asyncpg"),
)
TITLES = {**{peer.name: peer.title for peer in PEERS}, OURS: "this"}


def run(quick: bool) -> Json:
    """Every peer that can be had on this machine, round by round in turn."""
    alone, at_once, rounds = QUICK if quick else (ALONE, AT_ONCE, ROUNDS)
    left_out: dict[str, str] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)))
        # PostgreSQL may run as another user.
        folder.chmod(0o755)
        ports = Ports.free()
        cloud = stack.enter_context(Cloud(ports, folder=folder / "cloud", overrides=AS_IN_AZURE))
        operator = stack.enter_context(Operator(cloud))
        started: dict[str, PeerProcess] = {}
        databases = _databases(stack, folder, left_out)
        for peer in PEERS:
            if peer.name in left_out:
                continue
            try:
                started[peer.name] = stack.enter_context(closing(_start(peer, cloud, folder, databases)))
            except (SetupError, MissingError) as error:
                left_out[peer.name] = str(error).strip()
        running: dict[str, Running] = {OURS: Ours(cloud, operator)}
        for name, one in started.items():
            try:
                one.wait_ready()
                running[name] = one
            except PeerError as error:
                left_out[name] = str(error).strip()
        names = _names()
        rows: dict[str, dict[str, list[float]]] = {name: {} for name in running}
        # The first of each also pays for imports, connections and tables.
        for turn in range(rounds + 1):
            turns: dict[str, list[Json]] = {}
            for name, engine in running.items():
                turns[name] = [_measure(engine, operator, names, 1) for _ in range(alone if turn else 1)]
            for name, engine in running.items():
                turns[name].append(_measure(engine, operator, names, at_once if turn else 2))
            if turn:
                for name, taken in turns.items():
                    for kind, few in (("alone", taken[:-1]), ("atOnce", taken[-1:])):
                        rows[name].setdefault(f"{kind}Seconds", []).extend(f["seconds"] for f in few)
                        rows[name].setdefault(f"{kind}Cpu", []).extend(f["cpu"] for f in few)
                    rows[name].setdefault("megabytes", []).extend(f["megabytes"] for f in taken)
        cloud.check()
        asked = {name: _calls(engine, operator, names) for name, engine in running.items()}
        found = {name: {**row, "calls": asked[name]} for name, row in rows.items()}
    return {"alone": alone, "atOnce": at_once, "rounds": rounds, "peers": found, "leftOut": left_out}


def _databases(stack: ExitStack, folder: Path, left_out: dict[str, str]) -> Callable[[Peer], str]:
    """Makes each peer's database; the peers that cannot have one are left out."""
    postgres: Postgres | None = None
    try:
        port = Ports.free().functions
        postgres = stack.enter_context(Postgres(folder / "postgres", port))
    except (MissingError, OSError) as error:
        left_out.update({p.name: str(error) for p in PEERS if p.database not in (None, "sqlite")})

    def make(peer: Peer) -> str:
        if peer.database is None:
            return ""
        if peer.database == "sqlite":
            return f"sqlite:///{folder / peer.name}.sqlite"
        assert postgres is not None
        name = peer.name.replace("-", "_")
        postgres.create(name)
        return postgres.url(name, peer.database)

    return make


def _start(peer: Peer, cloud: Cloud, folder: Path, database: Callable[[Peer], str]) -> PeerProcess:
    port = Ports.free().functions
    return PeerProcess(peer.module, cloud, folder / peer.name, database=database(peer), port=port)


def _names() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"bench-{number}"


def _measure(one: Running, operator: Operator, names: Iterator[str], count: int) -> Json:
    """Seconds for all, and CPU for each."""
    gateways = [next(names) for _ in range(count)]
    operator.deploy(gateways)
    before = one.tree.cpu()
    with Peak(one.tree) as peak:
        seconds = one.onboard(gateways)
    return {"seconds": seconds, "cpu": (one.tree.cpu() - before) / count, "megabytes": peak.megabytes}


def _calls(one: Running, operator: Operator, names: Iterator[str]) -> int:
    """What one gateway asks of Microsoft: the work is the same only if this is."""
    name = next(names)
    operator.deploy([name])
    operator.control.delete("/requests").raise_for_status()
    one.onboard([name])
    return counted(operator.control.get("/requests").raise_for_status().json()).total()


def figures(measured: Mapping[str, Any], peer: str) -> dict[str, float] | None:
    """Of one peer: medians over the rounds; None when it was left out."""
    found = measured["peers"].get(peer)
    if found is None:
        return None
    return {
        "seconds": statistics.median(found["aloneSeconds"]),
        "cpu": statistics.median(found["aloneCpu"]),
        "perMinute": 60 * measured["atOnce"] / statistics.median(found["atOnceSeconds"]),
        "cpuAtOnce": statistics.median(found["atOnceCpu"]),
        "megabytes": max(found["megabytes"]),
        "calls": found["calls"],
    }


def show(measured: Mapping[str, Any]) -> Shown:
    """The table, and how far this is from its peers."""
    rows = {name: figures(measured, name) for name in TITLES}
    there = {name: row for name, row in rows.items() if row}
    headings = (
        "", "one at a time: s a gateway", "CPU s", f"{measured['atOnce']} at once: gateways a minute", "CPU s",
        "peak MB", "calls to Microsoft",
    )  # fmt: skip
    keys = ("seconds", "cpu", "perMinute", "cpuAtOnce", "megabytes", "calls")
    ours, dbos = there[OURS], there.get(DBOS, {})
    at_once = f"CPU of a gateway, {measured['atOnce']} at once: this / {TITLES[DBOS]}"
    return Shown(
        how=(
            "Each engine does the same for a gateway, behind the same simulated Microsoft: the 14 steps' reads and"
            " writes, and telling people; waits at zero, checkpoints confirmed when people have been told. Every round"
            f" gives each engine its turn, {measured['alone']} gateways one at a time and then {measured['atOnce']} at"
            f" once; medians of {measured['rounds']} rounds, after one that is thrown away. CPU is user and system"
            " time of the engine's own processes (of Prefect its server too, of this the Functions host); databases,"
            " emulators, simulator and whoever posts and confirms are apart. Peak MB is the resident memory of the"
            " same processes."
        ),
        grids=(Grid(headings, [(TITLES[n], *(row[k] for k in keys)) for n, row in there.items()]),),
        plots=(
            Bars("peers-cpu", headings[3].split(":")[0] + ": CPU of a gateway", "s",
                 tuple((TITLES[n], row["cpuAtOnce"]) for n, row in there.items())),
            Bars("peers-alone", "One at a time: seconds of a gateway", "s",
                 tuple((TITLES[n], row["seconds"]) for n, row in there.items())),
        ),
        targets=(
            Target(at_once, ratio(ours["cpuAtOnce"], dbos.get("cpuAtOnce")), at_most=1.0),
            Target(f"CPU of a gateway alone: this / {TITLES[DBOS]}", ratio(ours["cpu"], dbos.get("cpu")), at_most=1.5),
            Target("Seconds of a gateway alone", ours["seconds"], at_most=0.6, unit="s"),
        ),
        left_out=tuple(f"{TITLES[name]}: {why}" for name, why in measured["leftOut"].items()),
    )  # fmt: skip


PART = Part("peers", "This and its peers", "15 minutes", run, show)
