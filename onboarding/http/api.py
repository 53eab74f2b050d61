"""What each route does. Errors are raised and become answers in `problems.answered`."""

from __future__ import annotations

from typing import Any

import azure.functions as func

from onboarding.core.events import (
    CancelRequested,
    CheckRequested,
    Confirmed,
    ContactsChanged,
    Happening,
    PauseRequested,
    ProblemReported,
    ReopenRequested,
    ReplayRequested,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
)
from onboarding.http import view
from onboarding.http.bodies import read_json, read_object
from onboarding.http.call import Call
from onboarding.http.conditional import answer, if_match
from onboarding.http.counts import counts
from onboarding.http.listing import listed
from onboarding.http.problems import ProblemError
from onboarding.http.search import read_search
from onboarding.kinds import read_contacts, read_request

NOTE_LENGTH = 1000


async def list_onboardings(call: Call) -> func.HttpResponse:
    """GET /api/onboardings → 200 with a page of the list, 304, 400."""
    search = read_search(call.request.params)
    found = await listed(call.engine.records, search)
    next_ = f"{call.engine.public_url}/api/onboardings?{search.query_string(after=found.next)}" if found.next else None
    page = view.ListView(
        onboardings=tuple(view.summary(row) for row in found.rows),
        counts=dict(await counts(call.engine.records, call.engine.clock.now())),
        cut=found.cut,
        next=next_,
    )
    return answer(call.request, page)


async def post_onboarding(call: Call) -> func.HttpResponse:
    """POST /api/onboardings[?again=true] → 202 (new), 200 (the same request again), 400, 409, 412."""
    again = _flag(call.request, "again")
    asked = read_request(read_json(call.request))
    with if_match(call) as expected:
        accepted = await call.engine.request(asked, call.caller.name, again=again, expected=expected)
    record = accepted.record
    location = f"{call.engine.public_url}/api/onboardings/{record.id}"
    status = 202 if accepted.created else 200
    shown = view.onboarding(record, call.caller)
    return answer(call.request, shown, record, status=status, headers={"Location": location})


async def get_onboarding(call: Call) -> func.HttpResponse:
    """GET /api/onboardings/{id} → 200, 304, 404."""
    loaded = await call.engine.records.load(call.onboarding_id)
    if loaded is None:
        raise unknown(call.onboarding_id)
    return answer(call.request, view.onboarding(loaded.record, call.caller), loaded.record)


async def get_events(call: Call) -> func.HttpResponse:
    """GET /api/onboardings/{id}/events → 200 with the audit trail, oldest first, 304, 404."""
    trail = await call.engine.records.events(call.onboarding_id)
    if trail is None:
        raise unknown(call.onboarding_id)
    return answer(call.request, view.events(call.onboarding_id, trail))


async def answer_checkpoint(call: Call) -> func.HttpResponse:
    """POST /api/onboardings/{id}/checkpoints/{step}, {"note"?} or {"problem"} → 200, 400, 404, 409, 412."""
    said = read_object(call.request, "note", "problem")
    if len(said) > 1:
        raise ProblemError(400, "The request is invalid", "Send a note (it is done) or a problem (it is not).")
    if "problem" in said:
        return await _happen(call, ProblemReported(call.step, call.caller.name, _text(said, "problem", least=1)))
    return await _happen(call, Confirmed(call.step, call.caller.name, _text(said, "note")))


async def retry(call: Call) -> func.HttpResponse:
    """POST /api/onboardings/{id}/steps/{step}/retry → 200, 404, 409, 412."""
    return await _happen(call, RetryRequested(call.step, call.caller.name))


async def check(call: Call) -> func.HttpResponse:
    """POST /api/onboardings/{id}/steps/{step}/check: look at a wait now → 200, 404, 409, 412."""
    return await _happen(call, CheckRequested(call.step, call.caller.name))


async def skip(call: Call) -> func.HttpResponse:
    """POST /api/onboardings/{id}/steps/{step}/skip {"reason", "insist"?} → 200, 400, 404, 409, 412."""
    said = read_object(call.request, "reason", flag="insist")
    reason, insist = _text(said, "reason", least=1), said.get("insist", False)
    return await _happen(call, SkipRequested(call.step, call.caller.name, reason, insist))


async def reopen(call: Call) -> func.HttpResponse:
    """POST /api/onboardings/{id}/steps/{step}/reopen {"reason"} → 200, 400, 404, 409, 412."""
    return await _happen(call, ReopenRequested(call.step, call.caller.name, _reason(call)))


async def replay(call: Call) -> func.HttpResponse:
    """POST /api/onboardings/{id}/replay: send given-up and late messages again now → 200, 404, 409, 412."""
    return await _happen(call, ReplayRequested(call.caller.name))


async def pause(call: Call) -> func.HttpResponse:
    """POST /api/onboardings/{id}/pause {"reason"} → 200, 400, 404, 409, 412."""
    return await _happen(call, PauseRequested(call.caller.name, _reason(call)))


async def resume(call: Call) -> func.HttpResponse:
    """POST /api/onboardings/{id}/resume → 200, 404, 409, 412."""
    return await _happen(call, ResumeRequested(call.caller.name))


async def put_contacts(call: Call) -> func.HttpResponse:
    """PUT /api/onboardings/{id}/contacts {"onboardingTeam", "notify"} → 200, 400, 404, 409, 412."""
    contacts = read_contacts(read_json(call.request))
    return await _happen(call, ContactsChanged(call.caller.name, contacts.onboarding_team, contacts.notify))


async def cancel(call: Call) -> func.HttpResponse:
    """POST /api/onboardings/{id}/cancel {"reason"} → 200, 400, 404, 409, 412."""
    return await _happen(call, CancelRequested(call.caller.name, _reason(call)))


def unknown(onboarding_id: str) -> ProblemError:
    return ProblemError(404, "No such onboarding", f"There is no onboarding '{onboarding_id[:100]}'.")


async def _happen(call: Call, happening: Happening) -> func.HttpResponse:
    with if_match(call) as expected:
        happened = await call.engine.happen(call.onboarding_id, happening, expected=expected)
    if happened is None:
        raise unknown(call.onboarding_id)
    return answer(call.request, view.onboarding(happened.record, call.caller), happened.record)


def _reason(call: Call) -> str:
    return _text(read_object(call.request, "reason"), "reason", least=1)


def _text(said: dict[str, Any], name: str, *, least: int = 0) -> str:
    text = str(said.get(name, "")).strip()
    if not least <= len(text) <= NOTE_LENGTH:
        raise ProblemError(
            400,
            "The request is invalid",
            f"The {name} has {len(text)} characters; {least} to {NOTE_LENGTH} were expected.",
        )
    return text


def _flag(request: func.HttpRequest, name: str) -> bool:
    value = str(request.params.get(name, "false")).lower()
    if value not in ("true", "false"):
        raise ProblemError(400, "The request is invalid", f"?{name}= is '{value[:50]}'; true or false was expected.")
    return value == "true"
