"""Settings are checked when the app starts, and a wrong one is named with what was expected, without its value."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import azure.functions as func
import pytest

from onboarding import app
from onboarding.http.call import Application
from onboarding.http.entrance import entrance
from onboarding.http.routes import ROUTES
from onboarding.outside_facts import MicrosoftTrust, OutsideFacts
from onboarding.settings import SET_IN_AZURE, SettingsError, settings

EMULATOR = "Endpoint=sb://localhost;SharedAccessKeyName=a;SharedAccessKey=topsecret;UseDevelopmentEmulator=true;"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    ours = ("ServiceBus", "Tables", "ONBOARDING_PUBLIC_RESOLVERS", "ONBOARDING_POLL_FIRST", "ONBOARDING_LINK_KEY")
    for name in (*ours, *SET_IN_AZURE):
        monkeypatch.delenv(name, raising=False)
    settings.cache_clear()
    app.engine.cache_clear()
    yield
    settings.cache_clear()
    app.engine.cache_clear()


def test_a_missing_connection_is_named() -> None:
    with pytest.raises(SettingsError, match="set ServiceBus or ServiceBus__fullyQualifiedNamespace"):
        settings()


def test_a_wrong_value_is_named_and_no_secret_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ServiceBus", EMULATOR)
    monkeypatch.setenv("Tables", "DefaultEndpointsProtocol=https;AccountKey=topsecret")
    monkeypatch.setenv("ONBOARDING_POLL_FIRST", "-1")
    with pytest.raises(SettingsError, match="ONBOARDING_POLL_FIRST") as error:
        settings()
    assert "topsecret" not in str(error.value)
    monkeypatch.setenv("ONBOARDING_POLL_FIRST", "1")
    assert "topsecret" not in repr(settings())


def test_usual_days_are_seconds_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ServiceBus", EMULATOR)
    monkeypatch.setenv("Tables", "UseDevelopmentStorage=true")
    monkeypatch.setenv("ONBOARDING_USUAL_DAYS", "provisioning-complete=10, operator-information = 0.5,")
    assert settings().usual == {"provisioning-complete": 864000.0, "operator-information": 43200.0}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("provisioning=10", "'provisioning' is no step; the steps are enable-services"),
        ("provisioning-complete=soon", "days of 'provisioning-complete' must be a number from 0 to 365"),
        ("provisioning-complete", "days of 'provisioning-complete' must be a number from 0 to 365"),
        ("portal-access=366", "days of 'portal-access' must be a number from 0 to 365"),
        ("portal-access=nan", "days of 'portal-access' must be a number from 0 to 365"),
    ],
)
def test_usual_days_of_no_step_or_no_days_are_told(monkeypatch: pytest.MonkeyPatch, value: str, told: str) -> None:
    monkeypatch.setenv("ServiceBus", EMULATOR)
    monkeypatch.setenv("Tables", "UseDevelopmentStorage=true")
    monkeypatch.setenv("ONBOARDING_USUAL_DAYS", value)
    with pytest.raises(SettingsError, match=f"ONBOARDING_USUAL_DAYS: .*{told}"):
        settings()


@pytest.mark.parametrize("name", ["LINK_KEY", "LINK_KEY_PREVIOUS", "TEAMS_WEBHOOK_URL", "DNS_KEYS"])
def test_a_vaults_reference_that_was_not_resolved_is_no_secret(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Links signed with it could be made by anybody who knows the vault's name."""
    monkeypatch.setenv("ServiceBus", EMULATOR)
    monkeypatch.setenv("Tables", "UseDevelopmentStorage=true")
    monkeypatch.setenv(f"ONBOARDING_{name}", "@Microsoft.KeyVault(VaultName=kv-contoso;SecretName=link-key)")
    with pytest.raises(SettingsError, match=f"ONBOARDING_{name}: .*could not resolve"):
        settings()


@pytest.mark.parametrize("name", ["MAIL_SENDER", "ESCALATION_EMAIL"])
@pytest.mark.parametrize(
    "value",
    [
        "ops at contoso",
        "Ops <ops@contoso.com>",
        " ops@contoso.com",
        "ops@contoso.com,evil@evil.example",
        "=?utf-8?q?v=40evil.example?=@contoso.com",
        "ops@contoso.local",
        "ops\u202e@contoso.com",
    ],
)
def test_an_address_that_is_none_is_named_at_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("ServiceBus", EMULATOR)
    monkeypatch.setenv("Tables", "UseDevelopmentStorage=true")
    monkeypatch.setenv(f"ONBOARDING_{name}", value)
    with pytest.raises(SettingsError, match=f"ONBOARDING_{name}: .*an e-mail address was expected") as error:
        settings()
    assert value not in str(error.value)


