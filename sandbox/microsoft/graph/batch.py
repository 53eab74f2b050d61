"""JSON batching: up to 20 requests in one (the description says so), each with its own status.

Source: https://learn.microsoft.com/graph/json-batching. Answers come in another order than the requests, as
Graph is free to do.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from multidict import CIMultiDict
from yarl import URL

from sandbox.microsoft.exchange import Answer, Request
from sandbox.microsoft.graph.errors import GraphError
from sandbox.microsoft.journal import Entry

WRITES = {"POST", "PUT", "PATCH"}


class Batch:
    """Takes a batch apart and sends each inner request through the pipeline."""

    def __init__(self) -> None:
        self.send: Callable[[Request], Awaitable[Answer]]
        """The pipeline of Graph; set when the pipeline is made, since each needs the other."""

    async def answer(self, request: Request, body: dict[str, Any], entry: Entry) -> Answer:
        """The outer answer: 200 whatever became of the inner requests. Raises GraphError for a bad batch."""
        steps = body["requests"]
        self._check(steps)
        answers: dict[str, Answer] = {}
        for step in _ordered(steps):
            failed = [name for name in step.get("dependsOn", []) if not answers[name].is_success]
            answers[step["id"]] = _dependency_failed(failed) if failed else await self._one(request, step, entry)
        responses = [_response(step["id"], answers[step["id"]]) for step in reversed(steps)]
        return Answer(200, {"responses": responses})

    def _check(self, steps: list[dict[str, Any]]) -> None:
        ids = [step["id"] for step in steps]
        if len(set(ids)) != len(ids):
            raise _invalid("Batch request ids must be unique.")
        for step in steps:
            if not step["url"].startswith("/"):
                raise _invalid(f"Invalid batch payload format: the url of request {step['id']} is not relative.")
            if unknown := set(step.get("dependsOn", [])) - set(ids):
                raise _invalid(f"Request {step['id']} depends on unknown requests {', '.join(sorted(unknown))}.")
            names = {name.lower() for name in step.get("headers", {})}
            if step["method"].upper() in WRITES and ("content-type" not in names or "body" not in step):
                raise _invalid(f"Write request id : {step['id']} does not contain Content-Type header or body.")

    async def _one(self, outer: Request, step: dict[str, Any], entry: Entry) -> Answer:
        headers = CIMultiDict(step.get("headers", {}))
        headers["Authorization"] = outer.headers.get("Authorization", "")
        url = URL(step["url"])
        body = step.get("body")
        content = json.dumps(body).encode() if body is not None else b""
        method = step["method"].upper()
        return await self.send(
            Request(
                "graph", method, f"/v1.0{url.path}", dict(url.query), headers, content, outer.origin, batch=entry.number
            )
        )


def _ordered(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each request after those it depends on. Raises GraphError for a circle."""
    ready: list[dict[str, Any]] = []
    waiting = list(steps)
    while waiting:
        done = {step["id"] for step in ready}
        free = [step for step in waiting if done.issuperset(step.get("dependsOn", []))]
        if not free:
            raise _invalid("Batch requests depend on each other in a circle.")
        ready += free
        waiting = [step for step in waiting if step not in free]
    return ready


def _response(step_id: str, answer: Answer) -> dict[str, Any]:
    response: dict[str, Any] = {"id": step_id, "status": answer.status}
    headers = {name: value for name, value in answer.headers.items() if name in ("Retry-After", "Location")}
    if content_type := answer.content_type():
        headers["Content-Type"] = content_type
    if headers:
        response["headers"] = headers
    if answer.body is not None:
        response["body"] = answer.body
    return response


def _dependency_failed(failed: list[str]) -> Answer:
    message = f"One or more dependencies failed: {', '.join(failed)}."
    return Answer(424, {"error": {"code": "FailedDependency", "message": message}})


def _invalid(message: str) -> GraphError:
    return GraphError(400, "BadRequest", message)
