"""What must hold when completed onboardings are inspected again: at once, and after somebody has changed something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onboarding.core.notices import NoticeKind
from onboarding.core.record import OnboardingState, Record
from onboarding.durations import Durations
from onboarding.engine import Engine
from onboarding.memory import ManualClock, MemoryBus, MemoryTable
from onboarding.planning.deviating import inspect_again
from onboarding.planning.drift import inspect_all
from onboarding.planning.store import Plans
from onboarding.reads import Reads
from onboarding.records import Records
from onboarding.rows import CLOSED, to_row
from tests.support.kept import records_on

if TYPE_CHECKING:
    from tests.simulation.world import World

SECONDS = 60.0


async def check_drift(world: World, records: Records) -> None:
    """Of every onboarding that was completed, when all else was checked: it changes things at Microsoft. What is put on
    the record stands in a table of its own."""
    keys = [request.gateway.onboarding_id for request in world.requests]
    completed = [record for key in keys if (record := await _completed(records, key))]
    for record in completed:
        seen = await inspect_again(record, world.twins.world, record.updated_at, SECONDS)
        found = {step: [one.found for one in deviations] for step, deviations in seen.deviations.items() if deviations}
        world.invariants.hold("what was just completed has not drifted", not found, f"{record.id}: {found}")
    _change(world)
    before = list(world.twins.writes)
    for record in completed:
        await _inspect_again(world, record)
    writes = world.twins.writes[len(before) :]
    world.invariants.hold("nothing is repaired unasked", not writes, f"{writes}")


def _change(world: World) -> None:
    """Somebody takes all roles away, and the TXT records."""
    for roles in world.twins.directory.held.values():
        roles.clear()
    for domain in world.twins.directory.domains.values():
        if domain.txt_record is not None:
            world.twins.dns.publish(domain.txt_record.name)


async def _inspect_again(world: World, record: Record) -> None:
    onboardings = MemoryTable()
    await onboardings.insert(to_row(record, CLOSED))
    records = records_on(onboardings, MemoryTable())
    clock = ManualClock(record.updated_at)
    engine = Engine(
        records,
        MemoryBus(),
        clock,
        world.twins.world,
        world.policy,
        world.telling,
        Reads(MemoryTable(), world.policy),
        Plans(MemoryTable()),
        Durations(MemoryTable(), {}),
    )
    seen = record
    for look in range(3):
        await inspect_all(engine, [seen])
        loaded = await records.load(record.id)
        assert loaded is not None
        seen = loaded.record
        if look == 0:
            calm = seen.state is OnboardingState.COMPLETED and _told(seen) == 0
            world.invariants.hold("one look alone tells nobody", calm, f"{record.id} is {seen.state}")
        clock.advance(world.policy.drift_sure_after)
    told = _told(seen)
    drifted = any(step.deviations for step in seen.steps)
    what = f"{record.id} is {seen.state}, told {told} times"
    world.invariants.hold("drift is told once", told == drifted, what)
    unasked = seen.completed and all(step.ended for step in seen.steps)
    world.invariants.hold("nothing is repaired unasked", unasked, what)


def _told(record: Record) -> int:
    return sum(notice.kind == NoticeKind.DRIFTED for notice in record.notices)


async def _completed(records: Records, key: str) -> Record | None:
    loaded = await records.load(key)
    done = loaded is not None and loaded.record.settled and loaded.record.state is OnboardingState.COMPLETED
    return loaded.record if loaded is not None and done else None
