"""What is deployed and what stands in the code is the same: queues, settings, app roles, names, order."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any, get_args

import pytest
import yaml
from pydantic import SecretStr

import function_app
from onboarding.http.access import Role
from onboarding.http.bodies import MAX_BODY, MAX_FORM, MAX_UPLOAD
from onboarding.settings import Settings
from onboarding.steps import TASKS
from sandbox.package.options import SUPPORTED
from sandbox.ports import Ports
from sandbox.settings import settings as of_the_sandbox
from tests.infra.predicted import ROOT, Snapshot, identity, snapshot

INFRA = ROOT / "infra"
TEMPLATES = {
    str(path.relative_to(INFRA)): path.read_text(encoding="utf-8")
    for path in (INFRA / "main.bicep", *sorted((INFRA / "modules").glob("*.bicep")))
}
WHO = ("front", "steps")

PLATFORM_SETTINGS = {
    "AzureWebJobsDisableHomepage",
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT",
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
    "ONBOARDING_DNS_LOOK_TIMEOUT",
    "ONBOARDING_DNS_PRIVATE_SERVERS",
    "ONBOARDING_TLS_PRIVATE_ADDRESSES",
    "ONBOARDING_PEERING_API_VERSION",
    "ONBOARDING_TXT_SETTLE",
    "ONBOARDING_TXT_TELL_AFTER",
    "ONBOARDING_TEAMS_HOSTS",
    "ONBOARDING_POLL_FIRST",
    "ONBOARDING_POLL_LONGEST",
    "ONBOARDING_RETRY_FIRST",
    "ONBOARDING_NUDGE_GRACE",
    "ONBOARDING_STEP_TIMEOUT",
    "ONBOARDING_STEP_LEASE",
    "ONBOARDING_NOTICE_LEASE",
    "ONBOARDING_DRIFT_EVERY",
    "ONBOARDING_DRIFT_SURE_AFTER",
    "ONBOARDING_LINK_LIFETIME",
    "ONBOARDING_REMIND_FIRST",
    "ONBOARDING_REMIND_AGAIN",
    "ONBOARDING_ESCALATE_AFTER",
    "ONBOARDING_WARN_AFTER",
    "ONBOARDING_REQUESTS_PER_HOUR",
    "ONBOARDING_PLANS_PER_HOUR",
    "ONBOARDING_USUAL_DAYS",
    "ONBOARDING_MICROSOFT_TRUST",
    "ONBOARDING_VERIFICATION_LINES",
    "ONBOARDING_VERIFICATION_LINES_LAB",
    "ONBOARDING_MAILS_PER_HOUR",
    "ONBOARDING_DAILY_MAIL_HOUR",
}
"""A new setting is set by the template, or stands here."""
BOUNDS = {name for name in (f"ONBOARDING_{f.upper()}" for f in Settings.model_fields) if "_PERMITTED_" in name}
"""What bounds the steps, whoever has the front."""
SECRETS_OF_STEPS = {
    "ONBOARDING_DNS_KEYS",
    "ONBOARDING_EVENTS_SECRET",
    "ONBOARDING_EVENTS_SECRET_PREVIOUS",
    "ONBOARDING_EVENTS_AUTHORIZATION",
}
OF_STEPS_ONLY = BOUNDS | SECRETS_OF_STEPS | {"ONBOARDING_DNS_SERVERS"}
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


def data(name: str) -> Any:
    return json.loads((INFRA / name).read_text(encoding="utf-8"))


def waits_for(module: str) -> list[str]:
    """What a module of main.bicep says that it depends on. A prediction has no order."""
    block = re.search(rf"^module {module} .*?^}}", TEMPLATES["main.bicep"], re.MULTILINE | re.DOTALL)
    assert block is not None
    listed = re.search(r"^  dependsOn: \[(.*?)^  \]", block[0], re.MULTILINE | re.DOTALL)
    return re.findall(r"^    (\w+)$", listed[1], re.MULTILINE) if listed else []


def setting_names() -> dict[str, Any]:
    """Name in the environment → the field of Settings."""
    fields = Settings.model_fields
    return {str(f.validation_alias or f"ONBOARDING_{name.upper()}"): f for name, f in fields.items()}


def test_each_app_setting_is_one_that_somebody_reads_and_each_setting_is_decided_on(predicted: Snapshot) -> None:
    for who in WHO:
        set_here = set(predicted.settings(who))
        assert set_here & OF_STEPS_ONLY == (OF_STEPS_ONLY if who == "steps" else set())
        assert set_here - PLATFORM_SETTINGS - set(setting_names()) == set()
        assert set_here >= PLATFORM_SETTINGS
        assert set_here & LEFT_AT_DEFAULT == set()
        assert set(setting_names()) - set_here - LEFT_AT_DEFAULT - OF_STEPS_ONLY == set()
    assert set(setting_names()) >= LEFT_AT_DEFAULT


def test_what_bounds_the_steps_is_what_was_chosen() -> None:
    predicted = snapshot("private")
    told = {name: predicted.settings("steps")[name] for name in BOUNDS}
    assert len(told) == 6
    for name, value in told.items():
        parameter = re.sub(r"_(\w)", lambda letter: letter[1].upper(), name.removeprefix("ONBOARDING_").lower())
        # Those that are granted, and no others.
        parameter = "dnsZones" if parameter == "permittedDnsZones" else parameter
        assert value == predicted.given[parameter] != ""


def test_no_setting_is_one_that_flex_consumption_refuses(predicted: Snapshot) -> None:
    for who in WHO:
        assert set(predicted.settings(who)) & REFUSED_BY_FLEX == set()


def test_no_body_is_read_into_memory_that_is_much_larger_than_one_that_is_taken(predicted: Snapshot) -> None:
    for who in WHO:
        limit = int(predicted.settings(who)["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"])
        largest = max(MAX_BODY, MAX_FORM, MAX_UPLOAD)
        assert limit == 2 * largest, "what is a bit too large still gets an answer that says so"
        assert of_the_sandbox(Ports.default())["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"] == str(limit)


def test_no_setting_makes_the_worker_fail_every_invocation(predicted: Snapshot) -> None:
    """Its trace propagator stays unset with this one, and is asked before each function ("NoneType … extract").

    Source: Azure/azure-functions-python-worker, issue 1881 and pull request 1910, which mends 3.13 and later only.
    """
    for who in WHO:
        assert "PYTHON_ENABLE_OPENTELEMETRY" not in predicted.settings(who)


def test_each_secret_setting_comes_from_the_vault(predicted: Snapshot) -> None:
    (vault,) = predicted.of("Microsoft.KeyVault/vaults")
    kept = {r["name"].rpartition("/")[2] for r in predicted.of("Microsoft.KeyVault/vaults/secrets")}
    reference = rf"@Microsoft\.KeyVault\(VaultName={vault['name']};SecretName=({'|'.join(kept)})(;SecretVersion=\w+)?\)"
    # Whether there is a webhook is a secret's own, which nobody looks at before the start.
    not_known_yet = (
        r"\[if\(empty\((?:unknown\(\)|parameters\('\w+'\))\), '',"
        r" format\('@Microsoft\.KeyVault\(VaultName=\{0\};SecretName=(?:\{1\}|[\w-]+)\)', .*"
    )
    for who in WHO:
        settings = predicted.settings(who)
        secret = {n for n, f in setting_names().items() if SecretStr in get_args(f.annotation)} & set(settings)
        of_both = {"ONBOARDING_LINK_KEY", "ONBOARDING_LINK_KEY_PREVIOUS", "ONBOARDING_TEAMS_WEBHOOK_URL"}
        assert secret == of_both | (SECRETS_OF_STEPS if who == "steps" else set())
        assert settings["ONBOARDING_LINK_KEY"]
        for name in secret:
            assert re.fullmatch(f"({reference})?|{not_known_yet}", settings[name]), f"{name}: {settings[name]}"
    for app in predicted.of("Microsoft.Web/sites"):
        (own,) = app["identity"]["userAssignedIdentities"]
        assert app["properties"]["keyVaultReferenceIdentity"] == own


def test_each_app_reads_only_the_secrets_that_its_identity_may(predicted: Snapshot) -> None:
    for who in WHO:
        readable = {
            g.scope.rpartition("/")[2] for g in predicted.grants if g.identity == who and "/secrets/" in g.scope
        }
        chosen = {"teams-webhook-url", "dns-keys"}
        named = set(re.findall(r"link-key|teams-webhook-url|dns-keys", json.dumps(predicted.settings(who))))
        assert named - chosen == readable - chosen == {"link-key"}
        if predicted.given.get("teamsWebhookUrl"):
            assert (predicted.settings(who)["ONBOARDING_TEAMS_WEBHOOK_URL"] != "") == ("teams-webhook-url" in readable)


def test_each_app_signs_in_as_its_own_identity(predicted: Snapshot) -> None:
    for who in WHO:
        settings = predicted.settings(who)
        assert settings["ONBOARDING_FUNCTIONS"] == who
        (app,) = (r for r in predicted.of("Microsoft.Web/sites") if r["tags"]["azd-service-name"] == who)
        (own,) = app["identity"]["userAssignedIdentities"]
        assert f"/id-{who}-" in own
        assert identity(settings["AZURE_CLIENT_ID"]) == who
        for connection in (function_app.CONNECTION, "AzureWebJobsStorage"):
            assert settings[f"{connection}__credential"] == "managedidentity"
            assert identity(settings[f"{connection}__clientId"]) == who
        storage = app["properties"]["functionAppConfig"]["deployment"]["storage"]
        assert storage["authentication"] == {
            "type": "UserAssignedIdentity",
            "userAssignedIdentityResourceId": own,
        }
        assert settings["AzureWebJobsStorage__accountName"].startswith(f"st{who}")
        assert settings["AzureWebJobsStorage__accountName"] in storage["value"]


def test_only_the_front_meets_people(predicted: Snapshot) -> None:
    (sign_in,) = (r for r in predicted.of("Microsoft.Web/sites/config") if r["name"].endswith("/authsettingsV2"))
    assert sign_in["name"].startswith("func-front-")
    for who in WHO:
        app = predicted.one("Microsoft.Web/sites", f"func-{who}-")
        ready = app["properties"]["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"]
        assert bool(ready) == (who == "front")
        assert bool(predicted.settings(who)["OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"]) == (who == "front")


def test_sign_in_leads_back_to_the_name_that_people_come_by(predicted: Snapshot) -> None:
    """Behind a gateway the app sees its own name; the registration has only the gateway's."""
    sign_in = predicted.one("Microsoft.Web/sites/config", "/authsettingsV2")["properties"]
    behind = "publicUrl" in predicted.given
    assert sign_in["httpSettings"]["forwardProxy"]["convention"] == ("Standard" if behind else "NoProxy")
    url = predicted.content["outputs"]["ONBOARDING_URL"]
    assert url == predicted.given.get("publicUrl", url)
    for application in predicted.of("Microsoft.Graph/applications@v1.0"):
        assert application["properties"]["web"]["redirectUris"] == [f"{url}/.auth/login/aad/callback"]
    for who in WHO:
        assert predicted.settings(who)["ONBOARDING_PUBLIC_URL"] == url


