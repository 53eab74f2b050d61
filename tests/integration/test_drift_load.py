"""What drift costs at Microsoft Graph: 1,000 completed onboardings a day in at most 200 requests an hour."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from onboarding.azure.credential import Credential
from onboarding.azure.graph import GraphDirectory
from onboarding.azure.graph_client import GraphClient
from onboarding.azure.graph_gathered import GatheredGraph
from onboarding.core.decide import create
from onboarding.core.events import APPLICATION
from onboarding.core.record import Record, StepState
from onboarding.kinds import read_request
from onboarding.planning.drift import SLICES, inspect_all
from onboarding.ports import Directory
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME
from tests.support import requests
from tests.support.adapters import Adapters, connected
from tests.support.system import System
from tests.support.trunks import show_certificates

A_DAY, AN_HOUR = 1_000, 200
SLICE = -(-A_DAY // SLICES)
KINDS = {"communications-gateway": requests.operator_connect(), "session-border-controller": requests.own_sbc()}


@pytest.fixture
async def microsoft(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Adapters]:
    async with connected(monkeypatch) as adapters:
        await adapters.directory.add_application(PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME)
        yield adapters
        assert adapters.violations() == []


@pytest.fixture
async def gathered(microsoft: Adapters) -> AsyncIterator[Directory]:
    credential = Credential(microsoft.settings)
    client = GraphClient(microsoft.settings, credential)
    yield GraphDirectory(GatheredGraph(client))
    await client.aclose()
    await credential.aclose()


def completed(system: System, microsoft: Adapters, body: dict[str, Any], number: int) -> Record:
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


@pytest.mark.parametrize("body", KINDS.values(), ids=list(KINDS))
async def test_a_thousand_a_day_take_few_requests(
    microsoft: Adapters, gathered: Directory, body: dict[str, Any]
) -> None:
    system = System()
    world = replace(system.outside.world, gateways=microsoft.gateways)
    engine = replace(system.engine, world=world, gathered=gathered)
    records = [completed(system, microsoft, body, number) for number in range(SLICE)]
    before = len(microsoft.sent("graph"))
    writes = microsoft.writes("graph")
    await inspect_all(engine, records)
    sent = microsoft.sent("graph")[before:]
    assert len(sent) * SLICES / 24 <= AN_HOUR
    assert microsoft.writes("graph") == writes
    assert sum(request.endswith("/$batch") for request in sent) >= 1