def test_a_sender_may_be_an_object_id_and_nobody_to_tell_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    object_id = "6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63"
    monkeypatch.setenv("ServiceBus", EMULATOR)
    monkeypatch.setenv("Tables", "UseDevelopmentStorage=true")
    monkeypatch.setenv("ONBOARDING_MAIL_SENDER", object_id)
    assert settings().mail_sender == object_id
    settings.cache_clear()
    monkeypatch.setenv("ONBOARDING_ESCALATION_EMAIL", object_id)
    with pytest.raises(SettingsError, match="ONBOARDING_ESCALATION_EMAIL"):
        settings()


def test_a_resolver_that_is_no_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ServiceBus", EMULATOR)
    monkeypatch.setenv("Tables", "UseDevelopmentStorage=true")
    monkeypatch.setenv("ONBOARDING_PUBLIC_RESOLVERS", "1.1.1.1,dns.google")
    with pytest.raises(SettingsError, match=r"ONBOARDING_PUBLIC_RESOLVERS.*dns\.google"):
        app.engine()


def test_the_azure_sdks_log_no_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ServiceBus", EMULATOR)
    monkeypatch.setenv("Tables", "UseDevelopmentStorage=true")
    monkeypatch.setattr(logging.getLogger("azure"), "level", logging.NOTSET)
    app.engine()
    assert not logging.getLogger("azure.core.pipeline.policies.http_logging_policy").isEnabledFor(logging.INFO)


def test_a_lease_that_ends_before_its_step_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ServiceBus", EMULATOR)
    monkeypatch.setenv("Tables", "UseDevelopmentStorage=true")
    monkeypatch.setenv("ONBOARDING_STEP_LEASE", "240")
    with pytest.raises(SettingsError, match=r"ONBOARDING_STEP_LEASE is 240 and ONBOARDING_STEP_TIMEOUT 240"):
        settings()
    monkeypatch.setenv("ONBOARDING_STEP_LEASE", "241")
    assert (settings().policy.lease, settings().policy.step_timeout) == (241, 240)


async def test_whoever_calls_an_app_that_is_not_set_up_is_told_no_more_and_the_log_says_which_setting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Anybody may call: links and the API's description need no role."""
    for route in ROUTES:
        enter = entrance(route, Application(app.engine, settings))
        answer = await enter(func.HttpRequest(route.method, f"/api/{route.path}", body=b""))
        assert answer.status_code == 503
        assert json.loads(answer.get_body())["detail"] == "A setting is missing or wrong; the log says which."
    assert "set ServiceBus or ServiceBus__fullyQualifiedNamespace" in caplog.text


