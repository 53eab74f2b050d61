"""The dashboard's and the list's answer times, with thousands of onboardings on Azurite."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from onboarding.azure.tables import AzureTable
from sandbox import azurite as azurite_part
from sandbox.cloud import Cloud
from sandbox.ports import Ports
from tests.support import crowd

ONBOARDINGS = 2000
REQUESTS = 30
PAUSE = 11.0
"""Seconds after which nothing that the application keeps between requests (the counts at the top) is still good."""
NEVER = "0 0 0 1 1 *"
"""The timer would take the crowd's rows for work to do."""
PATHS = (
    "/api/dashboard",
    "/api/dashboard?state=needs-attention",
    "/api/dashboard/{id}",
    "/api/onboardings",
    "/api/onboardings?state=needs-attention",
    "/api/onboardings/{id}",
)


@dataclass(frozen=True, slots=True)
class Answers:
    """Of one path. Times in milliseconds, from the request to the last byte of the answer."""

    path: str
    first: float
    """The first request of this path."""
    times: tuple[float, ...]
    after_pause: float
    """One request after nobody has asked for PAUSE seconds."""
    kilobytes: float

    @property
    def median(self) -> float:
        return statistics.median(self.times)


def measure() -> tuple[int, list[Answers]]:
    """How many onboardings there were, and the answers."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Cloud(Ports.free(), folder=Path(folder), overrides={"ONBOARDING_TIMER_SCHEDULE": NEVER}) as cloud,
        httpx.Client(base_url=cloud.api, timeout=60, trust_env=False) as client,
    ):
        one = asyncio.run(_fill(cloud))
        return ONBOARDINGS, [_answers(client, path.replace("{id}", one)) for path in PATHS]


async def _fill(cloud: Cloud) -> str:
    connection = azurite_part.connection_string(cloud.ports)
    onboardings, events = (AzureTable(n, connection_string=connection) for n in ("onboardings", "events"))
    try:
        made = await crowd.put(crowd.crowd(ONBOARDINGS, datetime.now(UTC)), onboardings, events)
        return made[0].id
    finally:
        await onboardings.close()
        await events.close()


def _answers(client: httpx.Client, path: str) -> Answers:
    size = 0

    def ask() -> float:
        nonlocal size
        began = time.perf_counter()
        size = len(client.get(path).raise_for_status().content)
        return (time.perf_counter() - began) * 1000

    first, *times = (ask() for _ in range(REQUESTS + 1))
    time.sleep(PAUSE)
    return Answers(path, first, tuple(times), ask(), size / 1024)
