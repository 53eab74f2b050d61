"""Everything that the application may read and write at Microsoft, as data. All else is refused before it is sent.

The list is short on purpose: the identity's permissions are wide (AppRoleAssignment.ReadWrite.All can grant any
role to anyone), so what it is used for is narrowed here, at the one place that each adapter sends through. What stands
for something in a path is as such a thing is written (FORMS), so that no value makes another path of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from onboarding.azure.azure_actions import PERMISSIONS_PATH
from onboarding.azure.dns_zone import ZONE_TYPE
from onboarding.azure.gateway_resource import GATEWAY_TYPE
from onboarding.azure.peering_resource import PEERING_TYPE
from onboarding.core import patterns
from onboarding.core.patterns import fits
from onboarding.core.publishing import joined
from onboarding.ports import ServicePrincipal
from onboarding.steps.operator_connect import (
    ADMIN_ROLE,
    APPLICATION_ROLES,
    OTHER_APPLICATION_ROLES,
    PROJECT_SYNERGY_APP_ID,
)

GRANTABLE_ROLES = frozenset(value.lower() for value in (*APPLICATION_ROLES, *OTHER_APPLICATION_ROLES, ADMIN_ROLE))
"""Values of Project Synergy's roles that may be granted, in lower case."""
MAX_BATCH = 20
"""Requests in one $batch (Microsoft Graph, JSON batching)."""


class ForbiddenCallError(Exception):
    """A call that isn't on the list: a mistake in our own code. Nothing was sent."""

    def __init__(self, method: str, path: str, why: str) -> None:
        # A user's name is part of some paths, and this text ends up in logs.
        shown = re.sub(r"(?<![^/])[^/]+(?:@|%40)[^/]+", "…", path)
        super().__init__(
            f"{method} {shown} was not sent: {why}. What the application may ask of Microsoft stands in"
            " onboarding/azure/allowed.py."
        )


@dataclass(frozen=True, slots=True)
class Grants:
    """Which roles may be granted of which application."""

    resource_id: str
    role_ids: frozenset[str]

    @classmethod
    def of(cls, application: ServicePrincipal) -> Grants:
        """Project Synergy's roles, by value, as the tenant has them. Another application has none to grant."""
        if application.app_id.lower() != PROJECT_SYNERGY_APP_ID:
            return cls(application.id, frozenset())
        ids = frozenset(r.id.lower() for r in application.app_roles if r.value.lower() in GRANTABLE_ROLES)
        return cls(application.id, ids)


Rule = Callable[[Mapping[str, str], Any, Grants | None], str | None]
"""Why this body may not be sent to this path; None when it may."""


def _any_body(names: Mapping[str, str], body: Any, grants: Grants | None) -> str | None:
    return None


def _no_body(names: Mapping[str, str], body: Any, grants: Grants | None) -> str | None:
    return None if body is None else "it takes no body"


def _project_synergy(names: Mapping[str, str], body: Any, grants: Grants | None) -> str | None:
    app_id = str(_field(body, "appId")).lower()
    return None if app_id == PROJECT_SYNERGY_APP_ID else f"its appId must be Project Synergy's {PROJECT_SYNERGY_APP_ID}"


def _grant(names: Mapping[str, str], body: Any, grants: Grants | None) -> str | None:
    if grants is None or grants.resource_id.lower() != names["id"].lower():
        return "no roles of that application may be granted"
    if str(_field(body, "resourceId")).lower() != names["id"].lower():
        return "its resourceId must be the application in the path"
    if str(_field(body, "appRoleId")).lower() not in grants.role_ids:
        return "its appRoleId must be one of Project Synergy's roles " + ", ".join(
            (*APPLICATION_ROLES, *OTHER_APPLICATION_ROLES, ADMIN_ROLE)
        )
    return None


def _adds_proof(names: Mapping[str, str], body: Any, grants: Grants | None) -> str | None:
    """A set is written with one more value that proves a domain to Microsoft. What was in it, `TxtSet.with_value` sees
    to."""
    records = _field(_field(body, "properties"), "TXTRecords")
    last = _field(records[-1], "value") if isinstance(records, list) and records else None
    proves = isinstance(last, list) and fits(patterns.TXT_VALUE, joined(last))
    return None if proves else "its last value must be one that proves a domain to Microsoft (MS=…)"


def _field(body: Any, name: str) -> Any:
    return body.get(name) if isinstance(body, dict) else None


