"""Whether this application's Azure roles give what the steps will write there: Azure tells a caller what it may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING

from onboarding.azure.allowed import arm_operation
from onboarding.azure.azure_actions import AzurePermission, action_of, is_given
from onboarding.azure.dns_zone import ZONE_TYPE, DnsZoneId
from onboarding.azure.gateway_resource import GatewayId
from onboarding.azure.permissions import AZURE_ROLES, grant_azure
from onboarding.core.bounds import shorten
from onboarding.core.change_plan import Gravity, PlanFinding
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.proposal import Api

if TYPE_CHECKING:
    from onboarding.planning.preflight import Preflight

KNOWN_LATER = "known-later"
"""Code of a finding on what Microsoft tells only when it is done."""
_PUT_TXT = f"PUT {ZONE_TYPE}/{{zone}}/TXT/{{record}}"
_SEGMENTS = 9
"""Of the id of a resource of a resource group, from its first slash on."""

_Resource = GatewayId | DnsZoneId


async def azure_roles(before: Preflight) -> AsyncIterator[PlanFinding]:
    """Those that the steps' writes in Azure need. What reading needs, reading has told."""
    for resource, needed in _writes(before).items():
        try:
            given = await _own_actions(before, resource)
        except PersonMustActError as problem:
            if problem.code is not ProblemCode.PERMISSION_MISSING:
                raise
            yield _unknown(resource)
            continue
        missing = {call: steps for call, steps in needed.items() if not is_given(given, action_of(call))}
        if missing:
            own = await before.world.directory.own_permissions()
            yield _missing(resource, missing, own.client_id if own else None)


def _writes(before: Preflight) -> Mapping[_Resource, Mapping[str, Sequence[str]]]:
    """Resource → what will be written there, as the table of permissions has it → the steps that do."""
    found: dict[_Resource, dict[str, list[str]]] = {}

    def add(resource: _Resource, call: str, step: str) -> None:
        steps = found.setdefault(resource, {}).setdefault(call, [])
        if step not in steps:
            steps.append(step)

    for step in before.writing:
        for change in step.changes:
            if change.call and change.call.api is Api.ARM:
                path = change.call.path.partition("?")[0]
                operation = arm_operation(change.call.method, path) or ""
                resource = "/".join(path.split("/")[:_SEGMENTS])
                target = GatewayId.parse(resource) or DnsZoneId.parse(resource)
                assert target is not None, f"{step.step} writes at {path}, which is neither a gateway nor a zone"
                add(target, f"{change.call.method} {operation.rpartition('/providers/')[2]}", step.step)
    publishing, zone = before.coming("publish-txt-record"), before.azure_zone
    if publishing is not None and publishing in before.writing and zone is not None:
        add(zone, _PUT_TXT, publishing.step)
    return found


async def _own_actions(before: Preflight, resource: _Resource) -> Sequence[AzurePermission]:
    if isinstance(resource, DnsZoneId):
        return await before.world.dns_zones.own_actions(resource)
    return await before.world.gateways.own_actions(resource)


def _missing(resource: _Resource, missing: Mapping[str, Sequence[str]], identity: str | None) -> PlanFinding:
    call, steps = next(iter(missing.items()))
    role = AZURE_ROLES[call]
    command = grant_azure(identity, role.name(resource.arm_id), role.on(resource.arm_id))
    actions = ", ".join(map(action_of, missing))
    return PlanFinding(
        gravity=Gravity.BLOCKER,
        code=ProblemCode.PERMISSION_MISSING,
        step=steps[0],
        seen=shorten(f"No Azure role of this application gives {actions} at {resource.arm_id}."),
        what_next=shorten(
            f"Assign it: `{command}` (a role that infra/main.bicep defines; docs/permissions.md). It takes effect"
            " within ten minutes; then plan again."
        ),
    )


def _unknown(resource: _Resource) -> PlanFinding:
    return PlanFinding(
        gravity=Gravity.NOTE,
        code=KNOWN_LATER,
        seen=shorten(
            f"Whether this application may change {resource.arm_id} it can't know before it does: its role there lacks"
            " Microsoft.Authorization/permissions/read, as it is in roles of an earlier version."
        ),
        what_next=shorten("To have it known before, deploy infra/main.bicep anew: it gives the role that action."),
    )
