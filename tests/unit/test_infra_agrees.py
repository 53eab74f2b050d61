"""What stands in infra/ and in the code is the same: queues, settings, roles, actions, telemetry, names."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import SecretStr

import function_app
from onboarding.azure.allowed import ARM_WRITES
from onboarding.core.roles import Role
from onboarding.settings import Settings
from onboarding.steps import TASKS
from sandbox.package.options import SUPPORTED
from tests.support.bicep.source import Declared, Source, properties, read, text, walk

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
MODULES = sorted((INFRA / "modules").glob("*.bicep"))

PLATFORM_SETTINGS = {
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
    "ServiceBus__credential",
    "ServiceBus__clientId",
}
"""Read by the Functions host and by App Service authentication, not by this application."""
LEFT_AT_DEFAULT = {
    "ServiceBus",  # connection strings are for emulators
    "Tables",
    "ONBOARDING_SANDBOX_USER",  # for a laptop
    "ONBOARDING_CA_FILE",
    "ONBOARDING_DNS_AUTHORITATIVE_PORT",
    "ONBOARDING_GRAPH_ENDPOINT",
    "ONBOARDING_GATEWAY_DOMAIN_SUFFIX",
    "ONBOARDING_PUBLIC_RESOLVERS",
    "ONBOARDING_DNS_TIMEOUT",
    "ONBOARDING_TEAMS_HOSTS",
    "ONBOARDING_POLL_FIRST",
    "ONBOARDING_POLL_LONGEST",
    "ONBOARDING_RETRY_FIRST",
    "ONBOARDING_NUDGE_GRACE",
    "ONBOARDING_STEP_TIMEOUT",
    "ONBOARDING_STEP_LEASE",
    "ONBOARDING_NOTICE_LEASE",
    "ONBOARDING_LINK_LIFETIME",
    "ONBOARDING_REMIND_FIRST",
    "ONBOARDING_REMIND_AGAIN",
    "ONBOARDING_ESCALATE_AFTER",
    "ONBOARDING_WARN_AFTER",
}
"""A new setting is set by the template, or stands here."""
REFUSED_BY_FLEX = {
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "ENABLE_ORYX_BUILD",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_RUN_FROM_PACKAGE",
    "AzureWebJobsStorage",
}
"""Source: Microsoft Learn, "App settings reference for Azure Functions", Flex Consumption plan deprecations."""
GRANTS = {
    ("gateway-access", "Reader"),
    ("monitoring", "Monitoring Metrics Publisher"),
    ("service-bus", "Azure Service Bus Data Receiver"),
    ("service-bus", "Azure Service Bus Data Sender"),
    ("service-bus", "Reader"),
    ("storage", "Storage Blob Data Owner"),
    ("storage", "Storage Table Data Contributor"),
    ("vault", "Key Vault Secrets User"),
}
"""Everything that is granted, and where. Whoever adds one says so here, and in docs/deploy.md."""


def module(name: str) -> Source:
    return read((INFRA / "modules" / f"{name}.bicep").resolve())


def apps() -> dict[str, Declared]:
    """The function apps of main.bicep, by which functions they have."""
    main = read((INFRA / "main.bicep").resolve())
    found = [m for m in main.of("module") if m.target == "modules/function-app.bicep"]
    return {text(properties(app.body["params"])["functions"]): app for app in found}


def principals(module_name: str, parameter: str) -> set[str]:
    """Whose identities main.bicep gives a right: `front`, `steps`."""
    main = read((INFRA / "main.bicep").resolve())
    given = next(m for m in main.of("module") if m.name == module_name).body["params"]
    return set(re.findall(r"(\w+)Identity\.outputs\.principalId", properties(given)[parameter].text.decode()))


def data(name: str) -> Any:
    return json.loads((INFRA / name).read_text(encoding="utf-8"))


def resource(source: Source, name: str) -> Declared:
    return next(r for r in source.of("resource") if r.name == name)


def defined_queues() -> list[dict[str, Any]]:
    queues: list[dict[str, Any]] = data("servicebus/Config.json")["UserConfig"]["Namespaces"][0]["Queues"]
    return queues


def app_settings() -> dict[str, str]:
    """Setting → how its value is written."""
    source = module("function-app")
    written = properties(resource(source, "settings").body["properties"])
    names = {f"${{{v.name}}}": text(v.value) for v in source.of("var") if v.value is not None}
    return {names.get(key, key): node.text.decode() for key, node in written.items()}


def setting_names() -> dict[str, Any]:
    """Name in the environment → the field of Settings."""
    fields = Settings.model_fields
    return {str(f.validation_alias or f"ONBOARDING_{name.upper()}"): f for name, f in fields.items()}


def test_each_app_setting_is_one_that_somebody_reads_and_each_setting_is_decided_on() -> None:
    set_here = set(app_settings())
    assert set_here - PLATFORM_SETTINGS - set(setting_names()) == set()
    assert set_here >= PLATFORM_SETTINGS
    assert set_here & LEFT_AT_DEFAULT == set()
    assert set(setting_names()) - set_here - LEFT_AT_DEFAULT == set()
    assert set(setting_names()) >= LEFT_AT_DEFAULT


def test_no_setting_is_one_that_flex_consumption_refuses() -> None:
    assert set(app_settings()) & REFUSED_BY_FLEX == set()


def test_no_setting_makes_the_worker_fail_every_invocation() -> None:
    """Its trace propagator stays unset with this one, and is asked before each function ("NoneType … extract").

    Source: Azure/azure-functions-python-worker, issue 1881 and pull request 1910, which mends 3.13 and later only.
    """
    assert "PYTHON_ENABLE_OPENTELEMETRY" not in app_settings()


def test_each_secret_setting_comes_from_the_vault() -> None:
    secret = {n for n, f in setting_names().items() if SecretStr in get_args(f.annotation)} & set(app_settings())
    assert secret == {"ONBOARDING_LINK_KEY", "ONBOARDING_LINK_KEY_PREVIOUS", "ONBOARDING_TEAMS_WEBHOOK_URL"}
    for name in secret:
        value = re.sub(r"^empty\(\w+\) \? '' : ", "", app_settings()[name])
        assert value.startswith("'@Microsoft.KeyVault(VaultName=${vaultName};SecretName="), name
    app = properties(resource(module("function-app"), "app").body["properties"])
    assert app["keyVaultReferenceIdentity"].text == b"identityId"


def test_each_trigger_connection_signs_in_with_the_identity() -> None:
    for connection in (function_app.CONNECTION, "AzureWebJobsStorage"):
        assert app_settings()[f"{connection}__credential"] == "'managedidentity'"
        assert app_settings()[f"{connection}__clientId"] == "identityClientId"


def test_every_property_of_a_queue_reaches_azure() -> None:
    known = {key for queue in defined_queues() for key in queue["Properties"]}
    loop = resource(module("service-bus"), "forwarder")
    used = set(re.findall(r"queue\.Properties\.(\w+)", loop.node.text.decode()))
    assert used == known
    for name, node in properties(loop.body["properties"]).items():
        assert f"queue.Properties.{name[0].upper()}{name[1:]}" in node.text.decode()


def test_both_loops_make_the_same_queue_but_for_forwarding() -> None:
    plain = properties(resource(module("service-bus"), "target").body["properties"])
    forwarding = properties(resource(module("service-bus"), "forwarder").body["properties"])
    assert {k: n.text for k, n in forwarding.items() if not k.startswith("forward")} == {
        k: n.text for k, n in plain.items()
    }
    assert set(forwarding) - set(plain) == {"forwardDeadLetteredMessagesTo", "forwardTo"}


def test_what_queues_forward_to_exists_before_them() -> None:
    """The template makes queues that forward nowhere first: a target must be one of those."""
    queues = {q["Name"]: q["Properties"] for q in defined_queues()}
    forwards = {n: (p["ForwardTo"], p["ForwardDeadLetteredMessagesTo"]) for n, p in queues.items()}
    for name, targets in forwards.items():
        for target in filter(None, targets):
            assert target in queues, f"{name} forwards to {target}, which isn't there"
            assert not any(forwards[target]), f"{name} forwards to {target}, which forwards itself"
    depends = resource(module("service-bus"), "forwarder").body["dependsOn"]
    assert [n.text for n in depends.named_children] == [b"target"]


def test_the_app_roles_are_those_that_the_application_asks_for() -> None:
    roles = data("app-roles.json")
    assert [r["value"] for r in roles] == list(Role)
    assert len({uuid.UUID(r["id"]) for r in roles}) == len(roles)
    assert all(r["isEnabled"] and set(r["allowedMemberTypes"]) == {"User", "Application"} for r in roles)


def test_the_registration_without_bicep_is_made_of_the_same_files() -> None:
    """docs/deploy.md, "Sign-in without the right to register"."""
    by_hand = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8").partition("### Sign-in without")[2]
    by_hand = by_hand.partition("\n## ")[0]
    application = resource(module("registration"), "application").node.text.decode()
    for name in ("app-roles.json", "app-api.json", "app-access.json"):
        assert f"loadJsonContent('../{name}')" in application
        assert f"infra/{name}" in by_hand
    assert "appRoleAssignmentRequired=true" in by_hand
    assert "appRoleAssignmentRequired: true" in module("registration").path.read_text(encoding="utf-8")


def test_azure_cli_is_let_into_the_api_by_a_scope_that_it_has() -> None:
    """The runbook's `az account get-access-token` needs no consent then."""
    api = data("app-api.json")
    (scope,) = api["oauth2PermissionScopes"]
    (client,) = api["preAuthorizedApplications"]
    assert client["delegatedPermissionIds"] == [scope["id"]]
    assert scope["isEnabled"]
    assert api["requestedAccessTokenVersion"] == 2, "the audience of a token is then the client id, as it is checked"


