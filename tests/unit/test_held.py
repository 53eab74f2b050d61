"""The thin rows of what stands still: what the gauges count of it, without a look at a record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from onboarding import timer
from onboarding.core.events import CancelRequested, PauseRequested, ResumeRequested
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.core.record import StepState
from onboarding.held import HELD_STEPS, HeldStep, held_keys, held_row, held_steps
from onboarding.memory import MemoryTable
from onboarding.ports import Query, Row
from onboarding.rows import CLOSED
from onboarding.telemetry.gauges import Gauges
from tests.support import requests
from tests.support.system import System, finished
from tests.support.telemetry import seen

FIRST, WAIT, FORM = "enable-services", "provisioning-complete", "operator-information"


async def begun(system: System, name: str = "gateway-a", *, deployed: bool = True) -> str:
    body = requests.operator_connect()
    body["gateway"]["name"] = name
    request = requests.parsed(body)
    if deployed:
        system.outside.deploy(request)
    return (await system.request(request)).record.id


async def delivered(system: System) -> None:
    while await system.deliver():
        pass


async def rows(system: System) -> list[tuple[str, str]]:
    """What the rows say; they say of each onboarding what its record says."""
    held = [each async for each in system.records.index.held()]
    for key in {each.onboarding_id for each in held}:
        assert {each for each in held if each.onboarding_id == key} == set(held_steps(await system.record(key)))
    return [(each.step, each.state.value) for each in held]


async def test_a_step_that_gets_on_has_no_row_and_a_checkpoint_has_one_until_it_is_confirmed() -> None:
    system = System()
    key = await begun(system)
    await delivered(system)
    assert [w for w in system.waits.writes if w[1] == HELD_STEPS] == []
    system.outside.settle()
    await system.tick(3600)
    await delivered(system)
    assert await rows(system) == [(FORM, "waiting")]
    await system.run(key)
    assert await rows(system) == []
    written = sorted((key, operation) for operation, partition, key in system.waits.writes if partition == HELD_STEPS)
    checkpoints = sorted((FORM, "portal-access", "add-application-ids"))
    expected = [(f"{key}!{step}!waiting", operation) for step in checkpoints for operation in ("delete", "upsert")]
    assert written == expected, "one for each checkpoint, and no others"


async def test_a_step_that_needs_attention_has_one_until_it_goes_on() -> None:
    system = System()
    key = await begun(system, deployed=False)
    await delivered(system)
    assert await rows(system) == [(FIRST, "needs-attention")]
    await system.engine.happen(key, CancelRequested("ada", "another"))
    assert await rows(system) == []


async def test_a_step_that_is_tried_again_or_whose_message_does_not_come_has_one_whatever_it_is_at() -> None:
    system = System()
    await begun(system)
    system.outside.gateways.faults.add("get", *[TryLaterError(ProblemCode.OUTAGE, "503")] * 3)
    await system.deliver()
    for _ in range(2):
        assert await rows(system) == [(FIRST, "due")]
        await system.tick(7200)
        await system.deliver()
    writes = [operation for operation, partition, _ in system.waits.writes if partition == HELD_STEPS]
    assert writes == ["upsert"], "an attempt more writes nothing"
    system = System()
    await begun(system)
    await system.tick(3600)
    assert await rows(system) == [(FIRST, "due")]


async def test_a_wait_that_is_left_alone_while_paused_is_still_counted() -> None:
    system = System()
    key = await begun(system)
    await delivered(system)
    await system.engine.happen(key, PauseRequested("ada", "a freeze"))
    assert await rows(system) == [(WAIT, "waiting")]
    await system.engine.happen(key, ResumeRequested("ada"))
    assert await rows(system) == []


# -- rows too few and too many -----------------------------------------------------------------------------------


async def test_the_timer_writes_what_is_missing_and_deletes_what_is_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one id begins with another, and a slice of records ends between them."""
    monkeypatch.setattr(timer, "SLICE", 1)
    system = System()
    keys = [await begun(system, name, deployed=False) for name in ("gateway", "gateway-b", "other")]
    await delivered(system)
    here = [each async for each in system.records.index.held()]
    lost, wrong, orphan = here[0], replace(here[1], step="add-domain"), replace(here[2], onboarding_id="gateway-c")
    await system.waits.delete(HELD_STEPS, lost.key)
    await system.waits.upsert([held_row(wrong), held_row(orphan)])
    await system.tick(3600)
    for _ in range(3):
        await system.tick()
    assert [each async for each in system.records.index.held()] == here
    assert {each.onboarding_id for each in here} == set(keys)


async def test_a_row_that_is_written_anew_meanwhile_stays() -> None:
    system = System()
    await begun(system, deployed=False)
    await delivered(system)
    [held] = [each async for each in system.records.index.held()]
    await system.waits.upsert([held_row(held)])
    await system.records.index.make_good_held(None, [held])
    assert await rows(system) == [(FIRST, "needs-attention")]


async def test_a_row_that_cannot_be_read_keeps_nothing_from_being_counted(caplog: pytest.LogCaptureFixture) -> None:
    system = System()
    await begun(system, deployed=False)
    await delivered(system)
    strange = [Row(HELD_STEPS, "a", {}), Row(HELD_STEPS, "a!b!gone", {}), Row(HELD_STEPS, "a!b!due", {})]
    await system.waits.upsert(strange)
    assert await rows(system) == [(FIRST, "needs-attention")]
    assert caplog.text.count("can't be read") == 3


def test_rows_are_in_the_order_of_their_onboardings() -> None:
    ids = ["a", "a-b", "a.b", "a0", "a1-b", "b"]
    now = System().clock.now()
    keys = [HeldStep(each, "step", StepState.WAITING, now).key for each in ids]
    assert sorted(keys) == keys
    first, last = held_keys("a-b", "a1-b")
    assert [key for key in keys if first <= key <= last] == keys[1:5], "the one before at most too"


# -- growth ------------------------------------------------------------------------------------------------------


async def test_what_is_read_each_minute_does_not_grow_with_closed_onboardings(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    for number in (0, 2000):
        system, _ = await finished(requests.parsed(requests.operator_connect()))
        await system.tick(3600)
        [closed] = [row async for row in system.onboardings.rows(Query(CLOSED))]
        for n in range(number):
            await system.onboardings.insert(replace(closed, key=f"closed-{n}"))
        await begun(system)
        await delivered(system)
        counted = {name: CountedRows(getattr(system, name), monkeypatch) for name in ("onboardings", "due", "waits")}
        await system.tick(3600)
        with seen():
            await Gauges(every=0).measure(system.records, system.clock.now())
        read.append({table: counter.rows for table, counter in counted.items()})
    assert read[0] == read[1]


class CountedRows:
    """How many rows a table has handed out."""

    def __init__(self, table: MemoryTable, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows = 0
        asked, found = table._asked, table._found

        def all_asked(query: Query, *begin: str) -> Iterator[Row]:
            for row in asked(query, *begin):
                self.rows += 1
                yield row

        def one(partition: str, key: str) -> Row | None:
            self.rows += 1
            return found(partition, key)

        monkeypatch.setattr(table, "_asked", all_asked)
        monkeypatch.setattr(table, "_found", one)
