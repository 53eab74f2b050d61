"""Counts what a hosted app does where the bench can read it: a letter in a file for each costs nearly nothing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

TALLY = "BENCH_TALLY"
"""The setting that names the file."""
LETTERS = {"m": "message", "r": "read", "q": "query", "u": "update", "w": "other write", "s": "send"}
_file = os.open(os.environ[TALLY], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644) if TALLY in os.environ else -1


def note(letter: str) -> None:
    """One more of that."""
    if _file >= 0:
        os.write(_file, letter.encode())


def tallied(path: Path) -> Counter[str]:
    """How many of each, by name."""
    text = path.read_text() if path.exists() else ""
    return Counter({name: text.count(letter) for letter, name in LETTERS.items()})


def noting(letter: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The method, counted."""

    @wraps(method)
    async def noted(*given: Any, **named: Any) -> Any:
        note(letter)
        return await method(*given, **named)

    return noted
