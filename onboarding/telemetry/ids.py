"""The trace of an onboarding, derived from what it is. Pure.

Waits last weeks, and people, timer and messages run in contexts of their own. So nobody has to carry the trace: each
finds it again from the onboarding's id and run. What a message carries besides is only the nearer parent.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpanIds:
    """A span, by its ids."""

    trace_id: int
    span_id: int


def root_ids(onboarding_id: str, run: int) -> SpanIds:
    """Where the trace of this run of an onboarding begins: the same everywhere and always."""
    digest = hashlib.sha256(f"{onboarding_id}/{run}".encode()).digest()
    # No id may be zero; a digest of zeros is not to be met, but it costs nothing to be sure.
    return SpanIds(int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1)
