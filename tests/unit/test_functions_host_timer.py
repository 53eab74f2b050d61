"""Schedules and timers of the local Functions host, on a clock that the test sets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from sandbox.functions_host import HostError
from sandbox.functions_host.app import TIMER, Function
from sandbox.functions_host.invocation import Invoker
from sandbox.functions_host.schedule import Schedule
from sandbox.functions_host.settings import Settings
from sandbox.functions_host.timer import StatusFile, Timer

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


class SetClock:
    """Time stands still until the test moves it."""

    def __init__(self) -> None:
        self._now = NOON
        self._moved = asyncio.Condition()
        self.sleeping = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    async def sleep_until(self, moment: datetime) -> None:
        async with self._moved:
            self.sleeping.set()
            await self._moved.wait_for(lambda: self._now >= moment)
            self.sleeping.clear()

    async def move(self, seconds: float) -> None:
        async with self._moved:
            self._now += timedelta(seconds=seconds)
            self._moved.notify_all()


class Tick:
    """A timer function that says what it got and, if told to, waits."""

    def __init__(self, *, held: bool = False, fails: bool = False) -> None:
        self.got: asyncio.Queue[func.TimerRequest] = asyncio.Queue()
        self.release = asyncio.Event()
        self.fails = fails
        if not held:
            self.release.set()

    async def __call__(self, timer: func.TimerRequest) -> None:
        self.got.put_nowait(timer)
        await self.release.wait()
        if self.fails:
            raise ValueError("no")

    async def next(self) -> func.TimerRequest:
        async with asyncio.timeout(5):
            return await self.got.get()


async def publish(binding: Any, value: Any) -> None:
    raise AssertionError("a timer has no outputs here")


@asynccontextmanager
async def ticking(
    tick: Tick,
    clock: SetClock,
    schedule: str = "0 * * * * *",
    *,
    file: Path | None = None,
    silence: timedelta = timedelta(),
    **more: Any,
) -> AsyncIterator[Timer]:
    async def call(timer: func.TimerRequest) -> None:
        await tick(timer)

    converter = func.get_binding_registry().get(TIMER)
    trigger = {"type": TIMER, "name": "timer", "schedule": schedule, **more}

    def decode(data: Any, metadata: Any) -> Any:
        return converter.decode(data, trigger_metadata=metadata)

    function = Function("tick", call, ".", trigger, (), decode, wants_context=False)
    invoker = Invoker(1, None, publish)
    timer = Timer(function, Settings({}), invoker, clock, StatusFile(file), silence)
    running = asyncio.create_task(timer.run())
    try:
        yield timer
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        invoker.close()


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("0 * * * * *", NOON + timedelta(minutes=1)),
        ("* * * * *", NOON + timedelta(minutes=1)),
        ("*/10 * * * * *", NOON + timedelta(seconds=10)),
        ("30 5 13 * * *", datetime(2026, 11, 23, 13, 5, 30, tzinfo=UTC)),
        ("0 0 9 * * 1-5", datetime(2026, 11, 24, 9, tzinfo=UTC)),
        ("0 0 9 * Jan Mon", datetime(2027, 1, 4, 9, tzinfo=UTC)),
        ("00:00:07", NOON + timedelta(seconds=7)),
        ("1.00:00:00", NOON + timedelta(days=1)),
    ],
)
def test_when_a_schedule_is_due(text: str, following: datetime) -> None:
    assert Schedule.parse(text).next_after(NOON) == following


@pytest.mark.parametrize("text", ["", "often", "* * * *", "61 * * * * *", "* * * * * * *", "00:00:00", "24:00:00"])
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(ValueError, match="time span"):
        Schedule.parse(text)


async def test_a_timer_names_its_function_when_its_schedule_is_wrong() -> None:
    with pytest.raises(HostError, match="The schedule of tick can't be used: 'often'"):
        async with ticking(Tick(), SetClock(), "often"):
            pass


async def test_nothing_runs_before_it_is_due() -> None:
    tick, clock = Tick(), SetClock()
    async with ticking(tick, clock):
        await clock.sleeping.wait()
        await clock.move(59)
        assert tick.got.empty()
        await clock.move(1)
        timer = await tick.next()
    assert timer.past_due is False
    assert timer.schedule_status["Next"] == "2026-11-23T12:01:00+00:00"


async def test_the_status_tells_the_run_before() -> None:
    tick, clock = Tick(), SetClock()
    async with ticking(tick, clock):
        await clock.sleeping.wait()
        await clock.move(60)
        first = await tick.next()
        await clock.sleeping.wait()
        await clock.move(60)
        second = await tick.next()
    assert first.schedule_status["Last"].startswith("0001-01-01")
    assert second.schedule_status["Last"] == "2026-11-23T12:01:00+00:00"


async def test_run_on_startup_runs_at_once() -> None:
    tick, clock = Tick(), SetClock()
    async with ticking(tick, clock, runOnStartup=True):
        assert (await tick.next()).past_due is False


async def test_one_run_at_a_time_and_what_was_missed_meanwhile_follows_once() -> None:
    tick, clock = Tick(held=True), SetClock()
    async with ticking(tick, clock):
        await clock.sleeping.wait()
        await clock.move(60)
        await tick.next()
        await clock.move(200)  # three occurrences pass while it runs
        assert tick.got.empty()
        tick.release.set()
        assert (await tick.next()).past_due is False
        await clock.sleeping.wait()
        assert tick.got.empty()


async def test_a_failure_does_not_end_the_schedule() -> None:
    tick, clock = Tick(fails=True), SetClock()
    async with ticking(tick, clock):
        for _ in range(2):
            await clock.sleeping.wait()
            await clock.move(60)
            await tick.next()


async def test_an_occurrence_missed_while_the_host_was_down_is_past_due(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "timers.json"
    clock = SetClock()
    async with ticking(Tick(), clock, file=file):
        await clock.sleeping.wait()
    await clock.move(90)
    clock.sleeping.clear()
    tick = Tick()
    async with ticking(tick, clock, file=file):
        assert (await tick.next()).past_due is True
        await clock.sleeping.wait()
    tick = Tick()
    clock.sleeping.clear()
    async with ticking(tick, clock, file=file):
        await clock.sleeping.wait()
    assert tick.got.empty(), "it was made up for"


async def test_a_broken_state_file_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "timers.json"
    file.write_text("{")
    with pytest.raises(HostError, match="Delete the file"):
        StatusFile(file)


async def test_a_run_on_demand_waits_for_the_one_in_progress_and_a_stopped_timer_runs_nothing() -> None:
    tick, clock = Tick(held=True), SetClock()
    async with ticking(tick, clock) as timer:
        await clock.sleeping.wait()
        first = asyncio.create_task(timer.run_once())
        await tick.next()
        second = asyncio.create_task(timer.run_once())
        timer.stop()
        tick.release.set()
        await asyncio.gather(first, second)
        assert tick.got.empty()


async def test_a_stopped_timer_does_not_spin_while_a_function_still_runs() -> None:
    """It held the event loop, so that the function could neither end nor be cancelled."""

    class Counted(SetClock):
        asked = 0

        async def sleep_until(self, moment: datetime) -> None:
            self.asked += 1
            if self.asked > 10:
                raise AssertionError("the timer spins")
            await super().sleep_until(moment)

    tick, clock = Tick(), Counted()
    async with ticking(tick, clock) as timer:
        await clock.sleeping.wait()
        timer.stop()
        await clock.move(120)
        for _ in range(50):
            await asyncio.sleep(0)
    assert clock.asked == 1
    assert tick.got.empty()


def test_the_state_file_is_plain_json(tmp_path: Path) -> None:
    StatusFile(tmp_path / "t.json").ran("tick", NOON)
    assert json.loads((tmp_path / "t.json").read_text()) == {"tick": "2026-11-23T12:00:00+00:00"}


async def test_after_a_host_that_was_killed_a_timer_may_be_silent_for_a_while(tmp_path: Path) -> None:
    file = tmp_path / "timers.json"
    first, second, third = StatusFile(file), StatusFile(file), StatusFile(file)
    assert not first.take(), "there was none before"
    assert second.take(), "nobody gave it back"
    second.give_back()
    assert not third.take()
    assert not StatusFile(None).take()

    tick, clock = Tick(), SetClock()
    async with ticking(tick, clock, silence=timedelta(seconds=50)):
        await clock.sleeping.wait()
        await clock.move(49)
        assert tick.got.empty()
        clock.sleeping.clear()
        await clock.move(1)
        await clock.sleeping.wait()
        await clock.move(10)
        assert (await tick.next()).past_due is False


async def test_a_stopped_timer_goes_on_when_it_is_resumed() -> None:
    tick, clock = Tick(), SetClock()
    async with ticking(tick, clock) as timer:
        await clock.sleeping.wait()
        timer.stop()
        timer.resume()
        await clock.move(60)
        await tick.next()
