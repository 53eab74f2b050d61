"""What reached the simulator: every request, and every breach of the rules it found."""

from __future__ import annotations

import logging
import re
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.microsoft.clock import Clock, timestamp
from sandbox.microsoft.exchange import Answer, Json, Request

log = logging.getLogger(__name__)
LONGEST = 20_000
"""Entries kept; older ones are dropped."""
SIGNATURE = re.compile(r"(?<=[?&]sig=)[^&]+")


@dataclass
class Entry:
    """One request. Headers are not kept, so no token is."""

    number: int
    time: datetime
    service: str
    method: str
    url: str
    client_request_id: str | None = None
    batch: int | None = None
    status: int | None = None
    fault: str | None = None
    identity: str | None = None
    result: str | None = None
    """What came of it, where there is no HTTP status: the DNS response code."""
    body: Json = None
    error: Json = None

    def json(self) -> dict[str, Any]:
        """As the control port shows it, without what is empty."""
        shown = {
            "number": self.number,
            "time": timestamp(self.time),
            "service": self.service,
            "method": self.method,
            "url": self.url,
            "status": self.status,
            "result": self.result,
            "clientRequestId": self.client_request_id,
            "identity": self.identity,
            "batch": self.batch,
            "fault": self.fault,
            "body": self.body,
            "error": self.error,
        }
        return {name: value for name, value in shown.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a call, or an answer of ours, did not keep."""

    kind: str
    time: datetime
    entry: int
    service: str
    call: str
    detail: str

    def json(self) -> dict[str, Any]:
        """As the control port shows it."""
        return {
            "kind": self.kind,
            "time": timestamp(self.time),
            "request": self.entry,
            "service": self.service,
            "call": self.call,
            "detail": self.detail,
        }


@dataclass
class Journal:
    """Requests and violations, oldest first."""

    clock: Clock
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=LONGEST))
    violations: list[Violation] = field(default_factory=list)
    _last: int = 0

    def open(self, request: Request) -> Entry:
        """Start the entry of a request. Secrets in its URL are masked."""
        entry = self.note(request.service, request.method, SIGNATURE.sub("***", request.url))
        entry.client_request_id = request.client_request_id
        entry.batch = request.batch
        if request.is_write and request.service != "identity":
            entry.body = _readable(request)
        return entry

    def note(self, service: str, method: str, url: str) -> Entry:
        """Start an entry for something that is not an HTTP request, such as a DNS query."""
        self._last += 1
        entry = Entry(self._last, self.clock.now(), service, method, url)
        self.entries.append(entry)
        return entry

    def close(self, entry: Entry, answer: Answer) -> None:
        """Write down how it was answered."""
        entry.status = answer.status
        if not answer.is_success:
            entry.error = answer.body
        log.info(
            "%s %s %s -> %s%s",
            entry.service,
            entry.method,
            entry.url,
            entry.status,
            f" ({entry.fault})" if entry.fault else "",
        )

    def violate(self, kind: str, entry: Entry, detail: str) -> None:
        """Record a breach found in that request or its answer."""
        call = f"{entry.method} {entry.url}"
        self.violations.append(Violation(kind, self.clock.now(), entry.number, entry.service, call, detail))
        log.warning("VIOLATION %s: %s %s: %s", kind, entry.service, call, detail)

    def select(self, service: str | None = None, since: str | None = None) -> list[Entry]:
        """Entries of a service, after an entry number or an ISO time. Raises ValueError for another `since`."""
        chosen = [entry for entry in self.entries if service in (None, entry.service)]
        if since is None:
            return chosen
        if since.isdigit():
            return [entry for entry in chosen if entry.number > int(since)]
        moment = datetime.fromisoformat(since)
        if moment.tzinfo is None:
            raise ValueError(f"since={since} has no time zone; write 2026-01-31T12:00:00Z or an entry number.")
        return [entry for entry in chosen if entry.time > moment]

    def clear(self) -> None:
        """Forget all requests and violations; numbering goes on, so that `since` stays meaningful."""
        self.entries.clear()
        self.violations.clear()


def _readable(request: Request) -> Json:
    try:
        return request.json()
    except ValueError:
        return request.content[:2000].decode(errors="replace")
