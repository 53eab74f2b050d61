"""What bounds each function, so that none reaches `functionTimeout` of host.json.

There Microsoft's host ends the whole worker process, and whatever else it was at hangs until its own `functionTimeout`.
A step is broken off by its policy before any of these. What none of them ends is code that keeps the event loop to
itself: there the host's own bound is left.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

MESSAGE = 480.0
"""Seconds for a message: a step, a notice, a dead letter, with all that is read and written before and after."""
HAND_BACK = 30.0
"""Seconds to put on the record that something was broken off. A record that doesn't know is repaired by the lease."""
PASS = 45.0
"""Seconds after which the timer's pass begins nothing more, so that the next comes in time. What was due still is."""
LOOK = 60.0
"""Seconds within a pass for one look: at a subscription's gateways, at one TXT record."""
ASKED = 10.0
"""Seconds for a look that somebody asked for, and waits for."""
RECORD = 60.0
"""Seconds within a pass for what is written of one onboarding."""
MEASURE = 30.0
"""Seconds for the gauges, after a pass."""
MANY = 45.0
"""Seconds after which a call that is about many onboardings begins with no further one."""
HTTP_CALL = 100.0
"""Seconds for an HTTP call; Azure's load balancer gives up at 230."""


class OverdueError(TimeoutError):
    """Something was broken off by us, because it took too long."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what} took longer than {seconds:g} s and was broken off; what it asked never answered.")


class within:  # noqa: N801 - read like `asyncio.timeout`
    """Break off what is done inside after so many seconds. Raises OverdueError, which says `what` it was."""

    def __init__(self, seconds: float, what: str) -> None:
        self._seconds, self._what = seconds, what
        self._scope = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._scope.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._scope.__aexit__(kind, error, traceback)
        except TimeoutError as expired:
            raise OverdueError(self._what, self._seconds) from expired
