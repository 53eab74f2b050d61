"""What the API's description says of each route beyond its method, path and role. Data only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onboarding.controls import CONTROLS, by_operation
from onboarding.core.answers import MOST_ITEMS, Field
from onboarding.core.control import NOTE_LENGTH, Control, ControlField, ControlPlace, Input, body, fields_for
from onboarding.core.figures import MOST_WEEKS, WEEKS
from onboarding.core.links import PASTED_LENGTH
from onboarding.core.many import MOST_AT_ONCE, ManyControl
from onboarding.core.patterns import CHECKSUM, GUID, ONBOARDING_ID
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import OnboardingState
from onboarding.core.request import Environment
from onboarding.core.request_csv import SEPARATORS
from onboarding.core.services import Service
from onboarding.http.bodies import FORM, FORM_WITH_FILE, JSON, MAX_UPLOAD, REQUEST_LENGTH
from onboarding.http.chosen import FILTERS
from onboarding.http.export import CSV, EXPORTED, ExportRows
from onboarding.http.search import CURSOR_LENGTH, DEFAULT_LIMIT, MAX_LIMIT, TEXT_LENGTH, Order, Sort
from onboarding.kinds import KINDS
from onboarding.kinds.examples import LAB_BOTH_SERVICES, OPERATOR_CONNECT, OWN_SBC
from onboarding.standing import WaitsOn
from onboarding.steps import LIBRARY

HTML = "text/html"
API, PAGES = "API", "Pages"


@dataclass(frozen=True, slots=True)
class RequestBody:
    """What is posted: media type → schema; with examples for JSON."""

    content: Mapping[str, Mapping[str, Any]]
    required: bool = False
    examples: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApiOperation:
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
    or_views: tuple[str, ...] = ()
    """Others, where a parameter of the query makes the answer another."""
    media: tuple[str, ...] = (JSON,)
    query: tuple[Mapping[str, Any], ...] = ()
    body: RequestBody | None = None
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


def _form(**fields: Mapping[str, Any]) -> RequestBody:
    schema = {**_object(csrf=_text(200), **fields), "required": ["csrf"]}
    return RequestBody({FORM: schema}, required=True)


def _form_with_file(**fields: Mapping[str, Any]) -> RequestBody:
    file = {
        "type": "string",
        "contentMediaType": "application/octet-stream",
        "description": "In place of the text; empty: none was chosen.",
    }
    schema = {**_object(csrf=_text(200), file=file, **fields), "required": ["csrf"]}
    return RequestBody({FORM_WITH_FILE: schema}, required=True)


_PRESSED = {**_text(120), "description": "Which button was pressed."}
_KIND = {**_text(40), "description": "Of which kind of gateway."}
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
    _query("environment", {"enum": [e.value for e in Environment]}, "Only gateways for this."),
    _query("service", {"enum": [s.value for s in Service]}, "Only onboardings that include this service."),
    _query("kind", {"enum": list(KINDS)}, "Only gateways of this kind: `gateway.kind` of their requests."),
    _query("waitsOn", {"enum": [w.value for w in WaitsOn]}, "Only those that wait on them for anything."),
    _query(
        "problem",
        {"enum": [c.value for c in ProblemCode]},
        "Only those that wait for a step with this problem, whatever else they wait for.",
    ),
    _query("late", {"enum": ["true", "false"], "default": "false"}, "Only those that are late."),
    _query(
        "text",
        _text(TEXT_LENGTH),
        "Words that must all stand in the gateway's name, the people whom the request names, or who is waited for.",
    ),
    _query(
        "sort",
        {"enum": [s.value for s in Sort], "default": "gateway"},
        "`waiting`: since when it waits; `urgency`: what should be seen to first.",
    ),
    _query("order", {"enum": [o.value for o in Order], "default": "asc"}, "Which end comes first."),
    _query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "Onboardings in a page.",
    ),
    _query("next", _text(CURSOR_LENGTH), "Where the page before ended: use its `next` as it is."),
)
_ROWS = _query(
    "rows",
    {"enum": list(ExportRows), "default": "onboardings"},
    "Of CSV: a line for each onboarding, or for each of its steps that has ended.",
)

_REQUEST = RequestBody(
    {JSON: _ref("OnboardingRequest")},
    required=True,
    examples={
        "own-sbc": OWN_SBC,
        "operator-connect": OPERATOR_CONNECT,
        "lab-both-services": LAB_BOTH_SERVICES,
    },
)

_WEEKS = _query(
    "weeks", {"type": "integer", "minimum": 1, "maximum": MOST_WEEKS, "default": WEEKS}, "How many weeks to look back."
)
_FLAG = {"type": "boolean", "default": False}
_CHOOSING = {query["name"]: query for query in LIST if query["name"] in FILTERS}
_MANY = RequestBody(
    {
        JSON: {
            **_object(
                control={"enum": list(ManyControl), "description": "What is done to each."},
                ids={
                    "type": "array",
                    "items": {"type": "string", "pattern": ONBOARDING_ID},
                    "maxItems": MOST_AT_ONCE,
                    "default": [],
                    "description": "These onboardings. Empty: all open ones that fit `filter` and `problem`.",
                },
                filter={
                    **_object(
                        **{n: {**q["schema"], "description": q["description"]} for n, q in _CHOOSING.items()}
                    ),
                    "default": {},
                    "description": "As the list filters; a text each. Of open onboardings only.",
                },
                problem={
                    "anyOf": [_ref("ProblemCode"), {"type": "null"}],
                    "default": None,
                    "description": "Only those of which a step has stopped, or is tried again, with this code; of"
                    " `retry`, only these steps.",
                },
                reason={
                    **_text(NOTE_LENGTH),
                    "default": "",
                    "description": "Why; it is kept in the audit trail of each. `pause` and `cancel` need one.",
                },
                next={
                    "anyOf": [_text(CURSOR_LENGTH), {"type": "null"}],
                    "default": None,
                    "description": "Where the call before ended: use its `next` as it is, with the same body.",
                },
            ),
            "required": ["control"],
        }
    },
    required=True,
    examples={
        "by-problem": {"control": "retry", "problem": "permission-missing", "reason": "The role was granted."},
        "by-filter": {"control": "pause", "filter": {"environment": "production"}, "reason": "A change freeze."},
        "by-id": {"control": "resume", "ids": ["contoso-acg-1f0e9d8c7b"]},
    },
)

_FIXED: Mapping[str, ApiOperation] = {
    "list_onboardings": ApiOperation(
        "The onboardings, page by page",
        description=(
            "By gateway, the open ones before the closed ones, unless `sort` says otherwise. As `text/csv` it is all"
            f" that fits, {EXPORTED} at most, always by gateway, with the table's columns; the header `Link` leads on."
        ),
        answers={200: "A page of the list."},
        refusals=(400,),
        view="ListView",
        media=(JSON, CSV),
        query=(*LIST, _ROWS),
        tagged=True,
    ),
    "post_onboarding": ApiOperation(
        "Request an onboarding",
        description=(
            "The same request again finds the same onboarding. With `planChecksum` the answer is a plan that is coming;"
            " it says, once it is made, whether the onboarding has begun."
        ),
        answers={200: "It was requested before; or it would be taken.", 202: "It has begun; or it is planned again."},
        refusals=(409, 429),
        view="OnboardingView",
        or_views=("PlanView", "ValidatedView"),
        query=(
            _query("again", {"type": "boolean", "default": False}, "Start a closed one again; history is kept."),
            _query(
                "validateOnly",
                {"type": "boolean", "default": False},
                "Only say whether the request would be taken. Nothing is written, and Microsoft is asked nothing.",
            ),
            _query(
                "planChecksum",
                {"type": "string", "pattern": CHECKSUM},
                "Begin only if exactly the changes of the plan with this checksum would be made.",
            ),
        ),
        body=_REQUEST,
        tagged=True,
    ),
    "post_plan": ApiOperation(
        "Ask for a plan",
        description=(
            "What an onboarding of this request would change, and what would stop it. Nothing is changed: it is looked"
            " at by the rules of an onboarding, with every write refused. It takes some seconds."
        ),
        answers={202: "It is coming."},
        refusals=(429,),
        view="PlanView",
        body=_REQUEST,
    ),
    "control_many": ApiOperation(
        "Retry, pause, resume or cancel many at once",
        description=(
            f"At most {MOST_AT_ONCE} onboardings in a call; `next` leads to the others. Each is decided by itself, as"
            " by its own control, from what it is at that moment. All that is said of them must hold."
        ),
        answers={200: "What became of each."},
        view="ManyView",
        query=(_query("validateOnly", _FLAG, "Only say what would become of each. Nothing is changed."),),
        body=_MANY,
    ),
    "get_plan": ApiOperation("A plan", answers={200: "The plan, or that it is coming."}, view="PlanView", tagged=True),
    "get_onboarding": ApiOperation(
        "One onboarding, whole", answers={200: "The record."}, view="OnboardingView", tagged=True
    ),
    "get_events": ApiOperation(
        "The audit trail, oldest first", answers={200: "Every transition."}, view="EventsView", tagged=True
    ),
    "get_plan_as": ApiOperation(
        "A plan for a change ticket, or as commands that do it by hand",
        PAGES,
        answers={200: "The plan, as a text."},
        refusals=(409,),
        media=("text/markdown", "text/plain"),
    ),
    "plan_page": ApiOperation("The page of a plan", PAGES, answers={200: "The page."}, media=(HTML,)),
    "start_plan": ApiOperation(
        "What that page's button sends",
        PAGES,
        answers={303: "To the plan that is made once more, and starts."},
        refusals=(409, 429),
        media=(),
        body=_form(),
    ),
    "request_page": ApiOperation(
        "The page on which an onboarding is requested", PAGES, answers={200: "The page."}, media=(HTML,)
    ),
    "send_json": ApiOperation(
        "What that page sends: a request in JSON, as a text or as a file",
        PAGES,
        answers={200: "The form, filled in.", 303: "To the plan of it."},
        refusals=(409, 429),
        media=(HTML,),
        body=_form_with_file(text={**_text(MAX_UPLOAD), "description": "What was pasted."}, do=_PRESSED),
    ),
    "request_form": ApiOperation(
        "The form of a request",
        PAGES,
        answers={200: "The page."},
        refusals=(400, 404),
        media=(HTML,),
        query=(
            _query("kind", {"enum": list(KINDS)}, "Of this kind of gateway."),
            _query("from", {"type": "string", "pattern": ONBOARDING_ID}, "Filled with what this onboarding asked for."),
        ),
    ),
    "send_request": ApiOperation(
        "What the form sends",
        PAGES,
        description="Its fields are called by their paths, such as `gateway.trunks[0].fqdn`.",
        answers={200: "The form again, checked or with one row more or less.", 303: "To the plan of it."},
        refusals=(409, 429),
        media=(HTML,),
        body=_form(kind=_KIND, do=_PRESSED),
    ),
    "table_page": ApiOperation(
        "The page on which many onboardings are requested", PAGES, answers={200: "The page."}, media=(HTML,)
    ),
    "send_table": ApiOperation(
        "What that page sends: a table in CSV, as a text or as a file",
        PAGES,
        answers={200: "A report a line; and what became of those that were chosen."},
        media=(HTML,),
        body=_form_with_file(
            kind=_KIND,
            text={**_text(MAX_UPLOAD), "description": "What was pasted."},
            do=_PRESSED,
            all={**_text(2), "description": "`on`: all that are right, whatever else is chosen."},
        ),
    ),
    "table_template": ApiOperation(
        "A table to fill in",
        PAGES,
        answers={200: "The file."},
        refusals=(400,),
        media=("text/csv",),
        query=(
            _query("kind", {"enum": list(KINDS)}, "For this kind of gateway."),
            _query("separator", {"enum": list(SEPARATORS), "default": "comma"}, "Between the cells."),
        ),
    ),
    "look_at_many": ApiOperation(
        "What the dashboard's form for many at once sends",
        PAGES,
        answers={200: "A page that says what will be done. Nothing is done yet."},
        media=(HTML,),
        body=_form(
            control={"enum": list(ManyControl), "description": "What is done to each."},
            scope={"enum": ["ticked", "page", "matching"], "description": "Which onboardings are meant."},
            search={**_text(REQUEST_LENGTH), "description": "The query of the dashboard that it was sent from."},
            problem={**_text(60), "description": "Only those that stopped with this code; empty: with any, or none."},
            id={"type": "array", "items": {"type": "string"}, "description": "Those that are ticked."},
            next={**_text(CURSOR_LENGTH), "description": "Where the form before ended."},
        ),
    ),
    "do_to_many": ApiOperation(
        "What that page sends",
        PAGES,
        answers={200: "A page that says what became of each."},
        media=(HTML,),
        body=_form(
            control={"enum": list(ManyControl), "description": "What is done to each."},
            search={**_text(REQUEST_LENGTH), "description": "The filter that must still hold; empty: none."},
            problem={**_text(60), "description": "Only those that stopped with this code; empty: with any, or none."},
            id={"type": "array", "items": {"type": "string"}, "description": "Those that are meant."},
            next={**_text(CURSOR_LENGTH), "description": "Where those after them begin."},
            reason=_text(NOTE_LENGTH),
        ),
    ),
    "checkpoint_page": ApiOperation(
        "The page of a checkpoint: what to do, and where to say so",
        PAGES,
        answers={200: "The page."},
        media=(HTML,),
    ),
    "dashboard": ApiOperation("The dashboard", PAGES, answers={200: "The page."}, refusals=(400,), media=(HTML,)),
    "figures": ApiOperation(
        "Figures: completed a week, how long steps took, what is expected when",
        description="Of all onboardings that fit. A week is that of ISO 8601, in UTC.",
        view="FiguresView",
        query=(_WEEKS, *_CHOOSING.values()),
        tagged=True,
    ),
    "charts_page": ApiOperation(
        "The page of these figures, with the same parameters",
        PAGES,
        answers={200: "The page."},
        refusals=(400,),
        media=(HTML,),
    ),
    "export": ApiOperation(
        "The list as a file for a spreadsheet, with the same parameters",
        PAGES,
        answers={200: "The file."},
        refusals=(400,),
        media=(CSV,),
    ),
    "onboarding_page": ApiOperation("The page of one onboarding", PAGES, answers={200: "The page."}, media=(HTML,)),
    "link_page": ApiOperation(
        "Where a signed link leads: sends the link's fragment on in a form",
        PAGES,
        answers={200: "The page."},
        media=(HTML,),
    ),
    "earlier_link_page": ApiOperation(
        "Where signed links led earlier: the same page, with the link in its form",
        PAGES,
        answers={200: "The page."},
        media=(HTML,),
    ),
    "open_link": ApiOperation(
        "The page of a checkpoint, for the holder of a signed link",
        PAGES,
        answers={200: "The page."},
        refusals=(404, 410),
        media=(HTML,),
        body=_form(link=_text(PASTED_LENGTH)),
    ),
    "answer_link": ApiOperation(
        "What that page sends",
        PAGES,
        answers={200: "A page that says what became of it."},
        refusals=(404, 410),
        media=(HTML,),
        body=_form(
            link=_text(PASTED_LENGTH),
            outcome=_text(40),
            turn={**_text(64), "description": "The turn that is done, if it has turns."},
            note=_text(NOTE_LENGTH),
            name={**_text(100), "description": "Of whoever answers."},
        ),
    ),
    "health": ApiOperation(
        "How the application does",
        description="Without a role only `state` is told.",
        answers={200: "It is ready, or degraded: `checks` say why.", 503: "It is down."},
        view="HealthView",
    ),
    "openapi": ApiOperation("This description", answers={200: "OpenAPI 3.1."}, tagged=True),
    "api_page": ApiOperation("This description, for people", PAGES, answers={200: "The page."}, media=(HTML,)),
    "asset": ApiOperation(
        "Styles, scripts and pictures of the pages",
        PAGES,
        answers={200: "The file."},
        refusals=(404,),
        media=("text/css", "text/javascript", "image/svg+xml"),
    ),
    "switch_user": ApiOperation(
        "Choose who is signed in (sandbox only)",
        PAGES,
        answers={303: "Back to the page."},
        refusals=(404,),
        media=(),
        body=_form(user=_text(100), back=_text(2000)),
    ),
}
"""Of the routes that no control makes."""


def operations() -> Mapping[str, ApiOperation]:
    """By the name of the route's function."""
    controls = {name: _of_controls(of_one) for name, of_one in by_operation().items()}
    return {**_FIXED, **controls, "dashboard_action": _buttons()}


