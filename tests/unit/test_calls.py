"""How many calls of Table Storage an onboarding takes: they are what it costs, and don't depend on the machine."""

from __future__ import annotations

from tests.support.counted import CountedTable, journey
from tests.support.system import System

READS, LOST, COPIES, MESSAGES = 24, 0, 1, 15


async def test_what_an_onboarding_costs_at_table_storage() -> None:
    onboardings, trail = CountedTable(), CountedTable()
    system = System(onboardings=onboardings, trail=trail)
    record, messages = await journey(system, onboardings)
    assert onboardings.calls["read"] <= READS, onboardings.calls
    assert onboardings.calls["lost"] == LOST
    assert onboardings.calls["written"] <= record.version
    assert trail.calls["copied"] <= COPIES
    assert messages <= MESSAGES
    events = await system.events(record.id)
    assert [event.version for event in events] == list(range(1, record.version + 1))
