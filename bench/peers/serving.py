"""How the bench talks with a peer's process: a line of JSON in, `{"gateways": […]}`, and one out, `{"seconds": …}`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress


async def serve(onboard: Callable[[Sequence[str]], Awaitable[None]]) -> None:
    """Onboard the gateways of each line, until there are no more lines."""
    answers = sys.stdout
    # Whatever an engine prints is for people.
    sys.stdout = sys.stderr
    print(json.dumps({"ready": True}), file=answers, flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        began = time.perf_counter()
        try:
            await onboard(json.loads(line)["gateways"])
            answer: dict[str, object] = {"seconds": time.perf_counter() - began}
        except Exception as error:  # noqa: BLE001 - the bench tells of it
            answer = {"problem": f"{type(error).__name__}: {error}"[:2000]}
        with suppress(BrokenPipeError):
            print(json.dumps(answer), file=answers, flush=True)


async def at_most(number: int, onboard: Callable[[str], Awaitable[object]], gateways: Sequence[str]) -> None:
    """All of them, so many at a time. Raises what the first that failed has raised."""
    turns = asyncio.Semaphore(number)

    async def one(name: str) -> None:
        async with turns:
            await onboard(name)

    await asyncio.gather(*(one(name) for name in gateways))
