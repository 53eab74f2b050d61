"""CPU and memory of an engine's own processes: a root and all that it started."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

import psutil

EVERY = 0.25
"""Seconds between two looks at the memory."""
FAMILY_FOR = 5.0
"""Seconds for which the descendants are taken to be the same, for the memory."""


class Tree:
    """A process and its descendants."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._known: list[psutil.Process] = []
        self._known_until = 0.0

    def cpu(self) -> float:
        """Seconds of CPU that they have used so far; those of a child that has ended count with its parent's."""
        return sum(_cpu(process) for process in self._alive())

    def megabytes(self) -> float:
        """Resident, now."""
        if time.monotonic() > self._known_until:
            self._alive()
        return sum(_resident(process) for process in self._known) / 1e6

    def _alive(self) -> list[psutil.Process]:
        """To find them, every process of the machine is looked at: that is not done at each look at the memory."""
        try:
            self._known = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            self._known = []
        self._known_until = time.monotonic() + FAMILY_FOR
        return self._known


class Peak:
    """The most memory that a tree had while this context was open, and what it had at each look."""

    def __init__(self, tree: Tree, every: float = EVERY) -> None:
        self.samples: list[float] = []
        """MB, one for each look."""
        self._tree, self._every = tree, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    @property
    def megabytes(self) -> float:
        return max(self.samples, default=0.0)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.samples.append(self._tree.megabytes())

    def _look(self) -> None:
        while not self._stop.is_set():
            self.samples.append(self._tree.megabytes())
            self._stop.wait(self._every)


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    ended = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return float(times.user + times.system + ended)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
