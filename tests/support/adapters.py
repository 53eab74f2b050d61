"""The adapters to ARM and Graph, talking over HTTPS to a simulated Microsoft of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from onboarding.azure.arm import ArmGateways
from onboarding.azure.arm_zones import ArmDnsZones
from onboarding.azure.credential import Credential
from onboarding.azure.gateway_resource import GatewayId
from onboarding.azure.graph import GraphDirectory
from onboarding.azure.graph_client import GraphClient
from onboarding.azure.graph_mail import GraphMail
from onboarding.settings import Settings
from sandbox.microsoft import Microsoft
from sandbox.microsoft.faults import Fault
from sandbox.microsoft.world import World

SUBSCRIPTION = "6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63"
GATEWAY = GatewayId(SUBSCRIPTION, "rg-voice", "contoso-acg")


@dataclass
class Adapters:
    """What a test needs at hand."""

    microsoft: Microsoft
    settings: Settings
    gateways: ArmGateways
    directory: GraphDirectory
    mail: GraphMail
    dns_zones: ArmDnsZones

    @property
    def world(self) -> World:
        return self.microsoft.world

    def fail(self, **fault: Any) -> None:
        """Let calls fail, in the control port's words."""
        self.world.faults.active.append(Fault.parse(fault))

    def sent(self, service: str) -> list[str]:
        """Requests to a service, without those inside a `$batch`: `POST /v1.0/$batch`."""
        entries = self.world.journal.select(service)
        return [f"{e.method} {e.url}" for e in entries if e.batch is None]

    def writes(self, service: str) -> list[str]:
        """What a service was asked to change, also inside a `$batch`."""
        entries = self.world.journal.select(service)
        return [f"{e.method} {e.url}" for e in entries if e.method != "GET" and not e.url.endswith("/$batch")]

    def violations(self) -> Sequence[str]:
        """Rules of Microsoft's side that a call did not keep."""
        return [f"{v.kind}: {v.call}: {v.detail}" for v in self.world.journal.violations]


@asynccontextmanager
async def connected(monkeypatch: pytest.MonkeyPatch, **options: Any) -> AsyncIterator[Adapters]:
    """Adapters to a Microsoft with these options (camelCase). Afterwards everything is closed."""
    async with Microsoft(options=options) as microsoft:
        for name, value in {
            **microsoft.environment,
            "ServiceBus": "Endpoint=sb://unused",
            "Tables": "unused",
            "ONBOARDING_ARM_ENDPOINT": microsoft.arm_url,
            "ONBOARDING_GRAPH_ENDPOINT": microsoft.graph_url,
            "ONBOARDING_CA_FILE": str(microsoft.ca_file),
        }.items():
            monkeypatch.setenv(name, value)
        settings = Settings()
        credential = Credential(settings)
        client = GraphClient(settings, credential)
        gateways = ArmGateways(settings, credential)
        zones = ArmDnsZones(settings, credential)
        try:
            yield Adapters(microsoft, settings, gateways, GraphDirectory(client), GraphMail(client), zones)
        finally:
            await client.aclose()
            await gateways.aclose()
            await zones.aclose()
            await credential.aclose()
