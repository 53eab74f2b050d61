"""What grows: an onboarding with 500 events, and 50,000 closed onboardings beside 100 open ones."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from bench.filling import YESTERDAY, Place, closed, places, provisioning, put_like, rows_like
from bench.hosted.app import NEVER
from bench.part import Grid, Json, Line, Lines, Part, Shown, ratio
from onboarding.azure.tables import TRANSACTION_ROWS, AzureTable
from onboarding.core.events import Happening, PauseRequested, ResumeRequested
from onboarding.core.policy import Policy
from onboarding.durations import Durations
from onboarding.engine import Engine
from onboarding.memory import ManualClock, MemoryBus, MemoryTable, MemoryWorld
from onboarding.planning.store import Plans
from onboarding.reads import Reads
from onboarding.rows import CLOSED, OPEN, to_row
from onboarding.timer import timer_pass
from sandbox import azurite
from sandbox.cloud import Cloud
from sandbox.ports import Ports
from tests.support.kept import records_on
from tests.support.system import TELLING

EVENTS, CLOSED_ONES, OPEN_ONES, REQUESTS = 500, 50_000, 100, 30
QUICK = (40, 200, 5, 1)
WINDOW = 20
"""Transitions that a median is taken over."""
HISTORY_PATHS = ("/api/onboardings/{id}", "/api/onboardings/{id}/events", "/api/dashboard/{id}")
CROWD_PATHS = (
    "/api/onboardings",
    "/api/onboardings?state=waiting-for-microsoft",
    "/api/onboardings?text=gateway-000007",
    "/api/dashboard",
    "/api/dashboard?state=needs-attention",
)


def run(quick: bool) -> Json:
    events, closed_ones, open_ones, requests = QUICK if quick else (EVENTS, CLOSED_ONES, OPEN_ONES, REQUESTS)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Cloud(Ports.free(), folder=Path(folder), overrides={"ONBOARDING_TIMER_SCHEDULE": NEVER}) as cloud,
        httpx.Client(base_url=cloud.api, timeout=120, trust_env=False) as client,
    ):
        measured = asyncio.run(_measure(cloud, client, events, closed_ones, open_ones, requests))
    return {"events": events, "closed": closed_ones, "open": open_ones, **measured}


@dataclass(frozen=True, slots=True)
class _Kept:
    """The product's rules and records on Azurite's tables, with a clock in hand and Microsoft in memory."""

    engine: Engine
    clock: ManualClock
    outside: MemoryWorld
    onboardings: AzureTable


@asynccontextmanager
async def _kept(cloud: Cloud) -> AsyncIterator[_Kept]:
    connection = azurite.connection_string(cloud.ports)
    onboardings, events = (AzureTable(name, connection_string=connection) for name in ("onboardings", "events"))
    clock, outside = ManualClock(datetime.now(UTC)), MemoryWorld()
    records = records_on(onboardings, events)
    reads, plans = Reads(MemoryTable(), Policy()), Plans(MemoryTable())
    durations, world = Durations(MemoryTable(), {}), outside.world
    engine = Engine(records, MemoryBus(), clock, world, Policy(), TELLING, reads, plans, durations)
    try:
        yield _Kept(engine, clock, outside, onboardings)
    finally:
        await onboardings.close()
        await events.close()


async def _measure(
    cloud: Cloud, client: httpx.Client, events: int, closed_ones: int, open_ones: int, requests: int
) -> Json:
    async with _kept(cloud) as kept:
        first, *others = places(open_ones, 1)
        like = await provisioning(first, kept.clock.now() - YESTERDAY)
        await put_like(like, first, [first, *others], kept.engine.records)
        history = await _history(kept, client, like.id, events, requests)
        for place in (first, *others):
            kept.outside.deploy(place.request)
            kept.outside.gateways.resources[place.request.gateway.id.key]["properties"]["status"] = "ChangePending"
        crowds = [await _crowd(kept, client, 0, requests)]
        await _fill_closed(kept.onboardings, first, closed_ones)
        crowds.append(await _crowd(kept, client, closed_ones, requests))
    return {"history": history, "crowds": crowds}


async def _history(kept: _Kept, client: httpx.Client, onboarding_id: str, events: int, requests: int) -> Json:
    """One onboarding is paused and resumed until it has so many events."""
    loaded = await kept.engine.records.load(onboarding_id)
    assert loaded is not None
    at_first = await asyncio.to_thread(_answers, client, HISTORY_PATHS, onboarding_id, requests)
    version, transitions = loaded.record.version, list[tuple[int, float, float, int]]()
    reason = "A change freeze: nothing is touched until the new exchange is in service."
    while version < events:
        paused = len(transitions) % 2 == 1
        happening: Happening = ResumeRequested("bench") if paused else PauseRequested("bench", reason)
        began, cpu = time.perf_counter(), time.process_time()
        done = await kept.engine.happen(onboarding_id, happening)
        assert done is not None
        taken = (time.perf_counter() - began, time.process_time() - cpu)
        assert done.changed
        version = done.record.version
        size = len(json.dumps(to_row(done.record, OPEN).columns, default=str))
        transitions.append((version, 1000 * taken[0], 1000 * taken[1], size))
        kept.clock.advance(60)
    at_last = await asyncio.to_thread(_answers, client, HISTORY_PATHS, onboarding_id, requests)
    return {"transitions": transitions, "answersAtFirst": at_first, "answersAtLast": at_last}


async def _fill_closed(table: AzureTable, of: Place, count: int) -> None:
    """Rows of completed onboardings; their events are left out, since nothing that is measured reads them."""
    record = await closed(of, datetime.now(UTC) - YESTERDAY)
    names = (Place(f"closed-{number:06d}", of.subscription, 1) for number in range(count))
    rows = rows_like(record, of, names, CLOSED)
    while part := list(islice(rows, TRANSACTION_ROWS)):
        await table.upsert(part)


async def _crowd(kept: _Kept, client: httpx.Client, closed_ones: int, requests: int) -> Json:
    """A pass over the open ones, and the answers of pages and lists."""
    passes = []
    for _ in range(3):
        kept.clock.advance(3700)
        began = time.perf_counter()
        looked = await timer_pass(kept.engine)
        passes.append({"seconds": time.perf_counter() - began, "looked": looked})
    answers = await asyncio.to_thread(_answers, client, CROWD_PATHS, "", requests)
    return {"closed": closed_ones, "passes": passes, "answers": answers}


def _answers(client: httpx.Client, paths: tuple[str, ...], onboarding_id: str, requests: int) -> dict[str, float]:
    """Path → the median milliseconds of an answer."""
    found: dict[str, float] = {}
    for path in paths:
        times = []
        for _ in range(requests + 1):
            began = time.perf_counter()
            client.get(path.replace("{id}", onboarding_id)).raise_for_status()
            times.append(1000 * (time.perf_counter() - began))
        found[path] = statistics.median(times[1:])
    return found


def show(measured: Mapping[str, Any]) -> Shown:
    history, (few, many) = measured["history"], measured["crowds"]
    transitions = history["transitions"]
    window = min(WINDOW, max(1, len(transitions) // 2))
    begin, end = transitions[:window], transitions[-window:]

    def middle(of: Any, place: int) -> float:
        return float(statistics.median(one[place] for one in of))

    def line(what: str, first: float, last: float) -> tuple[str, float, float, float | None]:
        return what, first, last, ratio(last, first)

    growing = [
        line("a transition, ms", middle(begin, 1), middle(end, 1)),
        line("a transition, ms of CPU", middle(begin, 2), middle(end, 2)),
        line("the row, bytes", middle(begin, 3), middle(end, 3)),
        *(line(f"`{p}`, ms", history["answersAtFirst"][p], history["answersAtLast"][p]) for p in HISTORY_PATHS),
    ]
    crowd = [
        line(f"a pass over {measured['open']} waits, s", *(
            statistics.median(p["seconds"] for p in c["passes"]) for c in (few, many)
        )),
        *(line(f"`{p}`, ms", few["answers"][p], many["answers"][p]) for p in CROWD_PATHS),
    ]  # fmt: skip
    return Shown(
        how=(
            f"One onboarding is paused and resumed until it has {measured['events']} events; medians of the first and"
            f" last {window} transitions, engine and tables alone, and of answers over HTTP. Then {measured['open']}"
            f" open onboardings, alone and with {measured['closed']:,} closed ones in the same table."
        ),
        grids=(
            Grid(("one onboarding", f"at {begin[0][0]} events", f"at {end[-1][0]} events", "ratio"), growing),
            Grid(
                (f"{measured['open']} open", "no closed ones", f"{measured['closed']:,} closed ones", "ratio"), crowd
            ),
        ),
        plots=(
            Lines("growth", "A transition, as its audit trail grows", "events", "ms, KB", (
                Line("ms of a transition", tuple((t[0], t[1]) for t in transitions)),
                Line("KB of the row", tuple((t[0], t[3] / 1000) for t in transitions)),
            )),
        ),
    )  # fmt: skip


PART = Part("growth", "What grows", "3 minutes", run, show)
