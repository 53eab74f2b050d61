"""`enable-services`: the services asked for stand in the gateway's `platforms`, with voicemail and call routing.

Source: article, "Enable Operator Connect or Teams Phone Mobile support"; swagger 2023-09-01. PATCH takes only
tags, identity and sku, so the whole resource is read, changed and PUT again, unknown properties kept.

A value that somebody has set before is changed only when a person has said yes to that: the gateway may carry calls.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from onboarding.azure.calls import put_gateway_call
from onboarding.azure.gateway_resource import GatewayResource, platform
from onboarding.core.phone_numbers import canonical
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, TryLaterError
from onboarding.core.proposal import Change, ValueChange
from onboarding.core.services import CallRouting, Service
from onboarding.steps.base import Applied, Consent, Inspection, Work
from onboarding.steps.definition import Definition
from onboarding.steps.gateway_resource import asked, gateway_of

if TYPE_CHECKING:
    from onboarding.kinds.communications_gateway import CommunicationsGatewayRequest

SERVICES_SECTION = "Enable Operator Connect or Teams Phone Mobile support"
SELECTED = "the services were selected when the gateway was deployed"
"""When the article lets the steps of that section be left out, as the end of a sentence."""


def desired_properties(request: CommunicationsGatewayRequest, current: Mapping[str, Any]) -> dict[str, Any]:
    """The properties to change, and what to: only those that differ from `current`."""
    platforms = list(current.get("platforms") or ())
    present = {p.lower() for p in platforms}
    platforms += [platform(s) for s in request.selected if platform(s).lower() not in present]
    wanted: dict[str, Any] = {"platforms": platforms}
    mobile = request.services.teams_phone_mobile
    if mobile:
        wanted["teamsVoicemailPilotNumber"] = mobile.voicemail_pilot_number
        wanted["integratedMcpEnabled"] = mobile.call_routing is CallRouting.INTEGRATED_MCP
        wanted["onPremMcpEnabled"] = mobile.call_routing is CallRouting.ON_PREMISES_MCP
    defaults: dict[str, Any] = {"integratedMcpEnabled": False, "onPremMcpEnabled": False}
    before = {**defaults, **current}
    return {name: value for name, value in wanted.items() if not _same(name, before.get(name), value)}


def _same(name: str, current: Any, wanted: Any) -> bool:
    """However the number there is punctuated: it is the number that counts."""
    if name == "teamsVoicemailPilotNumber" and current:
        return canonical(str(current)) == canonical(wanted)
    return bool(current == wanted)


class EnableServices:
    """The services asked for stand on the gateway."""

    async def inspect(self, work: Work) -> Inspection:
        gateway = await gateway_of(work)
        _expect_preselected(asked(work), gateway)
        changes = desired_properties(asked(work), gateway.properties)
        setting = _setting(asked(work), gateway, changes)
        return Inspection(
            (setting,) if changes else (),
            f"The gateway's platforms are {', '.join(gateway.platforms) or 'none'}.",
            seen=(gateway, changes),
            consent=_consent(setting, overwritten(gateway, changes)),
        )

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        gateway, changes = inspection.seen
        # ARM knows no ETag here: a PUT of the whole takes back whatever was changed since that GET, so it is as short
        # before as can be.
        now = await gateway_of(work)
        if differing := changed_meanwhile(gateway, now):
            raise TryLaterError(
                ProblemCode.BUSY,
                f"Somebody else changed the gateway while this step was at it ({', '.join(differing)}); nothing was"
                " written.",
            )
        body = copy.deepcopy(dict(gateway.body))
        body["properties"] = {**body.get("properties", {}), **changes}
        await work.world.gateways.put(asked(work).gateway.id, body)
        return Applied(f"Changed {', '.join(changes)} of the gateway.")


def changed_meanwhile(before: GatewayResource, now: GatewayResource) -> tuple[str, ...]:
    """What of the resource is not as it was, by name; without what Microsoft changes by itself all the time."""
    then, there = _compared(before), _compared(now)
    return tuple(sorted(name for name in {*then, *there} if then.get(name) != there.get(name)))


def _compared(gateway: GatewayResource) -> dict[str, Any]:
    parts = {**gateway.body, **gateway.properties}
    return {name: part for name, part in parts.items() if name not in _NOT_COMPARED}


_NOT_COMPARED = frozenset({"id", "name", "type", "systemData", "properties", "provisioningState", "status"})


def overwritten(gateway: GatewayResource, changes: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of the changes that take a value away which somebody has set. Platforms are only added."""
    # Before the service is on the gateway, `false` is no choice of anybody's but the resource's default.
    mobile = gateway.has(Service.TEAMS_PHONE_MOBILE)
    nothing: tuple[Any, ...] = (None, "", []) if mobile else (None, "", [], False)
    return tuple(name for name in changes if name != "platforms" and gateway.properties.get(name) not in nothing)


def _setting(request: CommunicationsGatewayRequest, gateway: GatewayResource, changes: Mapping[str, Any]) -> Change:
    return Change(
        target=f"gateway {request.gateway.name}",
        words="; ".join(f"set {name} to {_shown(name, value)}" for name, value in changes.items()),
        values=tuple(
            ValueChange(
                what=_LABELS.get(name, name), before=_told(gateway.properties.get(name)), after=_told(value)
            )
            for name, value in changes.items()
        ),
        call=put_gateway_call(request.gateway.id, changes),
    )


def _consent(setting: Change, names: tuple[str, ...]) -> Consent | None:
    """Whoever says yes is shown everything that would be written, not only what is overwritten."""
    if not names:
        return None
    return Consent(
        ProblemCode.CHANGE_NOT_APPROVED,
        f"The gateway has values already that the request would change: {', '.join(_LABELS.get(n, n) for n in names)}."
        " Nothing was changed.",
        "Compare before and after on the onboarding's page (`problem.proposal` of this step). If the request is right,"
        " apply this change there; if it is not, cancel and post the right request, or skip this step.",
        setting.values,
    )


_LABELS = {
    "platforms": "Platforms",
    "teamsVoicemailPilotNumber": "Voicemail pilot number",
    "integratedMcpEnabled": "Integrated MCP",
    "onPremMcpEnabled": "On-premises MCP",
}


def _told(value: Any) -> str:
    """A value for whoever is to say yes to it, whole."""
    if value in (None, "", []):
        return "not set"
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _shown(name: str, value: Any) -> str:
    """A value in words; a voicemail number stays out of logs and details."""
    if name == "teamsVoicemailPilotNumber":
        return "the number in the request"
    return ", ".join(value) if isinstance(value, list) else str(value).lower()


def _expect_preselected(request: CommunicationsGatewayRequest, gateway: GatewayResource) -> None:
    """A service without test lines in the request must have been selected when the gateway was deployed."""
    absent: list[Service] = [s for s in request.preselected if not gateway.has(s)]
    if absent:
        names = " and ".join(s.label for s in absent)
        raise PersonMustActError(
            ProblemCode.SERVICE_NOT_SELECTED,
            f"The request names no test lines for {names}, as for a service selected at deployment, but the gateway's"
            f" platforms are {', '.join(gateway.platforms) or 'none'}.",
            f"Post the request again with {request.lines_required} test lines for {names}, or select the service on"
            " the gateway; then retry the step.",
        )


ENABLE_SERVICES = Definition(
    "enable-services",
    StepKind.TASK,
    "Enable the services on the gateway",
    SERVICES_SECTION,
    task=EnableServices(),
    may_be_skipped_when=SELECTED,
)
