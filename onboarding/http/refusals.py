"""What a refusal is called by programs: a code that stays, whatever its words become. docs/runbook.md explains each.

People read the title, and a title is the same for its kind; so the code follows from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import azure.functions as func

PROBLEM = "application/problem+json"
REQUEST_ID = "X-Request-Id"
"""The header that names one call: of every answer, and of a request whose caller has a name for it already."""

NO_SUCH_STEP = "No such step"
ANCHOR = "refused-"
"""How the anchors of the runbook's rows begin."""

CODES: Mapping[str, str] = {
    "A defect of this application": "defect",
    "Changed in between": "changed-meanwhile",
    "Malformed JSON": "malformed-json",
    "No answer": "no-outcome",
    "No such action": "no-such-action",
    "No such checkpoint": "no-such-checkpoint",
    "No such file": "no-such-file",
    "No such form": "no-such-form",
    "No such onboarding": "no-such-onboarding",
    "No such plan": "no-such-plan",
    NO_SUCH_STEP: "no-such-step",
    "No such user": "no-such-user",
    "Not JSON": "not-json",
    "Not a form": "not-a-form",
    "Not allowed": "not-allowed",
    "Not found": "sandbox-only",
    "Not from this site": "foreign-site",
    "Not possible in this state": "not-possible",
    "Not signed in": "not-signed-in",
    "Nothing is chosen": "nothing-chosen",
    "Nothing is ticked": "nothing-chosen",
    "Nothing was changed": "form-wrong",
    "Somebody else was faster": "changed-meanwhile",
    "The application is not set up": "not-set-up",
    "The body is empty": "empty-body",
    "The body is too large": "too-large",
    "The form came from elsewhere": "foreign-form",
    "The form cannot be read": "form-unreadable",
    "The form is out of date": "form-expired",
    "The form is too large": "too-large",
    "The gateway has another onboarding": "gateway-taken",
    "The onboarding can't be read": "row-unreadable",
    "The onboarding is in progress": "in-progress",
    "The request is invalid": "invalid-request",
    "Too many requests": "too-many-requests",
    "Try again shortly": "unavailable",
}
"""Title → code. A code is in people's programs for ever; a title may get better words."""


def told_by_code() -> tuple[tuple[str, str], ...]:
    """Each code, in their order, with the titles that it stands for."""
    codes = sorted(set(CODES.values()))
    return tuple((code, "; ".join(title for title, of in CODES.items() if of == code)) for code in codes)


def traceable(answer: func.HttpResponse, request_id: str, runbook: str) -> func.HttpResponse:
    """The same answer with the call's id; a refusal says it too, and where its kind is explained."""
    if answer.mimetype == PROBLEM:
        said = json.loads(answer.get_body())
        said = {**said, "type": f"{runbook}#{ANCHOR}{said['code']}", "requestId": request_id}
        answer = func.HttpResponse(
            json.dumps(said, ensure_ascii=False).encode(),
            status_code=answer.status_code,
            mimetype=PROBLEM,
            headers=dict(answer.headers),
        )
    answer.headers[REQUEST_ID] = request_id
    return answer
