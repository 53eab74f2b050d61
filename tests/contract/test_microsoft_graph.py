"""Graph: service principals, app roles, users, domains and mail, and the errors seen in the field."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.microsoft import Microsoft
from tests.contract.conftest import GATEWAYS, PROJECT_SYNERGY, Arm, Graph, token
from tests.contract.described import example

ARTICLE = {
    "TrunkManagement.Read": "72129ccd-8886-42db-a63c-2647b61635c1",
    "TrunkManagement.Write": "e907ba07-8ad0-40be-8d72-c18a0b3c156b",
    "PartnerSettings.Read": "d6b0de4a-aab5-4261-be1b-0e1800746fb2",
    "NumberManagement.Read": "130ecbe2-d1e6-4bbd-9a8d-9a7a909b876e",
    "NumberManagement.Write": "752b4e79-4b85-4e33-a6ef-5949f0d7d553",
    "Data.Read": "eb63d611-525e-4a31-abd7-0cb33f679599",
    "Data.Write": "98d32f93-eaa7-4657-b443-090c23e69f27",
}
DOMAIN = "0123456789abcdef.commsgw.azure.com"


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def message(answer: httpx.Response) -> str:
    return answer.json()["error"]["message"]


async def gateway_principal(graph: Graph) -> dict[str, Any]:
    found = await graph.call("GET", "/servicePrincipals?$filter=displayName eq 'contoso-acg'")
    return found.json()["value"][0]


async def test_project_synergy_is_not_in_the_tenant_until_it_is_added(graph: Graph) -> None:
    path = f"/servicePrincipals(appId='{PROJECT_SYNERGY}')"
    absent = await graph.call("GET", path)
    assert code(absent) == (404, "Request_ResourceNotFound")
    assert {"date", "request-id", "client-request-id"} == set(absent.json()["error"]["innerError"])
    made = await graph.add_project_synergy()
    assert (made["displayName"], made["appDisplayName"]) == ("Operator Connect", "Project Synergy")
    found = (await graph.call("GET", path)).json()
    assert found["id"] == made["id"]
    roles = {role["value"]: role for role in found["appRoles"]}
    assert {name: roles[name]["id"] for name in ARTICLE} == ARTICLE
    assert all(roles[name]["allowedMemberTypes"] == ["Application"] for name in ARTICLE)
    assert roles["Admin"]["allowedMemberTypes"] == ["User"]


async def test_adding_it_again_conflicts(graph: Graph) -> None:
    await graph.add_project_synergy()
    again = await graph.call("POST", "/servicePrincipals", {"appId": PROJECT_SYNERGY})
    assert code(again) == (409, "Request_MultipleObjectsWithSameKeyValue")
    assert f"the service principal name {PROJECT_SYNERGY} is already in use" in message(again)


async def test_upsert_needs_the_prefer_header_to_create(graph: Graph) -> None:
    path = f"/servicePrincipals(appId='{PROJECT_SYNERGY}')"
    assert (await graph.call("PATCH", path, {"displayName": "x"})).status_code == 404
    made = await graph.call("PATCH", path, {"displayName": "Operator Connect"}, Prefer="create-if-missing")
    assert (made.status_code, made.json()["displayName"]) == (201, "Operator Connect")
    changed = await graph.call("PATCH", path, {"displayName": "Renamed"}, Prefer="create-if-missing")
    assert changed.status_code == 204
    assert (await graph.call("GET", path)).json()["displayName"] == "Renamed"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "A value is required for property 'appId'"),
        ({"appId": "11111111-2222-3333-4444-555555555555"}, "does not reference a valid application object"),
        ({"appId": PROJECT_SYNERGY, "color": "red"}, "Invalid request body at $"),
    ],
)
async def test_bad_service_principals(body: Any, expected: str, graph: Graph) -> None:
    answer = await graph.call("POST", "/servicePrincipals", body)
    assert code(answer) == (400, "Request_BadRequest")
    assert expected in message(answer)


async def test_finding_the_gateways_service_principal(graph: Graph, arm: Arm) -> None:
    identity = (await arm.get())["identity"]
    by_id = (await graph.call("GET", f"/servicePrincipals/{identity['principalId']}")).json()
    assert (by_id["displayName"], by_id["servicePrincipalType"]) == ("contoso-acg", "ManagedIdentity")
    listed = await graph.call("GET", "/servicePrincipals?$filter=displayName eq 'contoso-acg'&$select=id,appId")
    assert listed.json()["value"] == [{"id": by_id["id"], "appId": by_id["appId"]}]
    by_app = await graph.call("GET", f"/servicePrincipals?$filter=appId eq '{by_id['appId'].upper()}'")
    assert [row["id"] for row in by_app.json()["value"]] == [by_id["id"]]


async def test_a_new_gateway_brings_its_service_principal_and_takes_it_away(graph: Graph, arm: Arm) -> None:
    body = example("CommunicationsGateways_CreateOrUpdate")["parameters"]["resource"]
    made = (await arm.call("PUT", f"{GATEWAYS}/new-acg", body)).json()
    path = f"/servicePrincipals/{made['identity']['principalId']}"
    assert (await graph.call("GET", path)).json()["displayName"] == "new-acg"
    await arm.call("DELETE", f"{GATEWAYS}/new-acg")
    assert (await graph.call("GET", path)).status_code == 404


async def test_queries(graph: Graph, microsoft: Microsoft) -> None:
    microsoft.world.options.update({"graphPageSize": 4})
    names, url, count = [], "/servicePrincipals?$select=displayName", 0
    while url:
        page = (await graph.client.get(url)).json()
        names += [row["displayName"] for row in page["value"]]
        url, count = page.get("@odata.nextLink"), count + 1
    assert (len(names), count) == (11, 3)
    counted = await graph.call("GET", "/servicePrincipals?$count=true&$top=1", ConsistencyLevel="eventual")
    assert (counted.json()["@odata.count"], len(counted.json()["value"])) == (11, 1)
    plain = await graph.call("GET", "/servicePrincipals/$count", ConsistencyLevel="eventual")
    assert plain.text == "11"
    several = "/servicePrincipals?$filter=displayName in ('contoso-acg','contoso-lab-acg')"
    assert len((await graph.call("GET", several)).json()["value"]) == 2
    starting = (
        "/servicePrincipals?$filter=startswith(displayName,'contoso-') and servicePrincipalType eq 'ManagedIdentity'"
    )
    assert len((await graph.client.get(starting + "&$top=50")).json()["value"]) == 6


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("$filter=displayName ne 'x'", (400, "Request_UnsupportedQuery")),
        ("$filter=notes eq 'x'", (400, "Request_UnsupportedQuery")),
        (f"$filter=appId eq {PROJECT_SYNERGY}", (400, "BadRequest")),
        ("$select=nonsense", (400, "BadRequest")),
        ("$count=true", (400, "Request_BadRequest")),
        ("$skiptoken=nonsense", (400, "Request_BadRequest")),
        ("$orderby=displayName", (400, "Request_UnsupportedQuery")),
    ],
)
async def test_queries_that_graph_refuses(query: str, expected: tuple[int, str], graph: Graph) -> None:
    assert code(await graph.call("GET", f"/servicePrincipals?{query}")) == expected


@pytest.mark.parametrize("side", ["appRoleAssignedTo", "appRoleAssignments"])
async def test_application_roles(side: str, graph: Graph) -> None:
    synergy, principal = await graph.add_project_synergy(), await gateway_principal(graph)
    owner = synergy if side == "appRoleAssignedTo" else principal
    for role in ARTICLE.values():
        body = {"principalId": principal["id"], "resourceId": synergy["id"], "appRoleId": role}
        made = await graph.call("POST", f"/servicePrincipals/{owner['id']}/{side}", body)
        assert made.status_code == 201, made.text
        assert made.json()["principalType"] == "ServicePrincipal"
        assert made.json()["resourceDisplayName"] == "Operator Connect"
    for path in (f"{principal['id']}/appRoleAssignments", f"{synergy['id']}/appRoleAssignedTo"):
        rows = (await graph.call("GET", f"/servicePrincipals/{path}")).json()["value"]
        assert {row["appRoleId"] for row in rows} == set(ARTICLE.values())


@pytest.mark.parametrize(
    ("variant", "status", "text"),
    [
        ("bad-request", 400, "Permission being assigned already exists on the object"),
        ("entitlement", 400, "EntitlementGrant entry already exists."),
        ("conflict", 409, "Permission being assigned already exists on the object"),
    ],
)
async def test_assigning_twice(variant: str, status: int, text: str, graph: Graph, microsoft: Microsoft) -> None:
    microsoft.world.options.update({"duplicateAssignment": variant})
    synergy, principal = await graph.add_project_synergy(), await gateway_principal(graph)
    body = {"principalId": principal["id"], "resourceId": synergy["id"], "appRoleId": ARTICLE["Data.Write"]}
    assert (await graph.call("POST", f"/servicePrincipals/{synergy['id']}/appRoleAssignedTo", body)).status_code == 201
    again = await graph.call("POST", f"/servicePrincipals/{principal['id']}/appRoleAssignments", body)
    assert (again.status_code, message(again)) == (status, text)


async def test_assignments_that_do_not_fit(graph: Graph) -> None:
    synergy, principal = await graph.add_project_synergy(), await gateway_principal(graph)
    path = f"/servicePrincipals/{synergy['id']}/appRoleAssignedTo"
    good = {"principalId": principal["id"], "resourceId": synergy["id"], "appRoleId": ARTICLE["Data.Read"]}
    admin = next(role["id"] for role in synergy["appRoles"] if role["value"] == "Admin")
    nobody = "11111111-2222-4333-8444-555555555555"
    unknown_role = await graph.call("POST", path, good | {"appRoleId": nobody})
    assert message(unknown_role) == "Permission being assigned was not found on application"
    user_role = await graph.call("POST", path, good | {"appRoleId": admin})
    assert code(user_role) == (400, "Request_BadRequest")
    unknown_principal = await graph.call("POST", path, good | {"principalId": nobody})
    assert message(unknown_principal).startswith("Not a valid reference update")
    wrong_side = await graph.call("POST", path, good | {"resourceId": principal["id"]})
    assert wrong_side.status_code == 400
    absent = await graph.call("POST", f"/servicePrincipals/{nobody}/appRoleAssignedTo", good | {"resourceId": nobody})
    assert code(absent) == (404, "Request_ResourceNotFound")
    assert (await graph.call("POST", path, {"principalId": principal["id"]})).status_code == 400


async def test_the_admin_user(graph: Graph) -> None:
    synergy = await graph.add_project_synergy()
    user = (await graph.call("GET", "/users/Voice.Admin@contoso.com")).json()
    assert set(user) >= {"id", "displayName", "userPrincipalName", "mail"}
    assert "userType" not in user, "only the default properties come without $select"
    admin = next(role["id"] for role in synergy["appRoles"] if role["value"] == "Admin")
    body = {"principalId": user["id"], "resourceId": synergy["id"], "appRoleId": admin}
    made = await graph.call("POST", f"/users/{user['id']}/appRoleAssignments", body)
    assert (made.status_code, made.json()["principalType"]) == (201, "User")
    path = f"/users/{user['id']}/appRoleAssignments?$filter=resourceId eq {synergy['id']}"
    assert [row["appRoleId"] for row in (await graph.call("GET", path)).json()["value"]] == [admin]
    quoted = await graph.call("GET", f"/users/{user['id']}/appRoleAssignments?$filter=resourceId eq '{synergy['id']}'")
    assert quoted.status_code == 400
    assert code(await graph.call("GET", "/users/nobody@contoso.com")) == (404, "Request_ResourceNotFound")


async def test_a_tenant_may_have_another_id_for_data_read(graph: Graph, microsoft: Microsoft) -> None:
    other = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455"
    microsoft.world.options.update({"dataReadRoleId": other})
    await graph.add_project_synergy()
    synergy = (await graph.call("GET", f"/servicePrincipals(appId='{PROJECT_SYNERGY}')")).json()
    principal = await gateway_principal(graph)
    assert {role["value"]: role["id"] for role in synergy["appRoles"]}["Data.Read"] == other
    body = {"principalId": principal["id"], "resourceId": synergy["id"], "appRoleId": ARTICLE["Data.Read"]}
    path = f"/servicePrincipals/{synergy['id']}/appRoleAssignedTo"
    assert (await graph.call("POST", path, body)).status_code == 400
    assert (await graph.call("POST", path, body | {"appRoleId": other})).status_code == 201


@pytest.mark.parametrize("lag", [{"replicationSeconds": 10}, {"replicationCalls": 2}])
async def test_new_objects_take_their_time_to_replicate(lag: Any, graph: Graph, microsoft: Microsoft) -> None:
    microsoft.world.options.update(lag)
    made = await graph.add_project_synergy()
    path = f"/servicePrincipals(appId='{PROJECT_SYNERGY}')"
    assert (await graph.call("GET", path)).status_code == 404
    assert (await graph.call("POST", "/servicePrincipals", {"appId": PROJECT_SYNERGY})).status_code == 409
    listed = await graph.call("GET", "/servicePrincipals?$top=50")
    assert made["id"] not in [row["id"] for row in listed.json()["value"]]
    microsoft.world.clock.advance(10)
    assert (await graph.call("GET", path)).status_code == 200


async def test_a_domain_from_adding_to_verified(graph: Graph, microsoft: Microsoft) -> None:
    made = await graph.call("POST", "/domains", {"id": DOMAIN})
    assert (made.status_code, made.json()["isVerified"]) == (201, False)
    records = (await graph.call("GET", f"/domains/{DOMAIN}/verificationDnsRecords")).json()["value"]
    txt = next(row for row in records if row["@odata.type"] == "#microsoft.graph.domainDnsTxtRecord")
    assert (txt["label"], txt["recordType"], txt["ttl"]) == (DOMAIN, "Txt", 3600)
    early = await graph.call("POST", f"/domains/{DOMAIN}/verify")
    assert code(early) == (400, "Request_BadRequest")
    assert message(early).startswith("Domain verification failed with the following error: 'Error in DNS verification")
    microsoft.world.records.put("*", DOMAIN, ["MS=ms00000000", txt["text"]])
    verified = await graph.call("POST", f"/domains/{DOMAIN}/verify")
    assert (verified.status_code, verified.json()["isVerified"]) == (200, True)
    assert (await graph.call("GET", f"/domains/{DOMAIN}")).json()["isVerified"] is True
    assert message(await graph.call("POST", f"/domains/{DOMAIN}/verify")) == "Domain is already verified."


async def test_verifying_asks_public_dns_only(graph: Graph, microsoft: Microsoft) -> None:
    await graph.call("POST", "/domains", {"id": DOMAIN})
    text = microsoft.world.directory.verification_text(DOMAIN)
    for server in ("ns1", "ns2"):
        microsoft.world.records.put(server, DOMAIN, [text])
    assert (await graph.call("POST", f"/domains/{DOMAIN}/verify")).status_code == 400
    microsoft.world.records.put("resolver", DOMAIN, [text])
    assert (await graph.call("POST", f"/domains/{DOMAIN}/verify")).status_code == 200


async def test_a_domain_held_by_another_tenant(graph: Graph, microsoft: Microsoft) -> None:
    microsoft.world.options.update({"domainsHeldElsewhere": [DOMAIN]})
    assert (await graph.call("POST", "/domains", {"id": DOMAIN})).status_code == 201
    microsoft.world.records.put("*", DOMAIN, [microsoft.world.directory.verification_text(DOMAIN)])
    refused = await graph.call("POST", f"/domains/{DOMAIN}/verify")
    assert "Domain is being used by an active tenant" in message(refused)
    assert refused.json()["error"]["details"][0] | {"message": ""} == {
        "code": "DomainInUse",
        "target": "Name.Conflict",
        "message": "",
    }


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("bad-request", (400, "Request_BadRequest")),
        ("conflict", (409, "Request_MultipleObjectsWithSameKeyValue")),
    ],
)
async def test_adding_a_domain_twice(variant: str, expected: Any, graph: Graph, microsoft: Microsoft) -> None:
    microsoft.world.options.update({"duplicateDomain": variant})
    await graph.call("POST", "/domains", {"id": DOMAIN})
    again = await graph.call("POST", "/domains", {"id": DOMAIN.upper()})
    assert code(again) == expected
    assert again.json()["error"]["details"][0]["code"] == "ConflictingObjects"


async def test_other_domains(graph: Graph) -> None:
    child = await graph.call("POST", "/domains", {"id": "voice.contoso.com"})
    assert (child.json()["isVerified"], child.json()["isRoot"]) == (True, False)
    assert (await graph.call("POST", "/domains", {"id": "no domain"})).status_code == 400
    assert (await graph.call("POST", "/domains", {})).status_code == 400
    assert code(await graph.call("GET", "/domains/absent.com")) == (404, "Request_ResourceNotFound")
    names = {row["id"] for row in (await graph.call("GET", "/domains?$select=id,isVerified")).json()["value"]}
    assert names == {"contoso.com", "contoso.onmicrosoft.com", "voice.contoso.com"}


@pytest.mark.parametrize(("spelling", "saving"), [("message", "saveToSentItems"), ("Message", "SaveToSentItems")])
async def test_mail(spelling: str, saving: str, graph: Graph, microsoft: Microsoft) -> None:
    body = {
        spelling: {
            "subject": "Please publish a TXT record",
            "body": {"contentType": "Text", "content": "value"},
            "toRecipients": [{"emailAddress": {"address": "team@example.com"}}],
        },
        saving: False,
    }
    sent = await graph.call("POST", "/users/onboarding@contoso.com/sendMail", body)
    assert (sent.status_code, sent.content) == (202, b"")
    mail = microsoft.world.mailbox.mails[0]
    assert (mail.sender, mail.recipients, mail.text) == ("onboarding@contoso.com", ["team@example.com"], "value")
    other = await graph.call("POST", "/users/voice.admin@contoso.com/sendMail", body)
    assert code(other) == (403, "ErrorAccessDenied")
    nobody = await graph.call("POST", "/users/onboarding@contoso.com/sendMail", {spelling: {"subject": "to nobody"}})
    assert code(nobody) == (400, "ErrorInvalidRecipients")


@pytest.mark.parametrize(
    ("removed", "method", "path"),
    [
        ("Application.ReadWrite.All", "POST", "/servicePrincipals"),
        ("AppRoleAssignment.ReadWrite.All", "POST", "/servicePrincipals/x/appRoleAssignedTo"),
        ("AppRoleAssignment.ReadWrite.All", "POST", "/users/x/appRoleAssignments"),
        ("User.ReadBasic.All", "GET", "/users/voice.admin@contoso.com"),
        ("Domain.ReadWrite.All", "POST", "/domains"),
        ("Domain.ReadWrite.All", "GET", "/domains"),
        ("Domain.ReadWrite.All", "POST", f"/domains/{DOMAIN}/verify"),
    ],
)
async def test_calls_need_their_permission(
    removed: str, method: str, path: str, graph: Graph, control: httpx.AsyncClient
) -> None:
    await control.put("/permissions", json={"remove": [removed]})
    refused = await graph.call(method, path, {} if method == "POST" else None)
    assert code(refused) == (403, "Authorization_RequestDenied")
    assert message(refused) == "Insufficient privileges to complete the operation."


async def test_assigning_roles_needs_reading_too(graph: Graph, microsoft: Microsoft) -> None:
    for identity in microsoft.world.identities.all:
        identity.graph_permissions = {"AppRoleAssignment.ReadWrite.All"}
    assert (await graph.call("POST", "/servicePrincipals/x/appRoleAssignedTo", {})).status_code == 403
    for identity in microsoft.world.identities.all:
        identity.graph_permissions = {"Application.ReadWrite.All"}
    assert (await graph.call("POST", "/servicePrincipals/x/appRoleAssignedTo", {})).status_code == 403


async def test_owned_by_cannot_add_a_foreign_application(graph: Graph, microsoft: Microsoft) -> None:
    for identity in microsoft.world.identities.all:
        identity.graph_permissions = {"Application.ReadWrite.OwnedBy"}
    refused = await graph.call("POST", "/servicePrincipals", {"appId": PROJECT_SYNERGY})
    assert code(refused) == (403, "Authorization_RequestDenied")
    assert "must in the local tenant" in message(refused)


async def test_tokens_and_paths_are_checked(graph: Graph, microsoft: Microsoft) -> None:
    assert code(await graph.call("GET", "/organization")) == (400, "BadRequest")
    assert code(await graph.call("DELETE", "/domains/contoso.com")) == (501, "notImplemented")
    graph.client.headers["Authorization"] = "Bearer " + await token(microsoft, "https://management.azure.com")
    wrong = await graph.call("GET", "/domains")
    assert code(wrong) == (401, "InvalidAuthenticationToken")
    assert "Invalid audience" in message(wrong)
    del graph.client.headers["Authorization"]
    assert message(await graph.call("GET", "/domains")) == "Access token is empty."


async def test_the_callers_request_id_comes_back(graph: Graph) -> None:
    answer = await graph.call("GET", "/domains", **{"client-request-id": "my-id"})
    assert answer.headers["client-request-id"] == "my-id"
    assert answer.headers["request-id"]
