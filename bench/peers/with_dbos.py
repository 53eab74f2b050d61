"""DBOS: a workflow for each gateway, a step for each call to Microsoft's side, messages for what people say.

As its documentation recommends: asynchronous workflows and steps, side by side where they are always begun in the same
order; a durable sleep between two looks; `recv` for a person's word; the database by `system_database_url`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dbos import DBOS, SetWorkflowID

from bench.peers.serving import serve
from bench.peers.work import CHECKPOINTS, LOOK_EVERY, STAGES, STEPS, WAITS, Found, settings

PATIENCE = 600.0
"""Seconds that a checkpoint is waited for."""


@DBOS.step()
async def step(name: str, gateway: str, found: Found) -> Found:
    return await STEPS[name](gateway, found)


@DBOS.workflow()
async def onboard(gateway: str) -> Found:
    found: Found = {}
    for stage in STAGES:
        for name in (one for one in stage if one in CHECKPOINTS):
            assert await DBOS.recv_async(name, PATIENCE) is not None
        names = [one for one in stage if one not in CHECKPOINTS]
        for name, more in zip(names, await asyncio.gather(*(step(n, gateway, found) for n in names)), strict=True):
            while name in WAITS and not more[WAITS[name]]:
                await DBOS.sleep_async(LOOK_EVERY)
                more = await step(name, gateway, found)
            found |= more
    return found


async def _run(gateway: str) -> None:
    with SetWorkflowID(gateway):
        handle = await DBOS.start_workflow_async(onboard, gateway)
    for checkpoint in CHECKPOINTS:
        await DBOS.send_async(gateway, "confirmed", checkpoint)
    await handle.get_result()


async def _all(gateways: Sequence[str]) -> None:
    await asyncio.gather(*map(_run, gateways))


async def main() -> None:
    DBOS(config={"name": "onboarding", "system_database_url": settings()["database"], "log_level": "WARNING"})
    DBOS.launch()
    try:
        await serve(_all)
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    asyncio.run(main())
