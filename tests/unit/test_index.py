"""The thin rows that the timer reads: never one too few, and one too many does no harm."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from onboarding import limits, looks, timer
from onboarding.core.events import CancelRequested, CheckRequested, PauseRequested, ResumeRequested
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.core.record import OnboardingState, StepState
from onboarding.index import DUE, PASSES, WAITS, Round
from onboarding.looks import happen_and_look, look_at
from onboarding.memory import MemoryTable
from onboarding.ports import Page, Query, Row
from onboarding.records import Records
from onboarding.rows import OPEN, to_row
from onboarding.timer import timer_pass
from tests.support import records, requests
from tests.support.system import System

WAIT = "provisioning-complete"


def of(number: int, *, subscription: int = 0) -> dict[str, object]:
    body = requests.operator_connect()
    body["gateway"]["name"] = f"gateway-{number}"
    if subscription:
        body["gateway"]["subscriptionId"] = f"00000000-0000-4000-8000-{subscription:012d}"
    return body


async def waiting(count: int = 1, subscriptions: int = 1, system: System | None = None) -> tuple[System, list[str]]:
    """Gateways that Microsoft is at."""
    system, ids = system or System(), []
    for number in range(count):
        request = requests.parsed(of(number, subscription=number % subscriptions + 1))
        system.outside.deploy(request)
        ids.append((await system.request(request)).record.id)
    while await system.deliver():
        pass
    await system.tick()
    assert all([(await system.record(i)).step(WAIT).state is StepState.WAITING for i in ids])
    return system, ids


async def keys(table: MemoryTable, partition: str) -> list[str]:
    return [row.key async for row in table.rows(Query(partition))]


# -- looks that see nothing new ----------------------------------------------------------------------------------


async def test_a_wait_of_two_weeks_writes_fewer_than_ten_versions() -> None:
    system, [key] = await waiting()
    begun = (await system.record(key)).version
    for _ in range(14 * 24 * 4):
        await system.tick(900)
    assert (await system.record(key)).version - begun <= 3, "people are told once that it takes long"
    system.outside.settle()
    await system.tick(3600)
    ended = [e for e in await system.events(key) if e.what == "step-done" and e.step == WAIT]
    assert "Seen after about 3" in ended[0].detail
    assert len(await system.events(key)) - begun < 10


async def test_a_pass_that_sees_nothing_new_reads_thin_rows_and_writes_one_for_each_subscription(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timer, "SLICE", 1)
    system, _ = await waiting(40, subscriptions=4)
    await system.tick()
    before = len(system.onboardings.writes), len(system.waits.writes)
    calls = system.outside.gateways.faults.calls
    listed, asked = calls["in_subscription"], calls["get"]
    await system.tick()
    assert len(system.onboardings.writes) == before[0]
    assert [w[1] for w in system.waits.writes[before[1] :]].count(PASSES) == 4
    assert (calls["in_subscription"] - listed, calls["get"] - asked) == (4, 0)


async def test_a_row_that_is_as_it_was_is_not_parsed_again() -> None:
    system, _ = await waiting(3)
    index = system.records.index
    first = [wait async for wait in index.waits()]
    await index.seen(replace(first[1], seen="something else"))
    again = [wait async for wait in index.waits()]
    assert again[0] is first[0]
    assert again[1].seen == "something else"
    assert again[2] is first[2]
    groups = await index.passes()
    assert groups
    assert all(done is groups[group] for group, done in (await index.passes()).items())


async def test_a_look_that_somebody_asked_for_is_taken_and_noted_at_once() -> None:
    system, [key] = await waiting()
    system.clock.advance(5)
    looked = [e.what for e in await system.events(key)].count("looked")
    record = await happen_and_look(system.engine, key, CheckRequested(WAIT, "ada"))
    assert record is not None
    assert [e.what for e in await system.events(key)].count("looked") == looked + 1
    system.outside.settle()
    record = await happen_and_look(system.engine, key, CheckRequested(WAIT, "ada"))
    assert record is not None
    assert record.step(WAIT).state is StepState.DONE


async def test_a_look_that_is_asked_for_and_fails_is_the_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    system, [key] = await waiting()
    monkeypatch.setattr(limits, "ASKED", 0.05)

    async def never(partition: str, row: str) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as hung:
        loads = iter((True,))
        real = system.onboardings.get

        async def get(partition: str, row: str) -> Row | None:
            return await real(partition, row) if next(loads, False) else await never(partition, row)  # type: ignore[func-returns-value]

        hung.setattr(system.onboardings, "get", get)
        record = await happen_and_look(system.engine, key, CheckRequested(WAIT, "ada"))
    assert record is not None
    assert record.step(WAIT).asked
    await system.tick()
    assert not (await system.record(key)).step(WAIT).asked


# -- rows too few and too many -----------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["due", "waits"])
async def test_a_row_that_is_lost_is_written_again(table: str) -> None:
    system, [key] = await waiting()
    for name in ("due", "waits"):
        kept: MemoryTable = getattr(system, name)
        for partition in (DUE, WAITS):
            for row in await keys(kept, partition):
                if name == table:
                    await kept.delete(partition, row)
    system.outside.settle()
    await system.tick(3600)
    await system.tick()
    assert (await system.record(key)).step(WAIT).state is StepState.DONE
    assert (await system.run(key)).state is OnboardingState.COMPLETED


async def test_a_process_that_ends_before_its_commit_leaves_rows_that_do_no_harm() -> None:
    system, [key] = await waiting()

    ends = MemoryTable()
    ends._partitions = system.onboardings._partitions
    ends._etags = system.onboardings._etags

    async def died(row: Row) -> str:
        raise ConnectionError("the process ended")

    ends.replace = died  # type: ignore[method-assign]
    other = replace(system.engine, records=Records(ends, system.trail, system.records.index))
    with pytest.raises(ConnectionError):
        await other.happen(key, PauseRequested("ada", "why"))
    await system.engine.happen(key, CancelRequested("ada", "another"))
    while await system.deliver():
        pass
    for _ in range(4):
        await system.tick(3600)
        while await system.deliver():
            pass
    assert await keys(system.waits, WAITS) == []
    assert await keys(system.due, DUE) == []


@pytest.mark.parametrize("commit", ["insert", "replace"])
async def test_a_pass_between_a_waits_row_and_its_commit_leaves_the_row(
    monkeypatch: pytest.MonkeyPatch, commit: str
) -> None:
    """Else nothing would look at the wait before all records are read again, an hour later."""
    system = System()
    body = requests.own_sbc() if commit == "insert" else of(0)
    request = requests.parsed(body)
    if commit == "replace":
        system.outside.deploy(request)
    write, opened = getattr(system.onboardings, commit), list[str]()

    async def passed_before(row: Row) -> str:
        fresh = [key for key in await keys(system.waits, WAITS) if key not in opened]
        opened.extend(fresh)
        if fresh:
            await timer_pass(system.engine)
        return str(await write(row))

    monkeypatch.setattr(system.onboardings, commit, passed_before)
    key = (await system.request(request)).record.id
    while await system.deliver():
        pass
    assert opened
    monkeypatch.undo()
    steps = (await system.record(key)).steps
    waiting = [s.name for s in steps if s.state is StepState.WAITING and s.plan.kind is StepKind.WAIT]
    standing = [row.rpartition("|")[2] for row in await keys(system.waits, WAITS)]
    assert sorted(standing) == sorted(waiting) != []


async def test_a_waits_row_without_an_onboarding_is_deleted() -> None:
    system, [key] = await waiting(1)
    [row] = await keys(system.waits, WAITS)
    orphan = await system.waits.get(WAITS, row)
    assert orphan is not None
    stranger = row.replace("gateway-0", "gateway-x")
    await system.waits.upsert([replace(orphan, key=stranger)])
    await system.tick(3600)
    assert await keys(system.waits, WAITS) == [row]
    assert (await system.record(key)).step(WAIT).state is StepState.WAITING


async def test_a_row_of_what_a_wait_no_longer_shares_a_look_with_is_deleted_at_the_next_look() -> None:
    """A process died between the commit that changed the subscription or zone, and the old row's end."""
    system, _ = await waiting(1)
    [row] = await keys(system.waits, WAITS)
    kept = await system.waits.get(WAITS, row)
    assert kept is not None
    definition, _, *rest = row.split("|")
    await system.waits.upsert([replace(kept, key="|".join((definition, "elsewhere", *rest)))])
    await system.tick()
    assert await keys(system.waits, WAITS) == [row]


