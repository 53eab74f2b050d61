"""The virtual loop: time passes at once, and in order."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.simulation import loop
from tests.simulation.loop import StuckError, VirtualLoop

WEEK = 7 * 86400.0


def test_a_week_passes_in_no_time_and_in_order() -> None:
    seen: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append((name, asyncio.get_running_loop().time()))

    async def program() -> None:
        await asyncio.gather(sleeper("late", WEEK), sleeper("soon", 1.5), sleeper("next", 60.0))

    started = time.perf_counter()
    loop.run(program)
    assert time.perf_counter() - started < 5
    assert [(name, round(at, 3)) for name, at in seen] == [("soon", 1.5), ("next", 60.0), ("late", WEEK)]


def test_timeouts_are_virtual_too() -> None:
    async def program() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(240):
                await asyncio.sleep(WEEK)
        return asyncio.get_running_loop().time()

    assert loop.run(program) == pytest.approx(240)


def test_a_jump_makes_everything_due_that_should_have_happened() -> None:
    async def program() -> float:
        virtual = asyncio.get_running_loop()
        assert isinstance(virtual, VirtualLoop)
        virtual.call_later(10, virtual.jump, WEEK)
        await asyncio.sleep(60)
        return virtual.time()

    assert loop.run(program) == pytest.approx(WEEK + 10)


def test_waiting_for_nothing_is_told() -> None:
    async def program() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StuckError):
        loop.run(program)
