"""Reads at Graph that are asked for at about the same time, in one `$batch`: one request in place of twenty."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from onboarding.azure.allowed import MAX_BATCH, Grants
from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall
from onboarding.azure.graph_client import AnsweredCall, Ask, GraphClient, GraphSender, expect_answers
from onboarding.ports import OwnPermissions

GATHERED_FOR = 0.05
"""Seconds from the first of them on: those of one slice come within a few milliseconds of each other."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Reads that somebody waits for together."""

    asks: Sequence[Ask]
    answered: asyncio.Future[list[AnsweredCall]]


class GatheredGraph(GraphSender):
    """As a GraphClient. What is no read is sent by itself, at once."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client
        self.changes_by = client.changes_by
        self._waiting: list[_Group] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def send(self, ask: Ask, grants: Grants | None = None) -> AnsweredCall:
        """One request."""
        if ask.method != "GET":
            return await self._client.send(ask, grants)
        (answered,) = await self._gathered([ask])
        return answered

    async def batch(self, asks: Sequence[Ask], grants: Grants | None = None) -> list[AnsweredCall]:
        """Several, answered in the order of asking."""
        if any(ask.method != "GET" for ask in asks):
            return await self._client.batch(asks, grants)
        return await self._gathered(asks)

    async def follow(self, call: MicrosoftCall, link: str) -> MicrosoftAnswer:
        """The next page."""
        return await self._client.follow(call, link)

    async def own_permissions(self) -> OwnPermissions | None:
        """What the application's own token says of it; None when it can't be read."""
        return await self._client.own_permissions()

    async def _gathered(self, asks: Sequence[Ask]) -> list[AnsweredCall]:
        group = _Group(asks, asyncio.get_running_loop().create_future())
        if sum(len(one.asks) for one in self._waiting) + len(asks) > MAX_BATCH:
            self._begin(self._take(), 0.0)
        self._waiting.append(group)
        if len(self._waiting) == 1:
            self._begin(self._waiting, GATHERED_FOR)
        return expect_answers(await group.answered)

    def _take(self) -> list[_Group]:
        taken, self._waiting = self._waiting, []
        return taken

    def _begin(self, groups: list[_Group], after: float) -> None:
        task = asyncio.ensure_future(self._send_later(groups, after))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send_later(self, groups: list[_Group], after: float) -> None:
        """Send these; those that were taken meanwhile, because there were enough, were sent then."""
        await asyncio.sleep(after)
        if after:
            if groups is not self._waiting:
                return
            groups = self._take()
        asked = asyncio.ensure_future(self._client.answers([ask for group in groups for ask in group.asks]))
        await asyncio.wait([asked])
        error = asked.exception()
        answers = iter([] if error else asked.result())
        for group in groups:
            mine = [next(answers) for _ in group.asks] if error is None else []
            if group.answered.done():
                # Nobody waits for it any more.
                continue
            if error is None:
                group.answered.set_result(mine)
            else:
                group.answered.set_exception(error)
