"""How the time of a function grows with its input. Not how long it takes: that is the machine's affair."""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import thread_time
from typing import TypeVar

T = TypeVar("T")
TIMES = 8
"""The larger input is so many times as large as the smaller."""
LIMIT = 24
"""A linear function takes 8 times as long, one that sorts some 11 times, a quadratic one 64 times."""
ROUNDS = 6
NOTHING = 2e-5
"""Seconds. What takes less took none: a call's own time doesn't grow."""


def growth(work: Callable[[T], object], make: Callable[[int], T], size: int) -> float:
    """How many times as long an input of TIMES the size takes.

    The shortest of several runs of each counts, of this thread's own time alone: whatever else the machine does only
    makes a run longer. Ends as soon as the growth is below the limit, which a quadratic function's never is.
    """
    small, large = make(size), make(TIMES * size)
    shortest, longest = float("inf"), float("inf")
    gc.disable()
    try:
        for _ in range(ROUNDS):
            shortest, longest = min(shortest, _time(work, small)), min(longest, _time(work, large))
            if longest < LIMIT / 2 * shortest:
                break
    finally:
        gc.enable()
    return longest / shortest


def _time(work: Callable[[T], object], given: T) -> float:
    started = thread_time()
    work(given)
    return max(thread_time() - started, NOTHING)
