"""What the application may write at Microsoft, and everything else."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.azure.allowed import (
    ARM_WRITES,
    GRANTABLE_ROLES,
    GRAPH_READS,
    GRAPH_WRITES,
    MAX_BATCH,
    ForbiddenCallError,
    Grants,
    check_arm,
    check_graph,
)
from onboarding.azure.gateway_resource import GATEWAY_TYPE
from onboarding.azure.permissions import TABLE
from onboarding.ports import AppRole, ServicePrincipal
from onboarding.steps.operator_connect import APPLICATION_ROLES, PROJECT_SYNERGY_APP_ID

SYNERGY_ID = "0a0a0a0a-0000-4000-8000-000000000001"
ADMIN_ID = "5A0E7C94-2f16-4d8b-93ae-c1b70d52e8f4"
FOREIGN_ROLE = "99999999-0000-4000-8000-000000000009"
SUBSCRIPTION = "6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-voice/providers"
GATEWAY = f"{GROUP}/Microsoft.VoiceServices/communicationsGateways/contoso-acg"


def role(role_id: str, value: str) -> AppRole:
    return AppRole(role_id, value, value, for_users=True, for_applications=True)


SYNERGY = ServicePrincipal(
    SYNERGY_ID,
    PROJECT_SYNERGY_APP_ID.upper(),
    "Operator Connect",
    (
        *(role(i, value.upper()) for value, i in APPLICATION_ROLES.items()),
        role(ADMIN_ID, "admin"),
        role(FOREIGN_ROLE, "Billing.Write"),
    ),
)


def grant(role_id: str, resource_id: str = SYNERGY_ID) -> dict[str, Any]:
    return {"principalId": "p", "resourceId": resource_id, "appRoleId": role_id}


def test_the_whole_list() -> None:
    """A new write at Microsoft is a decision: it changes this test, docs/permissions.md and the simulator's list."""
    assert {*ARM_WRITES, *GRAPH_WRITES} == {
        "PUT /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.VoiceServices"
        "/communicationsGateways/{gateway}",
        "PUT /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.VoiceServices"
        "/communicationsGateways/{gateway}/testLines/{line}",
        "PUT /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network"
        "/dnsZones/{zone}/TXT/{record}",
        "POST /servicePrincipals",
        "POST /servicePrincipals/{id}/appRoleAssignedTo",
        "POST /domains",
        "POST /domains/{id}/verify",
        "POST /users/{sender}/sendMail",
    }
    assert {*(v.lower() for v in APPLICATION_ROLES), "partnersettings.write", "admin"} == GRANTABLE_ROLES


@pytest.mark.parametrize("path", [GATEWAY, GATEWAY.upper(), f"{GATEWAY}/testLines/OC1", f"{GATEWAY}/TestLines/OC1"])
def test_gateways_and_test_lines_may_be_put(path: str) -> None:
    check_arm("PUT", path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", GATEWAY),
        ("PATCH", GATEWAY),
        ("POST", GATEWAY),
        ("PUT", f"{GATEWAY}/testLines"),
        ("PUT", f"{GATEWAY}/testLines/.."),
        ("PUT", f"{GATEWAY}/testLines/x%2F..%2F..%2Fother"),
        ("PUT", f"{GATEWAY}/contacts/x"),
        ("PUT", f"{GATEWAY}/testLines/OC1/more"),
        ("PUT", f"{GROUP}/Microsoft.Storage/storageAccounts/x"),
        ("PUT", f"/x{GATEWAY}"),
        ("POST", "/subscriptions/s/providers/Microsoft.VoiceServices/register"),
    ],
)
def test_nothing_else_is_written_in_azure(method: str, path: str) -> None:
    with pytest.raises(ForbiddenCallError):
        check_arm(method, path)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/servicePrincipals", {"appId": PROJECT_SYNERGY_APP_ID.upper(), "displayName": "Operator Connect"}),
        ("/domains", {"id": "abc.commsgw.azure.com"}),
        ("/domains/abc.commsgw.azure.com/verify", None),
        ("/users/onboarding%40contoso.com/sendMail", {"message": {}}),
        ("/users/sean.o%27brien%40contoso.com/sendMail", {"message": {}}),
        ("/users/john_gmail.com%23EXT%23%40contoso.onmicrosoft.com/sendMail", {"message": {}}),
        ("/domains/voice.xn--e1afmkfd.xn--p1ai/verify", None),
    ],
)
def test_graph_takes_what_the_steps_need(path: str, body: Any) -> None:
    check_graph("POST", path, body)


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/applications",
        "/users",
        "/servicePrincipals(appId='eb63d611-525e-4a31-abd7-0cb33f679599')",
        "/servicePrincipals/x",
        "/servicePrincipals/x/appRoleAssignments",
        "/users/x/appRoleAssignments",
        "/domains/x",
        "/domains/x/promote",
        "/domains/x/forceDelete",
        "/policies/authorizationPolicy",
        "/teams",
        "/communications/trunks",
        "/../beta/domains",
        "//domains",
        "/domains/",
    ],
)
def test_nothing_else_is_written_in_graph(method: str, path: str) -> None:
    with pytest.raises(ForbiddenCallError):
        check_graph(method, path, {"appId": PROJECT_SYNERGY_APP_ID}, Grants.of(SYNERGY))


