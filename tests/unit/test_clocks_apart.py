"""Hosts whose clocks are behind the bus's: a message that comes early by theirs is on time, or comes again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest

from onboarding.core.decide import decide
from onboarding.core.events import CancelRequested, Nudge, NudgeNotice, Postponed, Started
from onboarding.core.messages import decode, encode, message_id
from onboarding.core.policy import Policy
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.core.record import Record, StepState
from onboarding.ports import Clock
from tests.support import requests
from tests.support.records import new
from tests.support.system import System

FIRST = "enable-services"
BEHIND = (1.5, 3.0, 60.0)


class Behind:
    """A clock that is so many seconds behind another."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._behind = clock, timedelta(seconds=seconds)

    def now(self) -> datetime:
        return self._clock.now() - self._behind


async def begun() -> tuple[System, Record]:
    system = System()
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    return system, (await system.request(request)).record


async def received(system: System, seconds: float) -> int:
    """The host whose clock is behind takes whatever arrives; how many messages until none was waiting any more."""
    host, messages = replace(system.engine, clock=Behind(system.clock, seconds)), 0
    while due := system.bus.next_due():
        system.clock.advance(max(0.0, (due - system.clock.now()).total_seconds()))
        for message in system.bus.take_due(system.clock.now()):
            messages += 1
            assert messages < 20, "messages go round and round"
            await host.receive(message.effect)
    return messages


@pytest.mark.parametrize("seconds", BEHIND)
async def test_a_host_whose_clock_is_behind_starts_steps_without_the_timers_help(seconds: float) -> None:
    system, record = await begun()
    await received(system, seconds)
    step = (await system.record(record.id)).step("add-test-lines")
    assert step.state is StepState.DONE
    assert {e.what for e in await system.events(record.id)} <= {"requested", "step-started", "step-done"}


@pytest.mark.parametrize("seconds", BEHIND)
async def test_a_host_whose_clock_is_behind_keeps_the_pause_that_microsoft_asked_for(seconds: float) -> None:
    system, record = await begun()
    system.outside.gateways.faults.add("get", TryLaterError(ProblemCode.THROTTLED, "429", 30))
    await system.deliver()
    until = (await system.record(record.id)).step(FIRST).not_before
    assert until is not None
    calls = system.outside.gateways.faults.calls["get"]
    host = replace(system.engine, clock=Behind(system.clock, seconds))
    [message] = system.bus.waiting
    system.clock.advance((message.due - system.clock.now()).total_seconds())
    [message] = system.bus.take_due(system.clock.now())
    await host.receive(message.effect)
    assert system.outside.gateways.faults.calls["get"] == calls
    assert await received(system, seconds)
    assert (await system.record(record.id)).step(FIRST).state is StepState.DONE


@pytest.mark.parametrize("seconds", BEHIND)
async def test_a_host_whose_clock_is_behind_tells_people(seconds: float) -> None:
    system, record = await begun()
    system.bus.drop()
    await system.engine.happen(record.id, CancelRequested("ada", "wrong gateway"))
    await received(system, seconds)
    assert len(system.outside.notifier.mails) == 1


def test_a_message_that_came_early_is_another_one_for_the_bus_and_changes_nothing() -> None:
    record = new().record
    due = record.step(FIRST).next_attempt_at
    assert due is not None
    early = due - timedelta(seconds=60)
    decision = decide(record, Started(FIRST, 1), early)
    assert (decision.record, decision.changed) == (record, False)
    again = Nudge(record.id, FIRST, 1, after=120, again=1)
    assert decision.effects == (again,)
    assert again.queue == FIRST
    ids = {message_id(n) for n in (Nudge(record.id, FIRST, 1), again, replace(again, after=119.5))}
    assert len(ids) == 3
    assert message_id(NudgeNotice(record.id, "completed", 1, 4.0, again=1)).endswith("/completed/1/4.000")


@pytest.mark.parametrize("behind", [7.0, 90.0, 700.0])
def test_a_clock_that_was_set_back_after_the_message_was_scheduled_does_not_spin(behind: float) -> None:
    record = new().record
    due = record.step(FIRST).next_attempt_at
    assert due is not None
    bus, again, came = due + timedelta(seconds=behind - 6), 0, 0
    while (now := bus - timedelta(seconds=behind)) < due - timedelta(seconds=5):
        [nudge] = decide(record, Started(FIRST, 1, again), now).effects
        assert decode(encode(nudge)) == replace(nudge, after=0)
        bus, again, came = max(bus, now + timedelta(seconds=nudge.after)), nudge.again, came + 1
    assert came <= 9


def test_the_grace_is_for_clocks_and_not_for_pauses() -> None:
    policy, record = Policy(), new().record
    started = decide(record, Started(FIRST, 1), record.created_at).record
    slow = TryLaterError(ProblemCode.THROTTLED, "429", 30)
    paused = decide(started, Postponed(FIRST, 1, slow.problem, 30), record.created_at).record
    due, ticket = paused.step(FIRST).next_attempt_at, paused.step(FIRST).ticket
    assert due is not None
    assert decide(paused, Started(FIRST, ticket), due - timedelta(seconds=policy.clock_skew)).changed
    assert not decide(paused, Started(FIRST, ticket), due - timedelta(seconds=policy.early_grace)).changed
    assert decide(record, Started(FIRST, 1), record.created_at - timedelta(seconds=policy.early_grace)).changed


async def seconds_until_done(behind: tuple[float, ...], pause: float | None) -> tuple[float, int]:
    """For the first step, when hosts whose clocks are so far behind take its messages in turn; and how many came."""
    system, record = await begun()
    if pause is not None:
        system.outside.gateways.faults.add("get", TryLaterError(ProblemCode.THROTTLED, "429", pause))
    hosts = [replace(system.engine, clock=Behind(system.clock, seconds)) for seconds in behind]
    began, messages = system.clock.now(), 0
    while (await system.record(record.id)).step(FIRST).state is not StepState.DONE:
        due = system.bus.next_due()
        assert due is not None, "its message is lost, and waits for the timer"
        system.clock.advance(max(0.0, (due - system.clock.now()).total_seconds()))
        for message in system.bus.take_due(system.clock.now()):
            await hosts[messages % len(hosts)].receive(message.effect)
            messages += 1
    return (system.clock.now() - began).total_seconds(), messages


@pytest.mark.parametrize("behind", list(product((-3.0, 0.0, 3.0), repeat=2)))
async def test_hosts_whose_clocks_differ_cost_nothing_and_a_pause_what_they_differ_by(
    behind: tuple[float, float],
) -> None:
    """Hosts 3 s apart took 5 to 20 s where equal ones took 4."""
    assert await seconds_until_done(behind, None) == (0.0, 1)
    equal, messages = await seconds_until_done((0.0, 0.0), 2)
    assert (round(equal), messages) == (4, 2)
    apart, messages = await seconds_until_done(behind, 2)
    assert apart <= equal + sum(map(abs, behind)) + 0.1
    assert messages <= 3
