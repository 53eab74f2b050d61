"""The page of the API, from its OpenAPI description. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from onboarding.http.refusals import REQUEST_ID
from onboarding.pages.api_examples import Sample, calls
from onboarding.pages.api_schemas import Fields, SchemaField, Type, fields, resolved, type_of

_METHODS = ("get", "post", "put", "patch", "delete")
_REFUSED = 400


@dataclass(frozen=True, slots=True)
class Content:
    """A body, as it is sent or comes back."""

    media: str
    description: str
    type: Type
    choices: tuple[Fields, ...]
    """Its fields, where the model has no place of its own; several when there are several ways to fill it."""


@dataclass(frozen=True, slots=True)
class ResponseShown:
    """A status, and what it means."""

    status: str
    description: str
    headers: Fields
    contents: tuple[Content, ...]


@dataclass(frozen=True, slots=True)
class OperationShown:
    """One method of one path."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    parameters: Fields
    body: tuple[Content, ...]
    body_required: bool
    samples: tuple[Sample, ...]
    answers: tuple[ResponseShown, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Operations of one kind."""

    id: str
    title: str
    description: str
    operations: tuple[OperationShown, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """What bodies and answers are made of."""

    name: str
    description: str
    type: Type
    fields: Fields
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class ApiReference:
    """The whole page."""

    title: str
    version: str
    description: str
    groups: tuple[Group, ...]
    models: tuple[Model, ...]


def reference(document: Mapping[str, Any]) -> ApiReference:
    """The page of a description (OpenAPI 3.1)."""
    base = (document.get("servers") or [{"url": ""}])[0]["url"].rstrip("/")
    operations = [
        _operation(base + path, method, told, document)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if method in _METHODS
    ]
    named = {tag["name"]: tag.get("description", "") for tag in document.get("tags", ())}
    for operation in operations:
        named.setdefault(operation.tag, "")
    groups = (
        Group(f"group-{i}", tag, text, tuple(o for o in operations if o.tag == tag))
        for i, (tag, text) in enumerate(named.items())
    )
    schemas: Mapping[str, Any] = document.get("components", {}).get("schemas", {})
    models = (_model(name, schema, document) for name, schema in schemas.items())
    info = document["info"]
    return ApiReference(
        info["title"],
        info["version"],
        info.get("description", ""),
        tuple(g for g in groups if g.operations),
        tuple(models),
    )


def _model(name: str, schema: Mapping[str, Any], document: Mapping[str, Any]) -> Model:
    shown = {
        shared: Sample(f"Example: {_words(shared)}", _pretty(resolved(example, document)))
        for methods in document["paths"].values()
        for told in methods.values()
        for response in told.get("responses", {}).values()
        for media in resolved(response, document).get("content", {}).values()
        for shared, example in media.get("examples", {}).items()
        if media.get("schema", {}).get("$ref", "").endswith(f"/{name}") and "$ref" in example
    }
    return Model(
        name, schema.get("description", ""), type_of(schema, document), fields(schema, document), tuple(shown.values())
    )


def _operation(path: str, method: str, told: Mapping[str, Any], document: Mapping[str, Any]) -> OperationShown:
    parameters = [resolved(p, document) for p in told.get("parameters", ())]
    responses = {status: resolved(r, document) for status, r in told.get("responses", {}).items()}
    summary = told.get("summary", "")
    description = told.get("description", "")
    body = told.get("requestBody", {})
    samples = [*_samples("Body", body)]
    for status, response in responses.items():
        samples += _samples(f"Answer {status}", response)
    return OperationShown(
        told["operationId"],
        method.upper(),
        path,
        (told.get("tags") or ["Operations"])[0],
        summary,
        description if description != summary else "",
        tuple(_parameter(p, document) for p in parameters),
        tuple(_contents(body, document)),
        bool(body.get("required")),
        (*calls(path, method.upper(), told, document), *samples),
        tuple(_answer(status, r, document) for status, r in sorted(responses.items())),
    )


def _parameter(told: Mapping[str, Any], document: Mapping[str, Any]) -> SchemaField:
    schema = told.get("schema", {})
    return SchemaField(
        told["name"],
        bool(told.get("required")),
        told.get("description", ""),
        type_of(schema, document),
        told.get("in", ""),
    )


def _answer(status: str, told: Mapping[str, Any], document: Mapping[str, Any]) -> ResponseShown:
    headers = (
        _parameter({"name": name, **resolved(header, document)}, document)
        for name, header in told.get("headers", {}).items()
        if name != REQUEST_ID
    )
    # All answers name their call, and all refusals look the same: the page says it once.
    contents = _contents(told, document) if int(status) < _REFUSED else ()
    return ResponseShown(status, told.get("description", ""), tuple(headers), tuple(contents))


def _contents(holder: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Content]:
    for media, content in holder.get("content", {}).items():
        schema = content.get("schema", {})
        choices = [fields(s, document) for s in schema.get("oneOf", [schema])] if "$ref" not in schema else []
        yield Content(
            media,
            schema.get("description", ""),
            type_of(schema, document),
            tuple(choice for choice in choices if choice),
        )


def _samples(label: str, holder: Mapping[str, Any]) -> Iterator[Sample]:
    """Those of this operation only; what several share stands with their model."""
    for media in holder.get("content", {}).values():
        for name, example in media.get("examples", {}).items():
            if "$ref" not in example:
                yield Sample(f"{label}: {_words(name)}", _pretty(example))


def _pretty(example: Mapping[str, Any]) -> str:
    return json.dumps(example.get("value"), indent=2, ensure_ascii=False)


def _words(name: str) -> str:
    return re.sub("[-_]", " ", name)
