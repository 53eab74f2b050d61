"""The simulator's tables and small rules: permissions, filters, allowed writes, options, skip tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.microsoft import paging
from sandbox.microsoft.clock import Clock
from sandbox.microsoft.exchange import Request
from sandbox.microsoft.faults import Faults
from sandbox.microsoft.graph.errors import GraphError
from sandbox.microsoft.graph.permissions import allowed, alternatives
from sandbox.microsoft.graph.query import matches
from sandbox.microsoft.options import Options, camel
from sandbox.microsoft.specs import graph, graph_permissions
from sandbox.microsoft.world import SEED
from sandbox.microsoft.writes import allowed_writes, is_allowed

ASSIGN = "/servicePrincipals/{servicePrincipal-id}/appRoleAssignedTo"


@pytest.mark.parametrize(
    ("granted", "enough"),
    [
        ({"AppRoleAssignment.ReadWrite.All", "Application.Read.All"}, True),
        ({"AppRoleAssignment.ReadWrite.All", "Directory.Read.All"}, True),
        ({"AppRoleAssignment.ReadWrite.All", "Application.ReadWrite.All"}, True),
        ({"AppRoleAssignment.ReadWrite.All"}, False),
        ({"Application.Read.All"}, False),
        ({"Application.ReadWrite.All"}, False),
        (set(), False),
    ],
)
def test_assigning_app_roles_takes_two_permissions(granted: set[str], enough: bool) -> None:
    assert allowed("POST", ASSIGN, granted) is enough


def test_every_row_of_microsofts_table_can_be_read() -> None:
    for row in graph_permissions():
        method, _, template = row.partition(" ")
        assert alternatives(method, template), row


def test_every_simulated_call_has_a_row() -> None:
    from sandbox.microsoft.graph.calls import HANDLERS

    for operation in graph().operations:
        if operation.id in HANDLERS and operation.id != "servicePrincipal_GetCount":
            assert alternatives(operation.method, operation.template), operation.id


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, True),
        ("displayName eq 'CONTOSO-acg'", True),
        ("displayName eq 'other'", False),
        ("displayName eq 'contoso-acg' and appId eq 'a1'", True),
        ("displayName eq 'contoso-acg' and appId eq 'b2'", False),
        ("appId in ('x', 'a1')", True),
        ("startswith(displayName, 'contoso')", True),
        ("startswith(displayName,'acg')", False),
    ],
)
def test_filters(text: str | None, found: bool) -> None:
    row = {"displayName": "contoso-acg", "appId": "a1"}
    assert matches("servicePrincipal", text)(row) is found


def test_a_quote_in_a_filter_is_doubled() -> None:
    assert matches("servicePrincipal", "displayName eq 'it''s'")({"displayName": "it's"})


@pytest.mark.parametrize("text", ["displayName ne 'x'", "displayName", "appId eq 'a' or appId eq 'b'", "tags eq 'x'"])
def test_filters_that_are_not_supported(text: str) -> None:
    with pytest.raises(GraphError, match="Request_UnsupportedQuery"):
        matches("servicePrincipal", text)


def request(service: str, method: str, path: str, body: Any = None) -> tuple[Request, Any]:
    return Request(service, method, path, {}, {}, json.dumps(body).encode(), "https://127.0.0.1"), body


SYNERGY = "eb63d611-525e-4a31-abd7-0cb33f679599"


@pytest.mark.parametrize(
    ("call", "resource", "expected"),
    [
        (("graph", "POST", "/v1.0/servicePrincipals", {"appId": SYNERGY}), None, True),
        (("graph", "POST", "/v1.0/servicePrincipals", {"appId": "other"}), None, False),
        (("graph", "POST", "/v1.0/servicePrincipals/x/appRoleAssignedTo", {}), "Project Synergy", True),
        (("graph", "POST", "/v1.0/servicePrincipals/x/appRoleAssignedTo", {}), "Microsoft Graph", False),
        (("graph", "DELETE", "/v1.0/servicePrincipals/x"), None, False),
        (("graph", "POST", "/v1.0/domains", {"id": "abc.commsgw.azure.com"}), None, True),
        (("graph", "POST", "/v1.0/domains", {"id": "contoso.com"}), None, False),
        (("graph", "POST", "/v1.0/domains/contoso.com/verify"), None, False),
        (("arm", "PATCH", "/providers/Microsoft.VoiceServices/communicationsGateways/x"), None, False),
        (("arm", "PUT", "/s/providers/Microsoft.VoiceServices/communicationsGateways/x/testLines/OC1"), None, True),
        (("teams", "POST", "/workflows/x/triggers/manual/paths/invoke", {}), None, True),
    ],
)
def test_allowed_writes(call: tuple[Any, ...], resource: str | None, expected: bool) -> None:
    made, body = request(*call)
    assert is_allowed(made, body, resource) is expected


def test_no_allowed_write_touches_calling_profiles_or_trunks() -> None:
    text = json.dumps([vars(row) if hasattr(row, "__dict__") else repr(row) for row in allowed_writes()]).lower()
    assert "trunk" not in text
    assert "callingprofile" not in text


def test_options_have_camel_case_names() -> None:
    assert camel("arm_page_size") == "armPageSize"
    options = Options()
    options.update({"armPageSize": 7, "domainsHeldElsewhere": ["x.com"]})
    assert (options.arm_page_size, options.domains_held_elsewhere) == (7, ["x.com"])


def test_a_bad_option_changes_nothing() -> None:
    options = Options()
    with pytest.raises(ValueError, match="Unknown options nonsense"):
        options.update({"armPageSize": 7, "nonsense": 1})
    assert options.arm_page_size == 100


def test_skip_tokens() -> None:
    assert paging.offset(None) == 0
    assert paging.offset(paging.token(40)) == 40
    for text in ("", "nonsense", "cm93czp4", "€"):
        with pytest.raises(ValueError, match="not one that an answer gave"):
            paging.offset(text)


def test_the_seed_has_the_articles_role_ids() -> None:
    seed = json.loads(Path(SEED).read_text(encoding="utf-8"))
    synergy = next(app for app in seed["applications"] if app["appId"] == SYNERGY)
    kinds = {role["value"]: role["allowedMemberTypes"] for role in synergy["appRoles"]}
    assert kinds.pop("Admin") == ["User"]
    assert set(kinds) == {
        "TrunkManagement.Read",
        "TrunkManagement.Write",
        "PartnerSettings.Read",
        "NumberManagement.Read",
        "NumberManagement.Write",
        "Data.Read",
        "Data.Write",
    }
    assert all(kind == ["Application"] for kind in kinds.values())


def test_a_call_that_crossed_the_refusal_is_refused_but_not_blamed() -> None:
    faults = Faults(Clock(source=lambda: 1_800_000_000.0))
    made, _ = request("graph", "GET", "/v1.0/domains")
    other, _ = request("graph", "GET", "/v1.0/users/x")
    faults.throttle(made, 5)
    assert faults.too_early(made) == (0.0, 5)
    assert faults.too_early(other) is None
    faults.clock.advance(4)
    assert faults.too_early(made) == (1, 10)
    faults.clock.advance(10)
    assert faults.too_early(made) is None
    assert faults.too_early(made) is None
