"""Its paths on the control port: `/v1/…` as OTLP has them, `/telemetry/…` to look at what came."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from google.protobuf.message import DecodeError

from sandbox.telemetry.received import Received

INDEX: Mapping[str, str] = {
    "POST /v1/traces, /v1/metrics, /v1/logs": "Receives OpenTelemetry (OTLP over HTTP, protobuf).",
    "GET /telemetry/traces": "?onboarding=id: its trace as JSON; without: every trace.",
    "GET /telemetry/tree": "?onboarding=id: the same as text, for people.",
    "GET /telemetry/metrics": "?name=onboarding.steps: the latest measurements.",
    "GET /telemetry/logs": "?onboarding=id: log lines, oldest first.",
    "DELETE /telemetry": "Forget all telemetry.",
}


class Telemetry:
    """A receiver of OTLP."""

    def __init__(self) -> None:
        self.received = Received()

    def serves(self, path: str) -> bool:
        """Whether a path of the control port is this one's."""
        return path.startswith(("/v1/", "/telemetry"))

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        if request.method == "POST":
            return await self._take(request)
        onboarding, came = request.query.get("onboarding"), self.received
        match request.method, request.path:
            case "GET", "/telemetry/traces":
                return _json({"traces": came.traces(onboarding)})
            case "GET", "/telemetry/tree":
                return web.Response(text=came.tree(onboarding))
            case "GET", "/telemetry/metrics":
                name = request.query.get("name")
                return _json({"metrics": [m for m in came.metrics if name in (None, m["name"])]})
            case "GET", "/telemetry/logs":
                logs = [x for x in came.logs if onboarding in (None, x["attributes"].get("onboarding"))]
                return _json({"logs": logs})
            case "DELETE", "/telemetry":
                came.clear()
                return _json({})
        return _json({"error": f"No {request.method} {request.path} here. There is: {'; '.join(INDEX)}."}, 404)

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        takers: dict[str, Callable[[bytes], None]] = {
            "/v1/traces": self.received.take_traces,
            "/v1/metrics": self.received.take_metrics,
            "/v1/logs": self.received.take_logs,
        }
        taker = takers.get(request.path)
        if taker is None:
            return _json({"error": f"No POST {request.path} here. There is: {', '.join(takers)}."}, 404)
        try:
            taker(await request.read())
        except DecodeError as problem:
            return _json({"error": f"The body of {request.path} is no OTLP in protobuf: {problem}"}, 400)
        # An empty protobuf message: everything was taken.
        return web.Response(body=b"", content_type="application/x-protobuf")


def _json(answer: Any, status: int = 200) -> web.Response:
    text = json.dumps(answer, indent=1, ensure_ascii=False) + "\n"
    return web.Response(status=status, text=text, content_type="application/json")
