"""Whom Microsoft asked us to leave alone, and until when.

A step that was throttled is tried again in time by its record. But the same service is also called for other
gateways and other notices: in one process they keep away from it too, without a call.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from onboarding.azure.answers import MicrosoftAnswer
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError

PAUSING = frozenset({429, 503})
"""Statuses whose Retry-After speaks of more than the one request."""


class Cooldown:
    """For one service or one limit of it; `name` is what people read."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._until = -math.inf

    def check(self) -> None:
        """Before a call. Raises TryLaterError while the pause lasts."""
        left = self._until - self._clock()
        if left > 0:
            seen = f"{self._name} asked for a pause; {math.ceil(left)} s of it are left, so nothing was sent."
            raise TryLaterError(ProblemCode.THROTTLED, seen, retry_after=left)

    def heed(self, answer: MicrosoftAnswer) -> None:
        """After a call."""
        wait = answer.retry_after() if answer.status in PAUSING else None
        if wait is not None:
            self._until = max(self._until, self._clock() + wait)
