"""A Teams Workflows webhook: "When a Teams webhook request is received"."""

from __future__ import annotations

import hmac
import json
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.microsoft.clock import Clock, timestamp
from sandbox.microsoft.exchange import Answer, Json, Request
from sandbox.microsoft.journal import Entry, Journal
from sandbox.microsoft.options import Options

LARGEST = 28 * 1024
"""Bytes; Microsoft's limit for incoming webhooks, which Workflows keep."""
PATH = re.compile(r"^/workflows/([^/]+)/triggers/manual/paths/invoke$")
CARD = "application/vnd.microsoft.card.adaptive"


@dataclass
class Channel:
    """What was posted, oldest first. Each text that arrives is told to `heard`."""

    clock: Clock
    heard: Callable[[str, str], None]
    messages: list[dict[str, Any]] = field(default_factory=list)

    def post(self, message: Json) -> None:
        """Show a message in the channel."""
        self.messages.append({"time": timestamp(self.clock.now()), "message": message})
        self.heard("teams", "\n".join(texts(message)))


class Webhook:
    """The HTTP trigger of the workflow."""

    name = "teams"

    def __init__(self, channel: Channel, journal: Journal, options: Options, workflow: str, signature: str) -> None:
        self._channel = channel
        self._journal = journal
        self._options = options
        self._workflow = workflow
        self._signature = signature
        self._recent: deque[float] = deque()

    @property
    def path(self) -> str:
        """Path and query of the webhook; `sig` is its secret."""
        return (
            f"/workflows/{self._workflow}/triggers/manual/paths/invoke"
            f"?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={self._signature}"
        )

    async def answer(self, request: Request, entry: Entry) -> Answer:
        """202 for whatever is JSON and small enough; that is not yet a message in the channel."""
        found = PATH.match(request.path)
        if not found or found[1] != self._workflow:
            return _error(404, "WorkflowNotFound", "The workflow could not be found.")
        if request.method != "POST":
            return _error(405, "MethodNotAllowed", "The workflow trigger takes POST.")
        if "sig" not in request.query:
            message = "The request must be authenticated only by Shared Access scheme."
            return _error(401, "DirectApiAuthorizationRequired", message)
        if not hmac.compare_digest(request.query["sig"].encode(), self._signature.encode()):
            return _error(401, "AuthenticationFailed", "The authentication credentials are not valid.")
        if len(request.content) > LARGEST:
            message = f"The message has {len(request.content)} bytes; at most {LARGEST} are accepted."
            return _error(413, "RequestEntityTooLarge", message)
        if self._too_many():
            return self.refuse(request, 429, 1)
        try:
            message = request.json()
        except ValueError as problem:
            return _error(400, "InvalidRequestContent", f"The request body is not valid JSON: {problem}")
        for detail in card_problems(message):
            self._journal.violate("message-not-shown", entry, detail)
        self._channel.post(message)
        return Answer(202)

    def refuse(self, request: Request, status: int, retry_after: float | None) -> Answer:
        """A throttled or injected error."""
        wait = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        code = "WorkflowTriggerIsThrottled" if status == 429 else "ServiceUnavailable"
        return Answer(status, _error(status, code, "Too many requests, or an injected fault.").body, wait)

    def _too_many(self) -> bool:
        now = self._channel.clock.time()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        self._recent.append(now)
        return len(self._recent) > self._options.teams_calls_per_second


def texts(node: Json) -> Iterator[str]:
    """Every text in a message, in order."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


def card_problems(message: Json) -> list[str]:
    """Why the workflow would accept the message and yet show nothing, or buttons that do nothing."""
    if not isinstance(message, dict) or message.get("type") != "message" or not message.get("attachments"):
        return ['Expected {"type": "message", "attachments": […]}.']
    problems = []
    for attachment in message["attachments"]:
        card = attachment.get("content") if isinstance(attachment, dict) else None
        if not isinstance(card, dict) or attachment.get("contentType") != CARD or card.get("type") != "AdaptiveCard":
            problems.append(f"Each attachment needs contentType {CARD} and an AdaptiveCard as content.")
        elif re.search(r'"Action\.(Submit|Execute)"', json.dumps(card)):
            problems.append("Action.Submit and Action.Execute do nothing in a card posted by a workflow.")
    return problems


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}})
