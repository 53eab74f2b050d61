"""Texts from outside, made fit for a terminal, a spreadsheet, and people's eyes."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from onboard.errors import CommandError
from onboard.exits import ExitCode

_FORMULA = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula. Source: OWASP, "CSV Injection"."""
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,7})([smhd]?)")


def in_sight(value: Any) -> str:
    """One line for a terminal: no control character, no mark of direction, nothing that is not seen."""
    text = "" if value is None else str(value)
    return "".join(" " if c in "\n\r\t" else c for c in text if c in "\n\r\t" or unicodedata.category(c)[0] != "C")


def as_cell(value: Any) -> Any:
    """A value of a CSV file, as no spreadsheet takes it for a formula: such a text begins with an apostrophe."""
    if value is None or isinstance(value, int | float):
        return "" if value is None else value
    # A lone carriage return would end the line for a reader, and the csv module does not quote it.
    text = str(value).replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """An object in an object as `progress.done`, a list as one text; what it lists of objects as JSON."""
    made: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, dict):
            made |= flat(item, f"{prefix}{name}.")
        else:
            made[f"{prefix}{name}"] = _in_one(item) if isinstance(item, list) else item
    return made


def _in_one(items: list[Any]) -> str:
    if any(isinstance(item, dict) for item in items):
        return json.dumps(items, ensure_ascii=False)
    return "; ".join(str(item) for item in items)


def width(text: str) -> int:
    """Columns of a terminal that it takes."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def minute(value: Any) -> str:
    """A time of the API to the minute, in UTC as it came: `2026-03-02 14:05`."""
    return str(value)[:16].replace("T", " ") if value else ""


def duration(given: str) -> float:
    """Seconds of `90`, `90s`, `45m`, `2h` or `14d`. Raises CommandError."""
    found = _DURATION.fullmatch(given.strip())
    if not found:
        raise CommandError(ExitCode.USAGE, f"'{given[:30]}' is no time; 90s, 45m, 2h and 14d are such.")
    return float(int(found[1]) * _SECONDS[found[2]])
