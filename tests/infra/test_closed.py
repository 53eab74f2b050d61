"""Nobody comes in with a key, nothing old is spoken, and what is to be closed is closed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.predicted import Resource, Snapshot, snapshot

NO_KEYS: dict[str, dict[str, Any]] = {
    "Microsoft.Storage/storageAccounts": {"allowSharedKeyAccess": False, "allowBlobPublicAccess": False},
    "Microsoft.ServiceBus/namespaces": {"disableLocalAuth": True},
    "Microsoft.KeyVault/vaults": {"enableRbacAuthorization": True, "enableSoftDelete": True},
    "Microsoft.Insights/components": {"DisableLocalAuth": True},
    "Microsoft.OperationalInsights/workspaces": {"features.disableLocalAuth": True},
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"allow": False},
}
"""Of each service that can be reached with a key or a password: where that is off."""
OLDEST_TLS = {
    "Microsoft.Storage/storageAccounts": ("minimumTlsVersion",),
    "Microsoft.ServiceBus/namespaces": ("minimumTlsVersion",),
    "Microsoft.Web/sites": ("siteConfig.minTlsVersion", "siteConfig.scmMinTlsVersion"),
}
"""The others take no setting: they speak 1.2 and newer only."""
OPEN = {"Microsoft.Web/sites", "Microsoft.Insights/components", "Microsoft.OperationalInsights/workspaces"}
"""What has an address in the internet and stays there: people outside answer by signed links, telemetry goes to Azure
Monitor's own addresses (docs/deploy.md, "Private endpoints")."""
CLOSABLE = {
    "Microsoft.Storage/storageAccounts": ("blob", "table"),
    "Microsoft.ServiceBus/namespaces": ("namespace",),
    "Microsoft.KeyVault/vaults": ("vault",),
}
"""What can be closed, and which parts of it an endpoint may be for."""
KEYS = re.compile(r"AccountKey=|SharedAccess|InstrumentationKey=|[?&]sig=|\blist\w*(Keys|Secrets|Sas)\(", re.IGNORECASE)


def value(resource: Resource, path: str) -> Any:
    found = resource["properties"]
    for part in path.split("."):
        found = found[part]
    return found


