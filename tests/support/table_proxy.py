"""A proxy before Azurite whose weather a test chooses: Table Storage as it is on a bad day.

It runs on a loop of its own in a thread, so that tests that wait or sleep don't hold it up.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from urllib.parse import parse_qsl, urlencode

import aiohttp
from aiohttp import web
from yarl import URL

HOST = "127.0.0.1"
EMPTY = "1!8!ZW1wdHk-"
"""The partition that the continuation of an empty page names: opaque, as Table Storage's are."""
_BUSY = {"odata.error": {"code": "ServerBusy", "message": {"lang": "en-US", "value": "The server is busy."}}}
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass
class Weather:
    """How Table Storage behaves. Fair, unless a test says otherwise; it may change at any time."""

    busy: float = 0.0
    """Share of calls that are answered 503 ServerBusy, and not carried out."""
    retry_after: int | None = None
    """Seconds that such an answer asks for."""
    lost: float = 0.0
    """Share of calls that are carried out, and whose answer never comes: the connection ends."""
    delay: float = 0.0
    """Seconds before a call is carried out."""
    empty_pages: int = 0
    """Pages with nothing but a continuation that come before what a query finds."""
    frozen: bool = False
    """Calls are taken, and neither carried out nor answered."""
    seen: Counter[str] = field(default_factory=Counter)
    """What has happened, how often."""


class _Proxy:
    def __init__(self, upstream: int, weather: Weather) -> None:
        self._upstream, self._weather = f"http://{HOST}:{upstream}", weather
        # What happens to the calls is the same in every run, as far as they come in the same order.
        self._random = Random(7)
        self.loop = asyncio.new_event_loop()
        self.port = 0
        self.ready = threading.Event()
        self.stop = asyncio.Event()

    def run(self) -> None:
        """Until it is stopped; what is still being answered then is broken off."""
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self.serve())

    async def serve(self) -> None:
        async with aiohttp.ClientSession(auto_decompress=False) as self._client:
            runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, HOST, 0)
            await site.start()
            self.port = int(runner.addresses[0][1])
            self.ready.set()
            await self.stop.wait()
            await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=8 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        weather, body = self._weather, await request.read()
        weather.seen["asked"] += 1
        await asyncio.sleep(weather.delay)
        if weather.frozen:
            weather.seen["frozen"] += 1
            await asyncio.Event().wait()
        if self._random.random() < weather.busy:
            weather.seen["busy"] += 1
            asked = {"Retry-After": str(weather.retry_after)} if weather.retry_after is not None else {}
            return web.json_response(_BUSY, status=503, headers={"x-ms-error-code": "ServerBusy", **asked})
        empty = self._empty_page(request)
        if empty is not None:
            weather.seen["empty"] += 1
            return empty
        try:
            answer = await self._forwarded(request, body)
        except aiohttp.ClientError:
            return self._ended(request)
        if self._random.random() < weather.lost:
            weather.seen["lost"] += 1
            return self._ended(request)
        return answer

    def _empty_page(self, request: web.Request) -> web.Response | None:
        if request.method != "GET" or "()" not in request.path:
            return None
        begun = request.query.get("NextPartitionKey")
        if begun not in (None, EMPTY):
            return None
        place = int(request.query["NextRowKey"]) if begun else 0
        if place >= self._weather.empty_pages:
            return None
        continuation = {
            "x-ms-continuation-NextPartitionKey": EMPTY,
            "x-ms-continuation-NextRowKey": str(place + 1),
        }
        return web.json_response({"value": []}, headers=continuation)

    async def _forwarded(self, request: web.Request, body: bytes) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        if request.query.get("NextPartitionKey") == EMPTY:
            kept = [(n, v) for n, v in parse_qsl(query) if n not in ("NextPartitionKey", "NextRowKey")]
            query = urlencode(kept)
        url = URL(f"{self._upstream}{path}{'?' if query else ''}{query}", encoded=True)
        headers = {n: v for n, v in request.headers.items() if n.lower() not in _HOP_BY_HOP}
        async with self._client.request(request.method, url, headers=headers, data=body or None) as answer:
            said = {n: v for n, v in answer.headers.items() if n.lower() not in _HOP_BY_HOP}
            return web.Response(status=answer.status, headers=said, body=await answer.read())

    @staticmethod
    def _ended(request: web.Request) -> web.Response:
        """The connection ends without an answer."""
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


@contextmanager
def table_proxy(upstream: int) -> Iterator[tuple[int, Weather]]:
    """A proxy before the table service at a port of this machine: its own port, and its weather."""
    weather = Weather()
    proxy = _Proxy(upstream, weather)
    thread = threading.Thread(target=proxy.run, daemon=True)
    thread.start()
    try:
        assert proxy.ready.wait(30), "the proxy does not listen"
        yield proxy.port, weather
    finally:
        proxy.loop.call_soon_threadsafe(proxy.stop.set)
        thread.join(30)


def through(connection_string: str, port: int) -> str:
    """The same storage account, with its tables behind a proxy's port."""
    parts = [part for part in connection_string.split(";") if part and not part.startswith("TableEndpoint=")]
    account = next(part for part in parts if part.startswith("AccountName=")).partition("=")[2]
    return ";".join([*parts, f"TableEndpoint=http://{HOST}:{port}/{account}", ""])
