"""The API's description, OpenAPI 3.1: generated from the routes and from the models that read and make the bodies."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import azure.functions as func
from pydantic.json_schema import JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from onboarding.controls import CONTROLS
from onboarding.core.decide import create
from onboarding.core.links import TOKEN_LENGTH
from onboarding.core.patterns import ONBOARDING_ID, PLAN_ID, SIGNED_LINK
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.roles import Role
from onboarding.http import figures, health, many, plans, view
from onboarding.http.access import Caller
from onboarding.http.bodies import JSON
from onboarding.http.call import HttpCall, Route
from onboarding.http.meanings import Explained, explain
from onboarding.http.operations import API, HTML, PAGES, ApiOperation, operations
from onboarding.http.plans import PLAN_FORMS
from onboarding.http.refusals import CODES, PROBLEM, REQUEST_ID
from onboarding.kinds import KINDS, read_request
from onboarding.kinds.examples import OWN_SBC
from onboarding.notices.event import CLOUDEVENTS_JSON, EVENT_TYPES, OnboardingEvent, event_type
from onboarding.steps import LIBRARY

API_DESCRIPTION_VERSION = "1"
_LICENCE = {"name": "MIT License", "identifier": "MIT"}
"""As in pyproject.toml, and in LICENSE."""
_EXAMPLE_TIME = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

_PATH: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "id": (
        "The onboarding: the gateway's name and a digest of its resource id, such as `contoso-acg-1f0e9d8c7b`.",
        {"type": "string", "pattern": ONBOARDING_ID},
    ),
    "plan": (
        "The plan: when it was asked for, and twelve digits.",
        {"type": "string", "pattern": PLAN_ID},
    ),
    "form": ("Which text.", {"enum": list(PLAN_FORMS)}),
    "step": ("A step.", {"enum": list(LIBRARY)}),
    "token": ("A signed link.", {"type": "string", "maxLength": TOKEN_LENGTH, "pattern": SIGNED_LINK}),
    "name": ("A file.", {"type": "string", "maxLength": 100, "pattern": r"^[A-Za-z0-9_\-][A-Za-z0-9_.\-]*$"}),
}

_SHOWN = {"plan": "20261127-101500-1f0e9d8c7b6a"}
"""What stands in a path of an example, where the answers' example has none."""

_REFUSALS: Mapping[int, str] = {
    400: "Something in the request is wrong; `detail` and `errors` say what.",
    401: "Nobody is signed in.",
    403: "The caller lacks the role, or another site's page sent it.",
    404: "There is no such thing.",
    409: "Not possible in the state that it is in; `detail` says why.",
    410: "The link is used up, expired, or was withdrawn.",
    412: "It is not what `If-Match` names any more: nothing was changed.",
    413: "The body is too large.",
    415: "The body is of the wrong kind.",
    429: "The caller has begun as many onboardings as one may in an hour.",
    503: "Table Storage or Service Bus did not answer, or the application is not set up. Nothing committed is lost.",
}

_PROBLEM_SCHEMA: Mapping[str, Any] = {
    "title": "Refusal",
    "type": "object",
    "description": "A refusal (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code", "requestId"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "code": {"enum": sorted(set(CODES.values()))},
        "requestId": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Every field that is wrong.",
            "items": {
                "type": "object",
                "required": ["field", "rule", "value", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "rule": {"type": "string"},
                    "value": {},
                    "message": {"type": "string"},
                },
            },
        },
        "onboarding": {"type": "string", "description": "The onboarding that the gateway has already."},
        "state": {"type": "string"},
        "differs": {"type": "array", "items": {"type": "string"}},
        "version": {"type": ["integer", "null"], "description": "The one that it is at now."},
    },
}

_MAKE = ("post_onboarding", "post_plan")
"""What makes something, and says where it is."""
_NAMED = {
    "description": "Names the call in logs and traces: the caller's own `X-Request-Id` where it sent one that fits.",
    "schema": {"type": "string"},
}
_ETAG = {"description": "Of this answer, for If-None-Match and If-Match.", "schema": {"type": "string"}}


async def get_openapi(call: HttpCall, routes: tuple[Route, ...]) -> func.HttpResponse:
    """GET /api/openapi.json → 200, 304."""
    body, tag = written_description(routes)
    headers = {"ETag": tag}
    if tag in call.request.headers.get("if-none-match", ""):
        return func.HttpResponse(status_code=304, mimetype=JSON, headers=headers)
    return func.HttpResponse(body, mimetype=JSON, headers=headers)


@lru_cache(maxsize=1)
def written_description(routes: tuple[Route, ...]) -> tuple[bytes, str]:
    """The description as it is sent, and its ETag; made once a process."""
    import hashlib

    body = json.dumps(description(routes), ensure_ascii=False).encode()
    return body, f'"{hashlib.sha256(body).hexdigest()[:12]}"'


