"""The world within its bounds: what each port lets through, refuses, and remembers of one piece of work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from onboarding import bounded as module
from onboarding.azure.dns_zone import DnsZoneId, TxtSet
from onboarding.azure.gateway_resource import GatewayId
from onboarding.azure.peering_resource import PeeringId
from onboarding.bounded import bounded
from onboarding.core.permitted import ANYTHING, Permitted
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.services import TestLine
from onboarding.fence import ports_of
from onboarding.memory import MemoryWorld
from onboarding.ports import Notification, Principal, ServicePrincipal, TxtRecord, methods_of
from onboarding.settings import Settings
from onboarding.steps.base import World
from onboarding.steps.operator_connect import ADMIN_ROLE, PROJECT_SYNERGY_APP_ID
from tests.support import requests

REQUEST: Any = requests.parsed(requests.operator_connect())
GATEWAY: GatewayId = REQUEST.gateway.id
IDENTITY = f"principal-of-{GATEWAY.name}"
ELSEWHERE = GatewayId("11111111-2222-4333-8444-555555555555", "rg", "other-acg")
ADMIN = REQUEST.admin_user
APPLICATION = Principal("servicePrincipals", IDENTITY)


SUBSCRIPTION = GATEWAY.subscription_id
ZONE = DnsZoneId(SUBSCRIPTION, "rg-dns", "contoso.com")
RECORD = TxtRecord(name="sip.contoso.com", value="MS=ms1", ttl=3600)


@pytest.fixture
async def outside() -> MemoryWorld:
    memory = MemoryWorld()
    memory.deploy(REQUEST)
    await memory.directory.add_application(PROJECT_SYNERGY_APP_ID, "Operator Connect")
    memory.directory.replicate()
    memory.writes.clear()
    memory.directory.faults.calls.clear()
    return memory


@pytest.fixture
def synergy(outside: MemoryWorld) -> ServicePrincipal:
    return next(p for p in outside.directory.service_principals.values() if p.app_id == PROJECT_SYNERGY_APP_ID)


def roles(synergy: ServicePrincipal, *, admin: bool) -> list[str]:
    return [role.id for role in synergy.app_roles if (role.value == ADMIN_ROLE) == admin]


def test_each_method_of_each_port_is_bounded() -> None:
    """One that is added later answers nothing, rather than unbounded: it must be written here too."""
    world = bounded(MemoryWorld().world, ANYTHING)
    for name, port in ports_of(World).items():
        kind = type(getattr(world, name))
        assert kind.__module__ == module.__name__
        assert methods_of(port) == {m for m in vars(kind) if not m.startswith("_")}
    assert {f.name for f in fields(World)} - set(ports_of(World)) == {
        "domain_suffix",
        "permitted_admin_users",
        "permitted_applications",
        "trunks_on_loopback",
        "project_synergy_by",
        "changes_by",
        "sender",
    }


def test_the_settings_are_what_is_permitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ServiceBus", "Endpoint=sb://unused")
    monkeypatch.setenv("Tables", "unused")
    assert Settings().permitted == ANYTHING  # type: ignore[call-arg]
    monkeypatch.setenv("ONBOARDING_PERMITTED_SUBSCRIPTIONS", f"{GATEWAY.subscription_id}/rg-voice, ")
    monkeypatch.setenv("ONBOARDING_PERMITTED_ADMIN_USERS", f"{ADMIN},@contoso.com")
    monkeypatch.setenv("ONBOARDING_PERMITTED_DOMAIN_SUFFIXES", "commsgw.azure.com")
    monkeypatch.setenv("ONBOARDING_PERMITTED_MAIL_DOMAINS", "contoso.com,example.com")
    monkeypatch.setenv("ONBOARDING_PERMITTED_DNS_ZONES", ZONE.arm_id)
    monkeypatch.setenv("ONBOARDING_PERMITTED_APPLICATIONS", requests.CLIENT_ID)
    assert Settings().permitted == Permitted(  # type: ignore[call-arg]
        (f"{GATEWAY.subscription_id}/rg-voice",),
        (ADMIN, "@contoso.com"),
        ("commsgw.azure.com",),
        ("contoso.com", "example.com"),
        (ZONE.arm_id,),
        (requests.CLIENT_ID,),
    )


def malformed() -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """Port, method and arguments with a value that is none."""
    for gateway in (
        GatewayId("s", "rg", "contoso-acg"),
        GatewayId(GATEWAY.subscription_id, "rg/x", "contoso-acg"),
        GatewayId(GATEWAY.subscription_id, "rg", "contoso-acg/x"),
    ):
        yield "gateways", "get", (gateway,)
        yield "gateways", "put", (gateway, {})
        yield "gateways", "test_lines", (gateway,)
        yield "gateways", "own_actions", (gateway,)
    for name, number in (("OC1/x", "+442079460101"), ("OC1", "not a number <b>"), ("OC1", "+442079460101\n")):
        line = TestLine.model_construct(name=name, phone_number=number)
        yield "gateways", "put_test_line", (GATEWAY, line, "northeurope")
    yield "gateways", "in_subscription", ("../x",)
    for name in ("evil", "a.example/verify", "a.example\n", ""):
        for method in ("domain", "add_domain", "verify_domain"):
            yield "directory", method, (name,)
    yield "directory", "role_standing", (Principal("users", "x/owners"), PROJECT_SYNERGY_APP_ID)
    yield "dns", "txt", ("evil example", "MS=ms1")
    yield "dns", "delegation", ("evil example",)
    yield "dns", "addresses", ("evil example",)
    yield "directory", "application", ("x'",)
    yield "directory", "credentials", ("../users",)
    yield "peerings", "standing", (PeeringId(SUBSCRIPTION, "rg", "x/../y"),)
    for zone in (DnsZoneId("s", "rg", "contoso.com"), DnsZoneId(SUBSCRIPTION, "rg", "contoso.com/TXT/@")):
        yield "dns_zones", "zone", (zone,)
        yield "dns_zones", "own_actions", (zone,)
        yield "dns_zones", "txt_set", (zone, "@")
        yield "dns_zones", "add_txt", (zone, TxtSet("@"), RECORD)
    yield "dns_zones", "txt_set", (ZONE, "../CNAME/www")
    for server, name in (("corp dns", "contoso.com"), ("corp", "contoso")):
        yield "dns_updates", "zone_at", (server, name)
        yield "dns_updates", "txt_at", (server, name)
    yield "dns_updates", "update_txt", ("corp/x", RECORD)
    for name in ("evil", "127.0.0.1", "sbc1.contoso.com/x", "sbc1.contoso.com\n", ""):
        yield "tls", "chain", (name, 5061)
    for port in (0, -1, 65536, 99999):
        yield "tls", "chain", ("sbc1.contoso.com", port)


@pytest.mark.parametrize(("port", "method", "given"), list(malformed()))
async def test_what_is_not_written_like_what_it_stands_for_goes_nowhere(
    outside: MemoryWorld, port: str, method: str, given: tuple[Any, ...]
) -> None:
    with pytest.raises(PersonMustActError) as caught:
        await getattr(getattr(bounded(outside.world, ANYTHING), port), method)(*given)
    assert caught.value.code == ProblemCode.MALFORMED
    assert getattr(outside, port).faults.calls == {}


async def test_gateways_of_elsewhere_are_refused(outside: MemoryWorld) -> None:
    gateways = bounded(outside.world, Permitted(subscriptions=(GATEWAY.subscription_id,))).gateways
    line = REQUEST.test_lines[0]
    assert await gateways.get(GATEWAY)
    assert await gateways.in_subscription(GATEWAY.subscription_id)
    outside.gateways.faults.calls.clear()
    for refused in (
        gateways.get(ELSEWHERE),
        gateways.put(ELSEWHERE, {}),
        gateways.test_lines(ELSEWHERE),
        gateways.put_test_line(ELSEWHERE, line, "northeurope"),
        gateways.in_subscription(ELSEWHERE.subscription_id),
    ):
        with pytest.raises(PersonMustActError, match="ONBOARDING_PERMITTED_SUBSCRIPTIONS") as caught:
            await refused
        assert caught.value.code == ProblemCode.NOT_PERMITTED
    assert outside.gateways.faults.calls == {}


async def test_a_gateways_identity_is_given_roles_once_microsoft_has_named_it(
    outside: MemoryWorld, synergy: ServicePrincipal
) -> None:
    """By ARM and by Entra, and in this very piece of work."""
    world = bounded(outside.world, ANYTHING)
    wanted = roles(synergy, admin=False)

    async def refused(role_ids: list[str]) -> None:
        with pytest.raises(PersonMustActError, match="No role was given") as caught:
            await world.directory.assign_roles(synergy, IDENTITY, role_ids)
        assert caught.value.code == ProblemCode.NOT_PERMITTED

    await refused(wanted)
    await world.gateways.get(GATEWAY)
    await refused(wanted)
    await world.directory.service_principal(IDENTITY)
    await refused([*wanted, *roles(synergy, admin=True)])
    await refused(roles(synergy, admin=True))
    await refused(["99999999-0000-4000-8000-000000000009"])
    assert outside.writes == []
    await world.directory.assign_roles(synergy, IDENTITY.upper(), wanted)
    assert [w[0] for w in outside.writes] == ["assign_roles"]

    world = bounded(outside.world, ANYTHING)
    await refused(wanted)


async def test_an_identity_that_is_called_otherwise_is_given_none(
    outside: MemoryWorld, synergy: ServicePrincipal
) -> None:
    outside.directory.add_identity(IDENTITY, "another name")
    world = bounded(outside.world, ANYTHING)
    await world.gateways.get(GATEWAY)
    await world.directory.service_principal(IDENTITY)
    await world.directory.role_standing(APPLICATION, PROJECT_SYNERGY_APP_ID)
    with pytest.raises(PersonMustActError, match="called like the gateway"):
        await world.directory.assign_roles(synergy, IDENTITY, roles(synergy, admin=False))


async def test_a_permitted_user_is_made_admin_and_has_no_other_role(
    outside: MemoryWorld, synergy: ServicePrincipal
) -> None:
    outside.directory.add_user("mallory@contoso.com")
    directory = bounded(outside.world, Permitted(admin_users=(ADMIN,))).directory
    with pytest.raises(PersonMustActError, match="ONBOARDING_PERMITTED_ADMIN_USERS") as caught:
        await directory.role_standing(Principal("users", "mallory@contoso.com"), PROJECT_SYNERGY_APP_ID)
    assert "mallory" not in str(caught.value)
    standing = await directory.role_standing(Principal("users", ADMIN), PROJECT_SYNERGY_APP_ID)
    assert standing.principal_id is not None
    for who, which in (
        (standing.principal_id, roles(synergy, admin=False)),
        (outside.directory.users["mallory@contoso.com"], roles(synergy, admin=True)),
    ):
        with pytest.raises(PersonMustActError, match="No role was given"):
            await directory.assign_roles(synergy, who, which)
    await directory.assign_roles(synergy, standing.principal_id, roles(synergy, admin=True))
    assert outside.writes == [("assign_roles", standing.principal_id, *roles(synergy, admin=True))]


async def test_domains_beyond_the_suffixes_are_refused(outside: MemoryWorld) -> None:
    directory = bounded(outside.world, Permitted(domain_suffixes=("commsgw.azure.com",))).directory
    for refused in (
        directory.domain("a.example"),
        directory.add_domain("a.example"),
        directory.verify_domain("b.example"),
    ):
        with pytest.raises(PersonMustActError, match="ONBOARDING_PERMITTED_DOMAIN_SUFFIXES"):
            await refused
    assert outside.writes == []
    assert await directory.add_domain("a.commsgw.azure.com")


async def test_mail_goes_to_permitted_domains_only_and_names_no_person(outside: MemoryWorld) -> None:
    notifier = bounded(outside.world, Permitted(mail_domains=("contoso.com",))).notifier
    message = Notification("Hello")
    with pytest.raises(PersonMustActError, match=r"evil\.example is outside.*MAIL_DOMAINS") as caught:
        await notifier.mail(("a@contoso.com", "eve@evil.example"), message)
    assert "eve" not in str(caught.value)
    assert outside.notifier.mails == []
    assert await notifier.mail(("a@contoso.com",), message)
    assert await notifier.teams(message)


async def test_a_txt_record_is_added_to_a_permitted_zone_only(outside: MemoryWorld) -> None:
    other = DnsZoneId(SUBSCRIPTION, "rg-dns", "fabrikam.com")
    zones = bounded(outside.world, Permitted(dns_zones=(ZONE.arm_id.upper(),))).dns_zones
    assert await zones.zone(ZONE) is None
    outside.dns_zones.faults.calls.clear()
    for refused in (zones.zone(other), zones.txt_set(other, "@"), zones.add_txt(other, TxtSet("@"), RECORD)):
        with pytest.raises(PersonMustActError, match="ONBOARDING_PERMITTED_DNS_ZONES") as caught:
            await refused
        assert caught.value.code == ProblemCode.NOT_PERMITTED
    assert outside.dns_zones.faults.calls == {}


async def test_a_txt_record_is_added_only_if_entra_wants_a_permitted_domain_proved_by_it(outside: MemoryWorld) -> None:
    """And was asked in this very piece of work: the record in the table may be anybody's."""
    outside.dns_zones.add(ZONE)
    outside.dns_updates.servers["corp"] = ("contoso.com",)
    world = bounded(outside.world, ANYTHING)
    domain = await world.directory.add_domain("sip.contoso.com")
    assert domain is not None
    record = domain.txt_record
    assert record is not None
    for wrong in (RECORD, record.model_copy(update={"name": "www.contoso.com"})):
        for refused in (
            world.dns_zones.add_txt(ZONE, TxtSet("sip"), wrong),
            world.dns_updates.update_txt("corp", wrong),
        ):
            with pytest.raises(PersonMustActError, match=r"No TXT record was added at .*contoso\.com") as caught:
                await refused
            assert caught.value.code == ProblemCode.NOT_PERMITTED
    with pytest.raises(PersonMustActError, match="No TXT record was added"):
        await world.dns_zones.add_txt(ZONE, TxtSet("@"), record)
    with pytest.raises(PersonMustActError, match="No TXT record was added"):
        await bounded(outside.world, ANYTHING).dns_zones.add_txt(ZONE, TxtSet("sip"), record)
    assert [write[0] for write in outside.writes] == ["add_domain"]
    await world.dns_zones.add_txt(ZONE, TxtSet("sip"), record)
    await world.dns_updates.update_txt("corp", record)
    assert [write[0] for write in outside.writes] == ["add_domain", "add_txt"], "it stands there already"