def test_a_registration_that_exists_is_used_and_none_is_made() -> None:
    predicted = snapshot("elsewhere")
    assert not any(r["type"].startswith("Microsoft.Graph/") for r in predicted.resources)
    sign_in = predicted.one("Microsoft.Web/sites/config", "/authsettingsV2")["properties"]
    directory = sign_in["identityProviders"]["azureActiveDirectory"]
    assert directory["registration"]["clientId"] == predicted.given["authClientId"]
    assert directory["validation"]["allowedAudiences"] == [
        predicted.given["authClientId"],
        f"api://{predicted.given['authClientId']}",
    ]


def test_each_queue_is_made_with_every_property_of_its_definition(predicted: Snapshot) -> None:
    defined = {
        q["Name"]: q["Properties"] for q in data("servicebus/Config.json")["UserConfig"]["Namespaces"][0]["Queues"]
    }
    made = {
        r["name"].rpartition("/")[2]: r["properties"] for r in predicted.of("Microsoft.ServiceBus/namespaces/queues")
    }
    # An empty name of a target means none, and is left out.
    expected = {
        name: {f"{key[0].lower()}{key[1:]}": value for key, value in held.items() if value != ""}
        for name, held in defined.items()
    }
    assert {name: {k: v for k, v in held.items() if v is not None} for name, held in made.items()} == expected


