"""What each route does. Errors are raised and become answers in `problems.answered`."""

from __future__ import annotations

import json
import os
from typing import Any

import azure.functions as func

from onboarding.core.events import CancelRequested, CheckRequested, Confirmed, Happening, RetryRequested
from onboarding.core.request_rules import read_request
from onboarding.engine import Engine
from onboarding.http import view
from onboarding.http.bodies import read_json, read_object
from onboarding.http.problems import ProblemError

NOTE_LENGTH = 1000


async def post_onboarding(engine: Engine, request: func.HttpRequest) -> func.HttpResponse:
    """POST /api/onboardings[?again=true] → 202 (new), 200 (the same request again), 400, 409."""
    again = _flag(request, "again")
    asked = read_request(read_json(request))
    accepted = await engine.request(asked, actor_of(request), again=again)
    location = f"{engine.public_url}/api/onboardings/{accepted.record.id}"
    return _json(view.onboarding(accepted.record), 202 if accepted.created else 200, {"Location": location})


async def get_onboarding(engine: Engine, request: func.HttpRequest) -> func.HttpResponse:
    """GET /api/onboardings/{id} → 200, 404."""
    loaded = await engine.records.load(_id(request))
    if loaded is None:
        raise _unknown(_id(request))
    return _json(view.onboarding(loaded.record))


async def get_events(engine: Engine, request: func.HttpRequest) -> func.HttpResponse:
    """GET /api/onboardings/{id}/events → 200 with the audit trail, oldest first, 404."""
    events = await engine.records.events(_id(request))
    if events is None:
        raise _unknown(_id(request))
    return _json({"id": _id(request), "events": [e.to_json() for e in events]})


async def confirm(engine: Engine, request: func.HttpRequest) -> func.HttpResponse:
    """POST /api/onboardings/{id}/checkpoints/{step} {"note"?} → 200, 404, 409."""
    note = read_object(request, "note").get("note", "")
    if len(note) > NOTE_LENGTH:
        raise ProblemError(
            400,
            "The request is invalid",
            f"The note has {len(note)} characters; at most {NOTE_LENGTH} are kept.",
        )
    return await _happen(engine, request, Confirmed(request.route_params["step"], actor_of(request), note))


async def retry(engine: Engine, request: func.HttpRequest) -> func.HttpResponse:
    """POST /api/onboardings/{id}/steps/{step}/retry → 200, 404, 409."""
    return await _happen(engine, request, RetryRequested(request.route_params["step"], actor_of(request)))


async def check(engine: Engine, request: func.HttpRequest) -> func.HttpResponse:
    """POST /api/onboardings/{id}/steps/{step}/check: look at a wait now → 200, 404, 409."""
    return await _happen(engine, request, CheckRequested(request.route_params["step"], actor_of(request)))


async def cancel(engine: Engine, request: func.HttpRequest) -> func.HttpResponse:
    """POST /api/onboardings/{id}/cancel {"reason"} → 200, 400, 404, 409."""
    reason = read_object(request, "reason").get("reason", "").strip()
    if not 1 <= len(reason) <= NOTE_LENGTH:
        raise ProblemError(400, "The request is invalid", f"Give a reason of 1 to {NOTE_LENGTH} characters.")
    return await _happen(engine, request, CancelRequested(actor_of(request), reason))


async def _happen(engine: Engine, request: func.HttpRequest, happening: Happening) -> func.HttpResponse:
    decision = await engine.happen(_id(request), happening)
    if decision is None:
        raise _unknown(_id(request))
    return _json(view.onboarding(decision.record))


def actor_of(request: func.HttpRequest) -> str:
    """Who is asking. The principal header is believed only when the platform's authentication is on: it strips
    what callers write there themselves; without it anyone could."""
    if os.environ.get("WEBSITE_AUTH_ENABLED", "").lower() == "true":
        return request.headers.get("x-ms-client-principal-name") or "an unnamed user"
    return "a holder of the function key"


def _id(request: func.HttpRequest) -> str:
    return str(request.route_params["id"]).lower()


def _flag(request: func.HttpRequest, name: str) -> bool:
    value = str(request.params.get(name, "false")).lower()
    if value not in ("true", "false"):
        raise ProblemError(400, "The request is invalid", f"?{name}= is '{value[:50]}'; true or false was expected.")
    return value == "true"


def _unknown(onboarding_id: str) -> ProblemError:
    return ProblemError(404, "No such onboarding", f"There is no onboarding '{onboarding_id[:100]}'.")


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> func.HttpResponse:
    return func.HttpResponse(
        json.dumps(body, ensure_ascii=False), status_code=status, mimetype="application/json", headers=headers
    )
