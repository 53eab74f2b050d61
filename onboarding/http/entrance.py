"""The way in for every call: who is it, may they, and then the handler."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import azure.functions as func

from onboarding import app as composed
from onboarding.http.access import Caller, caller_of
from onboarding.http.call import Call, Route
from onboarding.http.problems import ProblemError, answered
from onboarding.settings import settings

NOBODY = Caller("nobody", frozenset())


def entrance(route: Route) -> Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]:
    """The function of a route: refuses with 401 or 403 before anything is read or written."""

    async def enter(request: func.HttpRequest) -> func.HttpResponse:
        chosen = settings()
        caller = caller_of(request, os.environ, chosen.sandbox_user)
        admit(route, caller)
        return await route.handler(Call(composed.engine(), chosen, request, caller or NOBODY))

    enter.__name__ = route.name
    return answered(enter)


def admit(route: Route, caller: Caller | None) -> None:
    """Let a caller in. Raises ProblemError 401 (nobody signed in) or 403 (without the role)."""
    if route.role is None:
        return
    if caller is None:
        raise ProblemError(
            401,
            "Not signed in",
            "Nobody is signed in. Turn on App Service authentication for the function app, and sign in; on a laptop set"
            " ONBOARDING_SANDBOX_USER.",
        )
    if not caller.may(route.role):
        held = ", ".join(sorted(caller.roles)) or "no role"
        raise ProblemError(
            403,
            "Not allowed",
            f"{caller.name} holds {held}; {route.role} is needed. Ask whoever administers this application.",
        )
