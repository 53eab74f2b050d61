"""Every request that writes at Microsoft, as data. Pure.

The adapters send these, and a plan shows them; a journey holds what was planned against what was sent. What may be
sent at all stands in `allowed.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from onboarding.azure.dns_zone import DNS_API_VERSION, DnsZoneId
from onboarding.azure.gateway_resource import AUTOMATED, GATEWAY_API_VERSION, GatewayId
from onboarding.core.proposal import Api, Call
from onboarding.core.publishing import cut
from onboarding.core.services import TestLine
from onboarding.ports import TxtRecord

# -- Microsoft Graph v1.0


def add_application_call(app_id: str, display_name: str) -> Call:
    """Create the service principal of an application."""
    return _graph("/servicePrincipals", {"appId": app_id, "displayName": display_name})


def grant_call(application_id: str, principal_id: str, role_id: str) -> Call:
    """Give a principal a role of an application; all object ids."""
    body = {"principalId": principal_id, "resourceId": application_id, "appRoleId": role_id}
    return _graph(f"/servicePrincipals/{application_id}/appRoleAssignedTo", body)


def add_domain_call(name: str) -> Call:
    """Add a domain to the tenant."""
    return _graph("/domains", {"id": name})


def verify_domain_call(name: str) -> Call:
    """Have Entra look for the domain's TXT record."""
    return _graph(f"/domains/{name}/verify")


def _graph(path: str, body: Mapping[str, Any] | None = None) -> Call:
    return Call(api=Api.GRAPH, method="POST", path=path, body=body)


# -- Azure Resource Manager


def put_gateway_call(gateway: GatewayId, properties: Mapping[str, Any]) -> Call:
    """Set these properties of a gateway, and leave all others as they are."""
    return _put(gateway.arm_id, GATEWAY_API_VERSION, {"properties": properties}, merged=True)


def put_test_line_call(gateway: GatewayId, line: TestLine, location: str) -> Call:
    """Create one automated test line, or replace it. `location`: the gateway's region."""
    body = {"location": location, "properties": {"phoneNumber": line.phone_number, "purpose": AUTOMATED}}
    return _put(gateway.test_line_arm_id(line.name), GATEWAY_API_VERSION, body)


def put_txt_call(zone: DnsZoneId, name: str, value: str) -> Call:
    """Add one value to the TXT set at a name, relative to the zone."""
    path = zone.txt_set_arm_id(quote(name, safe="@"))
    return _put(path, DNS_API_VERSION, {"properties": {"TXTRecords": [{"value": cut(value)}]}}, merged=True)


def _put(path: str, version: str, body: Mapping[str, Any], *, merged: bool = False) -> Call:
    return Call(api=Api.ARM, method="PUT", path=f"{path}?api-version={version}", body=body, merged=merged)


# -- others


def update_txt_call(server: str, record: TxtRecord) -> Call:
    """Have a DNS server, by its name in the settings, add one TXT record."""
    return Call(api=Api.DNS, method="UPDATE", path=f"{server}/{record.name}", body=record.to_json())


def mail_call(address: str) -> Call:
    """Tell somebody by e-mail."""
    return Call(api=Api.MAIL, method="SEND", path=address)
