"""The floor of the calls: asyncio and httpx, nothing kept. A process that dies forgets everything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bench.peers.serving import serve
from bench.peers.work import CHECKPOINTS, LOOK_EVERY, STAGES, STEPS, WAITS, Found


async def onboard(name: str) -> None:
    found: Found = {}
    for stage in STAGES:
        # A checkpoint that is confirmed at once is nothing here.
        for more in await asyncio.gather(*(_step(step, name, found) for step in stage if step not in CHECKPOINTS)):
            found |= more


async def _step(step: str, name: str, found: Found) -> Found:
    more = await STEPS[step](name, found)
    while step in WAITS and not more[WAITS[step]]:
        await asyncio.sleep(LOOK_EVERY)
        more = await STEPS[step](name, found)
    return more


async def _all(gateways: Sequence[str]) -> None:
    await asyncio.gather(*map(onboard, gateways))


if __name__ == "__main__":
    asyncio.run(serve(_all))
