"""Where a page of the list ended, as the text that the next one begins with.

It is no secret and not signed: whoever writes one gets rows that the search gives anyway, or an error.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from onboarding.rows import CLOSED, OPEN


class CursorError(ValueError):
    """A `next` that isn't one, or that belongs to another search."""


@dataclass(frozen=True, slots=True)
class ListPlace:
    """In the order of keys: a page of Table Storage, and the last key of it that was shown."""

    partition: str
    continuation: str | None = None
    after_key: str = ""

    def written(self, digest: str) -> str:
        return _written([digest, self.partition, self.continuation, self.after_key])

    @classmethod
    def read(cls, text: str, digest: str) -> ListPlace:
        """Raises CursorError."""
        partition, continuation, after_key = _parts(text, digest)
        if partition not in (OPEN, CLOSED) or not isinstance(continuation, str | None):
            raise _none_such(text)
        return cls(partition, continuation, str(after_key))


@dataclass(frozen=True, slots=True)
class Position:
    """In any other order: what the last row shown was sorted by, and its key."""

    value: str | int | None
    key: str

    def written(self, digest: str) -> str:
        return _written([digest, self.value, self.key, None])

    @classmethod
    def read(cls, text: str, digest: str) -> Position:
        """Raises CursorError."""
        value, key, _ = _parts(text, digest)
        if not isinstance(value, str | int | None) or not isinstance(key, str):
            raise _none_such(text)
        return cls(value, key)


def _written(parts: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def _parts(text: str, digest: str) -> tuple[Any, Any, Any]:
    try:
        said, *parts = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
        first, second, third = parts
    except (ValueError, TypeError, RecursionError):
        raise _none_such(text) from None
    if said != digest:
        raise CursorError("?next= belongs to another search: repeat the search from its first page.")
    return first, second, third


def _none_such(text: str) -> CursorError:
    return CursorError(f"?next= is '{text[:50]}', which no page gave; take it from the page before as it is.")
