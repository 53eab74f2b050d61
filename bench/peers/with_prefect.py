"""Prefect 3: a flow for each gateway, a task for each call to Microsoft's side, with its own server on PostgreSQL.

Results are persisted, so that a flow that is run again finds what was done. A person's word is a task that finds it
given already: Prefect's own pauses look every ten seconds, which would measure that.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from bench.peers.serving import at_most, serve
from bench.peers.work import CHECKPOINTS, LOOK_EVERY, STAGES, STEPS, WAITS, Found, settings

AT_ONCE = 10
"""Flows: with more, its server answers late."""
START = 120.0
"""Seconds that the server has to start."""


def _environment() -> None:
    """Before Prefect is imported, which reads its settings then."""
    home, port = Path(settings()["folder"]), settings()["port"]
    os.environ |= {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_API_DATABASE_CONNECTION_URL": settings()["database"],
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


def _server() -> subprocess.Popen[bytes]:
    port = str(settings()["port"])
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=sys.stderr)
    end = time.monotonic() + START
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2).close()
        except OSError:
            if server.poll() is not None or time.monotonic() > end:
                server.kill()
                raise
            time.sleep(0.2)
        else:
            return server


def _flow() -> object:
    from prefect import flow, task

    @task
    async def step(name: str, gateway: str, found: Found) -> Found:
        return await STEPS[name](gateway, found)

    @task
    async def confirmed(name: str, gateway: str) -> bool:
        return True

    @flow
    async def onboard(gateway: str) -> Found:
        found: Found = {}
        for stage in STAGES:
            for name in (one for one in stage if one in CHECKPOINTS):
                assert await confirmed(name, gateway)
            names = [one for one in stage if one not in CHECKPOINTS]
            for name, more in zip(names, await asyncio.gather(*(step(n, gateway, found) for n in names)), strict=True):
                while name in WAITS and not more[WAITS[name]]:
                    await asyncio.sleep(LOOK_EVERY)
                    more = await step(name, gateway, found)
                found |= more
        return found

    return onboard


async def main() -> None:
    _environment()
    server = _server()
    try:
        onboard = _flow()

        async def every(gateways: Sequence[str]) -> None:
            await at_most(AT_ONCE, onboard, gateways)  # type: ignore[arg-type]

        await serve(every)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    asyncio.run(main())
