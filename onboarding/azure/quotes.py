"""What Microsoft says, short enough for the record, with what it names: whose it is, and where. Pure."""

from __future__ import annotations

import re

LONGEST_QUOTE = 600
"""Characters of Microsoft's own message that are quoted: the record keeps 1,000, with the call and the request's id."""
LONGEST_CODE = 80
"""Characters of an error code, or of a request's id."""
_GAP = " … "
_NAMED = re.compile(
    r"/subscriptions/[^\s'\",;]+|'[^']{1,300}'|\"[^\"]{1,300}\"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
    re.IGNORECASE,
)
"""Quoted parts, paths of resources, object and client ids."""


def quoted(message: str, length: int = LONGEST_QUOTE) -> str:
    """The message on one line; of a longer one the beginning, the end, and of what is between what is named there."""
    said = " ".join(message.split())
    if len(said) <= length:
        return said
    ends = length // 4
    kept = [said[:ends], said[-ends:]]
    left = length - 2 * ends - 2 * len(_GAP)
    named: list[str] = []
    # A little more than is cut, so that a name that an end cuts in two is whole somewhere.
    for found in _NAMED.findall(said[max(0, ends - 300) : len(said) - ends + 300]):
        if found in named or any(found in end for end in kept) or len(found) + 2 > left:
            continue
        named.append(found)
        left -= len(found) + 2
    return _GAP.join(part for part in (kept[0], ", ".join(named), kept[1]) if part)