@lru_cache(maxsize=1)
def description(routes: tuple[Route, ...]) -> dict[str, Any]:
    """The whole description, of these routes."""
    told = operations()
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(f"/{route.path}", {})[route.method.lower()] = _operation(route, told[route.name])
    made: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Operator Connect onboarding",
            "version": API_DESCRIPTION_VERSION,
            "description": "Connects operators' gateways to Microsoft Operator Connect and Teams Phone Mobile.",
            "license": _LICENCE,
        },
        "servers": [{"url": "/api"}],
        "tags": [
            {"name": API, "description": "For programs: JSON in and out, problem+json when refused."},
            {"name": PAGES, "description": "For people: HTML and its forms."},
        ],
        "paths": paths,
        "webhooks": {"event": {"post": _event()}},
        "components": {
            "schemas": _schemas(),
            "examples": {"requested": {"summary": "Just requested.", "value": _example_record()}},
            "securitySchemes": _security_schemes(),
        },
    }
    # A copy: schemas of operations are data, and stand in several.
    explained: dict[str, Any] = explain(copy.deepcopy(made))
    return explained


def _event() -> dict[str, Any]:
    """What is sent to a program of the operator's own."""
    event = {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0", "description": "Of CloudEvents."},
            "id": {"type": "string", "description": "The same however often the event is sent."},
            "source": {"type": "string", "format": "uri-reference", "description": "This application."},
            "type": {"enum": [event_type(kind) for kind in EVENT_TYPES], "description": "What has happened."},
            "subject": {"type": "string", "description": "The onboarding's id."},
            "time": {"type": "string", "format": "date-time", "description": "When it was to be told first."},
            "datacontenttype": {"const": JSON, "description": "Of `data`."},
            "dataschema": {"type": "string", "format": "uri", "description": "Where `data` is described."},
            "data": {"$ref": "#/components/schemas/OnboardingEvent", "description": "How the onboarding stands."},
        },
    }
    signed = {
        "webhook-id": "The event's `id`.",
        "webhook-timestamp": "Of this attempt, in seconds since 1970.",
        "webhook-signature": "`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64 (Standard Webhooks).",
    }
    return {
        "summary": "An event, for a program of one's own",
        "description": "A CloudEvent (1.0, structured mode), sent to `ONBOARDING_EVENTS_URL`.",
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": what, "schema": {"type": "string"}}
            for name, what in signed.items()
        ],
        "requestBody": {"required": True, "content": {CLOUDEVENTS_JSON: {"schema": event}}},
        "responses": {"2XX": {"description": "It was taken; else it is sent again, or people are told."}},
    }


def _operation(route: Route, told: ApiOperation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": route.name,
        "summary": told.summary,
        "tags": [told.tag],
        "parameters": [*_path_parameters(route), *told.query, *_header_parameters(route, told)],
        "responses": _responses(route, told),
        "security": [{"entra": [route.role.value]}, {"session": [route.role.value]}] if route.role else [],
    }
    role = f"Needs the role `{route.role}`." if route.role else ""
    made["description"] = " ".join(filter(None, (told.description, role))) or told.summary
    if told.body:
        made["requestBody"] = {
            "required": told.body.required,
            "content": {
                media: {"schema": schema, **_examples(told.body.examples if media == JSON else {})}
                for media, schema in told.body.content.items()
            },
        }
    return made


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)}", route.path)
    told = [(name, *_PATH[name], {"example": _SHOWN[name]} if name in _SHOWN else {}) for name in names]
    return [
        {"name": name, "in": "path", "required": True, "description": what, "schema": schema, **shown}
        for name, what, schema, shown in told
    ]


def _header_parameters(route: Route, told: ApiOperation) -> list[dict[str, Any]]:
    if not told.tagged:
        return []
    name, why = ("If-None-Match", "An ETag that the caller has: 304 if it is still good.")
    if route.changes:
        name, why = ("If-Match", "An ETag of the onboarding: it is changed only if it is still as it was then.")
    return [{"name": name, "in": "header", "required": False, "description": why, "schema": {"type": "string"}}]


def _responses(route: Route, told: ApiOperation) -> dict[str, Any]:
    answers = {str(status): _answer(route, told, status, why) for status, why in told.answers.items()}
    if told.tagged and not route.changes:
        answers["304"] = {"description": "It is what the caller has.", "headers": {"ETag": _ETAG}}
    answers.update({str(status): _refusal(status) for status in sorted(_refusals(route, told))})
    for answer in answers.values():
        answer.setdefault("headers", {})[REQUEST_ID] = _NAMED
    return answers