def azure_roles() -> dict[str, Any]:
    """The roles of docs/permissions.md, from the table in the code."""
    table = json.loads((ROOT / "onboarding" / "azure" / "permissions.json").read_text(encoding="utf-8"))
    return {role["role"]: role for role in table["azureRoles"]}


def test_the_gateway_role_allows_the_writes_of_the_code_and_no_others() -> None:
    kinds = set()
    for operation in ARM_WRITES:
        method, path = operation.split(" ", 1)
        assert method == "PUT", "a new kind of write needs its own action"
        provider, *segments = path.partition("/providers/")[2].split("/")
        kinds.add("/".join([provider, *(s for s in segments if not s.startswith("{"))]))
    (own,) = (role for role in azure_roles().values() if "actions" in role)
    assert set(own["actions"]) == {f"{kind}/{may}" for kind in kinds for may in ("read", "write")}
    role = resource(module("gateway-access"), "definition").node.text.decode()
    assert "actions: gatewayRole.actions" in role
    assert "roleName: replace(gatewayRole.role, '{subscription}', subscription().subscriptionId)" in role


@pytest.mark.parametrize(
    ("role", "module_name", "parameter"),
    [
        ("Reader", "gatewayAccess", "readers"),
        ("Operator Connect onboarding: gateways ({subscription})", "gatewayAccess", "writers"),
        ("Storage Table Data Contributor", "records", "tableContributors"),
        ("Azure Service Bus Data Sender", "serviceBus", "senders"),
        ("Azure Service Bus Data Receiver", "serviceBus", "receivers"),
    ],
)
def test_each_identity_gets_the_roles_of_the_permissions_table(role: str, module_name: str, parameter: str) -> None:
    said = azure_roles()[role]
    assert principals(module_name, parameter) == set(said["identities"])
    assert data("built-in-roles.json").get(role) == said.get("id")


