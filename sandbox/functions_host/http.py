"""HTTP triggers, and the few admin calls of the real host that tools and tests use."""

from __future__ import annotations

import errno
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import azure.functions as func
from aiohttp import web
from azure.functions.meta import Datum

from sandbox.functions_host.app import Function
from sandbox.functions_host.errors import HostError, PortInUseError
from sandbox.functions_host.invocation import Invoker
from sandbox.functions_host.routes import RouteTable, Template

log = logging.getLogger("sandbox.functions_host")

BODY_LIMIT = 104_857_600
"""Bytes. The real host's default; there as here, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT changes it."""

Admin = Callable[[web.Request], Awaitable[web.StreamResponse]]

_IN_USE = {errno.EADDRINUSE, 10048}
_FORBIDDEN = {errno.EACCES, 10013}


class HttpServer:
    """Serves the HTTP functions below ``prefix``, and ``admin`` below /admin, on one port of 127.0.0.1.

    Keys are not asked for, whatever a function's auth level: so does ``func start``. A known path with
    another method is 404, and so is HEAD where only GET is declared: so does the real host
    (https://github.com/Azure/azure-functions-host/issues/10098 and /11625). A body over the limit is 500, not 413.
    """

    def __init__(
        self,
        functions: Iterable[Function],
        prefix: str,
        invoker: Invoker,
        admin: Admin,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        self._routes = RouteTable([_route(function, prefix) for function in functions])
        self._invoker, self._admin, self._body_limit = invoker, admin, body_limit
        self._stopping = False
        app = web.Application(client_max_size=body_limit)
        app.router.add_route("*", r"/{path:[\s\S]*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None)
        self._site: web.TCPSite | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port; 0 means any free one. Raises PortInUseError."""
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, host, port)
        try:
            await self._site.start()
        except OSError as error:
            await self._runner.cleanup()
            if error.errno in _IN_USE:
                raise PortInUseError(host, port) from error
            if error.errno in _FORBIDDEN:
                raise HostError(f"This user may not listen on port {port}; choose another with --port.") from error
            raise
        return int(self._runner.addresses[0][1])

    async def refuse_new(self) -> None:
        """Take no more connections, and answer 503 on those that are still open."""
        self._stopping = True
        if self._site is not None:
            await self._site.stop()

    async def close(self) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self._stopping:
            return web.Response(status=503, headers={"Retry-After": "1"})
        if "%00" in request.rel_url.raw_path:
            return web.Response(status=400)
        if request.rel_url.raw_path.lower().startswith("/admin/"):
            return await self._admin(request)
        found = self._routes.find(request.method, request.rel_url.raw_path)
        if found is None:
            return web.Response(status=404)
        function, parameters = found
        try:
            if (request.content_length or 0) > self._body_limit:
                raise web.HTTPRequestEntityTooLarge(self._body_limit, request.content_length or 0)
            data = _request_datum(request, parameters, await request.read())
        except web.HTTPRequestEntityTooLarge:
            log.error("Failed %s: the body is larger than FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", function.name)
            return web.Response(status=500)
        try:
            result = await self._invoker.invoke(function, data, {})
            return _response(result)
        except Exception:  # noqa: BLE001 - logged by the invoker; the real host tells the caller no more
            return web.Response(status=500)


def _route(function: Function, prefix: str) -> tuple[Template, frozenset[str] | None, Function]:
    route = str(function.trigger.get("route") or function.name)
    methods = function.trigger.get("methods")
    try:
        template = Template.parse(f"{prefix}/{route}" if prefix else route)
    except HostError as error:
        raise HostError(f"The function {function.name} can't be served: {error}.") from error
    return template, None if methods is None else frozenset(str(m).upper() for m in methods), function


def _request_datum(request: web.Request, parameters: dict[str, str], body: bytes) -> Datum:
    return Datum(
        {
            "method": _text(request.method),
            "url": _text(str(request.url)),
            "headers": _joined(request.headers.items()),
            "query": _joined(request.query.items()),
            "params": {name: _text(value) for name, value in parameters.items()},
            "body": Datum(body, "bytes"),
        },
        "http",
    )


def _text(value: str) -> Datum:
    return Datum(value, "string")


def _joined(items: Iterable[tuple[str, str]]) -> dict[str, Datum]:
    """A name that comes more than once has its values joined by commas, as .NET's StringValues do."""
    values: dict[str, list[str]] = {}
    for name, value in items:
        values.setdefault(name, []).append(value)
    return {name: _text(",".join(several)) for name, several in values.items()}


def _response(result: Any) -> web.Response:
    if result is None:
        return web.Response(status=204)
    datum = func.get_binding_registry().get("http").encode(result, expected_type=None)  # type: ignore[no-untyped-call]
    if datum.type == "string":
        return web.Response(text=datum.value)
    value = datum.value
    response = web.Response(status=int(value["status_code"].value), body=value["body"].value)
    for name, header in value["headers"].items():
        response.headers[name] = header.value
    for cookie in value["cookies"] or []:
        for morsel in cookie.values():
            response.headers.add("Set-Cookie", morsel.OutputString())
    return response
