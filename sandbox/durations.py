"""Lengths of time as people type them."""

from __future__ import annotations

import re

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: str) -> float:
    """`30`, `1.5s`, `2m`, `1h` or `14d`, in seconds.

    Raises:
        ValueError: it is none of these.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip().lower())
    if not match:
        raise ValueError(f"{text!r} is no length of time: write seconds, or such as 90s, 2m, 1h, 14d")
    return float(match[1]) * UNITS[match[2]]


def short(length: float) -> str:
    """Seconds, for a narrow column: `0.4 s`, `12 s`, `3 min`, `5 h`, `9 d`."""
    if length < 9.95:
        return f"{max(length, 0):.1f} s"
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if length < limit:
            return f"{length / size:.0f} {unit}"
    return f"{length / 86400:.0f} d"
