"""The page of the API, from its OpenAPI description. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a call may be given, besides its body."""

    name: str
    place: str
    required: bool
    type: str
    description: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A body, as it is sent or comes back."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, and what it means."""

    status: str
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    samples: tuple[Sample, ...]
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Operations of one kind."""

    id: str
    title: str
    description: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole page."""

    title: str
    version: str
    description: str
    groups: tuple[Group, ...]


def reference(document: Mapping[str, Any]) -> Reference:
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
    info = document["info"]
    return Reference(
        info["title"], info["version"], info.get("description", ""), tuple(g for g in groups if g.operations)
    )


def _operation(path: str, method: str, told: Mapping[str, Any], document: Mapping[str, Any]) -> Operation:
    parameters = [_resolved(p, document) for p in told.get("parameters", ())]
    responses = {status: _resolved(r, document) for status, r in told.get("responses", {}).items()}
    summary = told.get("summary", "")
    description = told.get("description", "")
    samples = [*_samples("Body", told.get("requestBody", {}))]
    for status, response in responses.items():
        samples += _samples(f"Answer {status}", response)
    return Operation(
        told["operationId"],
        method.upper(),
        path,
        (told.get("tags") or ["Operations"])[0],
        summary,
        description if description != summary else "",
        tuple(
            Parameter(
                p["name"],
                p["in"],
                bool(p.get("required")),
                str(p.get("schema", {}).get("type", "")),
                p.get("description", ""),
            )
            for p in parameters
        ),
        tuple(samples),
        tuple(Answer(status, r.get("description", "")) for status, r in sorted(responses.items())),
    )


def _samples(label: str, holder: Mapping[str, Any]) -> Iterator[Sample]:
    for media in holder.get("content", {}).values():
        for name, example in media.get("examples", {}).items():
            text = json.dumps(example.get("value"), indent=2, ensure_ascii=False)
            yield Sample(f"{label}: {name.replace('-', ' ')}", text)


def _resolved(part: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = part.get("$ref")
    if reference is None:
        return part
    found: Any = document
    for name in str(reference).removeprefix("#/").split("/"):
        found = found[name]
    resolved: Mapping[str, Any] = found
    return resolved
