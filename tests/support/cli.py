"""The command line client against the real handlers, in the process: while it waits, the system goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx
import pytest
from typer.testing import CliRunner

from onboard.app import app
from onboard.session import Surroundings
from tests.support.http import Api
from tests.support.system import System

URL = "http://127.0.0.1:7071"
T = TypeVar("T")
Answerer = Callable[[httpx.Request], httpx.Response | None]


@dataclass
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass
class Terminal(httpx.BaseTransport):
    """Somebody's terminal, and the application that it reaches."""

    api: Api
    runner: asyncio.Runner
    requests: list[httpx.Request] = field(default_factory=list)
    answerer: Answerer | None = None
    """Answers in the application's place, or None."""
    waits: list[float] = field(default_factory=list)
    """Seconds, of each pause."""
    meanwhile: Callable[[], Awaitable[Any]] | None = None
    """What happens in each pause."""
    here: Surroundings = field(default_factory=Surroundings)

    @property
    def system(self) -> System:
        return self.api.system

    def run(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return self.runner.run(awaited())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        body = request.read()
        if self.answerer and (instead := self.answerer(request)):
            return instead
        path = request.url.raw_path.decode().removeprefix("/api/")
        headers = {name.replace("-", "_"): value for name, value in request.headers.items()}
        given = self.run(self.api.call(request.method, path, body or None, **headers))
        sent = dict(given.headers) | {"content-type": given.mimetype}
        return httpx.Response(given.status_code, headers=sent, content=given.get_body())

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if self.meanwhile:
            self.run(self.meanwhile())

    def onboard(self, *arguments: str, stdin: str | bytes = "", url: str = URL, **here: Any) -> Ended:
        """Run a command."""
        mine = Surroundings(
            transport=self, sleep=self._sleep, monotonic=lambda: sum(self.waits), terminal=lambda: False
        )
        runner = CliRunner(env={"ONBOARDING_URL": url, "ONBOARDING_REGISTRATION_CLIENT_ID": None, "COLUMNS": "80"})
        result = runner.invoke(app, list(arguments), input=stdin, obj=replace(mine, **here))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    def begun(self, body: dict[str, Any]) -> str:
        """The id of an onboarding of that request, as far as it goes by itself."""
        ended = self.onboard("request", "-", stdin=json.dumps(body))
        assert ended.status == 0, ended.err
        return ended.out.strip()

    async def goes_on(self) -> None:
        """What is due is done, Microsoft does its part, a minute passes."""
        while await self.system.deliver():
            pass
        self.system.outside.settle()
        await self.system.tick()

    def go_on(self, minutes: int = 1) -> None:
        for _ in range(minutes):
            self.run(self.goes_on())


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """One, at an application of its own."""
    with asyncio.Runner() as runner:

        async def made() -> Api:
            return Api(monkeypatch)

        yield Terminal(runner.run(made()), runner)
