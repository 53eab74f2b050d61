"""An onboarding to its end on tables that count their calls: what it costs, whatever the machine."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from onboarding.core.events import Confirmed
from onboarding.core.plan import StepKind
from onboarding.core.record import Record, StepState
from onboarding.memory import MemoryTable
from onboarding.ports import ConflictError, Row
from onboarding.rows import CLOSED, OPEN, from_row
from onboarding.timer import timer_pass
from tests.support import requests
from tests.support.system import System


class CountedTable(MemoryTable):
    """A table that counts its calls. Each takes a turn of the loop, so that others come in between."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    async def get(self, partition: str, key: str) -> Row | None:
        self.calls["read"] += 1
        await asyncio.sleep(0)
        return await super().get(partition, key)

    async def replace(self, row: Row) -> str:
        await asyncio.sleep(0)
        try:
            etag = await super().replace(row)
        except ConflictError:
            self.calls["lost"] += 1
            raise
        self.calls["written"] += 1
        return etag

    async def upsert(self, rows: Sequence[Row]) -> None:
        self.calls["copied"] += 1
        await super().upsert(rows)


async def journey(system: System, onboardings: CountedTable) -> tuple[Record, int]:
    """Operator Connect to its end, its branches side by side; the record, and how many messages it took."""
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    key = (await system.request(request)).record.id
    messages = 0
    while True:
        row = await MemoryTable.get(onboardings, OPEN, key) or await MemoryTable.get(onboardings, CLOSED, key)
        assert row is not None
        record = from_row(row)
        if record.settled:
            return record, messages
        arrived = system.bus.take_due(system.clock.now())
        messages += len(arrived)
        await asyncio.gather(*(system.engine.receive(m.effect) for m in arrived))
        system.outside.settle()
        for step in record.steps:
            if step.state is StepState.WAITING and step.plan.kind is StepKind.CHECKPOINT:
                await system.engine.happen(key, Confirmed(step.name, "ada"))
        if not arrived:
            system.clock.advance(60)
            await timer_pass(system.engine)
