"""The Bicep files hold together; and the checks that say so do find mistakes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.bicep.check import findings, unreadable

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"


def test_nothing_is_wrong_with_the_templates() -> None:
    assert findings(INFRA / "main.bicep", INFRA / "main.parameters.json") == []


@pytest.mark.parametrize("path", sorted(INFRA.rglob("*.bicep")), ids=lambda path: path.name)
def test_a_second_parser_reads_each_file(path: Path) -> None:
    assert unreadable(path) is None


def test_a_second_parser_refuses_what_is_no_bicep(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.bicep"
    wrong.write_text("var name == 'x'\n", encoding="utf-8")
    assert unreadable(wrong) is not None


MISTAKES = [
    # file, what stands there, what is put in its place, what is said of it
    ("main.bicep", "params: {\n    name: 'id-front-${token}'", "params: {", "lacks the parameter 'name'"),
    ("main.bicep", "    dailyCapGb: dailyCapGb\n", "    dailyCap: dailyCapGb\n", "has no parameter 'dailyCap'"),
    ("main.bicep", "frontIdentity.outputs.clientId", "frontIdentity.outputs.client", "has no output 'client'"),
    ("main.bicep", "registration!.outputs.clientId", "registration!.outputs.client", "has no output 'client'"),
    ("main.bicep", "'modules/vault.bicep'", "'modules/safe.bicep'", "there is no module modules/safe.bicep"),
    ("main.bicep", "sku: serviceBusSku", "sku: busSku", "no name 'busSku' is declared"),
    ("main.bicep", "sku: serviceBusSku", "sku: 'Basic'", "may not be 'Basic'"),
    ("main.bicep", "isPrivate: closesServiceBus", "isPrivate: 'yes'", "takes bool, and is given string"),
    ("main.bicep", "retentionDays: retentionDays", "retentionDays: location", "takes int, and is given string"),
    ("main.bicep", "identityId: frontIdentity.outputs.id", "identityId: tags", "takes string, and is given object"),
    ("main.bicep", "mailSender: mailSender", "mailSender: teamsWebhookUrl", "is given the secret 'teamsWebhookUrl'"),
    ("main.parameters.json", "=3.12}", "}", "azd would ask for it"),
    ("main.bicep", "  name: 'records'\n  scope: group\n", "  name: 'records'\n", "needs a scope"),
    ("main.bicep", "alerts 'modules/alerts.bicep'", "alerts 'modules/workbook.bicep'", "no module uses it"),
    ("main.bicep", "param mailSender string = ''", "param mailSender int = ''", "takes int, and is given string"),
    ("main.bicep", "var packages = 'packages'", "var packages = 'packages'\nvar spare = 1", "'spare' is not used"),
    ("main.bicep", "var packages =", "var tags = {}\nvar packages =", "'tags' is declared twice"),
    ("main.bicep", "@secure()", "@secret()", "there is no decorator @secret"),
    ("main.parameters.json", '"mailSender"', '"sender"', "has no param 'sender'"),
    ("main.parameters.json", '"mailSender"', '"sender"', "param 'mailSender' of main.bicep isn't set"),
    ("main.parameters.json", "=Standard_ZRS", "=Standard_LRS", "is 'Standard_ZRS' in main.bicep"),
    ("modules/service-bus.bicep", "queue.Properties.LockDuration", "queue.Properties.Lock", "'Lock' isn't among"),
    ("modules/service-bus.bicep", "UserConfig.Namespaces", "Namespaces", "'Namespaces' isn't among UserConfig"),
    ("modules/service-bus.bicep", "filter(queues,", "where(queues,", "no function 'where' is declared"),
    ("modules/service-bus.bicep", "for queue in targets: {", "for each in targets: {", "no name 'queue' is declared"),
    ("modules/storage.bicep", "roles['Storage Blob Data Owner']", "roles['Blob Owner']", "'Blob Owner' isn't among"),
    ("modules/storage.bicep", "parent: blobs", "parent: account", "can't be a child of"),
    ("modules/storage.bicep", "'../built-in-roles.json'", "'../roles.json'", "there is no file roles.json"),
    ("modules/storage.bicep", "@2024-01-01' = {", "@2024-01' = {", "is no type with an API version"),
    ("modules/function-app.bicep", "keyVaultReferenceIdentity: ", "keyVaultIdentity: ", "has no 'properties.keyVaultI"),
    (
        "modules/function-app.bicep",
        "timeToExpiration:",
        "timeToLive:",
        "no 'properties.login.cookieExpiration.time",
    ),
    ("modules/alerts.bicep", "failingPeriods:", "periods:", "has no 'properties.criteria.allOf.periods'"),
    ("modules/network.bicep", "natGateway: {", "nat: {", "has no 'properties.subnets.properties.nat'"),
    ("modules/gateway-access.bicep", "gatewayRole.actions", "gatewayRole.action", "'action' isn't among actions"),
    ("modules/alerts.bicep", "../alerts/old-wait.kql", "../alerts/wait.kql", "there is no file wait.kql"),
    ("modules/vault.bicep", "    enableRbacAuthorization: true", "    enableRbacAuthorization: = true", "is no Bicep"),
]


@pytest.mark.parametrize(
    ("file", "stands", "instead", "said"), MISTAKES, ids=[f"{m[0]}: {m[3]} ({n})" for n, m in enumerate(MISTAKES)]
)
def test_a_mistake_is_found(tmp_path: Path, file: str, stands: str, instead: str, said: str) -> None:
    infra = Path(shutil.copytree(INFRA, tmp_path / "infra"))
    permissions = Path("onboarding", "azure", "permissions.json")
    (tmp_path / permissions).parent.mkdir(parents=True)
    shutil.copy(ROOT / permissions, tmp_path / permissions)
    right = (infra / file).read_text(encoding="utf-8")
    assert stands in right
    (infra / file).write_text(right.replace(stands, instead, 1), encoding="utf-8")

    found = findings(infra / "main.bicep", infra / "main.parameters.json")

    assert any(said in what for what in found), found
