"""What must hold at the end, when faults have stopped and people have answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onboarding.core.events import APPLICATION
from onboarding.core.record import OnboardingState, Record, StepState
from onboarding.records import Records
from onboarding.rows import from_row
from onboarding.steps import definition_of
from onboarding.steps.base import Work
from onboarding.upgrade import rebuild_record as rebuild
from tests.simulation.drifting import check_drift
from tests.simulation.planned import plan_in
from tests.support.kept import records_on

if TYPE_CHECKING:
    from tests.simulation.world import World


async def check_end(world: World, *, ended: bool) -> None:
    """Of every onboarding that was requested; unless they are not to have `ended`, the rest holds."""
    records = records_on(world.onboardings, world.events)
    for request in world.requests:
        await _check(world, records, request.gateway.onboarding_id, ended=ended)
    await check_drift(world, records)


async def _check(world: World, records: Records, key: str, *, ended: bool) -> None:
    hold = world.invariants.hold
    loaded = await records.load(key)
    committed = world.records.get(key)
    there = loaded is not None and committed is not None
    hold("nothing is lost", there or not (ended or committed), f"{key} is not in the table")
    if loaded is None or committed is None:
        return
    row = await world.onboardings.get(loaded.partition, key)
    assert row is not None
    record = from_row(row)
    same = record == committed
    hold("nothing is lost", same, f"{key}: version {record.version} is stored, {committed.version} was committed")
    if ended and not record.settled:
        hold("everything ends", False, f"{key} is {record.state}: {_open(record)}")
    events = await records.events(key) or []
    versions = [e.version for e in events]
    expected = list(range(1, record.version + 1))
    hold("the audit trail rebuilds the record", versions == expected, f"{key}: versions {versions}")
    if versions == expected:
        built, kept = rebuild(events), record.model_copy(update={"tail": ()})
        if built != kept:
            hold("the audit trail rebuilds the record", False, f"{key}:\n{built}\n{kept}")
    if record.state is OnboardingState.COMPLETED:
        await _nothing_to_do(world, record)


async def _nothing_to_do(world: World, record: Record) -> None:
    """A plan after completion is empty."""
    for step in record.steps:
        task = definition_of(step).task
        # Whether a mail was read, nobody can see: only a verified domain tells that the record was shared.
        evidence = "verify-domain" if step.name == "share-txt-record" else step.name
        if task is None or not step.state is record.step(evidence).state is StepState.DONE:
            continue
        inspection = await task.inspect(Work(record, world.twins.world, step, record.updated_at))
        what = f"{record.id}, {step.name}: {[change.words for change in inspection.changes]}"
        world.invariants.hold("a plan after completion is empty", inspection.done, what)
    if all(step.state is StepState.DONE or step.ended_by == APPLICATION for step in record.steps):
        plan = await plan_in(world, record.request)
        changes = [(step, change.words) for step, change in plan.changes] if plan else []
        world.invariants.hold("a plan after completion is empty", not changes, f"{record.id}: {changes}")


def _open(record: Record) -> str:
    steps = [f"{s.name} {s.state} next {s.next_attempt_at}" for s in record.steps if not s.ended]
    notices = [f"{n.id} next {n.next_attempt_at}" for n in record.notices if n.owed]
    return "; ".join((*steps, *notices))
