"""The trace of an onboarding, derived from what it is. Pure.

Waits last weeks, and people, timer and messages run in contexts of their own. So nobody has to carry the trace: each
finds it again from the onboarding's id and run. What a message carries besides is only the nearer parent.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?", re.ASCII)
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class Place:
    """A span, by its ids."""

    trace_id: int
    span_id: int

    @property
    def traceparent(self) -> str:
        """As the header of W3C Trace Context has it, version 00, sampled."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{_SAMPLED:02x}"


def root(onboarding_id: str, run: int) -> Place:
    """Where the trace of this run of an onboarding begins: the same everywhere and always."""
    digest = hashlib.sha256(f"{onboarding_id}/{run}".encode()).digest()
    # No id may be zero; a digest of zeros is not to be met, but it costs nothing to be sure.
    return Place(int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1)


def parsed(traceparent: object) -> Place | None:
    """What a traceparent says; None for one that says nothing. Whoever sends a message may write anything there."""
    match = _TRACEPARENT.fullmatch(traceparent) if isinstance(traceparent, str) else None
    if match is None or traceparent is None or str(traceparent).startswith("ff"):
        return None
    place = Place(int(match[1], 16), int(match[2], 16))
    return place if place.trace_id and place.span_id else None
