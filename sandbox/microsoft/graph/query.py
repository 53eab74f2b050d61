"""OData query options, as far as Graph's directory supports them: $filter, $select, $count, $top, $skiptoken."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from sandbox.microsoft import paging
from sandbox.microsoft.exchange import Request
from sandbox.microsoft.graph import errors
from sandbox.microsoft.specs import graph

Row = dict[str, Any]
FILTERS: dict[str, dict[str, tuple[str, ...]]] = {
    "servicePrincipal": {
        "appId": ("eq", "in"),
        "displayName": ("eq", "in", "startswith"),
        "id": ("eq", "in"),
        "servicePrincipalType": ("eq",),
    },
    "appRoleAssignment": {"resourceId": ("eq",), "principalDisplayName": ("eq", "startswith")},
    "domain": {},
    "domainDnsRecord": {},
}
"""Properties that can be filtered, and how. Source: the property descriptions in graph-subset.yaml."""
GUIDS = {"resourceId"}
LITERAL = r"(?:'(?:[^']|'')*'|[0-9A-Za-z-]+)"
CLAUSE = re.compile(
    rf"^\s*(?:(?P<eq>\w+)\s+eq\s+(?P<value>{LITERAL})"
    rf"|(?P<in>\w+)\s+in\s+\((?P<values>\s*{LITERAL}(?:\s*,\s*{LITERAL})*\s*)\)"
    rf"|startswith\(\s*(?P<starts>\w+)\s*,\s*(?P<prefix>{LITERAL})\s*\))\s*$",
    re.IGNORECASE,
)


def page(request: Request, kind: str, rows: list[Row], size: int) -> dict[str, Any]:
    """The answer to a list: filtered, selected and paged. Raises GraphError for what Graph refuses."""
    query = request.query
    if query.get("$count", "").lower() == "true" and request.headers.get("ConsistencyLevel", "").lower() != "eventual":
        raise errors.advanced_query()
    for option in ("$search", "$orderby", "$expand", "$skip"):
        if option in query:
            raise errors.unsupported_filter(f"{option} on {kind}")
    chosen = [row for row in rows if matches(kind, query.get("$filter"))(row)]
    start, size = _start(query), int(query.get("$top", size))
    selected = select(kind, query)
    answer: dict[str, Any] = {"@odata.context": f"{request.origin}/v1.0/$metadata#{kind}s"}
    if query.get("$count", "").lower() == "true":
        answer["@odata.count"] = len(chosen)
    if start + size < len(chosen):
        token = paging.token(start + size)
        kept = urlencode({name: value for name, value in query.items() if name != "$skiptoken"} | {"$skiptoken": token})
        answer["@odata.nextLink"] = f"{request.origin}{quote(request.path)}?{kept}"
    answer["value"] = [selected(row) for row in chosen[start : start + size]]
    return answer


def select(kind: str, query: Mapping[str, str], default: tuple[str, ...] | None = None) -> Callable[[Row], Row]:
    """Keeps the properties that `$select` names, or the default ones; annotations always stay."""
    wanted = [name.strip() for name in query.get("$select", "").split(",") if name.strip()]
    known = graph().schema(f"microsoft.graph.{kind}")["properties"]
    for name in wanted:
        if name not in known and name != "*":
            raise errors.no_property(name, kind)
    if "*" in wanted:
        return dict
    names = wanted or default
    if not names:
        return dict
    return lambda row: {name: value for name, value in row.items() if name in names or name.startswith("@")}


def matches(kind: str, text: str | None) -> Callable[[Row], bool]:
    """The test that a `$filter` describes: clauses joined by `and`."""
    if not text:
        return lambda row: True
    tests = [_clause(kind, clause, text) for clause in re.split(r"\s+and\s+", text, flags=re.IGNORECASE)]
    return lambda row: all(test(row) for test in tests)


def _clause(kind: str, clause: str, text: str) -> Callable[[Row], bool]:
    found = CLAUSE.match(clause)
    if found is None:
        raise errors.unsupported_filter(text)
    name = found["eq"] or found["in"] or found["starts"]
    operator = "eq" if found["eq"] else "in" if found["in"] else "startswith"
    if operator not in FILTERS[kind].get(name, ()):
        raise errors.unsupported_filter(text)
    if found["starts"]:
        prefix = _literal(name, found["prefix"])
        return lambda row: str(row.get(name, "")).lower().startswith(prefix)
    literals = re.findall(LITERAL, found["value"] or found["values"])
    values = {_literal(name, literal) for literal in literals}
    return lambda row: str(row.get(name, "")).lower() in values


def _literal(name: str, text: str) -> str:
    quoted = text.startswith("'")
    if name in GUIDS and quoted:
        raise errors.filter_types("Edm.Guid", "Edm.String")
    if name not in GUIDS and not quoted:
        raise errors.filter_types("Edm.String", "Edm.Guid")
    return text.strip("'").replace("''", "'").lower() if quoted else text.lower()


def _start(query: Mapping[str, str]) -> int:
    try:
        return paging.offset(query.get("$skiptoken"))
    except ValueError as problem:
        raise errors.invalid_body(str(problem)) from problem
