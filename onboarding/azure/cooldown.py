"""Whom Microsoft asked us to leave alone, and until when.

A step that was throttled is tried again in time by its record. But the same service is also called for other
gateways and other notices: in one process they keep away from it too, without a call, and in the others as soon as they
have read of it (`pauses.py`). When the pause is over they come one after another, not all at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from onboarding.azure.answers import LONGEST_PAUSE, MicrosoftAnswer
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import HeldUpError
from onboarding.pauses import Pauses

CLOCKS_APART = 60.0
"""Seconds by which the clocks of two processes differ, at most."""
PAUSING = frozenset({429, 503})
"""Statuses whose Retry-After speaks of more than the one request."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of Microsoft's, for which it asks for pauses."""

    service: str
    """As the row's partition names it."""
    name: str
    """As people know it."""
    apart: float
    """Seconds between two of those who wait for the end of a pause: so that all of them stay below the limit."""


ARM_LIMIT = Limit("arm", "Azure Resource Manager", 0.1)
"""For each subscription and principal: 10 writes a second, 25 reads.
https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling"""
GRAPH_LIMIT = Limit("graph", "Microsoft Graph", 0.05)
"""For an application in a tenant: 3,000 writes of the directory in 2.5 minutes.
https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits"""
MAIL_LIMIT = Limit("mail", "Exchange Online", 2.0)
"""For a mailbox: 30 messages a minute.
https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits"""
TEAMS_LIMIT = Limit("teams", "The Teams webhook", 0.5)
"""For a webhook: 60 posts in 30 seconds.
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using"""
EVENTS_LIMIT = Limit("events", "The webhook for events", 0.1)
"""Of the operator's own program: nobody knows it but by what it answers."""


class Cooldown:
    """For one limit, of what it is for (`of`: a subscription; empty: it is one for all that we do)."""

    def __init__(
        self, limit: Limit, pauses: Pauses | None = None, of: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`pauses`: what the processes share; None: this one is alone."""
        self._limit = limit
        self._pauses = pauses
        self._of = of or "all"
        self._clock = clock
        self._until = -math.inf
        self._last_turn = -math.inf

    async def check(self) -> None:
        """Before a call. Raises HeldUpError while the pause lasts."""
        now = self._clock()
        until = max(self._until, now + await self._left_elsewhere())
        if until <= now:
            return
        # Whoever is held up again goes to the end of those who wait.
        self._last_turn = max(self._last_turn + self._limit.apart, until)
        seen = f"{self._limit.name} asked for a pause; {math.ceil(until - now)} s of it are left, so nothing was sent."
        raise HeldUpError(ProblemCode.THROTTLED, seen, until - now, self._last_turn - until)

    async def heed(self, answer: MicrosoftAnswer) -> None:
        """After a call."""
        wait = answer.retry_after() if answer.status in PAUSING else None
        if wait is None:
            return
        self._until = max(self._until, self._clock() + wait)
        if self._pauses is not None:
            until = self._pauses.clock.now() + timedelta(seconds=wait)
            await self._pauses.heed(self._limit.service, self._of, until)

    async def _left_elsewhere(self) -> float:
        """Seconds of a pause that another process was asked for."""
        until = await self._pauses.until(self._limit.service, self._of) if self._pauses else None
        if until is None or self._pauses is None:
            return 0.0
        left = (until - self._pauses.clock.now()).total_seconds()
        # Nobody is asked for more: such a row is a mistake, or worse.
        return left if left <= LONGEST_PAUSE + CLOCKS_APART else 0.0
