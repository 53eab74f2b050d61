"""One HTTP call, as handlers get it: who calls, with what, and what they may use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import azure.functions as func

from onboarding.core.patterns import ONBOARDING_ID, PLAN_ID, fits
from onboarding.core.roles import Role
from onboarding.engine import Engine
from onboarding.http.access import Caller
from onboarding.http.problems import ProblemError
from onboarding.planning.store import KEPT_FOR
from onboarding.settings import Settings


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A call that was let in."""

    engine: Engine
    settings: Settings
    request: func.HttpRequest
    caller: Caller

    @property
    def onboarding_id(self) -> str:
        """Of the path, in lower case. Raises ProblemError 404 for what can't be one, nor a key of a table."""
        return read_onboarding_id(str(self.request.route_params["id"]))

    @property
    def plan_id(self) -> str:
        """Of the path. Raises ProblemError 404 for what can't be one."""
        given = str(self.request.route_params["plan"])
        if not fits(PLAN_ID, given):
            raise unknown_plan(given)
        return given

    @property
    def step(self) -> str:
        return str(self.request.route_params["step"])


def read_onboarding_id(given: str) -> str:
    """What a caller says is one. Raises ProblemError 404 for what can't be one, nor a key of a table."""
    if not fits(ONBOARDING_ID, given):
        raise ProblemError(404, "No such onboarding", f"There is no onboarding '{given[:100]}'.")
    return given.lower()


def unknown_plan(plan_id: str) -> ProblemError:
    """There is none, or not any more."""
    return ProblemError(
        404, "No such plan", f"There is no plan '{plan_id[:100]}'; plans are kept for {KEPT_FOR.days} days."
    )


@dataclass(frozen=True, slots=True)
class Application:
    """What serves every call. Made when it is first needed: a cold start does not wait for it."""

    engine: Callable[[], Engine]
    settings: Callable[[], Settings]


CallHandler = Callable[[HttpCall], Awaitable[func.HttpResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One route: where it is, who may use it, and what it does."""

    name: str
    """Of its function."""
    method: str
    path: str
    """Below `/api/`."""
    role: Role | None
    """None: open to everybody (it says nothing about anybody, or asks for something else than a role)."""
    handler: CallHandler
    checks_forms: bool = False
    """Its handler checks the token of a page's form itself."""
    query: tuple[str, ...] | None = None
    """The parameters that a program may send: it is told of another, which it may have misspelt. None: a page, to which
    others add theirs."""
    sandbox_only: bool = False
    """In Azure it is as if it weren't there."""

    @property
    def changes(self) -> bool:
        """Whether it may change anything."""
        return self.method not in ("GET", "HEAD")
