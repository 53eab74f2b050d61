"""Which names an expression uses, and which are known."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from tests.support.bicep.source import Declared, Source

_FUNCTIONS = """
    any array base64 base64ToString bool cidrHost cidrSubnet coalesce concat contains createObject
    dateTimeAdd dateTimeFromEpoch dateTimeToEpoch deployer deployment empty endsWith environment extensionResourceId
    fail filter first flatten format getSecret groupBy guid indexOf int intersection items join json last lastIndexOf
    length loadFileAsBase64 loadJsonContent loadTextContent loadYamlContent managementGroup map mapValues max min
    newGuid objectKeys padLeft parseCidr range readEnvironmentVariable reduce reference replace resourceGroup resourceId
    shallowMerge skip sort split startsWith string subscription subscriptionResourceId substring take tenant
    tenantResourceId toLogicalZone toLower toObject toPhysicalZone toUpper trim union uniqueString uri uriComponent
    uriComponentToString utcNow
"""
FUNCTIONS = frozenset(_FUNCTIONS.split())
"""Bicep's own functions. Source: Microsoft Learn, "Bicep functions"."""
_DECORATORS = """
    allowed batchSize description discriminator export maxLength maxValue metadata minLength minValue onlyIfNotExists
    sealed secure
"""
DECORATORS = frozenset(_DECORATORS.split())


def unknown(source: Source) -> Iterator[str]:
    """Names that nothing declares."""
    for declared in source.all:
        for name in declared.decorators:
            if name not in DECORATORS:
                yield f"line {declared.line}: there is no decorator @{name}"
        for kind, name, node in used(declared):
            known = FUNCTIONS if kind == "function" else ()
            if name not in source.symbols and name not in known:
                yield f"line {node.start_point[0] + 1}: no {kind} '{name}' is declared"


def unused(source: Source) -> Iterator[str]:
    """Params, vars and funcs that nothing uses."""
    seen = {name for declared in source.all for _, name, _ in used(declared)}
    for declared in source.all:
        if declared.kind in ("param", "var", "func") and declared.name not in seen:
            yield f"line {declared.line}: {declared.kind} '{declared.name}' is not used"


def used(declared: Declared) -> Iterator[tuple[str, str, Node]]:
    """("name" or "function", which, where), but for the variables of loops and lambdas."""
    for call in declared.decorators.values():
        yield from _in(call.named_children[-1], frozenset())
    local: frozenset[str] = frozenset()
    if declared.kind == "func":
        parameters = next(c for c in declared.node.named_children if c.type == "parameters")
        local = frozenset(p.named_children[0].text.decode() for p in parameters.named_children)
    for child in declared.node.named_children[1:]:
        yield from _in(child, local)


def loop(node: Node) -> tuple[list[str], Node, Node]:
    """A for expression: its variables, what it goes over, what it makes."""
    first, over, made = node.named_children[0], node.named_children[1], node.named_children[-1]
    names = first.named_children if first.type == "for_loop_parameters" else [first]
    return [n.text.decode() for n in names], over, made


def lambda_of(node: Node) -> tuple[list[str], Node]:
    """A lambda: its parameters, its body."""
    first, body = node.named_children[0], node.named_children[-1]
    names = first.named_children if first.type == "parenthesized_expression" else [first]
    return [n.text.decode() for n in names], body


def _in(node: Node, local: frozenset[str]) -> Iterator[tuple[str, str, Node]]:
    children = list(node.named_children)
    match node.type:
        case "identifier":
            if node.text.decode() not in local:
                yield "name", node.text.decode(), node
            return
        case "type" | "parameters" | "comment" | "property_identifier":
            return
        case "object_property":
            children = children[1:] if children[0].type == "identifier" else children
        case "call_expression" if children[0].type == "identifier":
            yield "function", children[0].text.decode(), node
            children = children[1:]
        case "resource_expression":
            children = children[:1]
        case "lambda_expression":
            names, body = lambda_of(node)
            children, local = [body], local | set(names)
        case "for_statement":
            names, over, made = loop(node)
            yield from _in(over, local)
            children, local = [made], local | set(names)
    for child in children:
        yield from _in(child, local)
