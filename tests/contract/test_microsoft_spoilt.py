"""What Microsoft may show that is not as it should be: each can be made on the control port."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.microsoft import Microsoft
from tests.contract.conftest import GATEWAYS, PROVIDER, SUBSCRIPTION, Arm, Graph

LIST = f"/subscriptions/{SUBSCRIPTION}/{PROVIDER}/communicationsGateways"
LINES = f"{GATEWAYS}/contoso-acg/testLines"
LINE = {"location": "northeurope", "properties": {"phoneNumber": "+442079460999", "purpose": "Automated"}}
FORCE_DELETE = {"operation": "ForceDelete", "status": "InProgress", "lastActionDateTime": "2026-03-02T09:00:00Z"}


async def states(arm: Arm, lines: str = LINES) -> dict[str, str]:
    shown = (await arm.call("GET", lines)).json()["value"]
    return {line["name"]: line["properties"]["provisioningState"] for line in shown}


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ("Succeeded", {"OC9": "Succeeded"}),
        ("Failed", {"OC9": "Failed"}),
        ("Canceled", {"OC9": "Canceled"}),
        ("Accepted", {"OC9": "Accepted"}),
        ("vanishes", {}),
    ],
)
async def test_what_a_written_test_line_comes_to_is_an_option(
    ends: str, expected: dict[str, str], arm: Arm, microsoft: Microsoft, control: httpx.AsyncClient
) -> None:
    await control.put("/options", json={"testLineEnds": ends, "operationSeconds": 30})
    assert (await arm.call("PUT", f"{LINES}/OC9", LINE)).status_code == 201
    assert await states(arm) == {"OC9": "Accepted"}
    microsoft.world.clock.advance(30)
    assert await states(arm) == expected
    assert (await arm.call("GET", f"{LINES}/OC9")).status_code == (200 if expected else 404)


async def test_a_test_line_fails_or_vanishes_after_a_time(
    arm: Arm, microsoft: Microsoft, control: httpx.AsyncClient
) -> None:
    await arm.call("PUT", f"{LINES}/OC9", LINE)
    line = {"gateway": "contoso-acg", "testLine": "OC9"}
    await control.post("/transitions", json={**line, "provisioningState": "Failed", "after": 60})
    assert await states(arm) == {"OC9": "Succeeded"}
    microsoft.world.clock.advance(60)
    assert await states(arm) == {"OC9": "Failed"}
    await control.post("/transitions", json={**line, "remove": True})
    assert await states(arm) == {}
    assert (await arm.call("PUT", f"{LINES}/OC9", LINE)).status_code == 201


async def listed(arm: Arm) -> dict[str, Any]:
    # Not through `call`: what is spoilt on purpose does not conform.
    answer = await arm.client.get(LIST, params={"api-version": "2023-09-01"})
    assert answer.status_code == 200
    return answer.json()


async def test_a_list_lacks_a_gateway_or_ends_early_or_has_a_row_that_cant_be_read(
    arm: Arm, control: httpx.AsyncClient
) -> None:
    whole = [row["name"] for row in (await listed(arm))["value"]]
    await control.post("/faults", json={"kind": "omit", "path": "communicationsGateways$", "name": "^contoso-acg$"})
    assert [row["name"] for row in (await listed(arm))["value"]] == [name for name in whole if name != "contoso-acg"]
    await control.put("/options", json={"armPageSize": 2})
    await control.post("/faults", json={"kind": "short", "path": "communicationsGateways$"})
    short = await listed(arm)
    assert [row["name"] for row in short["value"]] == whole[:1]
    assert "nextLink" not in short
    await control.post("/faults", json={"kind": "garble", "path": "communicationsGateways$", "name": whole[0]})
    assert [row["name"] for row in (await listed(arm))["value"]] == [None, whole[1]]
    assert [row["name"] for row in (await listed(arm))["value"]] == whole[:2]


async def test_the_list_is_refused(arm: Arm, control: httpx.AsyncClient) -> None:
    refused = {"kind": "status", "status": 403, "service": "arm", "path": f"^{LIST}$", "times": None}
    await control.post("/faults", json=refused)
    answer = await arm.call("GET", LIST)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "AuthorizationFailed")
    assert (await arm.call("GET", f"{GATEWAYS}/contoso-acg")).status_code == 200


async def test_accounts_are_disabled(graph: Graph, control: httpx.AsyncClient) -> None:
    user = (await control.get("/state")).json()["users"][0]
    path = f"/users/{user['id']}?$select=id,accountEnabled"
    refused = await graph.call("GET", path)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "Authorization_RequestDenied")
    await control.put("/permissions", json={"add": ["User.Read.All"]})
    assert (await graph.call("GET", path)).json()["accountEnabled"] is True
    await control.put("/users", json={**user, "accountEnabled": False})
    assert (await graph.call("GET", path)).json()["accountEnabled"] is False
    application = {"appId": "8502a0ec-c76d-412f-836c-398018e2312b", "accountEnabled": False}
    await control.put("/service-principals", json=application)
    shown = await graph.call("GET", f"/servicePrincipals(appId='{application['appId']}')")
    assert shown.json()["accountEnabled"] is False


async def test_a_domain_is_removed_by_force(graph: Graph, control: httpx.AsyncClient) -> None:
    await control.put("/domains", json={"name": "voice.contoso.com", "state": FORCE_DELETE})
    assert (await graph.call("GET", "/domains/voice.contoso.com")).json()["state"] == FORCE_DELETE
    await control.put("/domains", json={"name": "voice.contoso.com", "state": None})
    assert (await graph.call("GET", "/domains/voice.contoso.com")).json()["state"] is None