@pytest.mark.parametrize("variable", SET_IN_AZURE)
def test_in_azure_forms_are_signed_with_a_key_that_all_instances_have(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("ServiceBus", EMULATOR)
    monkeypatch.setenv("Tables", "UseDevelopmentStorage=true")
    assert settings().link_keys == (), "a laptop needs none"
    settings.cache_clear()
    monkeypatch.setenv(variable, "x")
    with pytest.raises(SettingsError, match="ONBOARDING_LINK_KEY is missing, and in Azure it must be set"):
        settings()
    monkeypatch.setenv("ONBOARDING_LINK_KEY", "k" * 32)
    assert settings().link_keys == ("k" * 32,)


# -- DNS servers that take updates

SERVERS = {"corp": {"address": "192.0.2.53", "zones": ["Contoso.com"], "key": "onboarding"}}
KEYS = {"onboarding": "dG9wc2VjcmV0"}


def with_servers(monkeypatch: pytest.MonkeyPatch, servers: object, keys: object = KEYS) -> None:
    monkeypatch.setenv("ServiceBus", EMULATOR)
    monkeypatch.setenv("Tables", "UseDevelopmentStorage=true")
    for name, value in (("SERVERS", servers), ("KEYS", keys)):
        monkeypatch.setenv(f"ONBOARDING_DNS_{name}", value if isinstance(value, str) else json.dumps(value))


def test_servers_and_their_keys_are_read_and_no_key_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with_servers(monkeypatch, SERVERS)
    (server,) = settings().dns_servers.values()
    assert (server.port, server.zones, server.algorithm) == (53, ("contoso.com",), "hmac-sha256")
    assert settings().tsig_keys == KEYS
    assert KEYS["onboarding"] not in repr(settings())
    assert KEYS["onboarding"] not in str(settings().model_dump())


@pytest.mark.parametrize("empty", ["", "{}"])
def test_there_may_be_none(monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    with_servers(monkeypatch, empty, empty)
    assert (settings().dns_servers, settings().tsig_keys) == ({}, {})


@pytest.mark.parametrize(
    ("servers", "keys", "told"),
    [
        ("corp", KEYS, "ONBOARDING_DNS_SERVERS: .*must be a JSON object, in braces"),
        ("[]", KEYS, "ONBOARDING_DNS_SERVERS: .*must be a JSON object, in braces"),
        ({"a b": SERVERS["corp"]}, KEYS, "'a b' can't be a server's name: it must be the name of a DNS server"),
        ({"corp": {**SERVERS["corp"], "address": "ns1.contoso.com"}}, KEYS, "address must be an IP address, such as"),
        ({"corp": {**SERVERS["corp"], "zones": []}}, KEYS, "zones has 0 items; at least 1 is needed"),
        ({"corp": {**SERVERS["corp"], "algorithm": "hmac-md5"}}, KEYS, "algorithm must be 'hmac-sha256', "),
        ({"corp": {**SERVERS["corp"], "key": "a key"}}, KEYS, "key must be the name of a TSIG key"),
        ({"corp": {**SERVERS["corp"], "secret": "x"}}, KEYS, "secret is no field here"),
        (SERVERS, {"other": "dG9wc2VjcmV0"}, "'corp' with the key 'onboarding', and ONBOARDING_DNS_KEYS has no secret"),
        (SERVERS, {"onboarding": "not base64!"}, "ONBOARDING_DNS_KEYS: .*the secret of 'onboarding' must be a text in"),
        (SERVERS, {"onboarding": 1}, "ONBOARDING_DNS_KEYS: .*the secret of 'onboarding' must be a text in base64"),
        (SERVERS, "dG9wc2VjcmV0", "ONBOARDING_DNS_KEYS: .*must be a JSON object, in braces"),
    ],
)
def test_what_is_wrong_with_them_is_told_without_a_secret(
    monkeypatch: pytest.MonkeyPatch, servers: object, keys: object, told: str
) -> None:
    with_servers(monkeypatch, servers, keys)
    with pytest.raises(SettingsError, match=told) as caught:
        settings()
    assert "dG9wc2VjcmV0" not in str(caught.value)
    assert "not base64" not in str(caught.value)


def test_the_front_needs_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBOARDING_FUNCTIONS", "front")
    with_servers(monkeypatch, SERVERS, "")
    assert "corp" in settings().dns_servers


def test_a_permitted_zone_is_a_resource_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBOARDING_PERMITTED_DNS_ZONES", "contoso.com")
    with_servers(monkeypatch, "", "")
    with pytest.raises(SettingsError, match=r"PERMITTED_DNS_ZONES: .*the resource id of an Azure DNS zone.*is not"):
        settings()


# -- what Microsoft asks of a session border controller's side

TRUST = {"asOf": "2 March 2027", "source": "MC1", "roots": ["Root G9"], "ranges": ["192.0.2.0/24"]}


def test_what_is_trusted_is_todays_list_unless_the_setting_has_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with_servers(monkeypatch, "", "")
    monkeypatch.setenv("ONBOARDING_MICROSOFT_TRUST", "")
    assert settings().outside_facts == OutsideFacts()
    assert len(OutsideFacts().trust.roots) == 7
    settings.cache_clear()
    monkeypatch.setenv("ONBOARDING_MICROSOFT_TRUST", json.dumps(TRUST))
    monkeypatch.setenv("ONBOARDING_VERIFICATION_LINES", "2")
    facts = settings().outside_facts
    assert facts.trust == MicrosoftTrust.model_validate(TRUST)
    assert (facts.trust.as_of, facts.trust.ranges) == ("2 March 2027", ("192.0.2.0/24",))
    assert (facts.verification_lines, facts.verification_lines_lab) == (2, 3)


@pytest.mark.parametrize(
    ("trust", "told"),
    [
        ("Root G9", "must be a JSON object, in braces"),
        (json.dumps({name: value for name, value in TRUST.items() if name != "source"}), "source is required"),
        (json.dumps({**TRUST, "roots": []}), "roots has 0 items; at least 1 is needed"),
        (json.dumps({**TRUST, "ranges": ["everywhere"]}), "must be a range of IP addresses, such as 52.112.0.0/14"),
        (json.dumps({**TRUST, "ports": [5061]}), "ports is no field here"),
    ],
)
def test_what_is_trusted_is_given_whole(monkeypatch: pytest.MonkeyPatch, trust: str, told: str) -> None:
    with_servers(monkeypatch, "", "")
    monkeypatch.setenv("ONBOARDING_MICROSOFT_TRUST", trust)
    with pytest.raises(SettingsError, match=f"ONBOARDING_MICROSOFT_TRUST: .*{told}"):
        settings()
