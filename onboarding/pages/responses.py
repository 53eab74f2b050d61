"""Pages as answers: rendered with everything escaped, and with the headers that keep a browser from doing more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache, wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import azure.functions as func

from onboarding.core.advice import advice_parts
from onboarding.core.decide import RefusedError, UnknownStepError
from onboarding.core.texts import in_sight
from onboarding.hourly import HourlyLimitError
from onboarding.http.access import SANDBOX_USERS
from onboarding.http.call import HttpCall
from onboarding.http.problems import ProblemError
from onboarding.http.refusals import NO_SUCH_STEP
from onboarding.pages import csrf, words
from onboarding.pages.assets import url
from onboarding.pages.paths import onboarding_path
from onboarding.ports import ConflictError
from onboarding.version import VERSION

if TYPE_CHECKING:
    from jinja2 import Environment

SWITCH_USER = "switch the sandbox's user"
"""Purpose of the form in every page's head."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Of every page. No referrer, because the address of a page may be somebody's signed link."""


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates. Imported at the first page: functions that show none don't wait for Jinja."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("onboarding.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_in_sight,
    )
    made.filters.update(iso=words.iso, stamp=words.stamp, day=words.day, ago=words.ago, span=words.duration)
    made.filters.update(clock=words.clock, advised=advice_parts)
    made.filters.update(brief_ago=words.brief_ago, brief_span=words.brief_span)
    made.globals.update(asset=url, version=VERSION)
    return made


def _in_sight(value: Any) -> Any:
    """People's texts come onto pages without what nobody sees."""
    return in_sight(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def page(call: HttpCall, template: str, code: int = 200, /, **context: Any) -> func.HttpResponse:
    """A page, with who is signed in at its head."""
    return _answer(
        template,
        code,
        now=call.engine.clock.now(),
        caller=call.caller if call.caller.roles or call.caller.sandbox else None,
        switch=_switch(call),
        runbook=call.settings.runbook_url,
        address=_address(call),
        **context,
    )


def problem_page(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """A page that says what went wrong, to anybody: it shows nothing else."""
    return _answer(
        "problem.html",
        status,
        headers,
        now=datetime.now(UTC),
        caller=None,
        switch=None,
        runbook="",
        address="",
        title=title,
        detail=detail,
        status=status,
        back=None,
        of_onboarding=False,
    )


def see_other(path: str, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """After a form was taken: go and read the page (303, so that a reload sends nothing again)."""
    return func.HttpResponse(status_code=303, headers={**HEADERS, "Location": path, **(headers or {})})


PageHandler = Callable[[HttpCall], Awaitable[func.HttpResponse]]


def as_page(handler: PageHandler) -> PageHandler:
    """A handler whose refusals become pages; what it doesn't expect is for `problems.answered`."""

    @wraps(handler)
    async def wrapped(call: HttpCall) -> func.HttpResponse:
        try:
            return await handler(call)
        except ProblemError as error:
            return refusal_page(call, error.status, error.title, error.detail, error.headers)
        except UnknownStepError as error:
            return refusal_page(call, 404, NO_SUCH_STEP, str(error), {})
        except RefusedError as error:
            return refusal_page(call, 409, "Not possible in this state", str(error), {})
        except HourlyLimitError as error:
            return refusal_page(call, 429, "Too many requests", str(error), {"Retry-After": str(error.retry_after)})
        except ConflictError:
            detail = "The onboarding is being changed by many at a time. Nothing was changed; try again."
            return refusal_page(call, 503, "Try again shortly", detail, {"Retry-After": "1"})

    return wrapped


def refusal_page(call: HttpCall, status: int, title: str, detail: str, headers: Mapping[str, str]) -> func.HttpResponse:
    """A refusal as a page, with who is signed in at its head, and the way back to what it was about."""
    onboarding = call.request.route_params.get("id") if status != HTTPStatus.NOT_FOUND else None
    back = onboarding_path(onboarding) if onboarding else "/api/dashboard"
    answer = page(
        call,
        "problem.html",
        status,
        title=title,
        detail=detail,
        status=status,
        back=back if call.caller.roles else None,
        of_onboarding=onboarding is not None,
    )
    answer.headers.update(headers)
    return answer


def _address(call: HttpCall) -> str:
    """Where this page is found, for whoever has it on paper: nothing of a link that somebody was sent."""
    path = call.request.url.partition("://")[2].partition("/")[2]
    return f"{call.engine.public_url}/{path}" if call.request.method == "GET" and call.caller.roles else ""


def _switch(call: HttpCall) -> Mapping[str, Any] | None:
    """What the sandbox's choice of a user needs; None outside the sandbox."""
    if not call.caller.sandbox:
        return None
    here = call.request.url.partition("://")[2].partition("/")[2]
    return {
        "users": tuple(SANDBOX_USERS),
        "csrf": csrf.token(call, SWITCH_USER),
        "back": f"/{here}" if call.request.method == "GET" else "/api/dashboard",
    }


def _answer(template: str, code: int, headers: Mapping[str, str] | None = None, /, **context: Any) -> func.HttpResponse:
    html = environment().get_template(template).render(**context)
    return func.HttpResponse(html, status_code=code, mimetype="text/html", headers={**HEADERS, **(headers or {})})
