"""A message as Microsoft Teams takes it from a Workflows webhook: an Adaptive Card 1.4 as attachment. Pure.

Words come from people and from Microsoft, so none of them may become markup: TextBlock and FactSet render a part of
markdown, and `{{DATE(…)}}`. Buttons only open our own pages: a posted card's Action.Submit does nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from onboarding.azure.plain import is_web_link, one_line
from onboarding.core.bounds import shorten
from onboarding.ports import Notification

CARD_BYTES = 20_000
"""Of the whole message. Teams says 28 KB; senders have seen it refuse from 21 KB."""

TOO_LONG = "Too long to be shown here: copy it from the page."
"""In place of a value to copy, of which a part would be another one."""

_SIZES: Sequence[tuple[int, int]] = ((2000, 40), (800, 20), (300, 15), (100, 8), (50, 4))
"""(characters of a text, entries of each list) that are tried until the card fits; the last always does."""
_ANYWHERE = re.compile(r"([\\`*_~\[\]<>{}|]|&(?=#?\w+;))")
_AT_START = re.compile(r"^(\s*)([#+=-]|\d+(?=[.)]))")

Block = dict[str, Any]


def teams_body(message: Notification) -> bytes:
    """The JSON to post, shorter than CARD_BYTES however long the message is."""
    for length, count in _SIZES:
        body = json.dumps(teams_message(message, length, count), ensure_ascii=False, separators=(",", ":")).encode()
        if len(body) < CARD_BYTES:
            return body
    raise AssertionError("the smallest size always fits")


def teams_message(message: Notification, length: int, count: int) -> dict[str, Any]:
    """The message with texts of at most `length` characters, and at most `count` entries of each list."""
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": _Card(message, length, count).json(),
            }
        ],
    }


class _Card:
    """One card at one size; counts what it leaves out."""

    def __init__(self, message: Notification, length: int, count: int) -> None:
        self._message = message
        self._length = length
        self._count = count
        self._left_out = 0

    def json(self) -> dict[str, Any]:
        message = self._message
        body = [
            self._text(message.title, size="Medium", weight="Bolder"),
            *self._facts(),
            *(self._text(paragraph) for paragraph in self._some(message.why)),
            *self._under("What to do", self._numbered()),
            *self._under("To copy, exactly as it is", self._values()),
            *self._warning(),
            *self._under("What was done at Microsoft, and stays", self._stays()),
            *self._told(),
        ]
        if self._left_out:
            body.append(self._text(f"… and {self._left_out} more: open the page to read them."))
        card: dict[str, Any] = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": body,
        }
        if message.link and is_web_link(message.link):
            title = shorten(one_line(message.link_label), self._length)
            card["actions"] = [{"type": "Action.OpenUrl", "title": title, "url": message.link}]
        return card

    def _some(self, items: Sequence[Any]) -> Sequence[Any]:
        self._left_out += max(0, len(items) - self._count)
        return items[: self._count]

    def _facts(self) -> Iterable[Block]:
        facts = [{"title": self._plain(t), "value": self._plain(v)} for t, v in self._some(self._message.facts)]
        return [{"type": "FactSet", "facts": facts}] if facts else []

    def _numbered(self) -> list[Block]:
        lines = enumerate(self._some(self._message.actions), 1)
        return [self._text(f"{n}. {one_line(action)}", spacing="Small") for n, action in lines]

    def _values(self) -> list[Block]:
        """A label and below it the value alone, so that a double click picks just the value."""
        blocks: list[Block] = []
        for label, text in self._some(self._message.values):
            blocks.append(self._text(label, spacing="Small", isSubtle=True))
            whole = text if len(one_line(text)) <= self._length else TOO_LONG
            blocks.append(self._text(whole, spacing="None", fontType="Monospace"))
        return blocks

    def _warning(self) -> Iterable[Block]:
        if self._message.warning:
            yield {"type": "Container", "style": "warning", "items": [self._text(self._message.warning)]}

    def _stays(self) -> list[Block]:
        return [self._text(f"{step}: {detail}", spacing="Small") for step, detail in self._some(self._message.stays)]

    def _told(self) -> Iterable[Block]:
        told = self._some(self._message.told)
        if told:
            yield self._text(f"Also told: {', '.join(told)}", isSubtle=True)

    def _under(self, heading: str, blocks: list[Block]) -> list[Block]:
        return [self._text(heading, weight="Bolder"), *blocks] if blocks else []

    def _text(self, text: str, **style: Any) -> Block:
        return {"type": "TextBlock", "text": self._plain(text), "wrap": True, **style}

    def _plain(self, text: str) -> str:
        return plain(text, self._length)


def plain(text: str, length: int) -> str:
    """Text that a markdown renderer shows as it is: on one line, shortened, its markup characters escaped."""
    return _AT_START.sub(_escaped_start, _ANYWHERE.sub(r"\\\1", shorten(one_line(text), length)))


def _escaped_start(found: re.Match[str]) -> str:
    """A list's number is escaped behind its digits, any other mark in front."""
    mark = found[2]
    return f"{mark}\\" if mark[0].isdigit() else f"\\{mark}"
