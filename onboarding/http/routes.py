"""Every route, as data: the triggers, the OpenAPI description, the documentation and the tests derive from it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import azure.functions as func

from onboarding.controls import by_operation
from onboarding.core.control import Control, ControlPlace
from onboarding.core.roles import Role
from onboarding.http import api, many, plans
from onboarding.http.bodies import is_page_form
from onboarding.http.call import CallHandler, HttpCall, Route
from onboarding.http.export import EXPORT_PARAMETERS
from onboarding.http.figures import FIGURES_PARAMETERS, get_figures
from onboarding.http.health import get_health


def _page(name: str, module: str = "handlers") -> CallHandler:
    """A handler of the pages. Their templates are loaded when the first page is asked for, not at a cold start."""

    async def handle(call: HttpCall) -> func.HttpResponse:
        handler: CallHandler = getattr(import_module(f"onboarding.pages.{module}"), name)
        answer: func.HttpResponse = await handler(call)
        return answer

    handle.__name__ = name
    return handle


async def _describe(call: HttpCall) -> func.HttpResponse:
    from onboarding.http.openapi import get_openapi

    return await get_openapi(call, ROUTES)


async def _api_page(call: HttpCall) -> func.HttpResponse:
    from onboarding.http.openapi import description
    from onboarding.pages.handlers import api_page

    return await api_page(call, description(ROUTES))


def _control(name: str, controls: Sequence[Control]) -> Route:
    """The route of an operation; its page's form goes there too, where the controls have a page of their own."""
    first, in_json, on_page = controls[0], api.control(controls), _page("answer_checkpoint")
    has_page = first.place is ControlPlace.CHECKPOINT

    async def either(call: HttpCall) -> func.HttpResponse:
        return await (on_page if is_page_form(call.request) else in_json)(call)

    handler = either if has_page else in_json
    return Route(name, first.method, first.route, first.role, handler, checks_forms=has_page, query=())


def routes() -> tuple[Route, ...]:
    """All of them, with those of the controls as they are now."""
    return (
        Route("list_onboardings", "GET", "onboardings", Role.READ, api.list_onboardings, query=EXPORT_PARAMETERS),
        Route("post_plan", "POST", "plans", Role.SUBMIT, plans.post_plan, query=()),
        Route("get_plan", "GET", "plans/{plan}", Role.READ, plans.get_plan, query=()),
        Route("get_plan_as", "GET", "plans/{plan}/{form}", Role.READ, plans.get_plan_as, query=()),
        Route("post_onboarding", "POST", "onboardings", Role.SUBMIT, api.post_onboarding, query=api.POST_PARAMETERS),
        Route(
            "control_many",
            "POST",
            "onboardings/controls",
            Role.OPERATE,
            many.post_controls,
            query=many.MANY_PARAMETERS,
        ),
        Route("get_onboarding", "GET", "onboardings/{id}", Role.READ, api.get_onboarding, query=()),
        Route("get_events", "GET", "onboardings/{id}/events", Role.READ, api.get_events, query=()),
        Route("checkpoint_page", "GET", "onboardings/{id}/checkpoints/{step}", Role.READ, _page("get_checkpoint_page")),
        *(_control(name, controls) for name, controls in by_operation().items()),
        Route("dashboard", "GET", "dashboard", Role.READ, _page("dashboard")),
        Route("export", "GET", "export", Role.READ, _page("export_page", "export")),
        Route("figures", "GET", "figures", Role.READ, get_figures, query=FIGURES_PARAMETERS),
        Route("charts_page", "GET", "charts", Role.READ, _page("charts_page", "figures")),
        Route("plan_page", "GET", "planned/{plan}", Role.READ, _page("plan_page", "plans")),
        Route(
            "start_plan",
            "POST",
            "planned/{plan}/start",
            Role.SUBMIT,
            _page("start_plan", "plans"),
            checks_forms=True,
        ),
        Route("request_page", "GET", "request", Role.SUBMIT, _page("request_page", "request_form")),
        Route("send_json", "POST", "request", Role.SUBMIT, _page("send_json", "request_form"), checks_forms=True),
        Route("request_form", "GET", "request/form", Role.SUBMIT, _page("request_form", "request_form")),
        Route(
            "send_request",
            "POST",
            "request/form",
            Role.SUBMIT,
            _page("send_request", "request_form"),
            checks_forms=True,
        ),
        Route("table_page", "GET", "request/table", Role.SUBMIT, _page("table_page", "request_table")),
        Route(
            "send_table",
            "POST",
            "request/table",
            Role.SUBMIT,
            _page("send_table", "request_table"),
            checks_forms=True,
        ),
        Route("table_template", "GET", "request/template", Role.SUBMIT, _page("table_template", "request_table")),
        Route("look_at_many", "POST", "many", Role.OPERATE, _page("look_at_many", "many"), checks_forms=True),
        Route("do_to_many", "POST", "many/done", Role.OPERATE, _page("do_to_many", "many"), checks_forms=True),
        Route("onboarding_page", "GET", "dashboard/{id}", Role.READ, _page("onboarding_page")),
        Route("dashboard_action", "POST", "dashboard/{id}/actions", Role.READ, _page("act"), checks_forms=True),
        Route("link_page", "GET", "links", None, _page("link_page")),
        Route("earlier_link_page", "GET", "links/{token}", None, _page("link_page")),
        Route("open_link", "POST", "outside", None, _page("open_link"), checks_forms=True),
        Route("answer_link", "POST", "outside/answer", None, _page("answer_link"), checks_forms=True),
        Route("health", "GET", "health", None, get_health, query=()),
        Route("openapi", "GET", "openapi.json", None, _describe, query=()),
        Route("api_page", "GET", "docs", None, _api_page),
        Route("asset", "GET", "assets/{name}", None, _page("asset")),
        Route("switch_user", "POST", "sandbox/user", None, _page("switch_user"), checks_forms=True, sandbox_only=True),
    )


ROUTES = routes()
