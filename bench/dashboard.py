"""The dashboard's and the list's answer times, with thousands of onboardings on Azurite."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from bench.hosted.app import NEVER
from bench.part import Grid, Json, Part, Shown
from onboarding.azure.tables import AzureTable
from sandbox import azurite as azurite_part
from sandbox.cloud import Cloud
from sandbox.ports import Ports
from tests.support import crowd

ONBOARDINGS, REQUESTS = 2000, 30
QUICK = (40, 3)
PAUSE = 11.0
"""Seconds after which nothing that the application keeps between requests (the counts at the top) is still good."""
PATHS = (
    "/api/dashboard",
    "/api/dashboard?sort=gateway",
    "/api/dashboard?state=needs-attention",
    "/api/dashboard?waitsOn=onboarding-team",
    "/api/dashboard/{id}",
    "/api/onboardings",
    "/api/onboardings?state=needs-attention",
    "/api/onboardings/{id}",
)


def run(quick: bool) -> Json:
    count, requests = QUICK if quick else (ONBOARDINGS, REQUESTS)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        # The timer would take the crowd's rows for work to do.
        Cloud(Ports.free(), folder=Path(folder), overrides={"ONBOARDING_TIMER_SCHEDULE": NEVER}) as cloud,
        httpx.Client(base_url=cloud.api, timeout=60, trust_env=False) as client,
    ):
        one = asyncio.run(_fill(cloud, count))
        pause = 0.0 if quick else PAUSE
        answers = [_answers(client, path, path.replace("{id}", one), requests, pause) for path in PATHS]
    return {"onboardings": count, "requests": requests, "answers": answers}


async def _fill(cloud: Cloud, count: int) -> str:
    connection = azurite_part.connection_string(cloud.ports)
    onboardings, events = (AzureTable(n, connection_string=connection) for n in ("onboardings", "events"))
    try:
        made = await crowd.put(crowd.crowd(count, datetime.now(UTC)), onboardings, events)
        return made[0].id
    finally:
        await onboardings.close()
        await events.close()


def _answers(client: httpx.Client, path: str, url: str, requests: int, pause: float) -> Json:
    """Times in milliseconds, from the request to the last byte of the answer."""
    size = 0

    def ask() -> float:
        nonlocal size
        began = time.perf_counter()
        size = len(client.get(url).raise_for_status().content)
        return (time.perf_counter() - began) * 1000

    first, *times = (ask() for _ in range(requests + 1))
    time.sleep(pause)
    return {"path": path, "first": first, "times": times, "afterPause": ask(), "kilobytes": size / 1024}


def show(measured: Mapping[str, Any]) -> Shown:
    rows = [
        (f"`{a['path']}`", a["first"], min(a["times"]), statistics.median(a["times"]), max(a["times"]), a["afterPause"],
         a["kilobytes"])
        for a in measured["answers"]
    ]  # fmt: skip
    headings = ("path", "first ms", "least ms", "median ms", "most ms", "after a pause ms", "KB")
    return Shown(
        how=(
            f"{measured['onboardings']:,} onboardings in every state on Azurite, {measured['requests']} requests of"
            f" each path. *After a pause* is one request after nobody has asked for {PAUSE:.0f} seconds."
        ),
        grids=(Grid(headings, rows),),
    )


PART = Part("dashboard", "Pages and lists", "3 minutes", run, show)
