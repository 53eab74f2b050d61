"""What Microsoft says, short enough for the record, with what it names: whose it is, and where. Pure."""

from __future__ import annotations

import re

LONGEST_QUOTE = 600
"""Characters of Microsoft's own message that are quoted: the record keeps 1,000, with the call and the request's id."""
LONGEST_CODE = 80
"""Characters of an error code, or of a request's id."""
_SEARCHED = 20_000
"""Characters of a message that are searched for names."""
_GAP = " … "
_NAMED = re.compile(
    r"/subscriptions/[^\s'\",;]+|'[^'\s]{1,300}'|\"[^\"\s]{1,300}\"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
    re.IGNORECASE,
)
"""Quoted names, paths of resources, object and client ids. Not a quote with spaces: an apostrophe would open one."""


def quoted(message: str, length: int = LONGEST_QUOTE) -> str:
    """The message on one line; of a longer one the beginning, the end, and of what is between what is named there."""
    said = " ".join(message.split())
    if len(said) <= length:
        return said
    begins, ends = said[: length // 4], said[-(length // 10) :]
    left = length - len(begins) - len(ends) - 2 * len(_GAP)
    named: list[str] = []
    # From the last on: the first ones stand in what the message begins with.
    for found in reversed(_NAMED.findall(said[:_SEARCHED])):
        if found not in named and found not in begins and found not in ends and len(found) + 2 <= left:
            named.insert(0, found)
            left -= len(found) + 2
    return _GAP.join(part for part in (begins, ", ".join(named), ends) if part)
