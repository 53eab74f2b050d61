"""Schemas of the API's description, as rows to read: what a value is, may be, and is when left out. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LIMITS: Mapping[str, str] = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "from {}",
    "maximum": "to {}",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "pattern": "matches `{}`",
    "format": "{}",
}


@dataclass(frozen=True, slots=True)
class Type:
    """What a value is."""

    words: str
    """Such as `string`, `list of`; before the model, if there is one."""
    model: str | None
    """The name of the model that it is, or is made of."""
    nullable: bool
    values: tuple[str, ...]
    """All that it may be; empty: see the limits."""
    default: str | None
    """A text as it is, anything else as JSON; None: it has none."""
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SchemaField:
    """A named value."""

    name: str
    required: bool
    description: str
    type: Type
    place: str = ""
    """Of a parameter: `path`, `query`, `header`."""


Fields = tuple[SchemaField, ...]


def fields(schema: Mapping[str, Any], document: Mapping[str, Any], prefix: str = "") -> Fields:
    """Of an object; those of an object within, that has no name of its own, below it, by path."""
    return tuple(_fields(schema, document, prefix))


def type_of(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Type:
    """Of one value. A model that is only a list of values is shown as these values."""
    return _type(schema, document, schema)


def resolved(part: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to; anything else is what it is."""
    reference = part.get("$ref")
    if reference is None:
        return part
    found: Any = document
    for name in str(reference).removeprefix("#/").split("/"):
        found = found[name]
    target: Mapping[str, Any] = found
    return target


def _fields(schema: Mapping[str, Any], document: Mapping[str, Any], prefix: str) -> Iterator[SchemaField]:
    for name, inner in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        about = inner.get("description") or resolved(inner, document).get("description", "")
        yield SchemaField(path, name in schema.get("required", ()), about, type_of(inner, document))
        yield from _fields(inner, document, f"{path}.")
        yield from _fields(inner.get("items", {}), document, f"{path}[].")


def _type(schema: Mapping[str, Any], document: Mapping[str, Any], outer: Mapping[str, Any]) -> Type:
    """`outer` has the default of it, and what of its limits stands around it."""
    choices = [s for s in schema.get("anyOf", ()) if s.get("type") != "null"]
    if len(choices) == 1:
        found = _type(choices[0], document, outer)
        return Type(found.words, found.model, True, found.values, found.default, found.limits)
    default = outer.get("default")
    if "default" in outer and not (default and isinstance(default, str)):
        default = json.dumps(default, ensure_ascii=False)
    target = resolved(schema, document)
    if "$ref" in schema and "properties" in target:
        return Type("", str(schema["$ref"]).rpartition("/")[2], False, (), default, ())
    kinds = target.get("type", "")
    names = [kinds] if isinstance(kinds, str) else list(kinds)
    words = " or ".join(n for n in names if n != "null") or ("string" if "enum" in target else "any")
    values = target.get("enum", [target["const"]] if "const" in target else ())
    limits = _limits(target)
    if "array" in names:
        item = _type(target.get("items", {}), document, {})
        words, model, values = f"list of {item.words}".strip(), item.model, item.values
        limits = (*limits, *(f"each {limit}" for limit in item.limits))
        return Type(words, model, "null" in names, tuple(values), default, limits)
    within = target.get("additionalProperties")
    if isinstance(within, dict):
        words = f"{words} of {_type(within, document, {}).words}"
    return Type(words, None, "null" in names, tuple(map(str, values)), default, limits)


def _limits(schema: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(text.format(schema[name]) for name, text in _LIMITS.items() if schema.get(name) not in (None, 0))
