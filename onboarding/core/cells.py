"""CSV files (RFC 4180) that no spreadsheet takes for anything but texts, numbers and times. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

_FORMULA = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula. Source: OWASP, "CSV Injection"."""

Written = str | int | float


def as_cell(value: str | int | float | datetime | None) -> Written:
    """A value as it is written. A text that could begin a formula gets an apostrophe before it: spreadsheets show it as
    it is, and leave all digits of a phone number. Times are in UTC, as the API writes them; None is empty.
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, int | float):
        return value
    # A lone carriage return would end the line for a reader, and the csv module does not quote it.
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def csv_text(header: Sequence[str], rows: Iterable[Sequence[str | int | float | datetime | None]]) -> str:
    """A file with these rows, below its header."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([as_cell(value) for value in row] for row in rows)
    return text.getvalue()