def test_what_queues_forward_to_exists_before_them(predicted: Snapshot) -> None:
    """The template makes queues that forward nowhere first: a target must be one of those."""
    queues = {
        r["name"].rpartition("/")[2]: r["properties"] for r in predicted.of("Microsoft.ServiceBus/namespaces/queues")
    }
    forwards = {n: [p.get("forwardTo"), p.get("forwardDeadLetteredMessagesTo")] for n, p in queues.items()}
    assert any(any(targets) for targets in forwards.values())
    for name, targets in forwards.items():
        for target in filter(None, targets):
            assert target in queues, f"{name} forwards to {target}, which isn't there"
            assert not any(forwards[target]), f"{name} forwards to {target}, which forwards itself"
    forwarder = TEMPLATES["modules/service-bus.bicep"].partition("resource forwarder ")[2].partition("\n}]")[0]
    assert re.search(r"dependsOn: \[\s+target\s+\]", forwarder)
    assert TEMPLATES["modules/service-bus.bicep"].count("@batchSize(1)\n") == 2, "side by side: conflict 40901"


def test_the_app_roles_are_those_that_the_application_asks_for(predicted: Snapshot) -> None:
    for application in predicted.of("Microsoft.Graph/applications@v1.0"):
        roles = application["properties"]["appRoles"]
        assert [r["value"] for r in roles] == list(Role)
        assert len({uuid.UUID(r["id"]) for r in roles}) == len(roles)
        assert all(r["isEnabled"] and set(r["allowedMemberTypes"]) == {"User", "Application"} for r in roles)


