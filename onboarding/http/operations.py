"""What the API's description says of each route beyond its method, path and role. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from onboarding.core.patterns import GUID
from onboarding.core.record import OnboardingState
from onboarding.core.request import Environment
from onboarding.core.services import Service
from onboarding.http.api import NOTE_LENGTH
from onboarding.http.search import CURSOR_LENGTH, DEFAULT_LIMIT, MAX_LIMIT, TEXT_LENGTH, Order, Sort
from onboarding.kinds.examples import LAB_BOTH_SERVICES, OPERATOR_CONNECT

JSON, HTML, FORM = "application/json", "text/html", "application/x-www-form-urlencoded"
API, PAGES = "API", "Pages"


@dataclass(frozen=True, slots=True)
class Body:
    """What is posted: media type → schema; with examples for JSON."""

    content: Mapping[str, Mapping[str, Any]]
    required: bool = False
    examples: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One route, in words."""

    summary: str
    tag: str = API
    description: str = ""
    answers: Mapping[int, str] = field(default_factory=lambda: {200: ""})
    """Status → what it means, of the answers that are no refusals."""
    refusals: tuple[int, ...] = ()
    """Besides those that follow from the role, the path, the method and the body."""
    view: str | None = None
    """Name of the answers' schema; None: a page, or nothing."""
    media: tuple[str, ...] = (JSON,)
    query: tuple[Mapping[str, Any], ...] = ()
    body: Body | None = None
    tagged: bool = False
    """GET: its answer has an ETag. A change: `If-Match` is honoured."""


def _query(name: str, schema: Mapping[str, Any], description: str) -> Mapping[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _text(most: int, least: int = 0) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": most}


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _because(what: str, **more: Mapping[str, Any]) -> Body:
    """A body that gives a reason; `what` is an example of one."""
    schema = {**_object(reason=_text(NOTE_LENGTH, 1), **more), "required": ["reason"]}
    return Body({JSON: schema}, required=True, examples={"reason": {"reason": what}})


def _form(**fields: Mapping[str, Any]) -> Body:
    schema = {**_object(csrf=_text(200), **fields), "required": ["csrf"]}
    return Body({FORM: schema}, required=True)


_CHOICES = "one, or several with commas between them"
_STATE = f"({'|'.join(OnboardingState)})"

LIST = (
    _query(
        "state",
        {"type": "string", "pattern": f"^({_STATE}(,{_STATE})*)?$"},
        f"Only those in this state: {', '.join(OnboardingState)}; {_CHOICES}.",
    ),
    _query(
        "subscription",
        {"type": "string", "pattern": f"^({GUID[1:-1]})?$"},
        "Only gateways of this Azure subscription.",
    ),
    _query("environment", {"enum": [e.value for e in Environment]}, "Only gateways of this kind."),
    _query("service", {"enum": [s.value for s in Service]}, "Only onboardings that include this service."),
    _query(
        "text",
        _text(TEXT_LENGTH),
        "Words that must all stand in the gateway's name, the people whom the request names, or who is waited for.",
    ),
    _query("sort", {"enum": [s.value for s in Sort], "default": "gateway"}, "`waiting`: since when it waits."),
    _query("order", {"enum": [o.value for o in Order], "default": "asc"}, "Which end comes first."),
    _query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "Onboardings in a page.",
    ),
    _query("next", _text(CURSOR_LENGTH), "Where the page before ended: use its `next` as it is."),
)

_CHECKPOINT = Body(
    {
        JSON: {
            "oneOf": [
                _object(note={**_text(NOTE_LENGTH), "description": "It is done."}),
                {
                    **_object(problem={**_text(NOTE_LENGTH, 1), "description": "It can't be done, and why."}),
                    "required": ["problem"],
                },
            ]
        },
        FORM: {
            **_object(csrf=_text(200), outcome=_text(40), note=_text(NOTE_LENGTH)),
            "required": ["csrf"],
            "description": "What the checkpoint's own page sends.",
        },
    },
    examples={"done": {"note": "Both ids entered."}, "problem": {"problem": "The portal refuses the second id."}},
)

