"""What people are sent, as they would find it, and the links in it."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from tests.support.people import Simulator

Json = dict[str, Any]
T = TypeVar("T")
BOUND = 20.0
"""Seconds within which something is sent or happens; on a quiet machine it is one."""
LOOK_EVERY = 0.05


def mails(microsoft: Simulator, to: str) -> list[Json]:
    """The mail of one address, oldest first."""
    return [mail for mail in microsoft.call("GET", "/mailbox") if to in mail["to"]]


def mailed_link(microsoft: Simulator, to: str, part: str) -> str:
    """The newest link with `part` in it that was mailed to an address, as soon as there is one."""
    return awaited(lambda: _link((json.dumps(m, ensure_ascii=False) for m in mails(microsoft, to)), part), part)


def card_link(microsoft: Simulator, part: str) -> str:
    """The newest link with `part` in it behind a button of a card in Teams, as soon as there is one."""
    return awaited(lambda: _link((u for p in microsoft.call("GET", "/teams") for u in _buttons(p)), part), part)


def awaited(look: Callable[[], T | None], what: str) -> T:
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + BOUND
    while (found := look()) is None:
        if time.monotonic() > end:
            pytest.fail(f"waited {BOUND} s in vain for {what}")
        time.sleep(LOOK_EVERY)
    return found


def _link(texts: Any, part: str) -> str | None:
    links = [u for text in texts for u in re.findall(r"https?://[^\s\"<>\\)]+", html.unescape(text)) if part in u]
    return links[-1] if links else None


def _buttons(content: Any) -> list[str]:
    """The addresses of every Action.OpenUrl, wherever it stands."""
    if isinstance(content, dict):
        own = [str(content["url"])] if content.get("type") == "Action.OpenUrl" else []
        return own + [u for value in content.values() for u in _buttons(value)]
    return [u for value in content for u in _buttons(value)] if isinstance(content, list) else []
