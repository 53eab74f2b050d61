"""Every route, as data: the triggers, the OpenAPI description, the documentation and the tests derive from it."""

from __future__ import annotations

from importlib import import_module

import azure.functions as func

from onboarding.http import api
from onboarding.http.access import Role
from onboarding.http.bodies import is_page_form
from onboarding.http.call import Call, Handler, Route


def _page(name: str) -> Handler:
    """A handler of the pages. Their templates are loaded when the first page is asked for, not at a cold start."""

    async def handle(call: Call) -> func.HttpResponse:
        handler: Handler = getattr(import_module("onboarding.pages.handlers"), name)
        answer: func.HttpResponse = await handler(call)
        return answer

    handle.__name__ = name
    return handle


async def _describe(call: Call) -> func.HttpResponse:
    from onboarding.http.openapi import get_openapi

    return await get_openapi(call)


_answer_on_page = _page("answer_checkpoint")


async def _answer_checkpoint(call: Call) -> func.HttpResponse:
    """A program says in JSON that a checkpoint is done; a person sends the form of its page."""
    return await (_answer_on_page if is_page_form(call.request) else api.answer_checkpoint)(call)


ROUTES: tuple[Route, ...] = (
    Route("list_onboardings", "GET", "onboardings", Role.READ, api.list_onboardings),
    Route("post_onboarding", "POST", "onboardings", Role.SUBMIT, api.post_onboarding),
    Route("get_onboarding", "GET", "onboardings/{id}", Role.READ, api.get_onboarding),
    Route("get_events", "GET", "onboardings/{id}/events", Role.READ, api.get_events),
    Route("checkpoint_page", "GET", "onboardings/{id}/checkpoints/{step}", Role.READ, _page("checkpoint")),
    Route(
        "confirm_checkpoint",
        "POST",
        "onboardings/{id}/checkpoints/{step}",
        Role.APPROVE,
        _answer_checkpoint,
        checks_forms=True,
    ),
    Route("retry_step", "POST", "onboardings/{id}/steps/{step}/retry", Role.OPERATE, api.retry),
    Route("check_wait", "POST", "onboardings/{id}/steps/{step}/check", Role.OPERATE, api.check),
    Route("skip_step", "POST", "onboardings/{id}/steps/{step}/skip", Role.OPERATE, api.skip),
    Route("reopen_step", "POST", "onboardings/{id}/steps/{step}/reopen", Role.OPERATE, api.reopen),
    Route("replay_messages", "POST", "onboardings/{id}/replay", Role.OPERATE, api.replay),
    Route("pause_onboarding", "POST", "onboardings/{id}/pause", Role.OPERATE, api.pause),
    Route("resume_onboarding", "POST", "onboardings/{id}/resume", Role.OPERATE, api.resume),
    Route("put_contacts", "PUT", "onboardings/{id}/contacts", Role.OPERATE, api.put_contacts),
    Route("cancel_onboarding", "POST", "onboardings/{id}/cancel", Role.OPERATE, api.cancel),
    Route("dashboard", "GET", "dashboard", Role.READ, _page("dashboard")),
    Route("onboarding_page", "GET", "dashboard/{id}", Role.READ, _page("onboarding")),
    Route("dashboard_action", "POST", "dashboard/{id}/actions", Role.READ, _page("act"), checks_forms=True),
    Route("link_page", "GET", "links/{token}", None, _page("link")),
    Route("answer_link", "POST", "links/{token}", None, _page("answer_link"), checks_forms=True),
    Route("openapi", "GET", "openapi.json", None, _describe),
    Route("api_page", "GET", "docs", None, _page("api_page")),
    Route("asset", "GET", "assets/{name}", None, _page("asset")),
    Route("switch_user", "POST", "sandbox/user", None, _page("switch_user"), checks_forms=True, sandbox_only=True),
)
