"""Compares the properties of resources with those that Azure's API has.

The table `arm_properties.json` holds, for each object in the templates, every property that Microsoft's own Python SDKs
know there. It is made by `learn.py`; Microsoft Graph's types and free-form objects (tags, app settings) are not in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tree_sitter import Node

from tests.support.bicep.source import Declared, Source, properties, text

TABLE = Path(__file__).with_name("arm_properties.json")
OF_BICEP = {"parent", "name", "scope", "dependsOn"}
"""Bicep's own, at the head of a resource."""
NOT_COMPARED = (
    "Microsoft.Graph/",
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.Resources/",
    "Microsoft.Web/sites/config/appsettings",
)
"""Microsoft's Python SDKs have no model of them, or they are free."""
FREE_FORM = {"tags", "userAssignedIdentities"}


LOOKED_THROUGH = {
    "array",
    "arguments",
    "call_expression",
    "for_statement",
    "lambda_expression",
    "ternary_expression",
}


def unknown_properties(source: Source) -> Iterator[str]:
    """Properties that the API does not have."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))["types"]
    for resource in compared(source):
        known = table.get(type_name(resource))
        if known is None:
            yield f"line {resource.line}: {type_name(resource)} isn't in {TABLE.name}: see learn.py"
            continue
        for path, key, node in used(resource.object):
            if path not in known:
                yield f"line {node.start_point[0] + 1}: '{path}' isn't in {TABLE.name}: see learn.py"
            elif key not in known[path]:
                yield f"line {node.start_point[0] + 1}: {type_name(resource)} has no '{path}.{key}'".replace("'.", "'")


def compared(source: Source) -> list[Declared]:
    """The resources whose properties are in the table."""
    found = []
    for resource in source.of("resource"):
        existing = any(c.type == "existing" for c in resource.node.children)
        if not existing and not type_name(resource).startswith(NOT_COMPARED):
            found.append(resource)
    return found


def type_name(resource: Declared) -> str:
    """The type; that of a `config` with its name, since each has properties of its own."""
    name = resource.target.partition("@")[0]
    return f"{name}/{text(resource.body['name'])}" if name.endswith("/config") else name


def used(node: Node, path: str = "") -> Iterator[tuple[str, str, Node]]:
    """(where, which property, its value) of everything in an object; lists and conditions are looked through."""
    if node.type == "object":
        for key, value in properties(node).items():
            if path or key not in OF_BICEP:
                yield path, key, value
                if key not in FREE_FORM:
                    yield from used(value, f"{path}.{key}" if path else key)
    elif node.type in (
        "array",
        "for_statement",
        "call_expression",
        "arguments",
        "lambda_expression",
        "ternary_expression",
    ):
        for child in node.named_children:
            yield from used(child, path)
