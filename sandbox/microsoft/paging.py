"""Skip tokens: opaque to clients, in truth the number of rows that earlier pages had."""

from __future__ import annotations

import base64
import binascii


def token(rows: int) -> str:
    """The token of the page that follows that many rows."""
    return base64.urlsafe_b64encode(f"rows:{rows}".encode()).decode()


def offset(text: str | None) -> int:
    """How many rows to skip; 0 without a token. Raises ValueError for a token that no answer gave."""
    if text is None:
        return 0
    try:
        kind, _, rows = base64.urlsafe_b64decode(text).decode().partition(":")
        if kind == "rows":
            return int(rows)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise ValueError(f"The skip token '{text}' is not one that an answer gave.")
