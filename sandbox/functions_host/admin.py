"""``/admin``: the host's state, the list of functions, running a timer function at once, drain and resume.

Paths and answers are the real host's, reduced to what is known here:
https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from aiohttp import web

from sandbox.functions_host.app import HTTP, TIMER, Function


class Controls(Protocol):
    """What /admin makes the host do."""

    draining: bool

    @property
    def running(self) -> int: ...

    def run_timer(self, name: str) -> None: ...

    def drain(self) -> None: ...

    def resume(self) -> None: ...


class Admin:
    """Answers below /admin. With a ``key``, whoever lacks it gets 401 from all but ping."""

    def __init__(self, functions: Sequence[Function], prefix: str, host: Controls, key: str | None = None) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._prefix, self._host, self._key = prefix, host, key
        self._started = time.monotonic()
        self.stopping = False

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        parts = request.path.strip("/").lower().split("/")[1:]
        if parts == ["host", "ping"] and request.method in ("GET", "POST"):
            return web.Response()
        if not self._knows_the_key(request):
            return web.Response(status=401)
        match request.method, parts:
            case "GET", ["host", "status"]:
                return web.json_response(self._status())
            case "GET", ["host", "drain", "status"]:
                return web.json_response(self._drained())
            case "POST", ["host", "drain"]:
                self._host.drain()
                return web.Response(status=202)
            case "POST", ["host", "resume"]:
                self._host.resume()
                return web.json_response({"state": self._status()["state"]})
            case "GET", ["functions"]:
                return web.json_response([self._describe(f, request) for f in self._functions.values()])
            case "GET", ["functions", name] if name in self._functions:
                return web.json_response(self._describe(self._functions[name], request))
            case "POST", ["functions", name] if name in self._functions:
                return self._start(self._functions[name])
        return web.Response(status=404)

    def _knows_the_key(self, request: web.Request) -> bool:
        given = request.headers.get("x-functions-key", request.query.get("code", ""))
        return self._key is None or hmac.compare_digest(given.encode(), self._key.encode())

    def _drained(self) -> Mapping[str, Any]:
        running = self._host.running
        state = "Disabled" if not self._host.draining else "InProgress" if running else "Completed"
        return {"state": state, "outstandingInvocations": running, "outstandingRetries": 0}

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
        self._host.run_timer(function.name)
        return web.Response(status=202)