OPERATIONS: Mapping[str, Operation] = {
    "list_onboardings": Operation(
        "The onboardings, page by page",
        description="By gateway, the open ones before the closed ones, unless `sort` says otherwise.",
        answers={200: "A page of the list."},
        refusals=(400,),
        view="ListView",
        query=LIST,
        tagged=True,
    ),
    "post_onboarding": Operation(
        "Request an onboarding",
        description="The same request again finds the same onboarding.",
        answers={200: "It was requested before.", 202: "It has begun."},
        refusals=(409,),
        view="OnboardingView",
        query=(_query("again", {"type": "boolean", "default": False}, "Start a closed one again; history is kept."),),
        body=Body(
            {JSON: _ref("OnboardingRequest")},
            required=True,
            examples={"operator-connect": OPERATOR_CONNECT, "lab-both-services": LAB_BOTH_SERVICES},
        ),
        tagged=True,
    ),
    "get_onboarding": Operation(
        "One onboarding, whole", answers={200: "The record."}, view="OnboardingView", tagged=True
    ),
    "get_events": Operation(
        "The audit trail, oldest first", answers={200: "Every transition."}, view="EventsView", tagged=True
    ),
    "checkpoint_page": Operation(
        "The page of a checkpoint: what to do, and where to say so",
        PAGES,
        answers={200: "The page."},
        media=(HTML,),
    ),
    "confirm_checkpoint": Operation(
        "Say that a checkpoint is done, or why it can't be",
        description="A checkpoint, or another step that a person may end. JSON is for programs, the form for its page.",
        answers={200: "The record after it.", 303: "Back to the page (form only)."},
        refusals=(409,),
        view="OnboardingView",
        body=_CHECKPOINT,
        tagged=True,
    ),
    "retry_step": Operation(
        "Try a step that needs attention again, or at once one that waits for its next attempt",
        answers={200: "The record after it."},
        refusals=(409,),
        view="OnboardingView",
        tagged=True,
    ),
    "check_wait": Operation(
        "Look at a wait now",
        answers={200: "The record after it."},
        refusals=(409,),
        view="OnboardingView",
        tagged=True,
    ),
    "skip_step": Operation(
        "Leave a step out",
        description="Where Microsoft's article does not let it be left out (`mayBeSkippedWhen` of the step is null),"
        " `insist` says that it was done in another way.",
        answers={200: "The record after it."},
        refusals=(409,),
        view="OnboardingView",
        body=replace(
            _because("", insist={"type": "boolean", "default": False}),
            examples={
                "by the article": {"reason": "The service was selected at deployment."},
                "insisting": {"reason": "Done by hand in the portal.", "insist": True},
            },
        ),
        tagged=True,
    ),
    "reopen_step": Operation(
        "Take back that a person confirmed a step, or that it was skipped",
        description="What is open and needs it waits until it has ended again; what has ended after it stays so.",
        answers={200: "The record after it."},
        refusals=(409,),
        view="OnboardingView",
        body=_because("The onboarding team asks for another form."),
        tagged=True,
    ),
    "replay_messages": Operation(
        "Send messages that were given up, or are late, again now",
        answers={200: "The record after it."},
        refusals=(409,),
        view="OnboardingView",
        tagged=True,
    ),
    "pause_onboarding": Operation(
        "Begin nothing until it is resumed",
        description="What runs ends before its next write at Microsoft. People are reminded of the pause.",
        answers={200: "The record after it."},
        refusals=(409,),
        view="OnboardingView",
        body=_because("The network is frozen until Monday."),
        tagged=True,
    ),
    "resume_onboarding": Operation(
        "Let a paused onboarding go on",
        answers={200: "The record after it."},
        refusals=(409,),
        view="OnboardingView",
        tagged=True,
    ),
    "put_contacts": Operation(
        "Change who the onboarding team is, and whom to tell",
        description="Takes the place of both parts of the request. A new onboarding team is asked for what is open, and"
        " links that were sent to the one before are no good any more.",
        answers={200: "The record after it."},
        refusals=(409,),
        view="OnboardingView",
        body=Body(
            {JSON: _ref("Contacts")},
            required=True,
            examples={"contacts": {name: OPERATOR_CONNECT[name] for name in ("onboardingTeam", "notify")}},
        ),
        tagged=True,
    ),
    "cancel_onboarding": Operation(
        "End an onboarding",
        description="What was done at Microsoft stays. While a function is at a step, the state is `cancelling`.",
        answers={200: "The record after it."},
        refusals=(409,),
        view="OnboardingView",
        body=_because("The gateway is deployed anew."),
        tagged=True,
    ),
    "dashboard": Operation("The dashboard", PAGES, answers={200: "The page."}, refusals=(400,), media=(HTML,)),
    "onboarding_page": Operation("The page of one onboarding", PAGES, answers={200: "The page."}, media=(HTML,)),
    "dashboard_action": Operation(
        "What the dashboard's buttons send",
        PAGES,
        description="The action's own role is asked for as well.",
        answers={303: "Back to the page."},
        refusals=(409,),
        media=(),
        body=_form(
            action=_text(40),
            step=_text(40),
            reason=_text(NOTE_LENGTH),
            note=_text(NOTE_LENGTH),
            insist=_text(2),
            **{"team-name": _text(200), "team-email": _text(254), "escalate-to": _text(254)},
            emails={**_text(6000), "description": "One a line."},
            teams=_text(2),
            seen={**_text(32), "description": "Which contacts the form was filled with."},
        ),
    ),
    "link_page": Operation(
        "The page of a checkpoint, for the holder of a signed link",
        PAGES,
        answers={200: "The page."},
        refusals=(403, 404, 410),
        media=(HTML,),
    ),
    "answer_link": Operation(
        "What that page sends",
        PAGES,
        answers={200: "A page that says what became of it.", 303: "Back to the page."},
        refusals=(404, 409, 410),
        media=(HTML,),
        body=_form(outcome=_text(40), note=_text(NOTE_LENGTH)),
    ),
    "openapi": Operation("This description", answers={200: "OpenAPI 3.1."}, tagged=True),
    "api_page": Operation("This description, for people", PAGES, answers={200: "The page."}, media=(HTML,)),
    "asset": Operation(
        "Styles, scripts and pictures of the pages",
        PAGES,
        answers={200: "The file."},
        refusals=(404,),
        media=("text/css", "text/javascript", "image/svg+xml"),
    ),
    "switch_user": Operation(
        "Choose who is signed in (sandbox only)",
        PAGES,
        answers={303: "Back to the page."},
        refusals=(404,),
        media=(),
        body=_form(user=_text(100), back=_text(2000)),
    ),
}
"""By the name of the route's function."""