_GATEWAY = "/subscriptions/{subscription}/resourceGroups/{group}/providers/" + GATEWAY_TYPE + "/{gateway}"
_ZONE = "/subscriptions/{subscription}/resourceGroups/{group}/providers/" + ZONE_TYPE + "/{zone}"
_PEERING = "/subscriptions/{subscription}/resourceGroups/{group}/providers/" + PEERING_TYPE + "/{peering}"
ARM_WRITES: Mapping[str, Rule] = {
    f"PUT {_GATEWAY}": _any_body,
    f"PUT {_GATEWAY}/testLines/{{line}}": _any_body,
    f"PUT {_ZONE}/TXT/{{record}}": _adds_proof,
}
GRAPH_WRITES: Mapping[str, Rule] = {
    "POST /servicePrincipals": _project_synergy,
    "POST /servicePrincipals/{id}/appRoleAssignedTo": _grant,
    "POST /domains": _any_body,
    "POST /domains/{id}/verify": _no_body,
    "POST /users/{sender}/sendMail": _any_body,
}
ARM_READS = (
    f"GET {_GATEWAY}",
    f"GET {_GATEWAY}/testLines",
    f"GET {_GATEWAY}{PERMISSIONS_PATH}",
    f"GET /subscriptions/{{subscription}}/providers/{GATEWAY_TYPE}",
    f"GET {_ZONE}",
    f"GET {_ZONE}{PERMISSIONS_PATH}",
    f"GET {_PEERING}",
    f"GET {_PEERING}/registeredPrefixes",
    f"GET {_ZONE}/TXT/{{record}}",
)
GRAPH_READS = (
    "GET /servicePrincipals(appId='{id}')",
    "GET /applications(appId='{id}')",
    "GET /servicePrincipals/{id}",
    "GET /servicePrincipals/{id}/appRoleAssignments",
    "GET /servicePrincipals/{id}/appRoleAssignedTo",
    "GET /users/{id}",
    "GET /users/{id}/appRoleAssignments",
    "GET /domains/{id}",
    "GET /domains/{id}/verificationDnsRecords",
)
BATCH = "/$batch"
FORMS: Mapping[str, str] = {
    "subscriptions": patterns.GUID,
    "resourceGroups": patterns.RESOURCE_GROUP,
    "communicationsGateways": patterns.RESOURCE_NAME,
    "testLines": patterns.RESOURCE_NAME,
    "dnsZones": patterns.DOMAIN_NAME,
    "peerings": patterns.PEERING_NAME,
    "TXT": patterns.RECORD_NAME,
    "servicePrincipals": patterns.GUID,
    "appId": patterns.GUID,
    "users": patterns.USER_NAME,
    "domains": patterns.DOMAIN_NAME,
}
"""What names one of a collection in a path, percent-decoded."""

_SEGMENT = r"(?!\.{1,2}(?:/|$))(?:[\w.~@!$&'()*+,;=:-]|%(?!2[fF]|5[cC]|2[eE])[0-9a-fA-F]{2})+"
"""One segment of a path. No dot segments and no encoded slash: they could mean another path at the other end."""


@dataclass(frozen=True, slots=True)
class _Operation:
    """One row of the lists."""

    name: str
    """As it is listed."""
    method: str
    path: re.Pattern[str]
    forms: Mapping[str, str]
    """Name in the path → what stands for it."""
    rule: Rule


def _operations(reads: Iterable[str], writes: Mapping[str, Rule]) -> list[_Operation]:
    listed: dict[str, Rule] = {**dict.fromkeys(reads, _no_body), **writes}
    return [_operation(operation, rule) for operation, rule in listed.items()]


def _operation(operation: str, rule: Rule) -> _Operation:
    method, template = operation.split(" ", 1)
    pattern = re.sub(r"\\\{(\w+)\\\}", lambda name: f"(?P<{name[1]}>{_SEGMENT})", re.escape(template))
    forms = {name: FORMS[collection] for collection, name in re.findall(r"(\w+)\W+\{(\w+)\}", template)}
    return _Operation(operation, method, re.compile(pattern, re.IGNORECASE), forms, rule)


_ARM = _operations(ARM_READS, ARM_WRITES)
_GRAPH = _operations(GRAPH_READS, GRAPH_WRITES)


def check_arm(method: str, path: str, body: Any = None) -> None:
    """Let a request to ARM pass, or raise ForbiddenCallError. `path` is without query, as it is sent."""
    _check(_ARM, method, path, body, None)


def check_graph(method: str, path: str, body: Any = None, grants: Grants | None = None) -> None:
    """Let a request to Graph pass, or raise ForbiddenCallError. `path` is below the version, without query."""
    if method == "POST" and path == BATCH:
        _check_batch(body, grants)
    else:
        _check(_GRAPH, method, path, body, grants)


def graph_operation(method: str, path: str) -> str | None:
    """The row of the list that a request to Graph is, as `POST /domains/{id}/verify`; None: it is on none."""
    return next((o.name for o in _GRAPH if o.method == method and o.path.fullmatch(path)), None)


def arm_operation(method: str, path: str) -> str | None:
    """Likewise of a request to ARM."""
    return next((o.name for o in _ARM if o.method == method and o.path.fullmatch(path)), None)


def _check_batch(body: Any, grants: Grants | None) -> None:
    requests = _field(body, "requests")
    if not isinstance(requests, list) or not 0 < len(requests) <= MAX_BATCH:
        raise ForbiddenCallError("POST", BATCH, f"it must hold 1 to {MAX_BATCH} requests")
    for request in requests:
        path = str(request["url"]).partition("?")[0]
        _check(_GRAPH, str(request["method"]), path, request.get("body"), grants)


def _check(listed: list[_Operation], method: str, path: str, body: Any, grants: Grants | None) -> None:
    for operation in listed:
        if method == operation.method and (found := operation.path.fullmatch(path)):
            names = found.groupdict()
            wrong = [name for name, form in operation.forms.items() if not fits(form, unquote(names[name]))]
            why = f"its {wrong[0]} is not written like one" if wrong else operation.rule(names, body, grants)
            if why:
                raise ForbiddenCallError(method, path, why)
            return
    raise ForbiddenCallError(method, path, "it is not on the list of what is allowed")
