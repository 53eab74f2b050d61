"""What a text may hold, whoever wrote it and whichever way it comes in, and how it is shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from unicodedata import category

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters but tab and line breaks, and halves of surrogate pairs: neither can be stored or shown safely."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
"""Categories of Unicode: controls, formats, surrogates."""


class UnfitTextError(ValueError):
    """A text holds a character that no text may hold."""

    def __init__(self, character: str) -> None:
        super().__init__(f"A text holds the character U+{ord(character):04X}, which no text may hold.")


def check_texts(value: Any) -> None:
    """All texts of a JSON value or a form, names too. Raises UnfitTextError, and RecursionError when it is too deep."""
    for text in _texts(value):
        found = _UNFIT.search(text)
        if found:
            raise UnfitTextError(found[0])


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        at = waiting.pop()
        if isinstance(at, str):
            yield at
        elif isinstance(at, dict):
            waiting += (*at, *at.values())
        elif isinstance(at, list):
            waiting += at


def in_sight(text: str) -> str:
    """Without what nobody sees and what changes how others are read: marks of direction, zero widths, controls.

    Line breaks and other blanks stay.
    """
    return text if text.isprintable() else "".join(c for c in text if c.isspace() or category(c) not in _UNSEEN)


def as_one_line(text: str) -> str:
    """A text that can't pass for another line: a line break stands there as `\\n`, and so does what isn't printed."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
