"""Which functions of the product something goes through."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import Any

import onboarding

ROOT = str(Path(onboarding.__file__).parent)
TWINS = "memory"
"""In place of adapters, which are another path."""


async def functions_of(
    act: Callable[[], Awaitable[Any]], until: tuple[object, str] | None = None
) -> set[tuple[str, str]]:
    """(file below `onboarding`, function) of everything that is called while it acts; no comprehension, no module.

    `until`: an object and its method, at whose first call the path ends.
    """
    seen: set[tuple[str, str]] = set()

    def look(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(ROOT) or code.co_name.startswith("<"):
            return
        if until and code.co_name == until[1] and frame.f_locals.get("self") is until[0]:
            sys.setprofile(None)
            return
        seen.add((code.co_filename[len(ROOT) + 1 :], code.co_qualname))

    sys.setprofile(look)
    try:
        await act()
    finally:
        sys.setprofile(None)
    return {(file, name) for file, name in seen if not file.startswith(TWINS)}