def walk(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a document, and where it stands."""
    if isinstance(node, dict):
        for key, held in node.items():
            yield from walk(held, f"{path}.{key}")
    elif isinstance(node, list):
        for held in node:
            yield from walk(held, f"{path}[]")
    elif isinstance(node, str):
        yield path, node


@pytest.mark.parametrize("kind", NO_KEYS)
def test_nobody_comes_in_with_a_key(predicted: Snapshot, kind: str) -> None:
    assert predicted.of(kind)
    for resource in predicted.of(kind):
        for path, expected in NO_KEYS[kind].items():
            assert value(resource, path) is expected, f"{resource['name']}: {path}"


def test_each_app_has_no_password_for_publishing(predicted: Snapshot) -> None:
    apps = {r["name"] for r in predicted.of("Microsoft.Web/sites")}
    closed = {r["name"] for r in predicted.of("Microsoft.Web/sites/basicPublishingCredentialsPolicies")}
    assert closed == {f"{app}/{way}" for app in apps for way in ("ftp", "scm")}


@pytest.mark.parametrize("kind", OLDEST_TLS)
def test_nothing_older_than_tls_1_2_is_spoken(predicted: Snapshot, kind: str) -> None:
    assert predicted.of(kind)
    for resource in predicted.of(kind):
        for path in OLDEST_TLS[kind]:
            assert str(value(resource, path)).removeprefix("TLS").replace("_", ".") in ("1.2", "1.3"), path


def test_nothing_is_reached_without_tls(predicted: Snapshot) -> None:
    for app in predicted.of("Microsoft.Web/sites"):
        assert app["properties"]["httpsOnly"] is True
    for account in predicted.of("Microsoft.Storage/storageAccounts"):
        assert account["properties"]["supportsHttpsTrafficOnly"] is True
    for where, text in walk(predicted.content):
        addresses = re.findall(r"\bhttp://[^\s'\"\\]+", text)
        assert addresses == [], where


def test_what_is_told_of_a_service_covers_every_service_that_is_reached(predicted: Snapshot) -> None:
    """A new type of resource with an address of its own is judged on: in CLOSABLE, or in OPEN with its reason."""
    reached = {r["type"] for r in predicted.resources if "publicNetworkAccess" in r.get("properties", {})}
    assert reached <= set(CLOSABLE)
    assert set(CLOSABLE) | OPEN <= {r["type"] for r in predicted.resources}


def endpoints(predicted: Snapshot) -> set[tuple[str, str]]:
    """(resource id, which part) of every private endpoint."""
    return {
        (connection["properties"]["privateLinkServiceId"], part)
        for endpoint in predicted.of("Microsoft.Network/privateEndpoints")
        for connection in endpoint["properties"]["privateLinkServiceConnections"]
        for part in connection["properties"]["groupIds"]
    }


@pytest.mark.parametrize("choice", ["private", "longest-name"])
def test_what_is_private_is_closed_to_the_internet_and_open_inside(choice: str) -> None:
    predicted = snapshot(choice)
    reachable = endpoints(predicted)
    for kind, parts in CLOSABLE.items():
        for resource in predicted.of(kind):
            assert resource["properties"]["publicNetworkAccess"] == "Disabled", resource["name"]
            if "networkAcls" in resource["properties"]:
                assert resource["properties"]["networkAcls"] == {"bypass": "None", "defaultAction": "Deny"}
            assert {part for target, part in reachable if target == resource["id"]} <= set(parts)
            assert any(target == resource["id"] for target, _ in reachable), f"{resource['name']} is out of reach"
    for app in predicted.of("Microsoft.Web/sites"):
        assert app["properties"]["virtualNetworkSubnetId"].endswith("/subnets/app")


@pytest.mark.parametrize("choice", ["private", "longest-name"])
def test_each_endpoint_is_found_by_name(choice: str) -> None:
    """An endpoint without its zone is found by nobody: its service's name still leads to the closed public address."""
    predicted = snapshot(choice)
    named = {
        r["name"].partition("/")[0] for r in predicted.of("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
    }
    assert named == {r["name"] for r in predicted.of("Microsoft.Network/privateEndpoints")}
    zones = predicted.of("Microsoft.Network/privateDnsZones")
    assert len(predicted.of("Microsoft.Network/privateDnsZones/virtualNetworkLinks")) == len(zones) == 4


def test_what_each_app_reads_is_inside() -> None:
    predicted = snapshot("private")
    reachable = {(target.rpartition("/")[2], part) for target, part in endpoints(predicted)}
    records = predicted.one("Microsoft.Storage/storageAccounts", "strec")["name"]
    assert (records, "table") in reachable
    for who in ("front", "steps"):
        host = predicted.settings(who)["AzureWebJobsStorage__accountName"]
        assert {(host, "blob"), (host, "table")} <= reachable


def test_the_way_out_is_said(predicted: Snapshot) -> None:
    """A subnet has no way out by itself (since API version 2025-07-01 none at all): the apps' one has a NAT gateway."""
    for network in predicted.of("Microsoft.Network/virtualNetworks"):
        subnets = {s["name"]: s["properties"] for s in network["properties"]["subnets"]}
        assert "natGateway" in subnets["app"]
        assert subnets["app"]["delegations"][0]["properties"]["serviceName"] == "Microsoft.App/environments"


def test_no_key_is_read_and_none_is_written(predicted: Snapshot) -> None:
    for where, text in walk(predicted.content):
        assert not KEYS.search(text), f"{where}: {text[:200]}"


def test_a_secret_stands_in_the_vault_and_nowhere_else(predicted: Snapshot) -> None:
    for resource in predicted.content["predictedResources"]:
        for where, text in walk({k: v for k, v in resource.items() if k != "condition"}):
            if "parameters('teamsWebhookUrl')" in text or "newGuid()" in text:
                assert (resource["type"], where) == ("Microsoft.KeyVault/vaults/secrets", ".properties.value")
    for secret in predicted.of("Microsoft.KeyVault/vaults/secrets"):
        assert secret["properties"]["value"].startswith("["), f"{secret['name']} is written in clear"
    # What is given as a secret in the parameters may stand nowhere at all.
    for name, given in predicted.given.items():
        assert not name.endswith("WebhookUrl") or given not in json.dumps(predicted.content)


def test_no_output_is_a_secret(predicted: Snapshot) -> None:
    """Outputs are kept in clear with the deployment, and azd writes them into a file."""
    secret = re.compile(r"parameters\(|secret|ConnectionString|sig=", re.IGNORECASE)
    assert {name for name, text in predicted.content["outputs"].items() if secret.search(text)} == set()


def test_the_vaults_diagnostics_are_on(predicted: Snapshot) -> None:
    (workspace,) = predicted.of("Microsoft.OperationalInsights/workspaces")
    (vault,) = predicted.of("Microsoft.KeyVault/vaults")
    (audit,) = predicted.of("Microsoft.Insights/diagnosticSettings")
    assert audit["id"].startswith(vault["id"] + "/") or f"'{vault['id']}'" in audit["id"]
    assert audit["properties"]["workspaceId"] == workspace["id"]
    assert {"category": "AuditEvent", "enabled": True} in audit["properties"]["logs"]
