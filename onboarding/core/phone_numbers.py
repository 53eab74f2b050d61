"""Phone numbers in texts that are shown where none may stand: logs, and the columns that dashboards read. Pure."""

from __future__ import annotations

import re

IN_TEXT = re.compile(r"(?<![\w+])(?:\+|%2B|tel:\+?)(?:[ ().-]{0,2}\d){7,15}(?!\d)", re.IGNORECASE)
"""A number with its country code, however it is punctuated."""
INSTEAD = "[number]"


def without(text: str) -> str:
    """The text with a mark in the place of each number."""
    return IN_TEXT.sub(INSTEAD, text)
