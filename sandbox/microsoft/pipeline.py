"""What happens to every call: journal, faults, the service itself, and checks of the call and of our answer."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from dataclasses import dataclass
from typing import Protocol

from sandbox.microsoft.conformance import Description, Problem
from sandbox.microsoft.exchange import Answer, CutOffError, Json, Request
from sandbox.microsoft.faults import OF_LISTS, Fault, Faults
from sandbox.microsoft.graph.state import Directory
from sandbox.microsoft.journal import Entry, Journal
from sandbox.microsoft.specs import azure_dns, graph, peering, voice_services
from sandbox.microsoft.writes import is_allowed

SAMPLE = 10
"""Rows of a list answer that are checked."""


class Service(Protocol):
    """What is needed of ARM, Graph, the identity endpoint and the Teams webhook."""

    name: str

    async def answer(self, request: Request, entry: Entry) -> Answer:
        """Do what is asked. Never raises for a client's mistake. `entry` is the call's entry in the journal."""

    def refuse(self, request: Request, status: int, retry_after: float | None) -> Answer:
        """An error answer in the service's own dialect, for an injected fault."""


@dataclass
class Pipeline:
    """One service behind its faults and checks."""

    service: Service
    journal: Journal
    faults: Faults
    directory: Directory
    stopping: asyncio.Event
    people: Container[str]
    """Names of those whose writes are their own business."""
    """Ends the hanging calls when the simulator stops."""

    async def send(self, request: Request) -> Answer:
        """Answer a call. Raises CutOffError when the client is to see a broken connection."""
        entry = self.journal.open(request)
        if early := self._wait_told(request, entry):
            self.journal.close(entry, early)
            return early
        fault = self.faults.strike(request.service, request.method, request.path)
        answer = None
        if fault:
            entry.fault = fault.kind
            answer = await self._strike(request, fault)
        if answer is None:
            answer = await self.service.answer(request, entry)
            self._check_request(request, entry)
            self._check_answer(request, answer, entry)
            if fault and fault.kind in OF_LISTS and answer.is_success and "value" in answer.body:
                answer = Answer(answer.status, fault.spoil(answer.body), answer.headers)
        if not answer.is_success and "Retry-After" in answer.headers:
            self.faults.throttle(request, float(answer.headers["Retry-After"]))
        self.journal.close(entry, answer)
        if fault and fault.kind == "lost-answer":
            raise CutOffError
        return answer

    def _wait_told(self, request: Request, entry: Entry) -> Answer | None:
        """A second refusal for a client that was told to wait and did not."""
        early = self.faults.too_early(request)
        if early is None:
            return None
        left, wait = early
        entry.fault = "told to wait"
        if left:
            self.journal.violate("before-retry-after", entry, f"came {left:.2f} s before Retry-After had passed")
        return self.service.refuse(request, 429, round(wait, 3))

    async def _strike(self, request: Request, fault: Fault) -> Answer | None:
        """The fault's own answer, or None when the service answers all the same."""
        match fault.kind:
            case "status":
                return fault.worded(self.service.refuse(request, fault.status, fault.retry_after))
            case "read-only":
                return self.service.refuse(request, 403, None)
            case "delay":
                await self._rest(fault.seconds)
            case "hang":
                await self._rest(None)
                raise CutOffError
            case "cut":
                raise CutOffError
        return None

    async def _rest(self, seconds: float | None) -> None:
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return
        raise CutOffError

    def _check_request(self, request: Request, entry: Entry) -> None:
        if not request.is_write or entry.identity in self.people:
            return
        resource = self._resource_name(entry.body)
        if not is_allowed(request, entry.body, resource):
            detail = "no row of allowed_writes.json allows this write"
            self.journal.violate("write-not-allowed", entry, detail + (f" (resource: {resource})" if resource else ""))

    def _check_answer(self, request: Request, answer: Answer, entry: Entry) -> None:
        """Refusals for the shape of a request are violations; so is an answer of ours that breaks the description."""
        if answer.status in (400, 405, 501) and (why := _breach(answer.body)):
            self.journal.violate("request-does-not-conform", entry, why)
        description, path = _described(request)
        match = description.match(request.method, path) if description else None
        if match is None:
            return
        for problem in match.operation.answer_problems(_sampled(answer)):
            self.journal.violate("answer-does-not-conform", entry, _told(problem, match.operation.id))

    def _resource_name(self, body: Json) -> str | None:
        key = body.get("resourceId") if isinstance(body, dict) else None
        item = self.directory.service_principals.get(str(key).lower())
        return str(item.body["appDisplayName"]) if item else None


SHAPE_CODES = {
    "HttpPayloadAPISpecValidationFailed",
    "InvalidRequestContent",
    "MissingApiVersionParameter",
    "NoRegisteredProviderFound",
    "InvalidResourceName",
    "LocationRequired",
    "MethodNotAllowed",
    "Request_UnsupportedQuery",
    "BadRequest",
    "ErrorMimeContentInvalidBase64String",
    "notImplemented",
}


def _breach(body: Json) -> str | None:
    """The message of a refusal that means the request itself was wrongly made."""
    # Azure DNS puts its errors into no object `error`.
    error = body.get("error", body) if isinstance(body, dict) else {}
    wrongly_made = error.get("code") in SHAPE_CODES or str(error.get("message", "")).startswith("Invalid request body")
    return f"{error.get('code')}: {error.get('message')}" if wrongly_made else None


_OTHERS = {"microsoft.network": azure_dns, "microsoft.peering": peering}
"""Of Azure Resource Manager, by the provider's namespace in lower case."""


def _described(request: Request) -> tuple[Description | None, str]:
    if request.service == "arm":
        namespace = next((name for name in _OTHERS if f"/{name}/" in request.path.lower()), "")
        return _OTHERS.get(namespace, voice_services)(), request.path
    if request.service == "graph":
        return graph(), request.path.removeprefix("/v1.0")
    return None, request.path


def _sampled(answer: Answer) -> Answer:
    """A long list cut to its first rows: the same code makes all rows, and a check of each would slow big lists."""
    rows = answer.body.get("value") if isinstance(answer.body, dict) else None
    if not isinstance(rows, list) or len(rows) <= SAMPLE:
        return answer
    return Answer(answer.status, {**answer.body, "value": rows[:SAMPLE]}, answer.headers)


def _told(problem: Problem, operation: str) -> str:
    return f"{operation}: {problem.where}: {problem.message}"
