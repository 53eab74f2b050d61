"""Which writes the product may make. Anything else that writes is a violation."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.microsoft.exchange import Json, Request


@dataclass(frozen=True, slots=True)
class AllowedWrite:
    """A call that may write, what its body must say, and which resource's app roles it may assign."""

    service: str
    method: str
    path: str
    why: str
    body: tuple[tuple[str, str], ...] = ()
    resource: str | None = None
    conditional: bool = False
    """It must say which version it replaces, or that there is none: else it takes back what others wrote."""

    def allows(self, request: Request, body: Json, resource_name: str | None) -> bool:
        """Whether the request is this write. `resource_name` is the app whose roles it assigns, if any."""
        if request.service != self.service or request.method != self.method:
            return False
        if not re.search(self.path + "/?$", request.path, re.IGNORECASE):
            return False
        if self.resource is not None and resource_name != self.resource:
            return False
        if self.conditional and not (request.headers.get("If-Match") or request.headers.get("If-None-Match")):
            return False
        fields = body if isinstance(body, dict) else {}
        return all(re.fullmatch(value, str(fields.get(name, "")), re.IGNORECASE) for name, value in self.body)


@cache
def allowed_writes() -> tuple[AllowedWrite, ...]:
    """The list, from allowed_writes.json."""
    text = Path(__file__).with_name("allowed_writes.json").read_text(encoding="utf-8")
    return tuple(_parse(row) for row in json.loads(text))


def is_allowed(request: Request, body: Json, resource_name: str | None) -> bool:
    """Whether any row of the list allows the request."""
    return any(row.allows(request, body, resource_name) for row in allowed_writes())


def _parse(row: dict[str, Any]) -> AllowedWrite:
    return AllowedWrite(**{**row, "body": tuple(row.get("body", {}).items())})
