"""An event loop whose time is virtual: when nothing can go on, it jumps to the next moment at which something can.

Everything that asyncio offers (sleep, timeout, call_later) then works in simulated time, in an order that depends on
nothing but the program.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class StuckError(Exception):
    """Nothing is ready and nothing is to come: whoever waits would wait for ever."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Seconds since its start, as asyncio counts them, without any real second passing."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        # What BaseEventLoop asks of a subclass: a selector (here nothing is ever to be read) and how fine time is.
        self._selector = self
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Now."""
        return self._now

    def jump(self, seconds: float) -> None:
        """The machine stood still for so long: whatever should have happened meanwhile happens now."""
        self._now += seconds

    def select(self, timeout: float | None) -> tuple[()]:
        """Wait, as a selector would: time passes at once."""
        if timeout is None:
            raise StuckError("nothing is ready and nothing is to come")
        self._now += timeout
        return ()

    def _process_events(self, events: object) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody comes from another thread."""


def run(program: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end in a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(program())
