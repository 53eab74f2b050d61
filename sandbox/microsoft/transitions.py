"""States that change with time, as data: from, to, and after how many seconds or reads.

A state is settled when it is read; nothing runs in the background, so a reset or a moved clock needs no
cancelling of timers.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.microsoft.clock import Clock


@dataclass(frozen=True, slots=True)
class Transition:
    """From one value to the next, after `seconds`, after `calls` reads, or (neither) only by the control port."""

    source: str
    target: str
    seconds: float | None = None
    calls: int | None = None

    def due(self, elapsed: float, reads: int) -> bool:
        """Whether it has happened, `elapsed` seconds and `reads` earlier reads after its start."""
        if self.seconds is not None and elapsed >= self.seconds:
            return True
        return self.calls is not None and reads >= self.calls


GATEWAY_STATUS = Transition("ChangePending", "Complete")
"""`properties.status` after each write; how long it takes is an option (up to two weeks in the article)."""
CREATING = Transition("Accepted", "Succeeded")
"""`properties.provisioningState` after a PUT that creates."""
UPDATING = Transition("Updating", "Succeeded")
"""`properties.provisioningState` after a PUT that changes."""
VANISHED = "vanished"
"""What becomes of a test line that is there no more: it is shown nowhere."""
LINE_ENDS = {
    "Succeeded": CREATING,
    "Failed": Transition(CREATING.source, "Failed"),
    "Canceled": Transition(CREATING.source, "Canceled"),
    "Accepted": Transition(CREATING.source, CREATING.source),
    "vanishes": Transition(CREATING.source, VANISHED),
}
"""What a test line that is written comes to, by the option `testLineEnds`."""
DELETING = Transition("Deleting", "Succeeded")
"""The operation behind a DELETE."""
REPLICATION = Transition("replicating", "visible")
"""A new directory object, until every replica of the directory answers with it."""


class TimedState:
    """A value that follows one transition at a time."""

    def __init__(self, clock: Clock, value: str) -> None:
        self._clock = clock
        self._value = value
        self._transition: Transition | None = None
        self._since = clock.time()
        self._reads = 0

    def start(self, transition: Transition, *, seconds: float | None = None, calls: int | None = None) -> None:
        """Enter `transition.source` now. Without seconds and calls it stays there until `put`."""
        self._transition = Transition(transition.source, transition.target, seconds, calls)
        self._value = transition.source
        self._since = self._clock.time()
        self._reads = 0

    def put(self, value: str) -> None:
        """Set the value and end the transition, as the control port does."""
        self._value = value
        self._transition = None

    def move(self, value: str, seconds: float | None = None) -> None:
        """Go there from what it is now: at once, or after so many seconds."""
        if seconds is None:
            self.put(value)
        else:
            self.start(Transition(self.peek(), value), seconds=seconds)

    @property
    def entered(self) -> str:
        """The value last entered, even if it has ended since: what the answer to the write itself shows."""
        return self._value

    def read(self) -> str:
        """The value as a client sees it; counts as a call."""
        value = self.peek()
        self._reads += 1
        return value

    def peek(self) -> str:
        """The value, without counting as a call."""
        transition = self._transition
        if transition and transition.due(self._clock.time() - self._since, self._reads):
            self._value = transition.target
            self._transition = None
        return self._value
