"""`python -m bench.passing '{"kind": …, "size": …, "spread": …, "passes": …}'`: the passes of one case, measured.

It prints one line of JSON. The settings are those of the function app.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline.transport import AioHttpTransport

from bench.filling import YESTERDAY, places, provisioning, put_like, txt_record
from bench.part import Json
from bench.usage import Peak, Tree
from onboarding import app
from onboarding.azure.tables import AzureTable
from onboarding.settings import settings
from onboarding.timer import timer_pass
from tests.support.kept import records_on

BETWEEN = 3700.0
"""Seconds on the engine's clock between two passes: by then every wait is due again."""
MOST_BEFORE = 6
"""Passes that are thrown away, at most: until the thin rows of what stands there are written, everything has been
looked at closely, and one has come round without a write of a record."""
LIVES = {"provisioning": provisioning, "txt": txt_record}


class Shifted:
    """The machine's clock, so many seconds ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Calls:
    """What goes over the wire through azure-core: to ARM, and to each table."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()
        """(`arm` or the table, method)."""
        arm = urlsplit(settings().arm_endpoint).port
        send = AioHttpTransport.send
        seen = self.seen

        async def counted(transport: AioHttpTransport, request: Any, **options: Any) -> Any:
            where = urlsplit(request.url)
            table = where.path.rpartition("/")[2].partition("(")[0]
            seen["arm" if where.port == arm else table, request.method] += 1
            return await send(transport, request, **options)

        setattr(AioHttpTransport, "send", counted)  # noqa: B010 - a method, which mypy lets nobody assign

    def taken(self) -> Json:
        """The counts since the last time."""
        seen = dict(self.seen)
        self.seen.clear()
        tables = {(place, method): n for (place, method), n in seen.items() if place != "arm"}
        writes = {key: n for key, n in tables.items() if key[1] != "GET"}
        records = sum(n for (table, _), n in writes.items() if table == "onboardings")
        return {
            "arm": sum(n for (place, _), n in seen.items() if place == "arm"),
            "tableReads": sum(tables.values()) - sum(writes.values()),
            "recordWrites": records,
            "otherWrites": sum(writes.values()) - records,
        }


async def measure(kind: str, size: int, spread: int, passes: int) -> Json:
    """Fill, then pass."""
    engine = app.engine()
    connection = settings().tables
    assert connection is not None
    onboardings, events = (
        AzureTable(name, connection_string=connection.get_secret_value()) for name in ("onboardings", "events")
    )
    first, *others = places(size, spread)
    like = await LIVES[kind](first, datetime.now(UTC) - YESTERDAY)
    await put_like(like, first, [first, *others], records_on(onboardings, events))
    await onboardings.close()
    await events.close()

    calls, clock, tree = Calls(), Shifted(), Tree(os.getpid())
    engine = replace(engine, clock=clock)
    before, rounds, thrown = tree.megabytes(), list[Json](), 0
    with Peak(tree, every=0.05) as peak:
        while len(rounds) < thrown + passes:
            clock.ahead += timedelta(seconds=BETWEEN)
            began, cpu = time.perf_counter(), time.process_time()
            looked = await timer_pass(engine)
            rounds.append(
                {
                    "seconds": time.perf_counter() - began,
                    "cpu": time.process_time() - cpu,
                    "looked": looked,
                    **calls.taken(),
                }
            )
            if thrown == len(rounds) - 1 < MOST_BEFORE and not _settled(rounds[-1], size):
                thrown += 1
    return {"rounds": rounds[thrown:], "growth": max(0.0, peak.megabytes - before)}


def _settled(last: Json, size: int) -> bool:
    """Whether the next pass finds nothing new: this one has come round by glances alone."""
    return bool(last["looked"] >= size and not last["recordWrites"] and last["tableReads"] < size)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(**json.loads(sys.argv[1])))))