def test_every_role_of_the_permissions_table_is_given() -> None:
    assert len(azure_roles()) == 5, "a new one needs a row in the test before this one"


def test_each_app_runs_as_its_own_identity_and_its_host_is_out_of_the_others_reach() -> None:
    assert set(apps()) == {"front", "steps"}
    for who, app in apps().items():
        params = {name: node.text.decode() for name, node in properties(app.body["params"]).items()}
        assert params["identityId"] == f"{who}Identity.outputs.id"
        assert params["identityClientId"] == f"{who}Identity.outputs.clientId"
        assert params["hostStorageName"] == f"{who}Host.outputs.name"
        for right in ("blobOwners", "tableContributors"):
            assert principals(f"{who}Host", right) == {who}, "who writes there may replace the app's package"


def test_sign_in_leads_back_to_the_name_that_people_come_by() -> None:
    """Behind a gateway the app sees its own name; the registration has only the gateway's."""
    sign_in = properties(resource(module("function-app"), "signIn").body["properties"])
    proxy = properties(properties(sign_in["httpSettings"])["forwardProxy"])
    assert proxy["convention"].text == b"isBehindGateway ? 'Standard' : 'NoProxy'"
    for app in apps().values():
        assert properties(app.body["params"])["isBehindGateway"].text == b"!empty(publicUrl)"


