"""Makes arm_properties.json anew: which properties Azure's API has, where the templates write any.

    pip install --no-deps --target FOLDER azure-mgmt-applicationinsights==4.1.0 azure-mgmt-authorization==4.0.0 \
        azure-mgmt-keyvault==14.1.0 azure-mgmt-loganalytics==14.0.0 azure-mgmt-monitor==7.0.0 azure-mgmt-msi==7.1.0 \
        azure-mgmt-network==33.1.0 azure-mgmt-privatedns==2.0.0 azure-mgmt-servicebus==10.0.0 \
        azure-mgmt-storage==25.3.0 azure-mgmt-web==11.0.1
    python -m tests.support.bicep.learn FOLDER

The SDKs' models are read, not imported, and only to make the table: nothing of them is needed to test.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.bicep.arm import TABLE, compared, type_name, used
from tests.support.bicep.source import read

INFRA = Path(__file__).parents[3] / "infra"
MODELS = {
    "Microsoft.Authorization/roleAssignments": ("authorization/v2022_04_01", "RoleAssignmentCreateParameters"),
    "Microsoft.Authorization/roleDefinitions": ("authorization/v2022_04_01", "RoleDefinition"),
    "Microsoft.Insights/actionGroups": ("monitor", "ActionGroupResource"),
    "Microsoft.Insights/components": ("applicationinsights/v2020_02_02", "ApplicationInsightsComponent"),
    "Microsoft.Insights/metricAlerts": ("monitor", "MetricAlertResource"),
    "Microsoft.Insights/scheduledQueryRules": ("monitor", "ScheduledQueryRuleResource"),
    "Microsoft.Insights/workbooks": ("applicationinsights/v2023_06_01", "Workbook"),
    "Microsoft.KeyVault/vaults": ("keyvault", "VaultCreateOrUpdateParameters"),
    "Microsoft.KeyVault/vaults/secrets": ("keyvault", "SecretCreateOrUpdateParameters"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": ("msi/v2024_11_30", "Identity"),
    "Microsoft.Network/natGateways": ("network", "NatGateway"),
    "Microsoft.Network/privateDnsZones": ("privatedns", "PrivateZone"),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": ("privatedns", "VirtualNetworkLink"),
    "Microsoft.Network/privateEndpoints": ("network", "PrivateEndpoint"),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": ("network", "PrivateDnsZoneGroup"),
    "Microsoft.Network/publicIPAddresses": ("network", "PublicIPAddress"),
    "Microsoft.Network/virtualNetworks": ("network", "VirtualNetwork"),
    "Microsoft.OperationalInsights/workspaces": ("loganalytics", "Workspace"),
    "Microsoft.ServiceBus/namespaces": ("servicebus", "SBNamespace"),
    "Microsoft.ServiceBus/namespaces/queues": ("servicebus", "SBQueue"),
    "Microsoft.Storage/storageAccounts": ("storage", "StorageAccountCreateParameters"),
    "Microsoft.Storage/storageAccounts/blobServices": ("storage", "BlobServiceProperties"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": ("storage", "BlobContainer"),
    "Microsoft.Web/serverfarms": ("web", "AppServicePlan"),
    "Microsoft.Web/sites": ("web", "Site"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": ("web", "CsmPublishingCredentialsPoliciesEntity"),
    "Microsoft.Web/sites/config/authsettingsV2": ("web", "SiteAuthSettingsV2"),
}


@dataclass
class Shape:
    """What an object may hold: properties, and by which models each is described."""

    models: list[str] = field(default_factory=list)
    fields: dict[str, Shape] = field(default_factory=dict)


class Models:
    """The models of one SDK, from its source."""

    def __init__(self, folder: Path) -> None:
        self._classes: dict[str, tuple[list[str], dict[str, Shape]]] = {}
        for file in sorted(folder.rglob("models/_models*.py")):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
                    self._classes[node.name] = bases, dict(_fields(node))

    def known(self, shape: Shape) -> dict[str, Shape]:
        """The properties of an object, with those of every kind that it may be of."""
        found = dict(shape.fields)
        for model in shape.models:
            kinds = [bases_fields for bases_fields in self._classes.values() if model in bases_fields[0]]
            for name, of in (*self._inherited(model), *(pair for _, fields in kinds for pair in fields.items())):
                found.setdefault(name, of)
        return found

    def _inherited(self, model: str) -> Iterator[tuple[str, Shape]]:
        bases, fields = self._classes.get(model, ([], {}))
        yield from fields.items()
        for base in bases:
            yield from self._inherited(base)


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, Shape]]:
    """SDKs of two generations: annotated `rest_field`s, and an `_attribute_map`."""
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.value, ast.Call):
            options = {option.arg: option.value for option in line.value.keywords}
            name = ast.literal_eval(options["name"]) if "name" in options else ast.unparse(line.target)
            yield name, Shape(re.findall(r"\w+", ast.unparse(line.annotation)))
        elif isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "_attribute_map":
            flat: dict[str, Shape] = {}
            for said in ast.literal_eval(line.value).values():
                *path, name = (part.replace("\0", ".") for part in said["key"].replace("\\.", "\0").split("."))
                holder = flat
                for part in path:
                    holder = holder.setdefault(part, Shape()).fields
                holder[name] = Shape(re.findall(r"\w+", said["type"]))
            yield from flat.items()


def main(folder: Path) -> None:
    """Write the table."""
    table: dict[str, dict[str, list[str]]] = {}
    for path in sorted(INFRA.rglob("*.bicep")):
        for resource in compared(read(path)):
            sdk, model = MODELS[type_name(resource)]
            models = Models(folder / "azure" / "mgmt" / sdk)
            known = table.setdefault(type_name(resource), {})
            for where, _, _ in used(resource.object):
                shape = Shape([model])
                for part in filter(None, where.split(".")):
                    shape = models.known(shape).get(part, Shape())
                known[where] = sorted(models.known(shape))
    packages = sorted(p.name.removesuffix(".dist-info") for p in folder.glob("azure_mgmt_*.dist-info"))
    rows = {kind: dict(sorted(known.items())) for kind, known in sorted(table.items())}
    TABLE.write_text(json.dumps({"packages": packages, "types": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
