"""A message that is late is no worse for that: the timer sends another besides, and the first to come counts, once."""

from __future__ import annotations

from datetime import timedelta

from onboarding.core.decide import decide
from onboarding.core.events import CancelRequested, NoticeStarted, Nudge, NudgeNotice, Started, TimePassed
from onboarding.core.messages import decode, encode, message_id
from onboarding.core.policy import Policy
from onboarding.core.record import Record, StepState
from onboarding.memory.bus import Published
from tests.support import requests
from tests.support.records import NOW, new
from tests.support.system import System

FIRST = "enable-services"
LATE = timedelta(seconds=Policy().nudge_grace)


def nudged() -> tuple[Record, Nudge]:
    decision = decide(new().record, TimePassed(), NOW + LATE)
    [effect] = decision.effects
    assert isinstance(effect, Nudge)
    return decision.record, effect


def test_either_message_of_a_step_starts_it_and_the_other_finds_nothing_to_do() -> None:
    """Each nudge gave a new ticket: under load every message was worth nothing when it came, and nothing went on."""
    record, second = nudged()
    first = Nudge(record.id, FIRST, 1)
    for now in (first, second):
        started = decide(record, Started(FIRST, now.ticket), NOW + LATE)
        assert started.record.step(FIRST).state is StepState.RUNNING
        for other in (first, second):
            again = decide(started.record, Started(FIRST, other.ticket), NOW + LATE)
            assert (again.changed, again.effects) == (False, ())


def test_the_bus_takes_each_of_them_for_another_message() -> None:
    """Service Bus drops what comes with an id that it has seen within its window."""
    record, second = nudged()
    third = decide(record, TimePassed(), NOW + 5 * LATE).effects[0]
    ids = [message_id(effect) for effect in (Nudge(record.id, FIRST, 1), second, third)]
    assert ids == [f"{record.id}/{FIRST}/1{nudge}" for nudge in ("", "/n1", "/n2")]
    assert decode(encode(second)) == Nudge(record.id, FIRST, 1), "their text is the same"


def test_a_notice_is_told_by_either_of_its_messages_once() -> None:
    cancelled = decide(new().record, CancelRequested("ada", "why"), NOW).record
    decision = decide(cancelled, TimePassed(), NOW + LATE)
    [effect] = decision.effects
    assert isinstance(effect, NudgeNotice)
    assert (effect.ticket, message_id(effect)) == (2, f"{cancelled.id}/{effect.notice}/2/n1")
    told = decide(decision.record, NoticeStarted(effect.notice, 2), NOW + LATE)
    assert told.changed
    assert not decide(told.record, NoticeStarted(effect.notice, 2), NOW + LATE).changed


async def test_a_queue_that_takes_an_hour_is_worked_off_without_a_message_in_vain_but_the_timers() -> None:
    system = System()
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    record = (await system.request(request)).record
    for _ in range(60):
        await system.tick()
    waiting = system.bus.take_due(system.clock.now())
    of_step = [message for message in waiting if message.queue == FIRST]
    assert len(of_step) == 5, "the first, and the timer's with 2, 4, 8 and 16 minutes before each"
    assert await effects(system, of_step) == [True, False, False, False, False], "the oldest is as good as any"
    step = (await system.record(record.id)).step(FIRST)
    assert (step.state, step.attempts) == (StepState.DONE, 1)


async def effects(system: System, messages: list[Published]) -> list[bool]:
    """Whether each message changed anything."""
    changed = []
    for message in sorted(messages, key=lambda m: m.due):
        before = len(system.onboardings.writes)
        await system.engine.receive(message.effect)
        changed.append(len(system.onboardings.writes) > before)
    return changed
