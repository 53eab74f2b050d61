"""Each identity gets exactly the roles that docs/permissions.md names, where it names them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from onboarding.azure.allowed import ARM_WRITES
from onboarding.azure.permissions import TABLE
from onboarding.core.messages import DEAD_LETTERS_QUEUE
from onboarding.steps import QUEUES
from tests.infra.predicted import CHOICES, ROOT, Snapshot, snapshot

Row = tuple[str, str, str]
"""Identity, role, on what."""
SCOPES = {
    r"/storageAccounts/strec\w+": "the storage account of the records",
    r"/storageAccounts/stfront\w+": "front: the storage account of its own host",
    r"/storageAccounts/ststeps\w+": "steps: the storage account of its own host",
    r"/Microsoft.ServiceBus/namespaces/[\w-]+": "the Service Bus namespace",
    r"/Microsoft.ServiceBus/namespaces/[\w-]+/queues/(?!dead-letters)[\w-]+": "each queue but `dead-letters`",
    r"/Microsoft.KeyVault/vaults/[\w-]+/secrets/link-key": "the secret `link-key`",
    r"/Microsoft.KeyVault/vaults/[\w-]+/secrets/teams-webhook-url": "the secret `teams-webhook-url`",
    r"/Microsoft.KeyVault/vaults/[\w-]+/secrets/dns-keys": "the secret `dns-keys`",
    r"/Microsoft.Network/dnsZones/[\w.-]+": "each zone of Azure DNS that TXT records are published in",
    r"/Microsoft.Insights/components/[\w-]+": "Application Insights",
    r"^/subscriptions/[\w-]+": "each subscription with gateways",
    r"^/subscriptions/[\w-]+/resourceGroups/rg-gateways": "each resource group with gateways",
}
"""How a resource is called in the table. The gateways' resource group is `rg-gateways` in the choices."""


def named(scope: str) -> str:
    found = [words for pattern, words in SCOPES.items() if re.search(f"{pattern}$", scope)]
    assert len(found) == 1, f"{scope} is called {found}"
    return found[0]


def said(given: dict[str, str]) -> Iterator[Row]:
    """What the table says for these parameters."""
    for row in TABLE["azureRoles"]:
        if row.get("byHand"):
            continue
        if "ifGiven" in row and not given.get(row["ifGiven"]):
            continue
        for who in row["identities"]:
            yield who, row.get("id", row["role"]), f"{who}: {row['of']}" if "its own" in row["of"] else row["of"]


def granted(predicted: Snapshot) -> Iterator[Row]:
    own = {r["name"]: r["properties"]["roleName"] for r in predicted.of("Microsoft.Authorization/roleDefinitions")}
    for grant in predicted.grants:
        role = re.sub(r"\([\w-]{36}\)", "({subscription})", own.get(grant.role, grant.role))
        yield grant.identity, role, named(grant.scope)


def test_each_identity_gets_the_roles_of_the_table_and_no_other(predicted: Snapshot) -> None:
    assert set(granted(predicted)) == set(said(predicted.given))


def test_whoever_sends_may_send_to_each_queue_but_that_of_dead_letters(predicted: Snapshot) -> None:
    """Only Service Bus says that a message was given up."""
    sender = next(row["id"] for row in TABLE["azureRoles"] if row["role"] == "Azure Service Bus Data Sender")
    given = sorted((g.identity, g.scope.rpartition("/")[2]) for g in predicted.grants if g.role == sender)
    queues = set(QUEUES) - {DEAD_LETTERS_QUEUE}
    assert given == sorted((who, queue) for who in ("front", "steps") for queue in queues)


def test_every_row_of_the_table_is_met_by_some_choice() -> None:
    met = {row for choice in CHOICES for row in granted(snapshot(choice))}
    everything = {str(row["ifGiven"]): "given" for row in TABLE["azureRoles"] if "ifGiven" in row}
    assert met == set(said(everything))