def test_each_identity_reads_only_the_secrets_that_its_app_has_as_settings() -> None:
    vault = module("vault")
    for secret, readers in (("linkKey", {"front", "steps"}), ("teamsWebhook", {"steps"})):
        assert resource(vault, f"{secret}Reader").body["scope"].text == secret.encode(), "not on the vault"
        assert principals("vault", f"{secret}Readers") == readers
    for who, app in apps().items():
        given = properties(app.body["params"])["teamsWebhookName"].text
        assert (given != b"''") == (who in principals("vault", "teamsWebhookReaders"))


def test_only_the_front_meets_people() -> None:
    for who, app in apps().items():
        params = {name: node.text.decode() for name, node in properties(app.body["params"]).items()}
        assert (params["authClientId"] == "''") == (who == "steps")
        assert (params["alwaysReadyHttp"] == "0") == (who == "steps")
        assert (params["teamsWebhookName"] == "''") == (who == "front")
    assert resource(module("function-app"), "signIn").conditional


def test_nothing_is_granted_but_what_stands_here() -> None:
    granted = set()
    for path in MODULES:
        source = read(path.resolve())
        for assignment in source.of("resource"):
            if assignment.target.startswith("Microsoft.Authorization/roleAssignments@"):
                given = properties(assignment.body["properties"])["roleDefinitionId"].text.decode()
                found = re.search(r"roles(?:\['(.+?)'\]|\.(\w+))", given)
                granted |= {(path.stem, found[1] or found[2])} if found else {(path.stem, given)}
                assert found is None or found[0] in assignment.body["name"].text.decode()
    assert granted == GRANTS | {("gateway-group", "roleDefinitionId")}


def test_each_role_has_an_id_and_is_used() -> None:
    ids = data("built-in-roles.json")
    assert len({uuid.UUID(i) for i in ids.values()}) == len(ids)
    assert set(ids) == {role for _, role in GRANTS}


@pytest.mark.parametrize(
    ("name", "held", "line"),
    [
        ("storage", "account", "allowSharedKeyAccess: false"),
        ("storage", "account", "allowBlobPublicAccess: false"),
        ("service-bus", "namespace", "disableLocalAuth: true"),
        ("monitoring", "insights", "DisableLocalAuth: true"),
        ("vault", "vault", "enableRbacAuthorization: true"),
        ("function-app", "app", "httpsOnly: true"),
        ("function-app", "noPasswordByFtp", "allow: false"),
        ("function-app", "noPasswordByScm", "allow: false"),
    ],
)
def test_nobody_comes_in_with_a_key(name: str, held: str, line: str) -> None:
    assert line in resource(module(name), held).node.text.decode()


def test_no_template_reads_a_key() -> None:
    for path in (INFRA / "main.bicep", *MODULES):
        assert not re.search(r"\blist(Keys|Secrets|AccountSas)?\(", path.read_text(encoding="utf-8")), path.name


