"""What each route does. Errors are raised and become answers in `problems.answered`."""

from __future__ import annotations

from collections.abc import Sequence

import azure.functions as func

from onboarding.core.control import Control
from onboarding.core.record import Record
from onboarding.http import plans, view
from onboarding.http.asked import read_asked
from onboarding.http.bodies import read_json
from onboarding.http.call import CallHandler, HttpCall
from onboarding.http.conditional import answer, if_match
from onboarding.http.counts import counts
from onboarding.http.export import ExportRows, export_onboardings, read_rows, wants_csv
from onboarding.http.listing import listed
from onboarding.http.problems import ProblemError
from onboarding.http.search import read_search
from onboarding.kinds import read_request
from onboarding.looks import happen_and_look

POST_PARAMETERS = ("again", "validateOnly", "planChecksum")


async def list_onboardings(call: HttpCall) -> func.HttpResponse:
    """GET /api/onboardings → 200 with a page of the list, or as CSV, 304, 400."""
    if wants_csv(call.request):
        return await export_onboardings(call)
    if read_rows(call.request.params) is ExportRows.STEPS:
        raise ProblemError(400, "The request is invalid", "?rows=steps is for `Accept: text/csv`.")
    search = read_search(call.request.params)
    now = call.engine.clock.now()
    found = await listed(call.engine.records, search, now)
    next_ = f"{call.engine.public_url}/api/onboardings?{search.query_string(after=found.next)}" if found.next else None
    page = view.ListView(
        onboardings=tuple(view.summary(row, now) for row in found.rows),
        counts=dict(await counts(call.engine.records, now)),
        cut=found.cut,
        next=next_,
    )
    return answer(call.request, page)


async def post_onboarding(call: HttpCall) -> func.HttpResponse:
    """POST /api/onboardings[?again=true][?validateOnly=true][?planChecksum=…] → 202 (new, or its plan is being made
    again), 200 (the same request again, or it would be taken), 400, 409, 412."""
    again = flag(call.request, "again")
    asked = read_request(read_json(call.request))
    if flag(call.request, "validateOnly"):
        return await plans.validated(call, asked)
    if (checksum := call.request.params.get("planChecksum")) is not None:
        return await plans.start_by_plan(call, asked, checksum, again=again)
    with if_match(call) as expected:
        accepted = await call.engine.request(asked, call.caller.name, again=again, expected=expected)
    record = accepted.record
    location = f"{call.engine.public_url}/api/onboardings/{record.id}"
    status = 202 if accepted.created else 200
    return answer(call.request, await _shown(call, record), record, status=status, headers={"Location": location})


async def get_onboarding(call: HttpCall) -> func.HttpResponse:
    """GET /api/onboardings/{id} → 200, 304, 404."""
    loaded = await call.engine.records.load(call.onboarding_id)
    if loaded is None:
        raise unknown_onboarding(call.onboarding_id)
    return answer(call.request, await _shown(call, loaded.record), loaded.record)


async def get_events(call: HttpCall) -> func.HttpResponse:
    """GET /api/onboardings/{id}/events → 200 with the audit trail, oldest first, 304, 404."""
    trail = await call.engine.records.events(call.onboarding_id)
    if trail is None:
        raise unknown_onboarding(call.onboarding_id)
    return answer(call.request, view.events(call.onboarding_id, trail))


def control(controls: Sequence[Control]) -> CallHandler:
    """The handler of an operation of these controls → 200, 400, 404, 409, 412."""

    async def handle(call: HttpCall) -> func.HttpResponse:
        event = read_asked(call, controls)
        with if_match(call) as expected:
            record = await happen_and_look(call.engine, call.onboarding_id, event, expected)
        if record is None:
            raise unknown_onboarding(call.onboarding_id)
        return answer(call.request, await _shown(call, record), record)

    return handle


async def _shown(call: HttpCall, record: Record) -> view.OnboardingView:
    inspected = await call.engine.records.index.inspection(record)
    return view.onboarding_view(record, call.caller, call.engine.clock.now(), inspected)


def unknown_onboarding(onboarding_id: str) -> ProblemError:
    return ProblemError(404, "No such onboarding", f"There is no onboarding '{onboarding_id[:100]}'.")


def flag(request: func.HttpRequest, name: str) -> bool:
    """A parameter of the query that is true or false. Raises ProblemError 400."""
    value = str(request.params.get(name, "false")).lower()
    if value not in ("true", "false"):
        raise ProblemError(400, "The request is invalid", f"?{name}= is '{value[:50]}'; true or false was expected.")
    return value == "true"
