"""Whatever hangs, each function ends by itself, well before the host would end the process around it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from onboarding import limits
from onboarding.core.events import NudgeNotice
from onboarding.core.messages import DeadLetter, encode
from onboarding.core.policy import Policy
from onboarding.core.record import OnboardingState, Record, StepState
from onboarding.limits import OverdueError, within
from onboarding.telemetry import metrics
from onboarding.telemetry.gauges import Gauges
from onboarding.timer import timer_pass
from tests.support import requests
from tests.support.http import Api
from tests.support.system import System
from tests.unit.test_host_json import ROOT, host

SHORT = 0.02
"""Seconds: of what is to be broken off. Nothing waits for as long as it takes to get there."""
FIRST = "enable-services"


def hang(owner: Any, method: str, monkeypatch: pytest.MonkeyPatch, *, times: int | None = None) -> Callable[[], int]:
    """From now on the method never returns, or so many times; says how often it was called."""
    calls, real = [0], getattr(owner, method)

    async def hanging(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        if times is None or calls[0] <= times:
            await asyncio.Event().wait()
        return await real(*args, **kwargs)

    monkeypatch.setattr(owner, method, hanging)
    return lambda: calls[0]


async def begun() -> tuple[System, Record]:
    system = System()
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    return system, (await system.request(request)).record


async def waiting_for(step: str) -> tuple[System, Record]:
    """An onboarding that is at that wait, whose end Microsoft and people have not done their part for."""
    system, record = await begun()
    for _ in range(50):
        while await system.deliver():
            pass
        record = await system.record(record.id)
        if record.step(step).state is StepState.WAITING:
            return system, record
        for resource in system.outside.gateways.resources.values():
            resource["properties"]["status"] = "Complete"
        await system.tick()
    raise AssertionError(f"{step} was never reached")


async def test_what_ends_in_time_is_not_touched_and_what_fails_fails_as_it_did() -> None:
    async with within(60, "it"):
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError, match="the directory didn't answer") as own:
        async with within(60, "it"):
            raise TimeoutError("the directory didn't answer")
    assert not isinstance(own.value, OverdueError)


async def test_what_takes_too_long_says_what_it_was() -> None:
    with pytest.raises(OverdueError, match=r"^the pass took longer than 0.02 s and was broken off; "):
        async with within(SHORT, "the pass"):
            await asyncio.Event().wait()


def test_each_function_ends_before_the_host_would_end_it() -> None:
    timeout = host().function_timeout
    assert timeout is not None
    longest = [
        limits.MESSAGE + limits.HAND_BACK,
        limits.PASS + limits.LOOK + limits.RECORD + limits.MEASURE,
        limits.HTTP_CALL,
    ]
    assert max(longest) + 30 < timeout.total_seconds()


def test_a_bound_leaves_room_for_those_inside_it() -> None:
    policy = Policy()
    assert policy.step_timeout < policy.lease < limits.MESSAGE
    assert policy.notice_timeout < policy.notice_lease < limits.MESSAGE


def test_a_call_ends_before_azures_load_balancer_gives_up() -> None:
    """Microsoft Learn, "Azure Functions scale and hosting": 230 seconds, whatever functionTimeout is."""
    assert limits.HTTP_CALL < 230 / 2


def test_what_is_said_of_the_bounds_is_so() -> None:
    text = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    rows = dict(
        re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", text.partition("reaches `functionTimeout`")[2], re.MULTILINE)
    )
    told = {name: {float(n) for n in re.findall(r"\d+", said)} for name, said in rows.items()}
    policy = Policy()
    assert told["a step's"] == {policy.step_timeout, limits.MESSAGE, limits.HAND_BACK}
    assert told["`notices`"] == {policy.notice_timeout, limits.MESSAGE, limits.HAND_BACK}
    assert told["`dead_letters`"] == {limits.MESSAGE}
    assert told["`timer`"] == {limits.PASS, limits.MEASURE, limits.LOOK, limits.RECORD}
    assert told["HTTP"] == {limits.HTTP_CALL, 230.0}


@pytest.mark.parametrize("method", ["get", "replace"])
async def test_a_step_whose_table_hangs_fails_and_comes_again(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system, record = await begun()
    (message,) = system.bus.take_due(system.clock.now())
    monkeypatch.setattr(limits, "MESSAGE", SHORT)
    with monkeypatch.context() as hung:
        hang(system.onboardings, method, hung)
        with pytest.raises(OverdueError, match=f"^{FIRST} of {record.id} took longer"):
            await system.engine.receive(message.effect)
    monkeypatch.setattr(limits, "MESSAGE", 60)
    await system.engine.receive(message.effect)
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED


async def test_a_step_that_is_broken_off_from_outside_is_handed_back(monkeypatch: pytest.MonkeyPatch) -> None:
    system, record = await begun()
    (message,) = system.bus.take_due(system.clock.now())
    hang(system.outside.gateways, "get", monkeypatch, times=1)
    monkeypatch.setattr(limits, "MESSAGE", SHORT)
    with pytest.raises(OverdueError):
        await system.engine.receive(message.effect)
    assert (await system.record(record.id)).step(FIRST).state is StepState.DUE
    assert [e.what for e in await system.events(record.id)][-1] == "step-abandoned"


async def test_handing_back_ends_too_when_the_table_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    system, record = await begun()
    (message,) = system.bus.take_due(system.clock.now())
    monkeypatch.setattr(limits, "MESSAGE", SHORT)
    monkeypatch.setattr(limits, "HAND_BACK", SHORT)
    with monkeypatch.context() as hung:
        calls = hang(system.outside.gateways, "get", hung)
        real = system.onboardings.replace

        async def write(*args: Any) -> Any:
            return await (asyncio.Event().wait() if calls() else real(*args))

        hung.setattr(system.onboardings, "replace", write)
        with pytest.raises(OverdueError):
            await system.engine.receive(message.effect)
    assert (await system.record(record.id)).step(FIRST).state is StepState.RUNNING, "until its lease ends"


async def test_a_notice_whose_table_hangs_fails_and_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    system, record = await waiting_for("operator-information")
    told = await system.record(record.id)
    notice = next(n for n in told.notices if n.kind == "checkpoint-opened")
    monkeypatch.setattr(limits, "MESSAGE", SHORT)
    hang(system.onboardings, "get", monkeypatch)
    with pytest.raises(OverdueError, match=f"^{notice.id} of {record.id} took longer"):
        await system.engine.receive(NudgeNotice(record.id, notice.id, notice.ticket))


async def test_a_notice_that_is_broken_off_from_outside_is_handed_back(monkeypatch: pytest.MonkeyPatch) -> None:
    system, record = await begun()
    system.outside.gateways.resources.clear()
    while not system.bus.waiting or not isinstance(system.bus.waiting[0].effect, NudgeNotice):
        assert await system.deliver(), "a step whose gateway is gone is told of"
    (message,) = system.bus.take_due(system.clock.now())
    hang(system.outside.notifier, "teams", monkeypatch, times=1)
    monkeypatch.setattr(limits, "MESSAGE", SHORT)
    with pytest.raises(OverdueError):
        await system.engine.receive(message.effect)
    (notice,) = (await system.record(record.id)).notices
    assert notice.problem is not None
    assert notice.problem.seen == "The function that was sending it was told to stop."
    assert not notice.sending


async def test_a_dead_letter_whose_table_hangs_fails_and_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    system, _ = await begun()
    message = system.bus.waiting[0]
    monkeypatch.setattr(limits, "MESSAGE", SHORT)
    hang(system.onboardings, "replace", monkeypatch)
    with pytest.raises(OverdueError, match=f"^the dead letter of {FIRST} of "):
        await system.engine.dead_letter(DeadLetter(encode(message.effect), "m", FIRST))


async def test_a_pass_that_hangs_ends_and_the_next_one_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    system, record = await begun()
    system.bus.drop()
    system.clock.advance(600)
    with monkeypatch.context() as hung:
        for bound in ("PASS", "LOOK", "RECORD"):
            hung.setattr(limits, bound, SHORT)
        hang(system.waits, "get", hung)
        with pytest.raises(OverdueError, match=r"^the timer's pass took longer"):
            await timer_pass(system.engine)
    await timer_pass(system.engine)
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED


async def test_an_onboarding_whose_write_hangs_does_not_keep_the_others_from_their_pass(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    system, record = await begun()
    system.bus.drop()
    system.clock.advance(600)
    monkeypatch.setattr(limits, "RECORD", SHORT)
    hang(system.onboardings, "replace", monkeypatch)
    assert await timer_pass(system.engine) == 1
    assert f"timer: onboarding or group {record.id} failed" in caplog.text
    assert "OverdueError" in caplog.text


@pytest.mark.parametrize(
    ("step", "port", "method", "said"),
    [
        ("provisioning-complete", "gateways", "in_subscription", "listing the gateways of subscription"),
        ("txt-record-visible", "dns", "txt", "asking for the TXT record of"),
    ],
)
async def test_a_look_that_hangs_is_seen_on_the_record_and_done_again(
    step: str, port: str, method: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, record = await waiting_for(step)
    system.clock.advance(7200)
    with monkeypatch.context() as hung:
        hung.setattr(limits, "LOOK", SHORT)
        hang(getattr(system.outside, port), method, hung)
        await timer_pass(system.engine)
    looked = (await system.record(record.id)).step(step)
    assert looked.state is StepState.WAITING
    assert looked.problem is not None
    assert said in looked.problem.seen
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED


async def test_gauges_that_hang_are_given_up(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    system, _ = await begun()
    monkeypatch.setattr(limits, "MEASURE", SHORT)
    monkeypatch.setattr(metrics, "in_use", lambda: True)

    async def rows(query: object) -> Any:
        await asyncio.Event().wait()
        yield

    monkeypatch.setattr(system.waits, "rows", rows)
    with caplog.at_level(logging.WARNING, "onboarding"):
        await Gauges(0).measure(system.records, system.clock.now())
    assert "measuring the open steps took longer" in caplog.text


async def test_a_call_that_hangs_is_answered_with_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(monkeypatch)
    monkeypatch.setattr(limits, "HTTP_CALL", SHORT)
    hang(api.system.onboardings, "get", monkeypatch)
    answer = await api.call("GET", "onboardings/contoso-acg-0123456789")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert b"did not answer" in answer.get_body()
