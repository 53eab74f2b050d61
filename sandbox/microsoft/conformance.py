"""Checks requests and answers against Microsoft's own API descriptions.

Schemas are made plain once: `$ref` and `allOf` are merged in place, so that a validation is a walk over
dictionaries. Validators are made on first use and kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

from sandbox.microsoft.exchange import Answer, Json

ANNOTATION = "@"
"""OData annotations (`@odata.type`, `x@odata.bind`) are allowed on every Graph object."""
OPEN_STATES = {"ProvisioningState": ["Accepted", "Updating", "Deleting"]}
"""Values that ARM adds to enumerations marked `modelAsString`, while an operation runs."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One way in which a value breaks its schema."""

    rule: str
    where: str
    message: str


@dataclass
class Schema:
    """A plain schema and its validator."""

    plain: dict[str, Any]
    _validator: Draft202012Validator | None = None

    def problems(self, value: Json) -> list[Problem]:
        """Everything wrong with the value; an empty list when it conforms."""
        if self._validator is None:
            self._validator = Draft202012Validator(self.plain)
        return [
            Problem(str(error.validator), error.json_path, _sentence(error.message))
            for error in self._validator.iter_errors(value)
        ]


@dataclass
class Operation:
    """One method of one path."""

    id: str
    method: str
    template: str
    request: Schema | None
    responses: dict[str, Schema | None]
    documented: list[int]
    path_patterns: dict[str, str] = field(default_factory=dict)

    def answer_problems(self, answer: Answer) -> list[Problem]:
        """Whether an answer's status is described, and its body has the shape described for it."""
        status = str(answer.status)
        if answer.is_success and self.documented and answer.status not in self.documented:
            return [Problem("status", "$", f"{status} is not among the documented {self.documented}")]
        key = status if status in self.responses else f"{status[0]}XX"
        if key not in self.responses:
            if answer.is_success:
                return [Problem("status", "$", f"{status} is not described for {self.id}")]
            key = "default"
        schema = self.responses.get(key)
        if schema is None or answer.status in (202, 204):
            return [] if answer.body is None else [Problem("body", "$", f"{status} of {self.id} has no body")]
        return schema.problems(answer.body)


@dataclass(frozen=True, slots=True)
class Match:
    """An operation and the values of its path parameters."""

    operation: Operation
    parameters: dict[str, str]


