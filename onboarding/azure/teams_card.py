"""A message as Microsoft Teams takes it from a Workflows webhook: an Adaptive Card 1.4 as attachment. Pure.

Words come from people and from Microsoft, so none of them may become markup: TextBlock and FactSet render a part of
markdown, and `{{DATE(…)}}`. Buttons only open our own pages: a posted card's Action.Submit does nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from onboarding.ports import Message

CARD_BYTES = 20_000
"""Of the whole message. Teams says 28 KB; senders have seen it refuse from 21 KB."""
LINK_LENGTH = 2048

_SIZES: Sequence[tuple[int, int]] = ((2000, 40), (800, 20), (300, 15), (100, 10))
"""(characters of a text, facts and lines each) that are tried until the card fits; the last always does."""
_ANYWHERE = re.compile(r"([\\`*_~\[\]<>{}|]|&(?=#?\w+;))")
_AT_START = re.compile(r"^(\s*)([#+=-]|\d+(?=[.)]))")


def teams_body(message: Message) -> bytes:
    """The JSON to post, shorter than CARD_BYTES however long the message is."""
    for length, count in _SIZES:
        body = json.dumps(teams_message(message, length, count), ensure_ascii=False, separators=(",", ":")).encode()
        if len(body) < CARD_BYTES:
            return body
    raise AssertionError("the smallest size always fits")


def teams_message(message: Message, length: int, count: int) -> dict[str, Any]:
    """The message with texts of at most `length` characters, and at most `count` facts and `count` lines."""
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": _card(message, length, count),
            }
        ],
    }


def _card(message: Message, length: int, count: int) -> dict[str, Any]:
    title = {**_text(message.title, length), "size": "Medium", "weight": "Bolder"}
    facts = [{"title": plain(t, length), "value": plain(v, length)} for t, v in message.facts[:count]]
    lines = [_text(line, length) for line in message.lines[:count]]
    left_out = max(0, len(message.facts) - count) + max(0, len(message.lines) - count)
    if left_out:
        lines.append(_text(f"… and {left_out} more: open the onboarding to read them.", length))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, *([{"type": "FactSet", "facts": facts}] if facts else []), *lines],
    }
    if message.link and is_web_link(message.link):
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open", "url": message.link}]
    return card


def _text(text: str, length: int) -> dict[str, Any]:
    return {"type": "TextBlock", "text": plain(text, length), "wrap": True}


def plain(text: str, length: int) -> str:
    """Text that a markdown renderer shows as it is: on one line, shortened, its markup characters escaped."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(line) > length:
        line = line[: length - 1] + "…"
    return _AT_START.sub(_escaped_start, _ANYWHERE.sub(r"\\\1", line))


def _escaped_start(found: re.Match[str]) -> str:
    """A list's number is escaped behind its digits, any other mark in front."""
    mark = found[2]
    return f"{mark}\\" if mark[0].isdigit() else f"\\{mark}"


def is_web_link(link: str) -> bool:
    """Whether a link leads to a web page, and is short enough for a button."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname) and len(link) <= LINK_LENGTH
