"""From a web server's request to a pipeline, and back."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.web_exceptions import HTTPRequestEntityTooLarge

from sandbox.microsoft.exchange import Answer, CutOffError, Request
from sandbox.microsoft.pipeline import Pipeline
from sandbox.microsoft.ports import PortInUseError

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
SHUTDOWN = 0.5
"""Seconds that running calls get when the simulator stops."""


class Listener:
    """One port, one handler. `option` names the command line's option for the port."""

    def __init__(self, part: str, option: str, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self._part = part
        self._option = option
        self._tls = tls
        self._runner = web.ServerRunner(web.Server(handler, access_log=None), shutdown_timeout=SHUTDOWN)
        self.port = 0

    @property
    def url(self) -> str:
        """Scheme, address and port."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def start(self, port: int) -> None:
        """Listen on that port of 127.0.0.1, or on any free one for 0. Raises PortInUseError."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=self._tls, reuse_address=None).start()
        except OSError as problem:
            raise PortInUseError(self._part, port, self._option) from problem
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port and its connections."""
        await self._runner.cleanup()


def serve(pipeline: Pipeline) -> Handler:
    """A handler that sends each request through the pipeline."""

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        try:
            content = await request.read()
        except HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        asked = Request(
            service=pipeline.service.name,
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=request.headers,
            content=content,
            origin=f"{request.scheme}://{request.host}",
        )
        try:
            return response(await pipeline.send(asked))
        except CutOffError:
            if request.transport is not None:
                with contextlib.suppress(OSError):
                    request.transport.abort()
            raise ConnectionResetError("cut off by an injected fault") from None

    return handler


def response(answer: Answer) -> web.Response:
    """The answer as the web server sends it."""
    headers = dict(answer.headers)
    if content_type := answer.content_type():
        headers["Content-Type"] = content_type
    return web.Response(status=answer.status, body=answer.content() or None, headers=headers)
