"""``/admin``: the host's state, the list of functions, and running a timer function at once.

Paths and answers are the real host's, reduced to what is known here:
https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from sandbox.functions_host.app import HTTP, TIMER, Function


class Admin:
    """Answers below /admin. ``run`` starts a timer function by name, without waiting for it."""

    def __init__(self, functions: Sequence[Function], prefix: str, run: Callable[[str], None]) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._prefix, self._run = prefix, run
        self._started = time.monotonic()
        self.stopping = False

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        parts = request.path.strip("/").lower().split("/")[1:]
        match request.method, parts:
            case "GET", ["host", "status"]:
                return web.json_response(self._status())
            case "POST", ["host", "ping"]:
                return web.Response()
            case "GET", ["functions"]:
                return web.json_response([self._describe(f, request) for f in self._functions.values()])
            case "GET", ["functions", name] if name in self._functions:
                return web.json_response(self._describe(self._functions[name], request))
            case "POST", ["functions", name] if name in self._functions:
                return self._start(self._functions[name])
        return web.Response(status=404)

    def _status(self) -> Mapping[str, Any]:
        return {
            "id": "local",
            "state": "Stopping" if self.stopping else "Running",
            "version": "local",
            "processUptime": int((time.monotonic() - self._started) * 1000),
        }

    def _describe(self, function: Function, request: web.Request) -> Mapping[str, Any]:
        path = "/".join(p for p in (self._prefix, function.trigger.get("route") or function.name) if p)
        return {
            "name": function.name,
            "language": "python",
            "trigger": function.kind,
            "isDisabled": function.disabled,
            "config": {"bindings": function.bindings},
            "invoke_url_template": f"http://{request.host}/{path}" if function.kind == HTTP else None,
        }

    def _start(self, function: Function) -> web.Response:
        if function.kind != TIMER or function.disabled:
            state = "disabled" if function.disabled else f"a function with {function.kind}"
            error = f"{function.name} is {state}; only timer functions that aren't disabled run from here."
            return web.json_response({"error": error}, status=400)
        self._run(function.name)
        return web.Response(status=202)