def test_the_page_says_the_same() -> None:
    text = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8").partition("## Azure roles")[2]
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.partition("\n## ")[0].splitlines()
        if line.startswith("| ")
    ][1:]
    on_the_page = sorted((role, of, sorted(re.findall(r"`(\w+)`", who))) for role, of, _, who in lines)
    assert on_the_page == sorted((r["role"], r["of"], sorted(r["identities"])) for r in TABLE["azureRoles"])
    for row, (_, _, why, _) in zip(TABLE["azureRoles"], lines, strict=True):
        assert ("only if" in why) == ("ifGiven" in row)


def test_whoever_is_given_a_role_is_an_identity_of_an_app(predicted: Snapshot) -> None:
    assert {r["properties"]["principalType"] for r in predicted.of("Microsoft.Authorization/roleAssignments")} == {
        "ServicePrincipal"
    }
    names = [grant["name"] for grant in predicted.of("Microsoft.Authorization/roleAssignments")]
    assert len(names) == len(set(names)), "two assignments of one name overwrite each other"


def test_a_role_has_one_id() -> None:
    ids: dict[str, str] = json.loads((ROOT / "infra" / "built-in-roles.json").read_text(encoding="utf-8"))
    assert ids == {row["role"]: row["id"] for row in TABLE["azureRoles"] if "id" in row}


def own_roles(called: str) -> list[tuple[Snapshot, dict[str, Any]]]:
    return [
        (snapshot(c), r["properties"])
        for c in CHOICES
        for r in snapshot(c).of("Microsoft.Authorization/roleDefinitions")
        if called in r["properties"]["roleName"]
    ]


def test_where_people_make_the_changes_the_roles_of_our_own_only_read() -> None:
    roles = [role for s, role in own_roles("onboarding") if s.given.get("changesBy") == "people"]
    assert len(roles) == 3
    for role in roles:
        assert all(action.endswith("/read") for allowed in role["permissions"] for action in allowed["actions"])


def test_the_role_for_txt_records_allows_three_actions_to_ask_what_it_may_and_no_deletion() -> None:
    roles = own_roles("TXT records")
    assert roles
    for role in (role for s, role in roles if s.given.get("changesBy") != "people"):
        (allowed,) = role["permissions"]
        assert [action.removeprefix("Microsoft.Network/dnsZones/") for action in allowed["actions"]] == [
            "read",
            "TXT/read",
            "TXT/write",
            "Microsoft.Authorization/permissions/read",
        ]
        assert (allowed["notActions"], set(allowed)) == ([], {"actions", "notActions"})


def test_the_gateway_role_allows_the_writes_of_the_code_and_no_others() -> None:
    kinds = set()
    for operation in ARM_WRITES:
        if "dnsZones" in operation:
            continue
        method, path = operation.split(" ", 1)
        assert method == "PUT", "a new kind of write needs its own action"
        provider, *segments = path.partition("/providers/")[2].split("/")
        kinds.add("/".join([provider, *(s for s in segments if not s.startswith("{"))]))
    writing = {f"{kind}/{may}" for kind in kinds for may in ("read", "write")}
    writing.add("Microsoft.Authorization/permissions/read")
    looking = {f"{kind}/read" for kind in kinds}
    roles = own_roles("gateways")
    assert len(roles) == 6
    for _, role in (row for row in roles if row[0].given.get("changesBy") != "people"):
        (allowed,) = role["permissions"]
        assert set(allowed["actions"]) == (looking if "list of gateways" in role["roleName"] else writing)
        assert set(allowed) == {"actions", "notActions"}, "dataActions would be more"


@pytest.mark.parametrize("where", ["elsewhere", "longest-name"])
def test_the_gateway_role_is_defined_where_the_gateways_are(where: str) -> None:
    predicted = snapshot(where)
    here = predicted.given.get("gatewaySubscriptionId", "11111111-1111-1111-1111-111111111111")
    roles = [r for s, r in own_roles("gateways") if s is predicted]
    assert len({role["roleName"] for role in roles}) == 2
    for role in roles:
        assert role["assignableScopes"] == [f"/subscriptions/{here}"]
        assert role["roleName"].endswith(f"({here})"), "a role's name is unique in the tenant"
    for grant in predicted.grants:
        if grant.scope.startswith(f"/subscriptions/{here}") and "providers" not in grant.scope:
            assert grant.scope in (f"/subscriptions/{here}", f"/subscriptions/{here}/resourceGroups/rg-gateways")
