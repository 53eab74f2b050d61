"""Names are within their services' limits, whatever the environment is called; and a preview sees everything.

Source of the limits: Microsoft Learn, "Naming rules and restrictions for Azure resources".
"""

from __future__ import annotations

import re

from tests.infra.predicted import CHOICES, ROOT, SNAPSHOTS, Snapshot, file_name, snapshot

GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
DNS = r"(?=.{1,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?"
LIMITS = {
    "Microsoft.Authorization/roleDefinitions": GUID,
    "Microsoft.Insights/actionGroups": r"[^%&?/]{0,259}[^%&?/. ]",
    "Microsoft.Insights/components": r"[^%&?/]{0,259}[^%&?/. ]",
    "Microsoft.Insights/diagnosticSettings": r"[^*#&+:<>?]{1,260}",
    "Microsoft.Insights/metricAlerts": r"[^*#&+:<>?@%{}\\/]{0,259}[^*#&+:<>?@%{}\\/. ]",
    "Microsoft.Insights/scheduledQueryRules": r"[^*<>%{}&:\\?/#]{0,259}[^*<>%{}&:\\?/#. ]",
    "Microsoft.Insights/workbooks": GUID,
    "Microsoft.KeyVault/vaults": r"(?!.*--)(?=.{3,24}$)[a-z][a-z0-9-]*[a-z0-9]",
    "Microsoft.KeyVault/vaults/secrets": r"[A-Za-z0-9-]{1,127}",
    "Microsoft.ManagedIdentity/userAssignedIdentities": r"(?=.{3,128}$)[A-Za-z0-9][\w-]*",
    "Microsoft.Network/natGateways": r"(?=.{1,80}$)[A-Za-z0-9]([\w.-]*\w)?",
    "Microsoft.Network/privateDnsZones": r"(?=.{1,63}$)([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": r"(?=.{1,80}$)[A-Za-z0-9]([\w.-]*\w)?",
    "Microsoft.Network/privateEndpoints": r"(?=.{2,64}$)[A-Za-z0-9]([\w.-]*\w)?",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": r"[A-Za-z0-9]([\w.-]*\w)?",
    "Microsoft.Network/publicIPAddresses": r"(?=.{1,80}$)[A-Za-z0-9]([\w.-]*\w)?",
    "Microsoft.Network/virtualNetworks": r"(?=.{2,64}$)[A-Za-z0-9]([\w.-]*\w)?",
    "Microsoft.OperationalInsights/workspaces": r"(?=.{4,63}$)[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]",
    "Microsoft.Resources/resourceGroups": r"[\w.()-]{0,89}[\w()-]",
    "Microsoft.ServiceBus/namespaces": r"(?!.*-(sb|mgmt)$)(?=.{6,50}$)[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]",
    "Microsoft.ServiceBus/namespaces/queues": r"(?=.{1,260}$)[A-Za-z0-9]([\w.~/-]*[A-Za-z0-9])?",
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
    "Microsoft.Storage/storageAccounts/blobServices": "default",
    "Microsoft.Storage/storageAccounts/blobServices/containers": rf"(?!.*--)(?=.{{3,}}$){DNS}",
    "Microsoft.Web/serverfarms": r"[A-Za-z0-9-]{1,60}",
    # Beyond 32 the Functions host cuts its id, and two apps may then take each other's leases.
    "Microsoft.Web/sites": r"(?=.{2,32}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": "ftp|scm",
    "Microsoft.Web/sites/config": "appsettings|authsettingsV2",
}
NAMED_OTHERWISE = ("Microsoft.Authorization/roleAssignments", "Microsoft.Graph/")
"""An assignment's name is a GUID made of what isn't known yet; an object of Microsoft Graph has none."""
STORAGE = "[format('privatelink.%s.{0}', environment().suffixes.storage)]"
KNOWN_WHEN_DEPLOYED = {STORAGE % part: f"privatelink.{part}.core.windows.net" for part in ("blob", "table")}
"""Names with the cloud's own suffix in them, as they are in Azure's public cloud."""
LONGEST_ENVIRONMENT = 40


def own_name(name: str) -> str:
    """The last segment of a name, which is what its limit is for."""
    if name.startswith("[format('{0}/{1}'"):
        return name.rpartition(", '")[2].removesuffix("')]")
    return KNOWN_WHEN_DEPLOYED.get(name, name if name.startswith("[") else name.rpartition("/")[2])


def test_each_name_is_within_its_services_limits(predicted: Snapshot) -> None:
    for resource in predicted.resources:
        if not resource["type"].startswith(NAMED_OTHERWISE):
            name = own_name(resource["name"])
            assert resource["type"] in LIMITS, f"a limit for the names of {resource['type']} belongs into LIMITS"
            assert re.fullmatch(LIMITS[resource["type"]], name), f"{resource['type']} {name}"


def test_no_two_resources_have_one_id(predicted: Snapshot) -> None:
    ids = [r["id"] for r in predicted.resources if "id" in r]
    assert len(ids) == len(set(ids))


def test_tags_and_titles_are_within_their_limits(predicted: Snapshot) -> None:
    for resource in predicted.resources:
        for tag, text in resource.get("tags", {}).items():
            assert len(tag) <= 128, "storage accounts take no longer one"
            assert len(text) <= 256
    for group in predicted.of("Microsoft.Insights/actionGroups"):
        assert len(group["properties"]["groupShortName"]) <= 12
    for application in predicted.of("Microsoft.Graph/applications@v1.0"):
        assert len(application["properties"]["displayName"]) <= 256
        assert len(application["properties"]["uniqueName"]) <= 128


def test_the_longest_name_is_as_long_as_the_template_permits() -> None:
    template = (ROOT / "infra" / "main.bicep").read_text(encoding="utf-8")
    assert f"@maxLength({LONGEST_ENVIRONMENT})\n" in template.partition("param environmentName")[0]
    assert len(snapshot("longest-name").given["environmentName"]) == LONGEST_ENVIRONMENT


def test_each_choice_has_its_prediction_and_the_other_way_round() -> None:
    assert {p.name for p in SNAPSHOTS.glob("*.json")} == {file_name(c, snapshot(c).content) for c in CHOICES}
    assert {"plainest", "private", "elsewhere", "longest-name"} <= set(CHOICES)


def test_a_preview_sees_everything(predicted: Snapshot) -> None:
    """A count that hangs on another module's output hides a whole module (NestedDeploymentShortCircuited).

    So does a condition hide what it is for, if it hangs on more than the parameters: only a secret may decide here.
    """
    assert predicted.content["diagnostics"] == []
    conditions = {r["condition"] for r in predicted.content["predictedResources"] if "condition" in r}
    names = ("events-secret", "events-secret-previous", "events-authorization")
    secrets = ["teamsWebhookUrl')", "dnsKeys')", *(f"eventsSecrets')['{name}']" for name in names)]
    assert conditions == {f"[not(empty(parameters('{secret}))]" for secret in secrets}
