"""A request and its answer, independent of the web server, so that `$batch` can make them too."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

Json = Any


@dataclass(frozen=True, slots=True)
class Request:
    """One call to a simulated service. `headers` is case-insensitive; `path` is decoded."""

    service: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes
    origin: str
    """Scheme, host and port as the client addressed them; links in answers start with it."""
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    batch: int | None = None
    """Number of the journal entry of the outer `$batch`, when this is one of its inner requests."""

    @property
    def url(self) -> str:
        """Path and query."""
        query = urlencode(dict(self.query), safe="$'(),*: ") if self.query else ""
        return f"{self.path}?{query}" if query else self.path

    @property
    def client_request_id(self) -> str | None:
        """The id the client gave this call, under either of Microsoft's two header names."""
        return self.headers.get("x-ms-client-request-id") or self.headers.get("client-request-id")

    @property
    def is_write(self) -> bool:
        """Whether the method can change something."""
        return self.method not in {"GET", "HEAD", "OPTIONS"}

    def json(self) -> Json:
        """The parsed body, or None without one. Raises ValueError when it is not JSON."""
        return json.loads(self.content) if self.content.strip() else None

    def within(self, batch: int) -> Request:
        """The same request, marked as part of that batch."""
        return replace(self, batch=batch)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON body (a bare number goes as plain text, as Graph sends counts) and headers."""

    status: int
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_success(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    def content(self) -> bytes:
        """The body as it goes over the wire."""
        if self.body is None:
            return b""
        if isinstance(self.body, int):
            return str(self.body).encode()
        return json.dumps(self.body, ensure_ascii=False).encode()

    def content_type(self) -> str | None:
        """The media type, or None without a body."""
        if self.body is None:
            return None
        return "text/plain; charset=utf-8" if isinstance(self.body, int) else "application/json; charset=utf-8"


class CutOffError(Exception):
    """The connection is closed without an answer."""