async def test_all_records_are_read_once_in_an_hour_a_slice_in_each_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a hundred times its rows, so however few there are, it is not each minute."""
    monkeypatch.setattr(timer, "SLICE", 2)
    system, ids = await waiting(5)
    read: list[str] = []
    page = system.onboardings.page

    async def noted(query: Query, limit: int, continuation: str | None = None) -> Page:
        found = await page(query, limit, continuation)
        read.extend(row.key for row in found.rows if row.key != (query.keys or ("",))[0])
        return found

    monkeypatch.setattr(system.onboardings, "page", noted)
    for _ in range(123):
        await system.tick()
    assert read == sorted(ids) * 2
    read.clear()
    with monkeypatch.context() as short:
        short.setattr(limits, "PASS", 0.0)
        await system.tick(3600)
    assert read == [], "a pass without time reads none, and forgets none"
    for _ in range(4):
        await system.tick()
    assert read == sorted(ids)


async def test_a_clock_that_is_set_back_keeps_no_record_from_being_read() -> None:
    system, _ = await waiting()
    [row] = await keys(system.waits, WAITS)
    await system.waits.delete(WAITS, row)
    await system.records.index.keep_round(Round("", system.clock.now() + timedelta(days=1)))
    await system.tick()
    assert await keys(system.waits, WAITS) == [row]


async def test_a_row_that_cannot_be_read_keeps_nobody_from_their_look(caplog: pytest.LogCaptureFixture) -> None:
    system, [key] = await waiting()
    await system.waits.upsert([Row(WAITS, "a|b", {}), Row(WAITS, "a|b|c|d", {"Subject": "{"})])
    system.outside.settle()
    await system.tick(3600)
    assert (await system.record(key)).step(WAIT).state is StepState.DONE
    assert "can't be read" in caplog.text


async def test_a_paused_onboarding_has_no_waits_row_and_gets_it_back() -> None:
    system, [key] = await waiting()
    await system.engine.happen(key, PauseRequested("ada", "a freeze"))
    assert await keys(system.waits, WAITS) == []
    await system.engine.happen(key, ResumeRequested("ada"))
    assert len(await keys(system.waits, WAITS)) == 1


# -- a pass is bounded -------------------------------------------------------------------------------------------


async def test_what_a_pass_does_not_come_to_goes_on_at_the_next_where_it_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system, ids = await waiting(30)
    monkeypatch.setattr(looks, "GLANCES_AT_ONCE", 10)
    system.outside.settle()
    system.clock.advance(3600)
    index, done = system.records.index, []
    for _ in range(3):
        known = [wait async for wait in index.waits() if wait.definition == WAIT]
        group = known[0].group
        # Time for one part of the group only.
        await look_at(system.engine, known, (await index.passes()).get(group), lambda: True)
        done.append(sum([(await system.record(key)).step(WAIT).state is StepState.DONE for key in ids]))
        system.clock.advance(60)
    assert done == [10, 20, 30]
    assert (await index.passes())[group].cursor is None


async def test_a_pass_that_has_no_time_left_begins_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    system, [key] = await waiting()
    system.outside.settle()
    with monkeypatch.context() as short:
        short.setattr(limits, "PASS", 0.0)
        await system.tick(3600)
    assert (await system.record(key)).step(WAIT).state is StepState.WAITING
    assert "0 of 1 groups of waits; the others follow at the next pass" in caplog.text
    await system.tick()
    assert (await system.record(key)).step(WAIT).state is StepState.DONE


async def test_a_subscription_that_hangs_costs_its_own_turn_only(monkeypatch: pytest.MonkeyPatch) -> None:
    system, ids = await waiting(4, subscriptions=2)
    monkeypatch.setattr(limits, "LOOK", 0.05)
    real, hung = system.outside.gateways.in_subscription, f"00000000-0000-4000-8000-{1:012d}"

    async def listed(subscription_id: str) -> Any:
        return await (asyncio.Event().wait() if subscription_id == hung else real(subscription_id))

    system.outside.gateways.in_subscription = listed  # type: ignore[method-assign]
    system.outside.settle()
    await system.tick(3600)
    states = [(await system.record(key)).step(WAIT).state for key in ids]
    assert states == [StepState.WAITING, StepState.DONE] * 2
    passes = await system.records.index.passes()
    assert sorted(p.failures for p in passes.values()) == [0, 1]


async def test_a_pass_says_how_many_it_looked_at_though_its_groups_take_turns() -> None:
    system, _ = await waiting(8, subscriptions=4)
    listed = system.outside.gateways.in_subscription

    async def slow(subscription_id: str) -> Any:
        await asyncio.sleep(0)
        return await listed(subscription_id)

    system.outside.gateways.in_subscription = slow  # type: ignore[method-assign]
    await system.tick(3600)
    system.clock.advance(3600)
    assert await timer_pass(system.engine) == 8


async def test_what_fails_is_looked_at_with_growing_gaps_and_never_before_microsofts_pause() -> None:
    system, _ = await waiting()
    down = TryLaterError(ProblemCode.OUTAGE, "503")
    gaps = []
    for _ in range(8):
        system.outside.gateways.faults.add("in_subscription", down, down)
        await system.tick(7200)
        [done] = (await system.records.index.passes()).values()
        assert done.at is not None
        assert done.not_before is not None
        gaps.append((done.not_before - done.at).total_seconds())
    assert gaps == sorted(gaps)
    assert gaps[-1] > 600
    system, _ = await waiting()
    system.outside.gateways.faults.add("in_subscription", TryLaterError(ProblemCode.THROTTLED, "429", 9000))
    await system.tick(7200)
    calls = system.outside.gateways.faults.calls["in_subscription"]
    await system.tick(8000)
    assert system.outside.gateways.faults.calls["in_subscription"] == calls


async def test_two_timers_at_a_time_do_no_harm() -> None:
    system, ids = await waiting(5)
    system.outside.settle()
    system.clock.advance(60)
    await asyncio.gather(timer_pass(system.engine), timer_pass(system.engine))
    for key in ids:
        assert (await system.run(key)).state is OnboardingState.COMPLETED
        versions = [e.version for e in await system.events(key)]
        assert versions == list(range(1, len(versions) + 1))


# -- older versions ----------------------------------------------------------------------------------------------

async def test_a_thousand_rows_that_an_older_version_wrote_are_taken_over_by_the_first_pass() -> None:
    """They count on no row of the timer's. What was due when that version stopped is done at once, and waits go on."""
    system = System()
    template = records.after(WAIT)
    system.clock.advance_to(template.updated_at)
    for number in range(1000):
        request = requests.parsed(of(number, subscription=number % 20 + 1))
        system.outside.deploy(request)
        for line in request.test_lines:
            system.outside.gateways.line(request.gateway.id, line.name, line.phone_number)
        record = template.model_copy(update={"request": request, "id": request.gateway.onboarding_id})
        await system.onboardings.insert(to_row(record, OPEN, commit=f"older {number}"))
    system.outside.settle()
    first = system.outside.gateways.faults.calls["in_subscription"]
    await system.tick()
    assert system.outside.gateways.faults.calls["in_subscription"] - first == 20
    states = [str(row.columns["OpenSteps"]) async for row in system.onboardings.rows(Query(OPEN))]
    assert not [steps for steps in states if WAIT in steps]
    assert len(states) == 1000