@pytest.mark.parametrize(
    "body", [None, {}, {"appId": "8502a0ec-c76d-412f-836c-398018e2312b"}, [PROJECT_SYNERGY_APP_ID]]
)
def test_only_project_synergy_is_added(body: Any) -> None:
    with pytest.raises(ForbiddenCallError, match=PROJECT_SYNERGY_APP_ID):
        check_graph("POST", "/servicePrincipals", body)


def test_only_the_seven_roles_and_admin_are_granted_by_value_whatever_their_ids() -> None:
    grants = Grants.of(SYNERGY)
    path = f"/servicePrincipals/{SYNERGY_ID}/appRoleAssignedTo"
    for role_id in (*APPLICATION_ROLES.values(), ADMIN_ID.lower(), ADMIN_ID.upper()):
        check_graph("POST", path, grant(role_id), grants)
    for role_id in (FOREIGN_ROLE, "00000000-0000-0000-0000-000000000000", ""):
        with pytest.raises(ForbiddenCallError, match="one of Project Synergy's roles"):
            check_graph("POST", path, grant(role_id), grants)


def test_the_articles_ids_are_not_enough_when_the_tenant_has_others() -> None:
    elsewhere = ServicePrincipal(SYNERGY_ID, PROJECT_SYNERGY_APP_ID, "", (role("other-id", "Data.Read"),))
    path = f"/servicePrincipals/{SYNERGY_ID}/appRoleAssignedTo"
    check_graph("POST", path, grant("other-id"), Grants.of(elsewhere))
    with pytest.raises(ForbiddenCallError):
        check_graph("POST", path, grant(APPLICATION_ROLES["Data.Read"]), Grants.of(elsewhere))


def test_roles_of_another_application_are_never_granted() -> None:
    microsoft_graph = ServicePrincipal(
        SYNERGY_ID, "00000003-0000-0000-c000-000000000000", "", (role("r", "Data.Read"),)
    )
    path = f"/servicePrincipals/{SYNERGY_ID}/appRoleAssignedTo"
    for body, grants in (
        (grant("r"), Grants.of(microsoft_graph)),
        (grant(ADMIN_ID), None),
        (grant(ADMIN_ID, "another-resource"), Grants.of(SYNERGY)),
    ):
        with pytest.raises(ForbiddenCallError):
            check_graph("POST", path, body, grants)
    other = "/servicePrincipals/another-resource/appRoleAssignedTo"
    with pytest.raises(ForbiddenCallError):
        check_graph("POST", other, grant(ADMIN_ID, "another-resource"), Grants.of(SYNERGY))


def test_a_batch_is_judged_by_what_is_in_it() -> None:
    good = {"id": "1", "method": "GET", "url": "/users/voice.admin%40contoso.com?$select=id"}
    add = {"id": "2", "method": "POST", "url": "/domains", "body": {"id": "x.example"}}
    check_graph("POST", "/$batch", {"requests": [good, add]})
    for bad in (
        {"id": "3", "method": "DELETE", "url": "/users/x"},
        {"id": "3", "method": "POST", "url": "/servicePrincipals", "body": {"appId": "another"}},
        {"id": "3", "method": "POST", "url": "/$batch", "body": {"requests": [good]}},
    ):
        with pytest.raises(ForbiddenCallError):
            check_graph("POST", "/$batch", {"requests": [good, bad]})


@pytest.mark.parametrize("count", [0, MAX_BATCH + 1])
def test_a_batch_has_its_size(count: int) -> None:
    requests = [{"id": str(n), "method": "GET", "url": "/domains"} for n in range(count)]
    with pytest.raises(ForbiddenCallError, match="1 to 20"):
        check_graph("POST", "/$batch", {"requests": requests})


GRAPH_READ = (
    f"/applications(appId='{PROJECT_SYNERGY_APP_ID}')",
    f"/servicePrincipals(appId='{PROJECT_SYNERGY_APP_ID}')",
    f"/servicePrincipals/{SYNERGY_ID}",
    f"/servicePrincipals/{SYNERGY_ID}/appRoleAssignments",
    f"/servicePrincipals/{SYNERGY_ID}/appRoleAssignedTo",
    "/users/voice.admin%40contoso.com",
    f"/users/{SYNERGY_ID}/appRoleAssignments",
    "/domains/abc.commsgw.azure.com",
    "/domains/abc.commsgw.azure.com/verificationDnsRecords",
)


