"""Text from people and from Microsoft, made fit for a message to people. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

LINK_LENGTH = 2048
"""Bytes of a link."""


def one_line(text: str) -> str:
    """The text on one line, without control characters and lone surrogates: it can't pass for another line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def is_web_link(link: str) -> bool:
    """Whether a link leads to a web page, and is short enough for a button."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    # isprintable is false for lone surrogates too, so the link can be encoded.
    fits = link.isprintable() and len(link.encode()) <= LINK_LENGTH
    return parts.scheme in ("https", "http") and bool(parts.hostname) and fits
