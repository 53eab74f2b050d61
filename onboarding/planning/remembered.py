"""A world in which each read is made once, for as many steps and onboardings as ask for it: one piece of work's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from onboarding.fence import ports_of
from onboarding.ports import methods_of, writes_of
from onboarding.steps.base import World


def remembered(world: World) -> World:
    """The same world; what was read once is not read again. Writes are not remembered."""
    kind: type = type(world)
    behind: dict[str, Any] = {
        name: _Remembered(port, getattr(world, name)) for name, port in ports_of(kind).items()
    }
    return replace(world, **behind)


class _Remembered:
    """A port whose reads are made once. It has the port's methods and nothing else of what is behind it."""

    def __init__(self, port: type, inner: Any) -> None:
        self._port, self._inner = port, inner
        self._reads: dict[tuple[Any, ...], asyncio.Future[Any]] = {}

    def __getattr__(self, name: str) -> Any:
        if name not in methods_of(self._port):
            raise AttributeError(f"{self._port.__name__} has no method '{name}'")
        method = getattr(self._inner, name)
        return method if name in writes_of(self._port) else self._once(name, method)

    def _once(self, name: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @wraps(method)
        async def read(*given: Any) -> Any:
            key = (name, *given)
            known = self._reads.get(key)
            if known is None:
                known = self._reads[key] = asyncio.ensure_future(method(*given))
                # Whoever waits for it may be broken off: nobody is left then to take what it raises.
                known.add_done_callback(lambda done: done.cancelled() or done.exception())
            # One that is broken off leaves the read to the others that wait for it.
            return await asyncio.shield(known)

        return read
