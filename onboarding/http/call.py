"""One HTTP call, as handlers get it: who calls, with what, and what they may use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import azure.functions as func

from onboarding.engine import Engine
from onboarding.http.access import Caller, Role
from onboarding.settings import Settings


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was let in."""

    engine: Engine
    settings: Settings
    request: func.HttpRequest
    caller: Caller

    @property
    def onboarding_id(self) -> str:
        return str(self.request.route_params["id"]).lower()

    @property
    def step(self) -> str:
        return str(self.request.route_params["step"])


Handler = Callable[[Call], Awaitable[func.HttpResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One route: where it is, who may use it, and what it does."""

    name: str
    """Of its function."""
    method: str
    path: str
    """Below `/api/`."""
    role: Role | None
    """None: open to everybody (it says nothing about anybody)."""
    handler: Handler
