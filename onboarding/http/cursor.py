"""Where a page of the list ended, as the text that the next one begins with.

It is no secret and not signed: whoever writes one gets rows that the search gives anyway, or an error. So what is read
is what a page could have written: a value of the kind that its order sorts by, and texts that can be keys.
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
        fine = partition in (OPEN, CLOSED) and (continuation is None or _is_text(continuation)) and _is_text(after_key)
        if not fine:
            raise _none_such(text)
        return cls(partition, continuation, after_key)


@dataclass(frozen=True, slots=True)
class Position:
    """In any other order: what the last row shown was sorted by, and its key."""

    value: str | int | None
    key: str

    def written(self, digest: str) -> str:
        return _written([digest, self.value, self.key, None])

    @classmethod
    def read(cls, text: str, digest: str, kind: type[str] | type[int]) -> Position:
        """`kind`: of what is sorted by. Raises CursorError."""
        value, key, nothing = _parts(text, digest)
        # A bool is an int to isinstance, and no page writes one.
        fine = value is None or (type(value) is kind and (kind is int or _is_text(value)))
        if not fine or not _is_text(key) or nothing is not None:
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


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


def _none_such(text: str) -> CursorError:
    return CursorError(f"?next= is '{text[:50]}', which no page gave; take it from the page before as it is.")