class Description:
    """An API description: finds operations by path, names schemas."""

    def __init__(self, document: dict[str, Any], *, strict: str = "") -> None:
        """`strict` is a prefix of schema names whose objects take no undeclared properties."""
        self._document = document
        self._strict = strict
        self._plain: dict[str, dict[str, Any]] = {}
        self._derived = self._derivations()
        self._routes = [
            (re.compile(_pattern(template) + "$", re.IGNORECASE), list(self._operations(template, methods)))
            for template, methods in document["paths"].items()
        ]

    @property
    def operations(self) -> list[Operation]:
        """All operations, in the description's order."""
        return [operation for _, operations in self._routes for operation in operations]

    def match(self, method: str, path: str) -> Match | None:
        """The operation that a call means, or None. Path words are case-insensitive."""
        for pattern, operations in self._routes:
            if found := pattern.match(path):
                for operation in operations:
                    if operation.method == method:
                        names = re.findall(r"\{([^}]+)\}", operation.template)
                        return Match(operation, dict(zip(names, found.groups(), strict=True)))
        return None

    def knows_path(self, path: str) -> bool:
        """Whether any method is described for the path."""
        return any(pattern.match(path) for pattern, _ in self._routes)

    def schema(self, name: str) -> dict[str, Any]:
        """A named schema, made plain."""
        root = "definitions" if "definitions" in self._document else "components/schemas"
        return self._resolve({"$ref": f"#/{root}/{name}"})

    def _operations(self, template: str, methods: dict[str, Any]) -> Iterator[Operation]:
        for method, body in methods.items():
            parameters = [self._follow(parameter) for parameter in body.get("parameters", [])]
            yield Operation(
                id=body["operationId"],
                method=method.upper(),
                template=template,
                request=self._request(body, parameters),
                responses={status: self._response(answer) for status, answer in body["responses"].items()},
                documented=body.get("x-documented-success-status", []),
                path_patterns={
                    item["name"]: item["pattern"] for item in parameters if item["in"] == "path" and "pattern" in item
                },
            )

    def _request(self, body: dict[str, Any], parameters: list[dict[str, Any]]) -> Schema | None:
        if "requestBody" in body:
            return Schema(self._resolve(_content(self._follow(body["requestBody"]))))
        found = [item["schema"] for item in parameters if item["in"] == "body"]
        return Schema(self._resolve(found[0])) if found else None

    def _response(self, answer: dict[str, Any]) -> Schema | None:
        answer = self._follow(answer)
        if "schema" in answer:
            return Schema(self._resolve(answer["schema"]))
        return Schema(self._resolve(_content(answer))) if "content" in answer else None

    def _follow(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            node = self._target(node["$ref"])
        return node

    def _target(self, reference: str) -> dict[str, Any]:
        found: Any = self._document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        return dict(found)

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        reference = node.get("$ref")
        if reference is None:
            return self._plain_schema(node, "")
        if reference not in self._plain:
            # The empty dictionary stands for the schema while it is made, so a schema may contain itself.
            self._plain[reference] = {}
            name = reference.rsplit("/", 1)[-1]
            self._plain[reference].update(self._plain_schema(self._target(reference), name))
        siblings: dict[str, Any] = {key: node[key] for key in ("readOnly", "default", "x-ms-mutability") if key in node}
        return {**self._plain[reference], **siblings} if siblings else self._plain[reference]

    def _plain_schema(self, node: dict[str, Any], name: str) -> dict[str, Any]:
        if "$ref" in node:
            return dict(self._resolve({"$ref": node["$ref"]}))
        plain = {key: node[key] for key in _KEPT if key in node}
        for part in node.get("allOf", []):
            parent = self._resolve(part)
            plain["properties"] = {**parent.get("properties", {}), **plain.get("properties", {})}
            plain["required"] = [*parent.get("required", []), *plain.get("required", [])]
            plain.setdefault("type", parent.get("type", "object"))
        own = {key: self._resolve(value) for part in _parts(node) for key, value in part.get("properties", {}).items()}
        if own or "properties" in plain:
            plain["properties"] = {**plain.get("properties", {}), **own}
        for part in _parts(node):
            plain["required"] = [*plain.get("required", []), *part.get("required", [])]
        if not plain["required"]:
            del plain["required"]
        if "items" in node:
            plain["items"] = self._items(node["items"])
        if isinstance(node.get("additionalProperties"), dict):
            plain["additionalProperties"] = self._resolve(node["additionalProperties"])
        if "anyOf" in node:
            plain["anyOf"] = [self._resolve(option) for option in node["anyOf"]]
        if "enum" in plain and name in OPEN_STATES:
            plain["enum"] = [*plain["enum"], *OPEN_STATES[name]]
        if node.get("nullable") and isinstance(plain.get("type"), str):
            plain["type"] = [plain["type"], "null"]
        if self._strict and name.startswith(self._strict) and plain.get("properties"):
            plain["additionalProperties"] = False
            plain["patternProperties"] = {ANNOTATION: {}}
        return plain

    def _items(self, node: dict[str, Any]) -> dict[str, Any]:
        """Items of a base type may be of a derived one, which then has more properties."""
        derived = self._derived.get(node.get("$ref", ""), [])
        if not derived:
            return self._resolve(node)
        return {"anyOf": [*map(self._resolve, derived), self._resolve(node)]}

    def _derivations(self) -> dict[str, list[dict[str, Any]]]:
        """References to the derived types of each base type, by the reference to the base type."""
        found: dict[str, list[dict[str, Any]]] = {}
        for name, schema in self._document.get("components", {}).get("schemas", {}).items():
            for part in schema.get("allOf", []):
                if "$ref" in part:
                    found.setdefault(part["$ref"], []).append({"$ref": f"#/components/schemas/{name}"})
        return found


_KEPT = (
    "type",
    "enum",
    "pattern",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "readOnly",
    "default",
    "x-ms-mutability",
)


def _parts(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for part in node.get("allOf", []) if "$ref" not in part] + [node]


def _content(node: dict[str, Any]) -> dict[str, Any]:
    return dict(next(iter(node["content"].values()))["schema"])


def _pattern(template: str) -> str:
    pieces = re.split(r"(\{[^}]+\})", template)
    return "".join("([^/]+?)" if piece.startswith("{") else re.escape(piece) for piece in pieces)


def _sentence(message: str) -> str:
    """The message, without the middle of a long value that it quotes."""
    return message if len(message) < 300 else f"{message[:200]} … {message[-80:]}"


def without_read_only(schema: dict[str, Any], value: Json) -> Json:
    """The value without what the schema calls read-only, as a service ignores it in a request."""
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        return {
            key: without_read_only(known.get(key, {}), item)
            for key, item in value.items()
            if not known.get(key, {}).get("readOnly")
        }
    if isinstance(value, list) and "items" in schema:
        return [without_read_only(schema["items"], item) for item in value]
    return value