def _of_controls(controls: Sequence[Control]) -> ApiOperation:
    has_page = controls[0].place is ControlPlace.CHECKPOINT
    first, *others = (c.summary for c in controls)
    return ApiOperation(
        ", or ".join((first, *(f"{o[0].lower()}{o[1:]}" for o in others))),
        description=" ".join(c.explained for c in controls if c.explained),
        answers={200: "The record after it.", **({303: "Back to the page (form only)."} if has_page else {})},
        refusals=(409,),
        view="OnboardingView",
        body=_body(controls, has_page) if any(c.fields for c in controls) else None,
        tagged=True,
    )


def _body(controls: Sequence[Control], has_page: bool) -> RequestBody:
    in_json = [_ref(c.model.__name__) if c.model else _fields(c) for c in controls]
    content: dict[str, Mapping[str, Any]] = {JSON: in_json[0] if len(in_json) == 1 else {"oneOf": in_json}}
    if has_page:
        form = _form(outcome=_text(40), **_inputs(controls))
        content[FORM] = {**form.content[FORM], "description": "What the checkpoint's own page sends."}
    required = all(any(f.missing for f in c.of_signed_in) for c in controls)
    examples = {c.name: body((f, f.example) for f in c.of_signed_in if f.example is not None) for c in controls}
    return RequestBody(content, required, {name: example for name, example in examples.items() if example})