def test_the_registration_without_bicep_is_made_of_the_same_files() -> None:
    """docs/deploy.md, "Sign-in without the right to register"."""
    by_hand = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8").partition("### Sign-in without")[2]
    by_hand = by_hand.partition("\n## ")[0]
    (application,) = snapshot("plainest").of("Microsoft.Graph/applications@v1.0")
    made_of = {"app-roles.json": "appRoles", "app-api.json": "api", "app-access.json": "requiredResourceAccess"}
    for name, held in made_of.items():
        assert application["properties"][held] == data(name)
        assert f"infra/{name}" in by_hand
    (principal,) = snapshot("plainest").of("Microsoft.Graph/servicePrincipals@v1.0")
    assert principal["properties"]["appRoleAssignmentRequired"] is True
    assert "appRoleAssignmentRequired=true" in by_hand


def test_sign_in_proves_itself_with_the_identity_of_the_front() -> None:
    (credential,) = snapshot("plainest").of("Microsoft.Graph/applications/federatedIdentityCredentials@v1.0")
    assert identity(credential["properties"]["subject"]) == "front"
    (application,) = snapshot("plainest").of("Microsoft.Graph/applications@v1.0")
    assert credential["properties"]["name"].startswith(f"{application['properties']['uniqueName']}/")


def test_azure_cli_is_let_into_the_api_by_a_scope_that_it_has() -> None:
    """The runbook's `az account get-access-token` needs no consent then."""
    api = data("app-api.json")
    (scope,) = api["oauth2PermissionScopes"]
    (client,) = api["preAuthorizedApplications"]
    assert client["delegatedPermissionIds"] == [scope["id"]]
    assert scope["isEnabled"]
    assert api["requestedAccessTokenVersion"] == 2, "the audience of a token is then the client id, as it is checked"


def test_every_module_is_used() -> None:
    used = {
        f"modules/{name}" for text in TEMPLATES.values() for name in re.findall(r"'(?:modules/)?([\w-]+\.bicep)'", text)
    }
    assert used == set(TEMPLATES) - {"main.bicep"}


def test_no_template_reads_a_key() -> None:
    """In a prediction such a call would be an expression like any other."""
    for name, text in TEMPLATES.items():
        assert not re.search(r"\blist(Keys|Secrets|AccountSas)?\(", text), name


def test_the_link_key_is_made_only_once() -> None:
    """A second deployment must not make the links that people hold void. A prediction doesn't show it."""
    assert re.search(r"@onlyIfNotExists\(\)\nresource linkKey ", TEMPLATES["modules/vault.bicep"])