def test_what_the_steps_read_may_be_read() -> None:
    for path in (GATEWAY, f"{GATEWAY}/testLines", f"/subscriptions/{SUBSCRIPTION}/providers/{GATEWAY_TYPE}"):
        check_arm("GET", path)
    for path in GRAPH_READ:
        check_graph("GET", path)
    assert len(GRAPH_READ) == len(GRAPH_READS)


def test_what_is_read_is_what_the_table_of_permissions_says() -> None:
    calls = {row["call"] for row in TABLE["calls"] if row["call"].startswith("GET ")}
    assert calls == set(GRAPH_READS)


@pytest.mark.parametrize(
    "path",
    [
        f"/servicePrincipals/{SYNERGY_ID}/owners",
        f"/servicePrincipals/{SYNERGY_ID}%2Fowners",
        f"/servicePrincipals/{SYNERGY_ID}/owners/appRoleAssignments",
        "/servicePrincipals/x",
        "/servicePrincipals(appId='x')",
        "/users/x",
        "/users/voice.admin@contoso.com/messages",
        "/users/voice.admin@contoso.com%2Fmessages",
        "/users/..",
        "/domains/abc",
        "/domains/abc.example%0A",
        "/applications",
        "/me",
    ],
)
def test_nothing_else_is_read_not_in_a_batch_either(path: str) -> None:
    """`gatewayPrincipalId: "<id>/owners"` made another GET in a batch."""
    with pytest.raises(ForbiddenCallError):
        check_graph("GET", path)
    with pytest.raises(ForbiddenCallError):
        check_graph("POST", "/$batch", {"requests": [{"id": "1", "method": "GET", "url": path}]})


@pytest.mark.parametrize(
    "path",
    [
        GATEWAY.replace(SUBSCRIPTION, "s"),
        GATEWAY.replace("rg-voice", "rg voice"),
        GATEWAY.replace("rg-voice", "rg."),
        GATEWAY.replace("contoso-acg", "a"),
        f"{GATEWAY}/testLines/OC1",
        f"{GROUP}/Microsoft.Storage/storageAccounts/x",
        "/subscriptions",
    ],
)
def test_nothing_else_is_read_in_azure(path: str) -> None:
    with pytest.raises(ForbiddenCallError):
        check_arm("GET", path)


TXT_SET = f"{GROUP}/Microsoft.Network/dnsZones/contoso.com/TXT"


def txt_set(*values: list[str]) -> dict[str, Any]:
    return {"properties": {"TTL": 60, "TXTRecords": [{"value": value} for value in values]}}


@pytest.mark.parametrize("name", ["@", "sip", "a.sip", "_sip"])
def test_a_txt_set_is_written_with_a_proof_at_its_end(name: str) -> None:
    check_arm("PUT", f"{TXT_SET}/{name}", txt_set(["v=spf1", " -all"], ["MS=ms1"]))
    check_arm("GET", f"{TXT_SET}/{name}")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", f"{TXT_SET}/@", None),
        ("PUT", f"{TXT_SET}/@", {}),
        ("PUT", f"{TXT_SET}/@", txt_set()),
        ("PUT", f"{TXT_SET}/@", txt_set(["v=spf1 -all"])),
        ("PUT", f"{TXT_SET}/@", txt_set(["MS=ms1"], ["v=spf1 -all"])),
        ("PUT", f"{TXT_SET}/@", {"properties": {"TXTRecords": ["MS=ms1"]}}),
        ("DELETE", f"{TXT_SET}/@", None),
        ("PATCH", f"{TXT_SET}/@", txt_set(["MS=ms1"])),
        ("PUT", f"{TXT_SET}/sip/x", txt_set(["MS=ms1"])),
        ("PUT", f"{TXT_SET}/a%2Fb", txt_set(["MS=ms1"])),
        ("PUT", f"{TXT_SET}/..", txt_set(["MS=ms1"])),
        ("PUT", TXT_SET.replace("/TXT", "/CNAME/www"), txt_set(["MS=ms1"])),
        ("PUT", TXT_SET.removesuffix("/TXT"), txt_set(["MS=ms1"])),
        ("GET", TXT_SET, None),
    ],
)
def test_nothing_else_is_written_in_a_zone(method: str, path: str, body: Any) -> None:
    with pytest.raises(ForbiddenCallError):
        check_arm(method, path, body)


def test_nothing_is_written_to_what_is_not_written_like_a_name() -> None:
    for path in ("/domains/abc/verify", "/users/x/sendMail"):
        with pytest.raises(ForbiddenCallError, match="is not written like one"):
            check_graph("POST", path)
    for path in (GATEWAY.replace(SUBSCRIPTION, "s"), f"{GATEWAY}/testLines/a%20b"):
        with pytest.raises(ForbiddenCallError, match="is not written like one"):
            check_arm("PUT", path)


def test_the_message_shows_no_users_name() -> None:
    with pytest.raises(ForbiddenCallError) as caught:
        check_graph("DELETE", "/users/voice.admin%40contoso.com")
    assert "voice.admin" not in str(caught.value)
