"""The way in for every call: who is it, may they, and then the handler."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import uuid4

import azure.functions as func

from onboarding import limits
from onboarding.core.expected import no_such_field
from onboarding.http.access import Caller, caller_of, platform_signs_in
from onboarding.http.bodies import is_page_form
from onboarding.http.call import Application, HttpCall, Route
from onboarding.http.origin import from_elsewhere, own_path
from onboarding.http.problems import ProblemError, answered
from onboarding.http.refusals import PROBLEM, REQUEST_ID, traceable
from onboarding.settings import API_PAGE, SettingsError, in_azure
from onboarding.telemetry.triggers import called

log = logging.getLogger("onboarding")

NOBODY = Caller("nobody", frozenset())
SIGN_IN = "/.auth/login/aad"
CHALLENGE = 'Bearer realm="Operator Connect onboarding"'
"""What a program is to send; without an error code, as nothing was sent (RFC 9110, 11.6.1; RFC 6750, 3)."""
RETURN_TO = "post_login_redirect_uri"
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}", re.ASCII)


def entrance(route: Route, application: Application) -> Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]:
    """The function of a route: refuses with 401 or 403 before anything is read or written."""

    async def enter(request: func.HttpRequest) -> func.HttpResponse:
        chosen = application.settings()
        caller = caller_of(request, os.environ, chosen.sandbox_user)
        if route.sandbox_only and (in_azure(os.environ) or not chosen.sandbox_user):
            raise ProblemError(404, "Not found", "This exists only in the sandbox.")
        call = HttpCall(application.engine(), chosen, request, caller or NOBODY)
        try:
            admit(route, caller)
        except ProblemError as refusal:
            if caller is None and request.method == "GET" and wants_page(request) and platform_signs_in(os.environ):
                return to_sign_in(request)
            if caller is None or not wants_page(request):
                raise
            # With who they are at its head; in the sandbox that is also the way to be somebody else again.
            from onboarding.pages.responses import refusal_page

            return refusal_page(call, refusal.status, refusal.title, refusal.detail, refusal.headers)
        if route.changes and not (route.checks_forms and is_page_form(request)):
            check_origin(request, chosen.public_url)
        check_query(route, request)
        async with limits.within(limits.HTTP_CALL, route.name):
            return await route.handler(call)

    enter.__name__ = route.name
    inner = answered(enter)

    async def finish(request: func.HttpRequest) -> func.HttpResponse:
        request_id = request_id_of(request.headers)
        with called(request.headers, request.route_params.get("id"), request_id):
            answer = traceable(await inner(request), request_id, _explained_at(application))
            return guarded(request, readable(request, answer))

    finish.__name__ = route.name
    return finish


def request_id_of(headers: Mapping[str, str]) -> str:
    """The caller's own name of the call, where it is one that may stand in a log; else a new one."""
    given = str(headers.get(REQUEST_ID) or headers.get(REQUEST_ID.lower()) or "")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid4())


def _explained_at(application: Application) -> str:
    """The page that has a place for each code of a refusal."""
    try:
        return application.settings().explained_at
    except SettingsError:
        # Then nothing works but that: what was refused is still told, and where on this host it is explained.
        return API_PAGE


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
            {"WWW-Authenticate": CHALLENGE},
        )
    if not caller.may(route.role):
        held = ", ".join(sorted(caller.roles)) or "no role"
        raise ProblemError(
            403,
            "Not allowed",
            f"{caller.name} holds {held}; {route.role} is needed. Ask whoever administers this application.",
        )


def to_sign_in(request: func.HttpRequest) -> func.HttpResponse:
    """To the platform's sign-in, and from there back to the page: a path of ours, never another site.

    Source: Microsoft Learn, "Customize sign-in and sign-out in Azure App Service authentication".
    """
    asked = urlsplit(request.url)
    back = own_path(urlunsplit(("", "", asked.path, asked.query, "")), "/api/dashboard")
    return func.HttpResponse(status_code=302, headers={"Location": f"{SIGN_IN}?{urlencode({RETURN_TO: back})}"})


def check_origin(request: func.HttpRequest, public_url: str) -> None:
    """Refuse what another site's page makes a browser send. Raises ProblemError 403."""
    elsewhere = from_elsewhere(request.headers, request.url, public_url)
    if elsewhere is not None:
        raise ProblemError(
            403,
            "Not from this site",
            f"The call comes from '{elsewhere[:200]}'; only this application's own pages, and programs, may change"
            " something. If this is its page, set ONBOARDING_PUBLIC_URL to the address in the browser.",
        )


def check_query(route: Route, request: func.HttpRequest) -> None:
    """Refuse a parameter that means nothing there: whoever sends it means something. Raises ProblemError 400."""
    if route.query is None:
        return
    for name in request.params:
        if name not in route.query:
            told = no_such_field(name, route.query).replace("field", "parameter")
            raise ProblemError(400, "The request is invalid", f"?{name[:50]}= {told}. Nothing was changed.")


def wants_page(request: func.HttpRequest) -> bool:
    """Whether a person's browser asks."""
    return "text/html" in request.headers.get("accept", "").lower()


def readable(request: func.HttpRequest, answer: func.HttpResponse) -> func.HttpResponse:
    """A refusal as a small page, when it is a person's browser that asks."""
    if answer.mimetype != PROBLEM or not wants_page(request):
        return answer
    # Imported here: its templates are of no use to whoever asks for JSON.
    from onboarding.pages.responses import problem_page

    said = json.loads(answer.get_body())
    try:
        return problem_page(answer.status_code, said["title"], said["detail"], dict(answer.headers))
    except Exception:
        # What was refused and why counts for more than how it looks.
        log.exception("the page of a refusal could not be made")
        return answer


def guarded(request: func.HttpRequest, answer: func.HttpResponse) -> func.HttpResponse:
    """Every answer is what it says it is, and no shared cache keeps what only its reader may see.

    A browser that came by HTTPS once comes by nothing else for a year (RFC 6797, which forbids it in plain HTTP).
    """
    if in_azure(os.environ) or request.url.startswith("https:"):
        answer.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    answer.headers.setdefault("Cache-Control", "private, no-cache")
    return answer