def _answer(route: Route, told: ApiOperation, status: int, why: str) -> dict[str, Any]:
    made: dict[str, Any] = {"description": why or told.summary, "headers": {}}
    if told.tagged and status != HTTPStatus.SEE_OTHER:
        made["headers"]["ETag"] = _ETAG
    if status == HTTPStatus.SEE_OTHER or (route.name in _MAKE and status < HTTPStatus.MULTIPLE_CHOICES):
        made["headers"]["Location"] = {"description": "Where it is.", "schema": {"type": "string"}}
    if status != HTTPStatus.SEE_OTHER:
        made["content"] = {media: {"schema": _schema(told, media)} for media in told.media}
        if told.view == "OnboardingView":
            made["content"][JSON]["examples"] = {"requested": {"$ref": "#/components/examples/requested"}}
    return made


def _schema(told: ApiOperation, media: str) -> dict[str, Any]:
    if media == JSON:
        views = [{"$ref": f"#/components/schemas/{name}"} for name in (told.view, *told.or_views) if name]
        return {"anyOf": views} if len(views) > 1 else views[0] if views else {"type": "object"}
    return {"type": "string"}


def _refusals(route: Route, told: ApiOperation) -> set[int]:
    found = {*told.refusals, 503}
    if route.role:
        found |= {401, 403}
    if route.changes:
        found.add(403)
        if told.tagged:
            found.add(412)
    if any(f"{{{name}}}" in route.path for name in ("id", "step", "plan")):
        found.add(404)
    if route.query is not None:
        found.add(400)
    if told.body:
        found |= {400, 413, 415}
    return found


def _refusal(status: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "description": _REFUSALS[status],
        "content": {
            PROBLEM: {"schema": {"$ref": "#/components/schemas/Refusal"}},
            HTML: {"schema": {"type": "string"}},
        },
    }
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        made["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}
    if status == HTTPStatus.UNAUTHORIZED:
        made["headers"] = {"WWW-Authenticate": {"description": "`Bearer`: a token.", "schema": {"type": "string"}}}
    return made


def _examples(examples: Mapping[str, Any]) -> dict[str, Any]:
    return {"examples": {name: {"value": value} for name, value in examples.items()}} if examples else {}


class _Untitled(Explained):
    """Without a title for each field, which would only repeat its name; a tuple has `items` beside `prefixItems`."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def tuple_schema(self, schema: core_schema.TupleSchema) -> JsonSchemaValue:
        made = super().tuple_schema(schema)
        # Readers older than JSON Schema 2020-12 want it in every array. It allows no more: `maxItems` still counts.
        return {"items": {}, **made} if "prefixItems" in made else made


def _schemas() -> dict[str, Any]:
    _, found = models_json_schema(
        [
            *((kind, "validation") for kind in KINDS.values()),
            *((c.model, "validation") for c in CONTROLS.values() if c.model),
            (view.OnboardingView, "serialization"),
            (view.EventsView, "serialization"),
            (view.ListView, "serialization"),
            (many.ManyView, "serialization"),
            (figures.FiguresView, "serialization"),
            (plans.PlanView, "serialization"),
            (health.HealthView, "serialization"),
            (plans.ValidatedView, "serialization"),
            (OnboardingEvent, "serialization"),
        ],
        by_alias=True,
        ref_template="#/components/schemas/{model}",
        schema_generator=_Untitled,
    )
    kinds = [{"$ref": f"#/components/schemas/{kind.__name__}"} for kind in KINDS.values()]
    what = "One gateway's onboarding: `gateway.kind` says which of these it is."
    asked = kinds[0] if len(kinds) == 1 else {"description": what, "oneOf": kinds}
    made = {**_renamed(found.get("$defs", {})), "OnboardingRequest": asked, "Refusal": dict(_PROBLEM_SCHEMA)}
    told = "What went wrong, for programs. The runbook says what each means, and what to do."
    made["ProblemCode"] = {"type": "string", "enum": list(ProblemCode), "description": told}
    made.pop("Gateway")  # What all kinds share, in none but the model that was just replaced.
    return made


def _renamed(schemas: dict[str, Any]) -> dict[str, Any]:
    """What is posted has the plain name, also where pydantic tells it apart from what is answered."""
    text = json.dumps(schemas).replace("-Input", "")
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def _example_record() -> dict[str, Any]:
    """What the first example's request makes."""
    asked = read_request(OWN_SBC)
    record = create(asked, "olga.operator@contoso.com", _EXAMPLE_TIME).record
    return view.onboarding_view(record, Caller("olga.operator@contoso.com", frozenset(Role)), _EXAMPLE_TIME).to_json()


def _security_schemes() -> dict[str, Any]:
    return {
        "entra": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A token of Microsoft Entra for this application, for programs. The scopes are app roles.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "AppServiceAuthSession",
            "description": "What App Service authentication gives a person's browser.",
        },
    }
