"""Valid requests to start from."""

from __future__ import annotations

import copy
from typing import Any

from onboarding.core.request import OnboardingRequest
from onboarding.kinds import read_request

CLIENT_ID = "2b7e4f60-9c1d-4a83-b5e2-7d0f3a6c8e15"
SUBSCRIPTION = "6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63"


def lines(prefix: str, count: int, first: int) -> list[dict[str, str]]:
    """Test lines `OC1`, `OC2` … with consecutive numbers of a London range."""
    return [{"name": f"{prefix}{i + 1}", "phoneNumber": f"+44207946{first + i:04d}"} for i in range(count)]


def operator_connect(**changes: Any) -> dict[str, Any]:
    """Operator Connect on a production gateway."""
    body: dict[str, Any] = {
        "gateway": {"subscriptionId": SUBSCRIPTION, "resourceGroup": "rg-voice", "name": "contoso-acg"},
        "environment": "production",
        "services": {
            "operatorConnect": {"testLines": lines("OC", 6, 101), "integrationTestNumbers": ["+442079460190"]}
        },
        "adminUser": "voice.admin@contoso.com",
        "onboardingTeam": {"name": "Microsoft onboarding", "email": "team@example.com"},
        "notify": {"emails": ["voice-ops@contoso.com"], "teams": True},
    }
    return {**copy.deepcopy(body), **changes}


def teams_phone_mobile(**changes: Any) -> dict[str, Any]:
    """Teams Phone Mobile on a production gateway."""
    mobile = {
        "testLines": lines("TPM", 6, 201),
        "integrationTestNumbers": ["+442079460290"],
        "voicemailPilotNumber": "+442079460299",
        "callRouting": "integratedMcp",
    }
    return operator_connect(services={"teamsPhoneMobile": mobile}, **changes)


def lab(**changes: Any) -> dict[str, Any]:
    """Both services on a lab gateway."""
    services = {
        "operatorConnect": {"testLines": lines("OC", 3, 101), "integrationTestNumbers": ["+442079460190"]},
        "teamsPhoneMobile": {
            "testLines": lines("TPM", 3, 201),
            "integrationTestNumbers": ["+442079460290"],
            "voicemailPilotNumber": "+442079460299",
            "callRouting": "other",
        },
    }
    return operator_connect(environment="lab", services=services, **changes)


def preselected(**changes: Any) -> dict[str, Any]:
    """Operator Connect, selected when the gateway was deployed: no test lines."""
    return operator_connect(services={"operatorConnect": {"integrationTestNumbers": ["+442079460190"]}}, **changes)


def own_sbc(**changes: Any) -> dict[str, Any]:
    """Operator Connect with the operator's own session border controllers."""
    body: dict[str, Any] = {
        "gateway": {
            "kind": "session-border-controller",
            "name": "contoso-sbc",
            "domain": "voice.contoso.example",
            "trunks": [
                {"fqdn": "sbc1.voice.contoso.example", "port": 5061, "region": "West Europe"},
                {"fqdn": "sbc2.voice.contoso.example", "port": 5061, "region": "North Europe"},
            ],
            "hosting": "own",
        },
        "application": {"clientId": CLIENT_ID},
        "services": {
            "operatorConnect": {"testLines": lines("OC", 6, 701), "integrationTestNumbers": ["+442079460790"]}
        },
        "dns": {"owner": {"name": "Contoso hostmaster", "email": "hostmaster@contoso.com"}},
        "adminUser": "voice.admin@contoso.com",
        "onboardingTeam": {"name": "Onboarding partner", "email": "team@example.com"},
        "notify": {"emails": ["voice-ops@contoso.com"], "teams": True},
    }
    return {**copy.deepcopy(body), **changes}


ZONE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns/providers/Microsoft.Network/dnsZones/contoso.example"
PEERING = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-peering/providers/Microsoft.Peering/peerings/west"


def sbc_in_azure_dns(**changes: Any) -> dict[str, Any]:
    """One that peers, and whose TXT record this application publishes in a zone of Azure DNS."""
    return own_sbc(dns={"azureZone": ZONE}, peerings=[PEERING], **changes)


def sbc_by_updates(**changes: Any) -> dict[str, Any]:
    """One whose TXT record this application publishes by a DNS server of the settings."""
    return own_sbc(dns={"server": "corp"}, **changes)


def parsed(body: dict[str, Any]) -> OnboardingRequest:
    """The request of a body that is valid."""
    return read_request(body)
