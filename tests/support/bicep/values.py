"""What an expression is, where that can be told without running it: its type, and values that come from JSON files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tree_sitter import Node

from tests.support.bicep.names import lambda_of, loop
from tests.support.bicep.source import Source, properties, read, text, walk

UNKNOWN = object()
"""A value that only a deployment tells."""
LOADERS = ("loadJsonContent", "loadTextContent", "loadYamlContent", "loadFileAsBase64")
_TYPES = {
    "string": "cidrSubnet format guid loadTextContent newGuid replace toLower toUpper uniqueString",
    "bool": "contains empty endsWith startsWith",
    "array": "concat filter map",
    "object": "union",
    "int": "length",
}
_RESULTS = {function: kind for kind, functions in _TYPES.items() for function in functions.split()}


def type_of(source: Source, node: Node) -> str | None:
    """string, int, bool, object or array; None when it can't be told."""
    children = node.named_children
    match node.type:
        case "string":
            return "string"
        case "number":
            return "int"
        case "boolean" | "unary_expression" | "binary_expression":
            return "bool" if "-" not in node.text.decode()[:1] and "??" not in node.text.decode() else None
        case "array" | "for_statement":
            return "array"
        case "object":
            return "object"
        case "parenthesized_expression":
            return type_of(source, children[0])
        case "ternary_expression":
            one, other = (type_of(source, c) for c in children[-2:])
            return one if one == other else None
        case "call_expression":
            return _RESULTS.get(children[0].text.decode())
        case "identifier":
            declared = source.symbols.get(node.text.decode())
            if declared is None or declared.kind not in ("param", "var"):
                return None
            return declared.type or (type_of(source, declared.value) if declared.value else None)
        case "member_expression":
            output = module_output(source, node)
            return output[1].outputs[output[2]].type if output and output[2] in output[1].outputs else None
    return None


def module_output(source: Source, node: Node) -> tuple[str, Source, str] | None:
    """`module.outputs.name` → the module, its file, the output's name; None for another expression."""
    if node.type != "member_expression" or node.named_children[0].type != "member_expression":
        return None
    inner = node.named_children[0]
    if inner.named_children[-1].text != b"outputs" or inner.named_children[0].type != "identifier":
        return None
    declared = source.symbols.get(inner.named_children[0].text.decode())
    if declared is None or declared.kind != "module":
        return None
    path = (source.path.parent / declared.target).resolve()
    return (declared.name, read(path), node.named_children[-1].text.decode()) if path.exists() else None


def loaded(source: Source) -> Iterator[tuple[int, Path]]:
    """The files that a file reads."""
    for node in walk(source.root):
        if node.type == "call_expression" and node.named_children[0].text.decode() in LOADERS:
            argument = node.named_children[1].named_children[0]
            yield node.start_point[0] + 1, (source.path.parent / text(argument)).resolve()


def missing_keys(source: Source) -> Iterator[str]:
    """Uses of something that a JSON file does not hold."""
    for declared in source.all:
        for child in declared.node.named_children[1:]:
            yield from _missing(source, child, {})


def _missing(source: Source, node: Node, local: Mapping[str, Any]) -> Iterator[str]:
    if node.type == "for_statement":
        names, over, made = loop(node)
        yield from _missing(source, over, local)
        for item in _items(source, over, local):
            yield from _missing(source, made, {**local, names[0]: item})
        return
    if node.type == "call_expression" and len(node.named_children) > 1:
        arguments = node.named_children[1].named_children
        if len(arguments) == 2 and arguments[1].type == "lambda_expression":
            yield from _missing(source, arguments[0], local)
            names, body = lambda_of(arguments[1])
            for item in _items(source, arguments[0], local):
                yield from _missing(source, body, {**local, names[0]: item})
            return
    if node.type in ("member_expression", "subscript_expression"):
        holder, key = value(source, node.named_children[0], local), _key(source, node.named_children[-1])
        if isinstance(holder, dict) and isinstance(key, str) and key not in holder:
            yield f"line {node.start_point[0] + 1}: '{key}' isn't among {', '.join(sorted(holder))}"
    for child in node.named_children:
        yield from _missing(source, child, local)


def value(source: Source, node: Node, local: Mapping[str, Any]) -> Any:
    """The value, where files and literals tell it; UNKNOWN elsewhere."""
    children = node.named_children
    match node.type:
        case "string" if not any(c.type == "interpolation" for c in children):
            return text(node)
        case "array":
            return [value(source, c, local) for c in children]
        case "object":
            return {k: value(source, v, local) for k, v in properties(node).items()}
        case "ternary_expression":
            # tree-sitter takes `a ? b : c.d` for `(a ? b : c).d`: the last branch is the one whose keys are asked for.
            return value(source, children[-1], local)
        case "identifier":
            name = node.text.decode()
            declared = source.symbols.get(name)
            if name in local or declared is None or declared.kind != "var" or declared.value is None:
                return local.get(name, UNKNOWN)
            return value(source, declared.value, {})
        case "member_expression" | "subscript_expression":
            holder, key = value(source, children[0], local), _key(source, children[-1])
            if isinstance(holder, dict) and isinstance(key, str):
                return holder.get(key, UNKNOWN)
            return holder[key] if isinstance(holder, list) and isinstance(key, int) and key < len(holder) else UNKNOWN
        case "call_expression" if children[0].text == b"loadJsonContent":
            path = source.path.parent / text(children[1].named_children[0])
            return json.loads(path.read_text(encoding="utf-8")) if path.exists() else UNKNOWN
        case "call_expression" if children[0].text == b"filter":
            items, test = children[1].named_children
            names, body = lambda_of(test)
            found = value(source, items, local)
            if not isinstance(found, list):
                return UNKNOWN
            return [item for item in found if value(source, body, {**local, names[0]: item}) is not False]
        case "call_expression" if children[0].text == b"any":
            return value(source, children[1].named_children[0], local)
        case "call_expression" if children[0].text == b"contains":
            holder, key = (value(source, argument, local) for argument in children[1].named_children)
            return key in holder if isinstance(holder, dict) and isinstance(key, str) else UNKNOWN
    return UNKNOWN


def _items(source: Source, node: Node, local: Mapping[str, Any]) -> list[Any]:
    items = value(source, node, local)
    return items if isinstance(items, list) and items else [UNKNOWN]


def _key(source: Source, node: Node) -> Any:
    if node.type == "number":
        return int(node.text)
    if node.type == "property_identifier":
        return node.text.decode()
    return value(source, node, {}) if node.type == "string" else UNKNOWN
