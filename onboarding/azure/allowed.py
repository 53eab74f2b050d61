"""Everything that the application may write at Microsoft, as data. All else is refused before it is sent.

The list is short on purpose: the identity's permissions are wide (AppRoleAssignment.ReadWrite.All can grant any
role to anyone), so what it is used for is narrowed here, at the one place that each adapter sends through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from onboarding.azure.gateway_resource import GATEWAY_TYPE
from onboarding.ports import ServicePrincipal
from onboarding.steps.operator_connect import ADMIN_ROLE, APPLICATION_ROLES, PROJECT_SYNERGY_APP_ID

READS = frozenset({"GET"})
GRANTABLE_ROLES = frozenset(value.lower() for value in (*APPLICATION_ROLES, ADMIN_ROLE))
"""Values of Project Synergy's roles that may be granted, in lower case."""
MAX_BATCH = 20
"""Requests in one $batch (Microsoft Graph, JSON batching)."""


class ForbiddenWriteError(Exception):
    """A write that isn't on the list: a mistake in our own code. Nothing was sent."""

    def __init__(self, method: str, path: str, why: str) -> None:
        # A user's name is part of some paths, and this text ends up in logs.
        shown = re.sub(r"(?<![^/])[^/]+(?:@|%40)[^/]+", "…", path)
        super().__init__(
            f"{method} {shown} was not sent: {why}. What the application may write at Microsoft stands in"
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
        return "its appRoleId must be one of Project Synergy's roles " + ", ".join((*APPLICATION_ROLES, ADMIN_ROLE))
    return None


def _field(body: Any, name: str) -> Any:
    return body.get(name) if isinstance(body, dict) else None


_GATEWAY = "/subscriptions/{subscription}/resourceGroups/{group}/providers/" + GATEWAY_TYPE + "/{gateway}"
ARM_WRITES: Mapping[str, Rule] = {
    f"PUT {_GATEWAY}": _any_body,
    f"PUT {_GATEWAY}/testLines/{{line}}": _any_body,
}
GRAPH_WRITES: Mapping[str, Rule] = {
    "POST /servicePrincipals": _project_synergy,
    "POST /servicePrincipals/{id}/appRoleAssignedTo": _grant,
    "POST /domains": _any_body,
    "POST /domains/{id}/verify": _no_body,
    "POST /users/{sender}/sendMail": _any_body,
}
BATCH = "/$batch"

_SEGMENT = r"(?!\.{1,2}(?:/|$))(?:[\w.~@!$&'()*+,;=:-]|%(?!2[fF]|5[cC]|2[eE])[0-9a-fA-F]{2})+"
"""One segment of a path. No dot segments and no encoded slash: they could mean another path at the other end."""


def _compiled(writes: Mapping[str, Rule]) -> list[tuple[str, re.Pattern[str], Rule]]:
    compiled = []
    for operation, rule in writes.items():
        method, template = operation.split(" ", 1)
        pattern = re.sub(r"\\\{(\w+)\\\}", lambda name: f"(?P<{name[1]}>{_SEGMENT})", re.escape(template))
        compiled.append((method, re.compile(pattern, re.IGNORECASE), rule))
    return compiled


_ARM = _compiled(ARM_WRITES)
_GRAPH = _compiled(GRAPH_WRITES)


def check_arm(method: str, path: str) -> None:
    """Let a request to ARM pass, or raise ForbiddenWriteError. `path` is without query, as it is sent."""
    _check(_ARM, method, path, None, None)


def check_graph(method: str, path: str, body: Any = None, grants: Grants | None = None) -> None:
    """Let a request to Graph pass, or raise ForbiddenWriteError. `path` is below the version, without query."""
    if method == "POST" and path == BATCH:
        _check_batch(body, grants)
    else:
        _check(_GRAPH, method, path, body, grants)


def _check_batch(body: Any, grants: Grants | None) -> None:
    requests = _field(body, "requests")
    if not isinstance(requests, list) or not 0 < len(requests) <= MAX_BATCH:
        raise ForbiddenWriteError("POST", BATCH, f"it must hold 1 to {MAX_BATCH} requests")
    for request in requests:
        path = str(request["url"]).partition("?")[0]
        _check(_GRAPH, str(request["method"]), path, request.get("body"), grants)


def _check(
    writes: list[tuple[str, re.Pattern[str], Rule]], method: str, path: str, body: Any, grants: Grants | None
) -> None:
    if method in READS:
        return
    for allowed, pattern, rule in writes:
        if method == allowed and (found := pattern.fullmatch(path)):
            why = rule(found.groupdict(), body, grants)
            if why:
                raise ForbiddenWriteError(method, path, why)
            return
    raise ForbiddenWriteError(method, path, "it is not on the list of allowed writes")
