"""What stands where in the API's description; places are JSON pointers (RFC 6901), written as a URI's fragment."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote

from tests.support.description import description


def walked(value: Any, pointer: str = "#") -> Iterator[tuple[str, Any]]:
    """Each value in it, with its place."""
    yield pointer, value
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value) if _is_list(value) else ():
        step = str(name).replace("~", "~0").replace("/", "~1")
        yield from walked(inner, f"{pointer}/{quote(step, safe='~')}")


def schemas() -> list[str]:
    """Places of all schemas that stand in no other."""
    named = [f"#/components/schemas/{name}" for name in description()["components"]["schemas"]]
    # An example's value is no description.
    placed = [f"{p}/schema" for p, v in walked(description()["paths"], "#/paths") if _holds_schema(v, p)]
    return named + placed


def examples() -> list[tuple[str, str, Any]]:
    """Each example: where it is given, the place of its schema, its value."""
    found = []
    for pointer, media in walked(description()["paths"], "#/paths"):
        if not _holds_schema(media, pointer):
            continue
        for name, example in media.get("examples", {}).items():
            shared = description()["components"]["examples"].get(example.get("$ref", "").rpartition("/")[2], example)
            found.append((f"{pointer}/examples/{name}", f"{pointer}/schema", shared["value"]))
    return found


@cache
def patterns() -> dict[str, set[str]]:
    """Whose text it is (`Gateway.name`, `{id}`, `?state`) → its patterns; there ought to be one."""
    found: dict[str, set[str]] = {}
    for name, schema in description()["components"]["schemas"].items():
        for field, told in schema.get("properties", {}).items():
            for _, part in walked(told):
                _note(found, f"{name.removesuffix('-Output')}.{field}", part)
    for item in description()["paths"].values():
        for operation in item.values():
            for parameter in operation["parameters"]:
                form = {"path": "{%s}", "query": "?%s", "header": "%s:"}[parameter["in"]]
                _note(found, form % parameter["name"], parameter["schema"])
    return found


def all_patterns() -> set[str]:
    """The same, however deep in whatever; but what an example's value says of a step's own fields is no schema."""
    schemas = (v for p, v in walked(description()) if isinstance(v, dict) and "/examples/" not in p)
    return {v["pattern"] for v in schemas if isinstance(v.get("pattern"), str)}


def _note(found: dict[str, set[str]], name: str, schema: Any) -> None:
    if isinstance(schema, dict) and isinstance(schema.get("pattern"), str):
        found.setdefault(name, set()).add(schema["pattern"])


def _holds_schema(value: Any, pointer: str) -> bool:
    return isinstance(value, dict) and isinstance(value.get("schema"), dict) and "/value" not in pointer


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
