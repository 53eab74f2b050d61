"""What each route does. Errors are raised and become answers in `problems.answered`."""

from __future__ import annotations

import json
from typing import Any

import azure.functions as func

from onboarding.core.events import CancelRequested, CheckRequested, Confirmed, Happening, RetryRequested
from onboarding.core.request_rules import read_request
from onboarding.http import view
from onboarding.http.bodies import read_json, read_object
from onboarding.http.call import Call
from onboarding.http.problems import ProblemError

NOTE_LENGTH = 1000


async def post_onboarding(call: Call) -> func.HttpResponse:
    """POST /api/onboardings[?again=true] → 202 (new), 200 (the same request again), 400, 409."""
    again = _flag(call.request, "again")
    asked = read_request(read_json(call.request))
    accepted = await call.engine.request(asked, call.caller.name, again=again)
    location = f"{call.engine.public_url}/api/onboardings/{accepted.record.id}"
    return _json(view.onboarding(accepted.record), 202 if accepted.created else 200, {"Location": location})


async def get_onboarding(call: Call) -> func.HttpResponse:
    """GET /api/onboardings/{id} → 200, 404."""
    loaded = await call.engine.records.load(call.onboarding_id)
    if loaded is None:
        raise _unknown(call.onboarding_id)
    return _json(view.onboarding(loaded.record))


async def get_events(call: Call) -> func.HttpResponse:
    """GET /api/onboardings/{id}/events → 200 with the audit trail, oldest first, 404."""
    events = await call.engine.records.events(call.onboarding_id)
    if events is None:
        raise _unknown(call.onboarding_id)
    return _json({"id": call.onboarding_id, "events": [e.to_json() for e in events]})


async def confirm(call: Call) -> func.HttpResponse:
    """POST /api/onboardings/{id}/checkpoints/{step} {"note"?} → 200, 404, 409."""
    note = read_object(call.request, "note").get("note", "")
    if len(note) > NOTE_LENGTH:
        raise ProblemError(
            400,
            "The request is invalid",
            f"The note has {len(note)} characters; at most {NOTE_LENGTH} are kept.",
        )
    return await _happen(call, Confirmed(call.step, call.caller.name, note))


async def retry(call: Call) -> func.HttpResponse:
    """POST /api/onboardings/{id}/steps/{step}/retry → 200, 404, 409."""
    return await _happen(call, RetryRequested(call.step, call.caller.name))


async def check(call: Call) -> func.HttpResponse:
    """POST /api/onboardings/{id}/steps/{step}/check: look at a wait now → 200, 404, 409."""
    return await _happen(call, CheckRequested(call.step, call.caller.name))


async def cancel(call: Call) -> func.HttpResponse:
    """POST /api/onboardings/{id}/cancel {"reason"} → 200, 400, 404, 409."""
    reason = read_object(call.request, "reason").get("reason", "").strip()
    if not 1 <= len(reason) <= NOTE_LENGTH:
        raise ProblemError(400, "The request is invalid", f"Give a reason of 1 to {NOTE_LENGTH} characters.")
    return await _happen(call, CancelRequested(call.caller.name, reason))


async def _happen(call: Call, happening: Happening) -> func.HttpResponse:
    decision = await call.engine.happen(call.onboarding_id, happening)
    if decision is None:
        raise _unknown(call.onboarding_id)
    return _json(view.onboarding(decision.record))


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
