"""The control port: it looks into the world, changes it, and says what clients did wrong."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.microsoft import Microsoft
from tests.contract.conftest import GATEWAYS, PROJECT_SYNERGY, Arm, Graph


async def test_the_index_names_every_route(control: httpx.AsyncClient) -> None:
    index = (await control.get("/")).json()
    assert len(index) >= 20
    assert all(index.values()), "each route says what it takes"


async def test_the_default_world(control: httpx.AsyncClient) -> None:
    state = (await control.get("/state")).json()
    gateways = {row["name"]: row for row in state["gateways"]}
    assert set(gateways) == {
        "contoso-acg",
        "contoso-mobile-acg",
        "contoso-lab-acg",
        "contoso-established-acg",
        "contoso-in-use-acg",
        "contoso-preselected-acg",
    }
    assert gateways["contoso-acg"]["properties"]["platforms"] == ["TeamsDirectRouting"]
    assert len(gateways["contoso-acg"]["properties"]["serviceLocations"]) == 2
    lab = gateways["contoso-lab-acg"]
    assert (lab["sku"], len(lab["properties"]["serviceLocations"])) == ({"name": "lab"}, 1)
    lines = gateways["contoso-preselected-acg"]["testLines"]
    assert [lines[f"OC{number}"]["phoneNumber"] for number in range(1, 7)] == [
        f"+44207946011{number}" for number in range(1, 7)
    ]
    assert {user["userPrincipalName"] for user in state["users"]} == {
        "voice.admin@contoso.com",
        "another.user@contoso.com",
        "onboarding@contoso.com",
    }
    apps = {row["appId"]: row["displayName"] for row in state["servicePrincipals"]}
    assert apps["8502a0ec-c76d-412f-836c-398018e2312b"] == "AzureCommunicationsGateway"
    assert PROJECT_SYNERGY not in apps


async def test_reset_brings_back_the_first_world(arm: Arm, graph: Graph, control: httpx.AsyncClient) -> None:
    before = (await control.get("/state")).json()
    await control.put("/options", json={"armPageSize": 1})
    await control.post("/clock", json={"advance": 3600})
    await control.post("/faults", json={"kind": "status", "service": "teams"})
    await control.put("/dns", json={"name": "x.commsgw.azure.com", "values": ["y"]})
    await graph.add_project_synergy()
    await arm.call("DELETE", f"{GATEWAYS}/contoso-acg")
    await control.put("/trunks", json={"name": "sbc1.contoso.com", "shows": "expired"})
    await control.post("/reset")
    after = (await control.get("/state")).json()
    for part in ("options", "gateways", "servicePrincipals", "domains", "dns", "trunks", "faults"):
        assert after[part] == before[part], part
    assert (after["requests"], after["violations"]) == (0, 0)
    assert after["clock"]["offset"] == 0


async def test_a_trunk_shows_what_it_is_told_by_its_name_or_by_all(
    microsoft: Microsoft, control: httpx.AsyncClient
) -> None:
    await control.put("/trunks", json={"name": "SBC1.contoso.com", "shows": "expired"})
    told = await control.put("/trunks", json={"shows": "incomplete"})
    assert told.json() == {"sbc1.contoso.com": "expired", "*": "incomplete"}
    assert [microsoft.world.trunks.of(name) for name in ("sbc1.contoso.com", "other")] == ["expired", "incomplete"]
    refused = await control.put("/trunks", json={"shows": "rusty"})
    assert refused.status_code == 400
    assert "A trunk shows one of good, expired" in refused.json()["error"]


async def test_transitions(arm: Arm, microsoft: Microsoft, control: httpx.AsyncClient) -> None:
    microsoft.world.options.update({"provisioningSeconds": None})
    gateway = await arm.get()
    await arm.call("PUT", f"{GATEWAYS}/contoso-acg", gateway)
    assert (await arm.get())["properties"]["status"] == "ChangePending"
    done = await control.post("/transitions", json={"gateway": "contoso-acg", "status": "Complete"})
    assert done.json()[0]["status"] == "Complete"
    assert (await arm.get())["properties"]["status"] == "Complete"
    await control.post("/transitions", json={"gateway": gateway["id"], "provisioningState": "Failed"})
    assert (await arm.get())["properties"]["provisioningState"] == "Failed"
    line = {"gateway": "contoso-preselected-acg", "testLine": "OC1", "provisioningState": "Failed"}
    await control.post("/transitions", json=line)
    shown = (await arm.call("GET", f"{GATEWAYS}/contoso-preselected-acg/testLines/OC1")).json()
    assert shown["properties"]["provisioningState"] == "Failed"
    await control.post("/transitions", json={"gateway": "*", "status": "ChangePending"})
    assert (await arm.get("contoso-lab-acg"))["properties"]["status"] == "ChangePending"
    absent = await control.post("/transitions", json={"gateway": "absent", "status": "Complete"})
    assert absent.status_code == 400


async def test_gateways_can_be_put_there(arm: Arm, graph: Graph, control: httpx.AsyncClient) -> None:
    wanted = {
        "name": "fleet-001",
        "resourceGroup": "rg-fleet",
        "base": "lab",
        "status": "ChangePending",
        "properties": {"platforms": ["TeamsPhoneMobile"], "futureSetting": 1},
        "testLines": [{"name": "TPM1", "phoneNumber": "+442079460101", "purpose": "Manual"}],
    }
    made = (await control.put("/gateways", json=wanted)).json()
    shown = (await arm.call("GET", made["id"])).json()
    assert (shown["properties"]["platforms"], shown["properties"]["status"]) == (["TeamsPhoneMobile"], "ChangePending")
    assert (shown["properties"]["futureSetting"], shown["sku"]["name"]) == (1, "lab")
    line = (await arm.call("GET", made["id"] + "/testLines/TPM1")).json()
    assert (line["properties"]["purpose"], line["properties"]["provisioningState"]) == ("Manual", "Succeeded")
    principal = await graph.call("GET", f"/servicePrincipals/{made['principalId']}")
    assert principal.json()["displayName"] == "fleet-001"
    replaced = (await control.put("/gateways", json={"name": "contoso-acg"})).json()
    assert (await arm.call("GET", replaced["id"])).status_code == 200


async def test_users_and_service_principals_can_be_put_there(graph: Graph, control: httpx.AsyncClient) -> None:
    user = {"userPrincipalName": "new@contoso.com", "id": "0f0e0d0c-0b0a-4908-8706-050403020100"}
    await control.put("/users", json=user)
    assert (await graph.call("GET", "/users/new@contoso.com")).json()["id"] == user["id"]
    await control.put("/users", json={"userPrincipalName": "new@contoso.com", "remove": True})
    assert (await graph.call("GET", "/users/new@contoso.com")).status_code == 404
    await control.put("/service-principals", json={"appId": PROJECT_SYNERGY, "displayName": "Operator Connect"})
    path = f"/servicePrincipals(appId='{PROJECT_SYNERGY}')"
    assert (await graph.call("GET", path)).json()["displayName"] == "Operator Connect"
    await control.put("/service-principals", json={"appId": PROJECT_SYNERGY, "remove": True})
    assert (await graph.call("GET", path)).status_code == 404


async def test_the_journal(arm: Arm, graph: Graph, control: httpx.AsyncClient) -> None:
    await graph.call("GET", "/domains", **{"client-request-id": "first"})
    gateway = await arm.get()
    mark = (await control.get("/requests")).json()[-1]
    await arm.call("PUT", f"{GATEWAYS}/contoso-acg", gateway)
    rows = (await control.get("/requests", params={"service": "arm", "since": mark["number"]})).json()
    assert [(row["method"], row["status"]) for row in rows] == [("PUT", 200)]
    assert rows[0]["body"]["location"] == "uksouth"
    later = (await control.get("/requests", params={"since": mark["time"]})).json()
    assert [row["number"] for row in later] == [row["number"] for row in rows]
    graph_rows = (await control.get("/requests", params={"service": "graph"})).json()
    assert graph_rows[0]["clientRequestId"] == "first"
    assert "Bearer" not in str(graph_rows)
    await control.delete("/requests")
    assert (await control.get("/requests")).json() == []
    assert (await control.get("/requests", params={"since": "yesterday"})).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", f"{GATEWAYS}/contoso-acg", None),
        ("PATCH", f"{GATEWAYS}/contoso-acg", {"tags": {}}),
    ],
)
async def test_arm_writes_outside_the_list_are_violations(
    method: str, path: str, body: Any, arm: Arm, control: httpx.AsyncClient
) -> None:
    await arm.call(method, path, body)
    assert [row["kind"] for row in (await control.get("/violations")).json()] == ["write-not-allowed"]


async def test_graph_writes_outside_the_list_are_violations(graph: Graph, control: httpx.AsyncClient) -> None:
    other = "8502a0ec-c76d-412f-836c-398018e2312b"
    await graph.call("POST", "/servicePrincipals", {"appId": other})
    await graph.call("POST", "/domains", {"id": "contoso.org"})
    gateway = (await graph.call("GET", f"/servicePrincipals(appId='{other}')")).json()
    role = gateway["appRoles"][0]["id"]
    user = (await graph.call("GET", "/users/voice.admin@contoso.com")).json()["id"]
    body = {"principalId": user, "resourceId": gateway["id"], "appRoleId": role}
    assert (await graph.call("POST", f"/users/{user}/appRoleAssignments", body)).status_code == 201
    said = (await control.get("/violations")).json()
    assert [row["kind"] for row in said] == ["write-not-allowed"] * 3
    assert "AzureCommunicationsGateway" in said[2]["detail"]


async def test_the_writes_of_an_onboarding_are_allowed(arm: Arm, graph: Graph, control: httpx.AsyncClient) -> None:
    gateway = await arm.get()
    await arm.call("PUT", f"{GATEWAYS}/contoso-acg", gateway)
    line = {"location": "uksouth", "properties": {"phoneNumber": "+442079460101", "purpose": "Automated"}}
    await arm.call("PUT", f"{GATEWAYS}/contoso-acg/testLines/OC1", line)
    await graph.add_project_synergy()
    domain = gateway["properties"]["autoGeneratedDomainNameLabel"] + ".commsgw.azure.com"
    await graph.call("POST", "/domains", {"id": domain})
    await graph.call("POST", f"/domains/{domain}/verify")
    assert (await control.get("/violations")).json() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("PUT", "/options", {"armPageSizes": 1}, "Unknown options armPageSizes"),
        ("PUT", "/options", {"armPageSize": 0}, "at least 1"),
        ("PUT", "/options", {"armIdCase": "shouting"}, "one of as-created, lower, upper"),
        ("POST", "/clock", {"advance": -1}, "only moves forward"),
        ("PUT", "/dns", {"name": "x", "values": [], "server": "ns9"}, "Unknown DNS server 'ns9'"),
        ("PUT", "/gateways", {"base": "production"}, "missing 'name'"),
        ("PUT", "/service-principals", {"appId": "nobody"}, "does not reference a valid application"),
    ],
)
async def test_mistakes_get_a_sentence(
    method: str, path: str, body: Any, expected: str, control: httpx.AsyncClient
) -> None:
    answer = await control.request(method, path, json=body)
    assert answer.status_code == 400
    assert expected in answer.json()["error"]


async def test_unknown_routes_name_the_known_ones(control: httpx.AsyncClient) -> None:
    answer = await control.get("/nonsense")
    assert answer.status_code == 404
    assert "POST /reset" in answer.json()["error"]
