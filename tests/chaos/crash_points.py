"""Inside the Functions host: a point after each effect, and before the first, at which the process may die.

What happens between two effects (reads, decisions) leaves no trace outside, so "after effect n" and "before effect
n+1" are one point. Points are found, not listed: every port that the composition makes is wrapped, and each call that
changes something outside is an effect. The functions stay the product's own.

The tests and the host share a folder: `points.log` (each point that was passed), `orders.json` (what to do at which
point), `killed/` (a file for each point that has killed, so that none kills twice, also after a restart).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from azure.functions.meta import Datum

from onboarding import app as composed
from onboarding.core.events import Effect
from onboarding.core.messages import NOTICES_QUEUE, ForeignMessageError, decode
from sandbox.functions_host.app import QUEUE, Function
from sandbox.functions_host.invocation import Invoker
from tests.chaos import effects

FOLDER = "CHAOS_FOLDER"
"""Environment: the folder shared with the tests."""
AUDIT_TRAIL = "audit trail"
LOOK_EVERY = 0.02


@dataclass(frozen=True)
class Orders:
    """What the tests want. The default only writes down which points are passed."""

    kill_each: bool = False
    """Die at every point that has not killed yet …"""
    at_most: int = 10
    """… but no more often than this at one function and onboarding: attempts are limited."""
    share: tuple[int, int] = (0, 1)
    """… and only at this share of the points: (0, 2) is the first half."""
    kill_at: tuple[str, ...] = ()
    """Die at these."""
    hold_at: tuple[str, ...] = ()
    """Wait at these until the tests say go on."""
    deaths_end_the_host: bool = False
    """No host follows the third that has died: so does Microsoft's with its worker processes."""


@dataclass
class Handling:
    """One run of a function: what it is about, and the effects it has had."""

    unit: str
    onboarding: str | None = None
    had: Counter[tuple[str | None, str]] = field(default_factory=Counter)

    def is_first(self, onboarding: str | None) -> bool:
        return not any(of == onboarding for of, _ in self.had)


_handling: ContextVar[Handling | None] = ContextVar("handling", default=None)


def install() -> None:
    """Wrap what the composition makes its ports from, and tell which function is being run."""
    for name, methods in effects.EFFECTS.items():
        setattr(composed, name, _watched(getattr(composed, name), methods))
    invoke = Invoker.invoke

    async def watched(self: Invoker, function: Function, data: Datum, metadata: Mapping[str, Datum]) -> Any:
        token = _handling.set(_handling_of(function, data))
        try:
            return await invoke(self, function, data, metadata)
        finally:
            _handling.reset(token)

    Invoker.invoke = watched  # type: ignore[method-assign]


def _handling_of(function: Function, data: Datum) -> Handling:
    if function.kind != QUEUE:
        return Handling(function.name)
    queue = str(function.trigger["queueName"])
    try:
        message = decode(data.value)
    except ForeignMessageError:
        return Handling(queue)
    unit = queue if queue != NOTICES_QUEUE else f"{queue} {effects.subject(message)}"
    return Handling(unit, message.onboarding_id)


def _watched(make: Callable[..., Any], methods: Mapping[str, effects.Describe]) -> Callable[..., Any]:
    return lambda *args, **kwargs: _Watched(make(*args, **kwargs), methods)


class _Watched:
    """A port, with points around what changes something outside."""

    def __init__(self, port: Any, methods: Mapping[str, effects.Describe]) -> None:
        self._port, self._methods = port, methods

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._port, name)
        describe = self._methods.get(name)
        if describe is None:
            return member
        if name == "publish":
            return self._publish

        async def effect(*args: Any, **kwargs: Any) -> Any:
            return await _pass(describe(self._port, *args, **kwargs), lambda: member(*args, **kwargs))

        return effect

    async def _publish(self, nudges: tuple[Effect, ...], now: Any) -> None:
        """One effect a queue, in turn: the process can die when the first message has gone and the second has not."""
        for nudge in nudges:
            await _pass(
                self._methods["publish"](self._port, nudge), lambda nudge=nudge: self._port.publish((nudge,), now)
            )


async def _pass(effect: effects.Described, go: Callable[[], Awaitable[Any]]) -> Any:
    handling = _handling.get()
    if handling is None:
        # Not from within a function: nothing of ours.
        return await go()
    onboarding = effect.onboarding or handling.onboarding
    if effect.name == effects.TRAIL_COPIED:
        # Whichever transition finds the trail too long copies it; it is a point of its own, wherever it happens.
        result = await go()
        await _point(f"{AUDIT_TRAIL}: after {effect.name}", AUDIT_TRAIL, onboarding)
        return result
    if handling.is_first(onboarding):
        await _point(f"{handling.unit}: before {effect.name}", handling.unit, onboarding)
    result = await go()
    handling.had[onboarding, effect.name] += 1
    times = handling.had[onboarding, effect.name]
    again = f" #{times}" if times > 1 else ""
    await _point(f"{handling.unit}: after {effect.name}{again}", handling.unit, onboarding)
    return result


async def _point(label: str, unit: str, onboarding: str | None) -> None:
    folder = Path(os.environ[FOLDER])
    line = json.dumps({"point": label, "onboarding": onboarding, "pid": os.getpid()}) + "\n"
    _append(folder / "points.log", line)
    orders = read_orders(folder)
    if _wanted(orders, folder, label, unit, onboarding) and _claim(folder, label, unit, onboarding):
        os.kill(os.getpid(), signal.SIGKILL)
    if label in orders.hold_at and _claim(folder, label, unit, onboarding, "held"):
        # The word comes from another process, as a file: there is no event to wait for.
        while not (folder / "go").exists():  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY)


def _wanted(orders: Orders, folder: Path, label: str, unit: str, onboarding: str | None) -> bool:
    if label in orders.kill_at:
        return True
    if not orders.kill_each or effects.share_of(label, orders.share[1]) != orders.share[0]:
        return False
    # The timer and HTTP functions have no attempts to lose.
    if unit not in effects.LIMITED or _claimed(folder, label, "killed").exists():
        return True
    killed = [json.loads(file.read_text() or "{}") for file in (folder / "killed").iterdir()]
    return sum((k.get("unit"), k.get("onboarding")) == (unit, onboarding) for k in killed) < orders.at_most


def _claim(folder: Path, label: str, unit: str, onboarding: str | None, kind: str = "killed") -> bool:
    """Whether this process is the one that dies here: only the first that makes the file."""
    try:
        made = os.open(_claimed(folder, label, kind), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return False
    os.write(made, json.dumps({"point": label, "unit": unit, "onboarding": onboarding}).encode())
    os.close(made)
    return True


def _claimed(folder: Path, label: str, kind: str) -> Path:
    return folder / kind / quote(label, safe="")


def _append(path: Path, line: str) -> None:
    made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(made, line.encode())
    os.close(made)


def read_orders(folder: Path) -> Orders:
    """What is to be done at points now."""
    told = json.loads((folder / "orders.json").read_text(encoding="utf-8"))
    return Orders(**{name: tuple(value) if isinstance(value, list) else value for name, value in told.items()})


def write_orders(folder: Path, orders: Orders) -> None:
    """Tell the hosts of this folder what to do; at once, and never half of it."""
    for name in ("killed", "held"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    part = folder / "orders.part"
    part.write_text(json.dumps(asdict(orders)), encoding="utf-8")
    part.replace(folder / "orders.json")