def test_azd_finds_the_function_apps_by_their_tag(predicted: Snapshot) -> None:
    azd = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    for said in azd["services"].values():
        assert (said["host"], said["language"]) == ("function", "py")
        # What `dev.py package` makes, sent as it is.
        assert (said["project"], said["remoteBuild"]) == ("dist/package", False)
    apps = predicted.of("Microsoft.Web/sites")
    versions = {app["properties"]["functionAppConfig"]["runtime"]["version"] for app in apps}
    for when in ("prepackage", "predeploy"):
        for shell in azd["hooks"][when].values():
            assert "dev.py package --python" in shell["run"]
            assert all(version in shell["run"] for version in versions), "as the apps have when nothing is chosen"
    assert {app["tags"]["azd-service-name"] for app in apps} == set(azd["services"])
    (group,) = predicted.of("Microsoft.Resources/resourceGroups")
    for resource in (group, *apps):
        assert resource["tags"]["azd-env-name"] == predicted.given["environmentName"]


def test_what_azd_fills_in_is_what_the_template_takes() -> None:
    """Each parameter is set from azd's environment, with the template's own default; azd asks for those without."""
    declared = dict(re.findall(r"^param (\w+) \w+(?: = (.*))?$", TEMPLATES["main.bicep"], re.MULTILINE))
    given = {name: held["value"] for name, held in data("main.parameters.json")["parameters"].items()}
    assert set(given) == set(declared)
    for name, text in given.items():
        asked = re.fullmatch(r"\$\{[A-Z_]+(?:=(.*))?\}", text)
        assert asked is not None, f"{text} isn't of the form ${{NAME=default}}"
        assert (asked[1] or "") == declared[name].strip("'"), name
        assert (asked[1] is None) == (declared[name] == ""), name


def test_only_a_python_that_the_package_can_be_made_for_is_deployed() -> None:
    """Azure takes any text as the version, and the app then never starts (Azure/Azure-Functions, issue 2666)."""
    for name in ("main.bicep", "modules/function-app.bicep"):
        allowed = re.search(r"@allowed\(\[(.*?)\]\)\nparam pythonVersion ", TEMPLATES[name])
        assert allowed is not None
        assert re.findall(r"'([\d.]+)'", allowed[1]) == list(SUPPORTED)


def test_azd_publishes_the_steps_before_the_front() -> None:
    """docs/upgrade.md: the other way round messages fail and are given up."""
    services = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))["services"]
    assert services["front"]["uses"] == ["steps"]
    assert "uses" not in services["steps"]


def test_apps_that_share_a_subnet_are_made_one_after_the_other() -> None:
    """Side by side the second is refused: "Failed to acquire ServiceAssociationLinkLease" (409)."""
    apps = snapshot("private").of("Microsoft.Web/sites")
    assert len({app["properties"]["virtualNetworkSubnetId"] for app in apps}) == 1, "with a subnet each they need not"
    assert "front" in waits_for("steps")


def test_private_endpoints_are_made_one_after_the_other() -> None:
    """Side by side in one subnet some fail: ReferencedResourceNotProvisioned, StorageAccountOperationInProgress."""
    endpoints = re.findall(r"^module (\w+) 'modules/private-endpoint.bicep'", TEMPLATES["main.bicep"], re.MULTILINE)
    before = {name: waits_for(name) for name in endpoints}
    chain = [name for name in endpoints if not before[name]]
    assert len(chain) == 1, f"{chain} are made side by side"
    while following := [name for name, waits in before.items() if chain[-1] in waits]:
        assert len(following) == 1, f"{following} are made side by side"
        chain += following
    assert sorted(chain) == sorted(endpoints)
    # An app reads its package and its secrets as it starts: by then the closed doors must have their other way in.
    for who, other in (("front", "steps"), ("steps", "front")):
        assert set(waits_for(who)) >= {name for name in endpoints if not name.startswith(f"{other}Host")}


def test_what_is_kept_ready_is_a_group_that_flex_consumption_has(predicted: Snapshot) -> None:
    functions = {"timer", "notices", "dead_letters"} | {step.name.replace("-", "_") for step in TASKS}
    groups = {"http"} | {f"function:{name}" for name in functions}
    for app in predicted.of("Microsoft.Web/sites"):
        ready = app["properties"]["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"]
        assert {each["name"] for each in ready} <= groups


@pytest.mark.parametrize("who", WHO)
def test_nobody_is_told_in_teams_where_no_webhook_is(who: str) -> None:
    predicted = snapshot("plainest")
    assert not any("teams-webhook-url" in r["name"] for r in predicted.of("Microsoft.KeyVault/vaults/secrets"))
    assert not any("teams-webhook-url" in g.scope for g in predicted.grants if g.identity == who)
