"""Our own tables do not answer as they should: that is "later" wherever it comes up, and nobody's task."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from onboarding.core.events import CancelRequested
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import StoreBusyError
from onboarding.core.record import OnboardingState, Record, StepState
from onboarding.memory import MemoryTable
from onboarding.memory.bus import Published
from onboarding.ports import Notification, Row
from onboarding.timer import timer_pass
from tests.support import requests
from tests.support.http import Api
from tests.support.system import System

FIRST = "enable-services"
SAID = ("onboardings", "it answered HTTP 503 (ServerBusy).")


class BusyTable(MemoryTable):
    """A share of its calls is answered "busy" and not carried out."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share, self.random = share, Random(3)

    def _perhaps(self) -> None:
        if self.random.random() < self.share:
            raise StoreBusyError(*SAID)

    async def get(self, partition: str, key: str) -> Row | None:
        self._perhaps()
        return await super().get(partition, key)

    async def insert(self, row: Row) -> str:
        self._perhaps()
        return await super().insert(row)

    async def replace(self, row: Row) -> str:
        self._perhaps()
        return await super().replace(row)


async def begun(system: System, number: int = 0) -> Record:
    body = requests.operator_connect()
    body["gateway"]["name"] = f"gateway-{number}"
    request = requests.parsed(body)
    system.outside.deploy(request)
    return (await system.request(request)).record


async def delivered(system: System, message: Published) -> None:
    """As Service Bus does it: what fails comes again, and what fails ten times is given up."""
    for _ in range(10):
        try:
            await system.engine.receive(message.effect)
        except StoreBusyError:
            continue
        return


async def test_a_busy_table_is_no_defect_of_this_application_however_many_onboardings_are_under_way() -> None:
    table = BusyTable(0)
    system = System(onboardings=table)
    ids = [(await begun(system, number)).id for number in range(16)]
    for _ in range(60):
        table.share = 0.25
        while arrived := system.bus.take_due(system.clock.now()):
            for message in arrived:
                await delivered(system, message)
        with contextlib.suppress(StoreBusyError):
            await timer_pass(system.engine)
        table.share = 0
        system.outside.settle()
        for onboarding_id in ids:
            record = await system.record(onboarding_id)
            assert record.state is not OnboardingState.NEEDS_ATTENTION, [s.problem for s in record.steps]
            await system.confirm_open_checkpoints(onboarding_id)
        system.clock.advance(600)
    assert {(await system.record(i)).state for i in ids} == {OnboardingState.COMPLETED}


async def test_a_step_that_can_not_read_its_record_before_a_write_is_tried_again_and_says_why() -> None:
    system = System()
    record = await begun(system)
    get, put = system.onboardings.get, system.outside.gateways.put

    async def busy(partition: str, key: str) -> Row | None:
        loaded = await get(partition, key)
        if loaded is not None and '"running"' in str(loaded.columns["Steps"]):
            system.onboardings.get = get  # type: ignore[method-assign]
            raise StoreBusyError(*SAID)
        return loaded

    system.onboardings.get = busy  # type: ignore[method-assign]
    await system.deliver()
    step = (await system.record(record.id)).step(FIRST)
    assert step.state is StepState.DUE
    assert step.problem is not None
    assert step.problem.code == ProblemCode.STORE_BUSY
    assert "Table Storage, table onboardings: it answered HTTP 503 (ServerBusy)." in step.problem.seen
    assert system.outside.writes == []
    assert system.outside.gateways.put == put
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED


async def test_mail_that_can_not_be_counted_is_sent_later() -> None:
    system = System()
    record = await begun(system)
    await system.engine.happen(record.id, CancelRequested("ada", "wrong gateway"))
    system.outside.notifier.faults.add("mail", StoreBusyError("hourly", "no answer in time (TimeoutError)."))
    await system.deliver()
    [notice] = (await system.record(record.id)).notices
    assert notice.problem is not None
    assert notice.problem.code == ProblemCode.STORE_BUSY
    await system.run(record.id)
    assert len(system.outside.notifier.mails) == 1


async def test_whoever_calls_while_a_table_is_busy_is_told_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(monkeypatch, system=System(onboardings=BusyTable(1)))
    for answer in (await api.get("onboardings/contoso-acg-0123456789"), await api.post("onboardings", VALID)):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert b"Table Storage or Service Bus did not answer" in answer.get_body()


VALID: Any = requests.operator_connect()


# -- calls that give up by themselves ---------------------------------------------------------------------------


async def test_a_call_that_gave_up_by_itself_is_not_told_as_the_end_of_the_steps_time() -> None:
    system = System()
    record = await begun(system)
    system.outside.gateways.faults.add("get", TimeoutError())
    await system.deliver()
    step = (await system.record(record.id)).step(FIRST)
    assert step.state is StepState.DUE
    assert step.problem is not None
    assert step.problem.code == ProblemCode.TIMEOUT
    assert "broken off" not in step.problem.seen
    assert "gave up before its time was over (TimeoutError)" in step.problem.seen


async def test_a_step_that_hangs_is_told_as_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System()
    record = await begun(system)
    object.__setattr__(system.policy, "step_timeout", 0.02)

    async def hangs(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(system.outside.gateways, "get", hangs)
    await system.deliver()
    step = (await system.record(record.id)).step(FIRST)
    assert step.problem is not None
    assert step.problem.code == ProblemCode.TIMEOUT
    assert "The step was broken off after 0 s." in step.problem.seen


async def test_a_way_that_gave_up_by_itself_is_tried_again() -> None:
    system = System()
    record = await begun(system)
    await system.engine.happen(record.id, CancelRequested("ada", "wrong gateway"))
    mail, gave_up = system.outside.notifier.mail, [TimeoutError()]

    async def once(to: Sequence[str], message: Notification) -> bool:
        if gave_up:
            raise gave_up.pop()
        return await mail(to, message)

    system.outside.notifier.mail = once  # type: ignore[method-assign]
    await system.deliver()
    [notice] = (await system.record(record.id)).notices
    assert notice.problem is not None
    assert notice.problem.code == ProblemCode.TIMEOUT
    await system.run(record.id)
    assert len(system.outside.notifier.mails) == 1
