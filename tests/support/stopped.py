"""A table before the twin that counts, fails or hangs."""

from __future__ import annotations

import asyncio

from onboarding.memory import MemoryTable
from onboarding.ports import Row


class Stopped(MemoryTable):
    """What is read of a table in memory, unless it `fails` or `hangs` until it is given up."""

    def __init__(self, twin: MemoryTable, *, fails: bool = False, hangs: bool = False) -> None:
        super().__init__()
        self._twin = twin
        self._fails = fails
        self._hangs = hangs
        self.asked = 0

    async def get(self, partition: str, key: str) -> Row | None:
        self.asked += 1
        if self._fails:
            raise ConnectionError("no table")
        if self._hangs:
            await asyncio.Event().wait()
        return await self._twin.get(partition, key)
