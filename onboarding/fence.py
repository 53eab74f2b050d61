"""A step's attempt may write only while it is still the one that the record knows.

Between two writes the onboarding may be paused or cancelled, or the attempt may be taken for dead and another begun.
So the record is read again before each write at Microsoft, and an attempt that was withdrawn writes no more. What a
write is, the ports say: every method that does not declare that it only reads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import cache, wraps
from typing import Any, NoReturn, get_type_hints

from onboarding.azure.permissions import ChangesBy, ProjectSynergyBy
from onboarding.ports import Notifier, Sender, methods_of, writes_of
from onboarding.steps.base import World


class WithdrawnError(Exception):
    """The attempt is no longer the record's: it was paused, cancelled or taken for dead. Nothing was sent."""


class ReadsOnlyError(AssertionError):
    """A step would write while it only looks, or what people change by hand: a defect of ours. Nothing was sent."""


_CONSTANTS = (str, int, float, bool, tuple[str, ...], ProjectSynergyBy, ChangesBy, Sender)

Permit = Callable[[], Awaitable[None]]
"""Returns while the attempt may write. Raises WithdrawnError."""


async def refuse_write() -> NoReturn:
    """The permit of a world in which nothing is written."""
    raise ReadsOnlyError("a step tried to write in a world that is only read")


def fenced(world: World, permit: Permit, *, by_hand: bool = False) -> World:
    """The same world; each write asks for the permit first. `by_hand`: nothing is written but to people."""
    kind: type = type(world)
    behind: dict[str, Any] = {
        name: Fenced(port, getattr(world, name), permit if port is Notifier or not by_hand else refuse_write)
        for name, port in ports_of(kind).items()
    }
    return replace(world, **behind)


class Fenced:
    """A port behind the fence. It has the port's methods and nothing else of what is behind it."""

    def __init__(self, port: type, inner: Any, permit: Permit) -> None:
        self._port, self._inner, self._permit = port, inner, permit

    def __getattr__(self, name: str) -> Any:
        if name not in methods_of(self._port):
            raise AttributeError(f"{self._port.__name__} has no method '{name}', so a step has none to call")
        method = getattr(self._inner, name)
        return _asking(self._permit, method) if name in writes_of(self._port) else method


@cache
def ports_of(world: type) -> Mapping[str, type]:
    """The fields of a world that hold ports, each with its protocol. Raises TypeError for a field of any other kind.

    So nothing gets past the fence unseen: a field holds a port, or a constant.
    """
    kinds = {name: kind for name, kind in get_type_hints(world).items() if kind not in _CONSTANTS}
    for name, kind in kinds.items():
        if not getattr(kind, "_is_protocol", False):
            raise TypeError(
                f"{world.__name__}.{name} is a {kind}; a Protocol of onboarding/ports.py was expected, or a constant:"
                " steps reach the world only through the fence"
            )
    return kinds


def _asking(permit: Permit, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(method)
    async def asked(*given: Any, **named: Any) -> Any:
        await permit()
        return await method(*given, **named)

    return asked
