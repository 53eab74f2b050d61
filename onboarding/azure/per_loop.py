"""Something that belongs to one event loop, such as an HTTP client with its connections."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Makes one on first use in an event loop, and keeps it for that loop."""

    def __init__(self, make: Callable[[], T], close: Callable[[T], Awaitable[None]]) -> None:
        """`make` is called in a running loop; it must not await, so that two calls at once can't make two."""
        self._make = make
        self._close = close
        self._made: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()

    def get(self) -> T:
        """This loop's."""
        loop = asyncio.get_running_loop()
        if loop not in self._made:
            self._made[loop] = self._make()
        return self._made[loop]

    async def aclose(self) -> None:
        """Close this loop's, if there is one. The next `get` makes another."""
        made = self._made.pop(asyncio.get_running_loop(), None)
        if made is not None:
            await self._close(made)
