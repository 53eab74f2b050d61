"""What a row holds, as text: two versions of the application that differ in it can't simply read each other's rows.

PYTHONPATH=. python -m tests.support.schema      writes tests/unit/rows/schema-N.txt anew (docs/upgrade.md)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from onboarding.core.notices import NoticeKind
from onboarding.core.record import SCHEMA_VERSION, Record
from onboarding.kinds import KINDS
from onboarding.steps import LIBRARY

FILE = Path(__file__).parents[1] / "unit" / "rows" / f"schema-{SCHEMA_VERSION}.txt"


def schema() -> str:
    """Each field with its type, each value of an enumeration, the steps and the kinds of notices."""
    whole = Record.model_json_schema(mode="serialization")
    models = {"Record": whole, **whole["$defs"]}
    for kind in KINDS.values():
        asked = kind.model_json_schema(mode="serialization")
        models |= {kind.__name__: asked, **asked["$defs"]}
    for definition in LIBRARY.values():
        found = definition.found.model_json_schema(mode="serialization")
        models |= {definition.found.__name__: found, **found.get("$defs", {})}
    lines = [line for name, model in sorted(models.items()) for line in _lines(name, model)]
    lines += [f"step {name}: {definition.kind}" for name, definition in LIBRARY.items()]
    lines += [f"notice {kind}" for kind in NoticeKind]
    return "\n".join(lines) + "\n"


def _lines(name: str, model: dict[str, Any]) -> Iterator[str]:
    for value in model.get("enum", ()):
        yield f"{name} = {value}"
    for field, said in sorted(model.get("properties", {}).items()):
        needed = " (always)" if field in model.get("required", ()) and "default" not in said else ""
        yield f"{name}.{field}: {_type(said)}{needed}"


def _type(said: dict[str, Any]) -> str:
    """Only what decides whether a value can be read: no titles, words or lengths."""
    if "$ref" in said:
        return str(said["$ref"]).rpartition("/")[2]
    if "anyOf" in said:
        return " | ".join(_type(one) for one in said["anyOf"])
    if said.get("type") == "array" and "items" in said:
        return f"[{_type(said['items'])}]"
    if said.get("type") == "object" and isinstance(said.get("additionalProperties"), dict):
        return f"{{{_type(said['additionalProperties'])}}}"
    if "prefixItems" in said:
        return json.dumps([_type(one) for one in said["prefixItems"]])
    return str(said.get("format") or said.get("const") or said.get("type", "any"))


if __name__ == "__main__":
    FILE.write_text(schema(), encoding="utf-8")