def test_azd_finds_the_function_apps_by_their_tag() -> None:
    azd = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    for said in azd["services"].values():
        assert (said["host"], said["language"]) == ("function", "py")
        # What `dev.py package` makes, sent as it is.
        assert (said["project"], said["remoteBuild"]) == ("dist/package", False)
    for when in ("prepackage", "predeploy"):
        for shell in azd["hooks"][when].values():
            assert "dev.py package --python" in shell["run"]
            assert "3.12" in shell["run"], "the same Python as the apps have when nothing is chosen"
    main = read((INFRA / "main.bicep").resolve())
    assert next(p for p in main.of("param") if p.name == "pythonVersion").value.text == b"'3.12'"
    assert {text(properties(app.body["params"])["serviceName"]) for app in apps().values()} == set(azd["services"])
    tags = resource(module("function-app"), "app").body["tags"].text.decode()
    assert "'azd-service-name': serviceName" in tags
    assert "'azd-env-name': environmentName" in next(v for v in main.of("var") if v.name == "tags").node.text.decode()


def test_only_a_python_that_the_package_can_be_made_for_is_deployed() -> None:
    """Azure takes any text as the version, and the app then never starts (Azure/Azure-Functions, issue 2666)."""
    for source in (read((INFRA / "main.bicep").resolve()), module("function-app")):
        allowed = next(p for p in source.of("param") if p.name == "pythonVersion").decorators["allowed"]
        assert re.findall(r"'([\d.]+)'", allowed.text.decode()) == list(SUPPORTED)


def test_azd_publishes_the_steps_before_the_front() -> None:
    """docs/upgrade.md: the other way round messages fail and are given up."""
    services = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))["services"]
    assert services["front"]["uses"] == ["steps"]
    assert "uses" not in services["steps"]


def test_apps_that_share_a_subnet_are_made_one_after_the_other() -> None:
    """Side by side the second is refused: "Failed to acquire ServiceAssociationLinkLease" (409)."""
    front, steps = apps()["front"], apps()["steps"]
    subnets = {properties(app.body["params"])["subnetId"].text for app in (front, steps)}
    assert len(subnets) == 1, "with a subnet each they may be made at the same time"
    assert front.name.encode() in [n.text for n in steps.body["dependsOn"].named_children]


def test_private_endpoints_are_made_one_after_the_other() -> None:
    """Side by side in one subnet some fail: ReferencedResourceNotProvisioned, StorageAccountOperationInProgress."""
    main = read((INFRA / "main.bicep").resolve())
    endpoints = {m.name: m for m in main.of("module") if m.target == "modules/private-endpoint.bicep"}
    before = {
        name: [n.text.decode() for n in endpoint.body["dependsOn"].named_children if n.type == "identifier"]
        for name, endpoint in endpoints.items()
        if "dependsOn" in endpoint.body
    }
    chain = [name for name in endpoints if name not in before]
    assert len(chain) == 1, f"{chain} are made side by side"
    while following := [name for name, waits in before.items() if chain[-1] in waits]:
        assert len(following) == 1, f"{following} are made side by side"
        chain += following
    assert sorted(chain) == sorted(endpoints)


def test_what_is_kept_ready_is_a_group_that_flex_consumption_has() -> None:
    functions = {"timer", "notices", "dead_letters"} | {step.name.replace("-", "_") for step in TASKS}
    groups = {"http"} | {f"function:{name}" for name in functions}
    app = resource(module("function-app"), "app")
    scale = properties(properties(properties(app.body["properties"])["functionAppConfig"])["scaleAndConcurrency"])
    named = [text(properties(n)["name"]) for n in walk(scale["alwaysReady"]) if n.type == "object"]
    assert named
    assert set(named) <= groups


def test_the_graph_extension_is_configured() -> None:
    configured = json.loads((ROOT / "bicepconfig.json").read_text(encoding="utf-8"))["extensions"]
    for path in MODULES:
        assert set(read(path.resolve()).extensions) <= set(configured)
    assert module("registration").extensions == ["microsoftGraphV1"]
