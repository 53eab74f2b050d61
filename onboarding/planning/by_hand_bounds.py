"""Which calls become commands for people: exactly what the application itself would send, and nothing else. Pure.

Whoever runs a command is an administrator, and may do far more than this application. The calls stand in a table that
somebody else may have written. So each is held, whole, against what a call of its kind looks like.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from onboarding.azure.allowed import FORMS, ForbiddenCallError, arm_operation, check_arm, graph_operation
from onboarding.azure.dns_zone import DNS_API_VERSION, ZONE_TYPE
from onboarding.azure.gateway_resource import AUTOMATED, GATEWAY_API_VERSION
from onboarding.core import patterns
from onboarding.core.patterns import fits
from onboarding.core.proposal import Api, Call
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME

GATEWAY_PROPERTIES = frozenset({"platforms", "teamsVoicemailPilotNumber", "onPremMcpEnabled", "integratedMcpEnabled"})
"""Of a gateway, what this application sets."""
LONGEST_BODY = 4_000
"""Characters of a call's JSON; what this application sends has some hundred."""
LONGEST_TTL = 2_147_483_647
"""Seconds (RFC 2181, section 8)."""
Body = Mapping[str, Any]


def may_be_pasted(call: Call) -> bool:
    """Whether a person may be given a command for it."""
    sane = len(json.dumps(call.body)) <= LONGEST_BODY
    known = _KNOWN.get(call.api)
    return sane and known is not None and known(call)


def _graph(call: Call) -> bool:
    operation = graph_operation(call.method, call.path) or ""
    looks_right = _OF_GRAPH.get(operation)
    names = call.path.strip("/").split("/")
    named = len(names) < 2 or fits(FORMS.get(names[0], "^$"), unquote(names[1]))
    return looks_right is not None and named and not call.merged and looks_right(call)


def _synergy(call: Call) -> bool:
    return call.body == {"appId": PROJECT_SYNERGY_APP_ID, "displayName": PROJECT_SYNERGY_DISPLAY_NAME}


def _grant(call: Call) -> bool:
    """Of which application and which role, the command itself asks Microsoft before it grants."""
    body = _texts(call.body, "principalId", "resourceId", "appRoleId")
    right = all(fits(patterns.GUID, text) for text in body) and len(body) == 3
    return right and body[1].lower() == call.path.split("/")[2].lower()


def _domain(call: Call) -> bool:
    return [fits(patterns.DOMAIN_NAME, text) for text in _texts(call.body, "id")] == [True]


_OF_GRAPH: Mapping[str, Callable[[Call], bool]] = {
    "POST /servicePrincipals": _synergy,
    "POST /servicePrincipals/{id}/appRoleAssignedTo": _grant,
    "POST /domains": _domain,
    "POST /domains/{id}/verify": lambda call: call.body is None,
}


def _arm(call: Call) -> bool:
    path, _, query = call.path.partition("?")
    try:
        check_arm(call.method, path, call.body)
    except ForbiddenCallError:
        return False
    operation = arm_operation(call.method, path) or ""
    if call.method != "PUT":
        return False
    if f"/{ZONE_TYPE}/" in operation:
        return query == f"api-version={DNS_API_VERSION}" and call.merged and _txt(call.body or {})
    if query != f"api-version={GATEWAY_API_VERSION}":
        return False
    return _line(call) if operation.endswith("/testLines/{line}") else _gateway(call)


def _txt(body: Body) -> bool:
    """`check_arm` has seen to its last value; it is the only one."""
    inner = body["properties"]
    records = inner["TXTRecords"]
    return set(body) == {"properties"} and set(inner) == {"TXTRecords"} and [set(one) for one in records] == [{"value"}]


def _gateway(call: Call) -> bool:
    body = call.body or {}
    inner = body.get("properties")
    return call.merged and set(body) == {"properties"} and isinstance(inner, dict) and set(inner) <= GATEWAY_PROPERTIES


def _line(call: Call) -> bool:
    body = call.body or {}
    inner = _texts(body.get("properties"), "phoneNumber", "purpose")
    right = len(inner) == 2 and fits(patterns.PHONE_NUMBER, inner[0]) and inner[1] == AUTOMATED
    return right and not call.merged and set(body) == {"location", "properties"} and isinstance(body["location"], str)


def _dns(call: Call) -> bool:
    """What nsupdate reads are lines, and a line more would be an update more."""
    server, _, name = call.path.partition("/")
    body = call.body or {}
    ttl = body.get("ttl")
    return (
        call.method == "UPDATE"
        and fits(patterns.DNS_SERVER, server)
        and fits(patterns.TXT_NAME, name)
        and set(body) == {"name", "type", "value", "ttl"}
        and (body["name"], body["type"]) == (name, "TXT")
        and isinstance(body["value"], str)
        and fits(patterns.TXT_VALUE, body["value"])
        and type(ttl) is int
        and 0 < ttl <= LONGEST_TTL
    )


_KNOWN: Mapping[Api, Callable[[Call], bool]] = {Api.GRAPH: _graph, Api.ARM: _arm, Api.DNS: _dns}


def _texts(body: Any, *names: str) -> list[str]:
    """The values of exactly these, if all of them are texts; else none."""
    if not isinstance(body, Mapping) or set(body) != set(names):
        return []
    values = [body[name] for name in names]
    return values if all(isinstance(value, str) for value in values) else []
