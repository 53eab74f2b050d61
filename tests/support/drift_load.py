"""Completed onboardings that have nothing in common but the tenant, on real adapters: what looking for drift costs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from onboarding.azure.credential import Credential
from onboarding.azure.graph import GraphDirectory
from onboarding.azure.graph_client import GraphClient
from onboarding.azure.graph_gathered import GatheredGraph
from onboarding.core.decide import create
from onboarding.core.events import APPLICATION
from onboarding.core.record import Record, StepState
from onboarding.engine import Engine
from onboarding.kinds import read_request
from onboarding.planning.drift import SLICES
from onboarding.ports import Directory
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME
from tests.support import requests
from tests.support.adapters import Adapters
from tests.support.system import System
from tests.support.trunks import show_certificates

A_DAY = 1_000
SLICE = -(-A_DAY // SLICES)
KINDS = {"communications-gateway": requests.operator_connect(), "session-border-controller": requests.own_sbc()}


@asynccontextmanager
async def gathering(microsoft: Adapters) -> AsyncIterator[Directory]:
    """The directory as drift reads it, in a tenant that has Project Synergy."""
    await microsoft.directory.add_application(PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME)
    credential = Credential(microsoft.settings)
    client = GraphClient(microsoft.settings, credential)
    try:
        yield GraphDirectory(GatheredGraph(client))
    finally:
        await client.aclose()
        await credential.aclose()


def looking(system: System, microsoft: Adapters, gathered: Directory) -> Engine:
    """An engine that looks at these."""
    world = replace(system.outside.world, gateways=microsoft.gateways)
    return replace(system.engine, world=world, gathered=gathered)


def completed_alone(system: System, microsoft: Adapters, body: dict[str, Any], number: int) -> Record:
    """One that nothing is shared with but the tenant: a gateway, an application and an admin user of its own."""
    name, user = f"drift-{number}", f"admin-{number}@contoso.com"
    gateway: dict[str, Any] = {**body["gateway"]}
    changed: dict[str, Any] = {**body, "gateway": gateway, "adminUser": user}
    if "resourceGroup" in gateway:
        gateway["name"] = name
        microsoft.world.put_gateway({"name": name, "base": "production"})
    else:
        client_id = f"0a1b2c3d-0000-4000-8000-{number:012d}"
        changed["application"] = {**body["application"], "clientId": client_id}
        gateway["domain"] = f"voice-{number}.contoso.example"
        gateway["trunks"] = [
            {**trunk, "fqdn": f"sbc{place}.{gateway['domain']}"} for place, trunk in enumerate(gateway["trunks"])
        ]
        microsoft.world.directory.register({"appId": client_id, "displayName": name, "passwordCredentials": []})
    microsoft.world.directory.users.append(
        {"userPrincipalName": user, "id": f"6bcc416b-0000-4000-8000-{number:012d}", "displayName": user, "mail": user}
    )
    request = read_request(changed)
    show_certificates(system.outside, request)
    record = create(request, "ada", system.clock.now()).record
    done = tuple(s.model_copy(update={"state": StepState.DONE, "ended_by": APPLICATION}) for s in record.steps)
    return record.model_copy(update={"steps": done, "closed_at": system.clock.now()})
