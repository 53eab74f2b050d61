"""Checks against Microsoft's descriptions, written apart from the simulator's own, so that one can catch the other."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft4Validator, Draft202012Validator

SPECS = Path(__file__).with_name("specs")
EXAMPLES = sorted((SPECS / "examples").glob("*.json"))


def example(name: str) -> dict[str, Any]:
    """One of Microsoft's examples by operation id."""
    return json.loads((SPECS / "examples" / f"{name}.json").read_text(encoding="utf-8"))


@cache
def swagger() -> dict[str, Any]:
    """Microsoft.VoiceServices, with open enumerations (`modelAsString`) left open."""
    document = json.loads((SPECS / "voiceservices-2023-09-01.bundled.json").read_text(encoding="utf-8"))
    for definition in document["definitions"].values():
        if definition.get("x-ms-enum", {}).get("modelAsString"):
            definition.pop("enum")
    return document


@cache
def azure_dns() -> dict[str, Any]:
    """Three operations of Azure DNS."""
    found: dict[str, Any] = json.loads((SPECS / "dns-2018-05-01.subset.json").read_text(encoding="utf-8"))
    return found


@cache
def peering() -> dict[str, Any]:
    """The two reads of Microsoft.Peering; its lists of states are open (`modelAsString`), so they are not in it."""
    found: dict[str, Any] = json.loads((SPECS / "peering-2022-10-01.subset.json").read_text(encoding="utf-8"))
    return found


@cache
def openapi() -> dict[str, Any]:
    """The Graph subset, with OpenAPI's `nullable` said in JSON Schema."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return _nullable(yaml.load((SPECS / "graph-subset.yaml").read_text(encoding="utf-8"), Loader=loader))


def arm_complaints(method: str, path: str, status: int, body: Any) -> list[str]:
    """What the description has against an ARM answer."""
    others = {"/microsoft.network/": azure_dns, "/microsoft.peering/": peering}
    document = next((found for name, found in others.items() if name in path.lower()), swagger)()
    operation = _find(document["paths"], method, path)
    response = operation["responses"].get(str(status)) or operation["responses"]["default"]
    if "schema" not in response:
        return [f"{status} has no body, got {body!r}"] if body else []
    schema = {**response["schema"], "definitions": document["definitions"]}
    if "$ref" in schema:  # in draft 4 the neighbours of a $ref do not count
        schema = {"allOf": [response["schema"]], "definitions": document["definitions"]}
    return [error.message for error in Draft4Validator(schema).iter_errors(body)]


def graph_complaints(method: str, path: str, status: int, body: Any) -> list[str]:
    """What the description has against a Graph answer. `path` is without the version."""
    operation = _find(openapi()["paths"], method, path)
    documented = operation.get("x-documented-success-status")
    if status < 300 and documented and status not in documented:
        return [f"{status} is not one of {documented}"]
    responses = operation["responses"]
    response = _follow(responses.get(str(status)) or responses.get("2XX" if status < 300 else "default") or {})
    if status in (202, 204) or "content" not in response:
        return [f"{status} has no body, got {body!r}"] if body else []
    schema = next(iter(response["content"].values()))["schema"]
    validator = Draft202012Validator({"allOf": [schema], "components": openapi()["components"]})
    return [error.message for error in validator.iter_errors(body)]


def _find(paths: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    for template, operations in paths.items():
        pattern = "".join(
            "[^/]+?" if part[0] == "{" else re.escape(part) for part in re.split(r"(\{[^}]+\})", template) if part
        )
        if re.fullmatch(pattern, path, re.IGNORECASE) and method.lower() in operations:
            return operations[method.lower()]
    raise LookupError(f"{method} {path} is not described")


def _follow(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = openapi()
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def _nullable(node: Any) -> Any:
    if isinstance(node, list):
        return [_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _nullable(value) for key, value in node.items()}
    if made.get("nullable") is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made