def _fields(control: Control) -> Mapping[str, Any]:
    schema = _object(**{f.place: _field(f) for f in control.of_signed_in})
    required = [f.place for f in control.of_signed_in if f.missing]
    return {**schema, "required": required} if required else schema


def _field(field: ControlField) -> Mapping[str, Any]:
    if field.input is Input.ANSWERS:
        return {**_answers(), "description": field.meaning}
    tick = {"type": "boolean", "default": False}
    kind = tick if field.input is Input.TICK else _text(field.most, 1 if field.missing else 0)
    return {**kind, "description": field.meaning}


def _answers() -> dict[str, Any]:
    """Whatever a step of the library asks for; which of it is right at one step, its `asks` say."""
    asking: dict[str, list[tuple[str, Field]]] = {}
    for definition in LIBRARY.values():
        for asked in definition.asks:
            asking.setdefault(asked.name, []).append((definition.name, asked))
    return _object(**{name: _asked(found) for name, found in sorted(asking.items())})


def _asked(found: Sequence[tuple[str, Field]]) -> dict[str, Any]:
    told = " ".join(
        f"Of `{step}`{', required' * asked.required}: {asked.label}, {asked.words}." for step, asked in found
    )
    schemas: list[dict[str, Any]] = []
    for _, asked in found:
        schema = {"type": "array", "maxItems": MOST_ITEMS, "items": _one(asked)} if asked.many else _one(asked)
        schemas += [] if schema in schemas else [schema]
    return {"anyOf": [*schemas, {"type": "null"}], "description": told}


def _one(asked: Field) -> dict[str, Any]:
    """One value. Blanks around it are taken off before it is looked at, so no pattern is told here."""
    more = {"enum": list(asked.choices)} if asked.choices else {}
    return {**_text(asked.most), **more}


def _inputs(controls: Iterable[Control]) -> dict[str, Mapping[str, Any]]:
    """The fields of their forms; a box that is ticked is sent as `on`."""
    asks = {asked.name: asked for definition in LIBRARY.values() for asked in definition.asks}
    fields = (f for c in controls for f in fields_for(c.of_signed_in, [*asks.values()]))
    return {f.name: {**_text(f.most), "description": f.label} for f in fields}


def _buttons() -> ApiOperation:
    return ApiOperation(
        "What the dashboard's buttons send",
        PAGES,
        description="The action's own role is asked for as well.",
        answers={303: "Back to the page."},
        refusals=(409, 429),
        media=(),
        body=_form(
            action=_text(40),
            step=_text(40),
            **_inputs(CONTROLS.values()),
            seen={**_text(32), "description": "Which values the form was filled with."},
        ),
    )
