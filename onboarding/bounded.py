"""What the steps will ever do, whoever writes the table or sends messages.

The front can write records and messages, so what a record says is not believed: a gateway, a user, a domain and an
address are held against settings that only the steps' app has, and a role is given to nobody but a user who is
permitted, the identity that ARM says a gateway has, and an application that is permitted. One world for one piece of
work: it knows what that work has read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from onboarding.azure.azure_actions import AzurePermission
from onboarding.azure.dns_zone import DnsZone, DnsZoneId, TxtSet
from onboarding.azure.gateway_resource import GatewayId, GatewayResource, TestLineResource
from onboarding.azure.peering_resource import PeeringId, PeeringStanding
from onboarding.core import patterns
from onboarding.core.patterns import fits
from onboarding.core.permitted import Permitted
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.publishing import relative_name
from onboarding.core.services import TestLine
from onboarding.ports import (
    AddressAnswer,
    AppCredential,
    Delegation,
    Directory,
    Dns,
    DnsUpdates,
    DnsZones,
    Domain,
    Gateways,
    Notification,
    Notifier,
    OutgoingEvent,
    OwnPermissions,
    Peerings,
    Principal,
    RoleStanding,
    ServicePrincipal,
    TlsAnswer,
    TlsProbe,
    TxtAnswer,
    TxtRecord,
    Ways,
)
from onboarding.steps.base import World
from onboarding.steps.operator_connect import (
    ADMIN_ROLE,
    APPLICATION_ROLES,
    OTHER_APPLICATION_ROLES,
    PROJECT_SYNERGY_APP_ID,
)
from onboarding.telemetry.metrics import count
from onboarding.telemetry.names import ROLES_GIVEN, Attribute

_ADMIN = frozenset({ADMIN_ROLE.lower()})
_OF_APPLICATIONS = frozenset(value.lower() for value in (*APPLICATION_ROLES, *OTHER_APPLICATION_ROLES))


def bounded(world: World, permitted: Permitted) -> World:
    """The same world for one piece of work, in which nothing is done that is not permitted."""
    seen = _Seen()
    return replace(
        world,
        gateways=BoundedGateways(world.gateways, permitted, seen),
        directory=BoundedDirectory(world.directory, permitted, seen),
        dns=BoundedDns(world.dns),
        notifier=BoundedNotifier(world.notifier, permitted),
        dns_zones=BoundedDnsZones(world.dns_zones, permitted, seen),
        dns_updates=BoundedDnsUpdates(world.dns_updates, seen),
        tls=BoundedTls(world.tls, permitted),
        peerings=BoundedPeerings(world.peerings, permitted),
    )


@dataclass
class _Seen:
    """What this piece of work has read at Microsoft, by object id in lower case."""

    listed: dict[str, Sequence[GatewayResource]] = field(default_factory=dict)
    """Subscription → its gateways: listed once in a piece of work, for however many wait there."""
    identities: dict[str, str] = field(default_factory=dict)
    """Of a gateway, as ARM says → the gateway's name."""
    names: dict[str, str] = field(default_factory=dict)
    """Of a service principal → its display name in Entra."""
    applications: set[str] = field(default_factory=set)
    """Of service principals that were asked for by client id, and are permitted."""
    admins: set[str] = field(default_factory=set)
    """Of users that are permitted."""
    records: set[tuple[str, str]] = field(default_factory=set)
    """(name in lower case, value) of TXT records by which Entra wants a domain proved."""

    def domain(self, found: Domain | None) -> Domain | None:
        """Remember what a permitted domain is proved by."""
        if found is not None and found.txt_record is not None:
            self.records.add((found.txt_record.name.lower(), found.txt_record.value))
        return found


class BoundedGateways(Gateways):
    """Gateways of permitted subscriptions and resource groups only, to be read or changed."""

    def __init__(self, inner: Gateways, permitted: Permitted, seen: _Seen) -> None:
        self._inner, self._permitted, self._seen = inner, permitted, seen

    async def get(self, gateway: GatewayId) -> GatewayResource | None:
        self._expect(gateway)
        found = await self._inner.get(gateway)
        if found is not None and found.principal_id:
            self._seen.identities[found.principal_id.lower()] = gateway.name
        return found

    async def put(self, gateway: GatewayId, body: Mapping[str, Any]) -> None:
        self._expect(gateway)
        await self._inner.put(gateway, body)

    async def in_subscription(self, subscription_id: str) -> Sequence[GatewayResource]:
        _expect_form(patterns.GUID, subscription_id, "the id of a subscription")
        if not self._permitted.has_subscription(subscription_id):
            raise _not_permitted(f"Subscription {subscription_id}", "ONBOARDING_PERMITTED_SUBSCRIPTIONS")
        listed = self._seen.listed.get(subscription_id.lower())
        if listed is None:
            listed = self._seen.listed[subscription_id.lower()] = await self._inner.in_subscription(subscription_id)
        return listed

    async def test_lines(self, gateway: GatewayId) -> Sequence[TestLineResource]:
        self._expect(gateway)
        return await self._inner.test_lines(gateway)

    async def put_test_line(self, gateway: GatewayId, line: TestLine, location: str) -> None:
        self._expect(gateway)
        _expect_form(patterns.RESOURCE_NAME, line.name, "the name of a test line")
        _expect_form(patterns.PHONE_NUMBER, line.phone_number, "the number of a test line")
        await self._inner.put_test_line(gateway, line, location)

    async def own_actions(self, gateway: GatewayId) -> Sequence[AzurePermission]:
        self._expect(gateway)
        return await self._inner.own_actions(gateway)

    def _expect(self, gateway: GatewayId) -> None:
        _expect_form(patterns.GUID, gateway.subscription_id, "the id of a subscription")
        _expect_form(patterns.RESOURCE_GROUP, gateway.resource_group, "the name of a resource group")
        _expect_form(patterns.RESOURCE_NAME, gateway.name, "the name of a gateway")
        if not self._permitted.has_gateway(gateway.subscription_id, gateway.resource_group):
            raise _not_permitted(
                f"Gateway '{gateway.name}' in resource group '{gateway.resource_group}' of subscription"
                f" {gateway.subscription_id}",
                "ONBOARDING_PERMITTED_SUBSCRIPTIONS",
            )


class BoundedDirectory(Directory):
    """Roles for permitted users and for gateways' identities, and permitted domains."""

    def __init__(self, inner: Directory, permitted: Permitted, seen: _Seen) -> None:
        self._inner, self._permitted, self._seen = inner, permitted, seen

    async def own_permissions(self) -> OwnPermissions | None:
        return await self._inner.own_permissions()

    async def application(self, app_id: str) -> ServicePrincipal | None:
        _expect_form(patterns.GUID, app_id, "the client id of an application")
        microsofts = app_id.lower() == PROJECT_SYNERGY_APP_ID
        if not microsofts and not self._permitted.has_application(app_id):
            raise _not_permitted(f"The application {app_id}", "ONBOARDING_PERMITTED_APPLICATIONS")
        found = await self._inner.application(app_id)
        if found is not None and not microsofts:
            self._seen.applications.add(found.id.lower())
        return found

    async def credentials(self, app_id: str) -> Sequence[AppCredential] | None:
        _expect_form(patterns.GUID, app_id, "the client id of an application")
        return await self._inner.credentials(app_id)

    async def add_application(self, app_id: str, display_name: str) -> ServicePrincipal:
        return await self._inner.add_application(app_id, display_name)

    async def service_principal(self, object_id: str) -> ServicePrincipal | None:
        found = await self._inner.service_principal(object_id)
        if found is not None:
            self._seen.names[found.id.lower()] = found.display_name
        return found

    async def role_standing(self, principal: Principal, app_id: str) -> RoleStanding:
        of_user = principal.kind == "users"
        if of_user:
            _expect_form(patterns.USER_NAME, principal.ref, "a user's name or object id")
            if not self._permitted.has_admin_user(principal.ref):
                # A person's name stays out of details and logs.
                raise _not_permitted("The admin user of the request", "ONBOARDING_PERMITTED_ADMIN_USERS")
        standing = await self._inner.role_standing(principal, app_id)
        if of_user and standing.principal_id:
            self._seen.admins.add(standing.principal_id.lower())
        return standing

    async def assign_roles(self, application: ServicePrincipal, principal_id: str, role_ids: Sequence[str]) -> None:
        asked = {role.id: role.value for role in application.app_roles if role.id in role_ids}
        values = frozenset(value.lower() for value in asked.values())
        if not set(role_ids) <= set(asked) or not self._may_have(principal_id.lower(), values):
            raise PersonMustActError(
                ProblemCode.NOT_PERMITTED,
                f"No role was given to {principal_id}: {ADMIN_ROLE} is for a permitted user alone, and the roles of"
                " applications for the identity that Azure says this gateway has, if it is called like the gateway, or"
                " for a permitted application.",
                "Look who writes to the table of onboardings (docs/permissions.md); if nobody else does, report it.",
            )
        for value in asked.values():
            # Before it is done: the answer may be lost, and what nobody was told of is worse than what was told twice.
            count(ROLES_GIVEN, {Attribute.PRINCIPAL: principal_id, Attribute.ROLE: value})
        await self._inner.assign_roles(application, principal_id, role_ids)

    async def domain(self, name: str) -> Domain | None:
        self._expect(name)
        return self._seen.domain(await self._inner.domain(name))

    async def add_domain(self, name: str) -> Domain | None:
        self._expect(name)
        return self._seen.domain(await self._inner.add_domain(name))

    async def verify_domain(self, name: str) -> bool:
        self._expect(name)
        return await self._inner.verify_domain(name)

    def _may_have(self, principal: str, values: frozenset[str]) -> bool:
        if values <= _ADMIN:
            return principal in self._seen.admins
        if values <= _OF_APPLICATIONS and principal in self._seen.applications:
            return True
        gateway, called = self._seen.identities.get(principal), self._seen.names.get(principal)
        return values <= _OF_APPLICATIONS and bool(gateway and called and gateway.lower() == called.lower())

    def _expect(self, name: str) -> None:
        _expect_form(patterns.DOMAIN_NAME, name, "a domain name")
        if not self._permitted.has_domain(name):
            raise _not_permitted(f"The domain {name}", "ONBOARDING_PERMITTED_DOMAIN_SUFFIXES")


class BoundedDns(Dns):
    """Names that are names of domains."""

    def __init__(self, inner: Dns) -> None:
        self._inner = inner

    async def txt(self, name: str, expected: str) -> Sequence[TxtAnswer]:
        _expect_form(patterns.TXT_NAME, name, "the name of a TXT record")
        return await self._inner.txt(name, expected)

    async def addresses(self, name: str) -> Sequence[AddressAnswer]:
        _expect_form(patterns.DOMAIN_NAME, name, "the name of a trunk")
        return await self._inner.addresses(name)

    async def delegation(self, name: str) -> Delegation | None:
        _expect_form(patterns.TXT_NAME, name, "the name of a TXT record")
        return await self._inner.delegation(name)


class BoundedDnsZones(DnsZones):
    """Permitted zones of Azure DNS only; and nothing is added but what Entra wants a permitted domain proved by."""

    def __init__(self, inner: DnsZones, permitted: Permitted, seen: _Seen) -> None:
        self._inner, self._permitted, self._seen = inner, permitted, seen

    async def zone(self, zone: DnsZoneId) -> DnsZone | None:
        self._expect(zone)
        return await self._inner.zone(zone)

    async def txt_set(self, zone: DnsZoneId, name: str) -> TxtSet:
        self._expect(zone)
        _expect_form(patterns.RECORD_NAME, name, "the name of a record set")
        return await self._inner.txt_set(zone, name)

    async def add_txt(self, zone: DnsZoneId, to: TxtSet, record: TxtRecord) -> None:
        self._expect(zone)
        _expect_proof(self._seen, record)
        if relative_name(record.name, zone.name) != to.name:
            raise _no_proof(record)
        await self._inner.add_txt(zone, to, record)

    async def own_actions(self, zone: DnsZoneId) -> Sequence[AzurePermission]:
        self._expect(zone)
        return await self._inner.own_actions(zone)

    def _expect(self, zone: DnsZoneId) -> None:
        _expect_form(patterns.AZURE_ZONE, zone.arm_id, "the resource id of a DNS zone")
        if not self._permitted.has_dns_zone(zone.arm_id):
            raise _not_permitted(f"The Azure DNS zone {zone.arm_id}", "ONBOARDING_PERMITTED_DNS_ZONES")


class BoundedDnsUpdates(DnsUpdates):
    """The same for servers that take updates: the settings name them, and their zones."""

    def __init__(self, inner: DnsUpdates, seen: _Seen) -> None:
        self._inner, self._seen = inner, seen

    async def zone_at(self, server: str, name: str) -> str:
        _expect_form(patterns.DNS_SERVER, server, "the name of a DNS server")
        _expect_form(patterns.TXT_NAME, name, "the name of a TXT record")
        return await self._inner.zone_at(server, name)

    async def txt_at(self, server: str, name: str) -> TxtAnswer:
        _expect_form(patterns.DNS_SERVER, server, "the name of a DNS server")
        _expect_form(patterns.TXT_NAME, name, "the name of a TXT record")
        return await self._inner.txt_at(server, name)

    async def update_txt(self, server: str, record: TxtRecord) -> None:
        _expect_form(patterns.DNS_SERVER, server, "the name of a DNS server")
        _expect_proof(self._seen, record)
        await self._inner.update_txt(server, record)


class BoundedPeerings(Peerings):
    """Peerings of permitted subscriptions and resource groups only."""

    def __init__(self, inner: Peerings, permitted: Permitted) -> None:
        self._inner, self._permitted = inner, permitted

    async def standing(self, peering: PeeringId) -> PeeringStanding | None:
        _expect_form(patterns.PEERING_ID, peering.arm_id, "the resource id of a peering")
        if not self._permitted.has_gateway(peering.subscription_id, peering.resource_group):
            raise _not_permitted(f"The peering {peering.name}", "ONBOARDING_PERMITTED_SUBSCRIPTIONS")
        return await self._inner.standing(peering)


class BoundedTls(TlsProbe):
    """Hosts of permitted domains."""

    def __init__(self, inner: TlsProbe, permitted: Permitted) -> None:
        self._inner, self._permitted = inner, permitted

    async def chain(self, name: str, port: int) -> TlsAnswer:
        _expect_form(patterns.DOMAIN_NAME, name, "the name of a trunk")
        _expect_form(patterns.PORT, str(port), "the port of a trunk")
        if not self._permitted.has_domain(name):
            raise _not_permitted(f"The trunk {name}", "ONBOARDING_PERMITTED_DOMAIN_SUFFIXES")
        return await self._inner.chain(name, port)

    async def roots(self) -> Sequence[bytes]:
        return await self._inner.roots()


class BoundedNotifier(Notifier):
    """E-mail to permitted domains. The Teams channel and the program that is told are settings themselves."""

    def __init__(self, inner: Notifier, permitted: Permitted) -> None:
        self._inner, self._permitted = inner, permitted

    async def ways(self, to: Sequence[str]) -> Ways:
        refused = tuple(address for address in to if not self._permitted.has_address(address))
        return replace(await self._inner.ways(to), refused=refused)

    async def mail(self, to: Sequence[str], message: Notification) -> bool:
        refused = set(to) - set(self._permitted.addresses(to))
        if refused:
            domains = ", ".join(sorted({address.rpartition("@")[2].lower() for address in refused}))
            raise _not_permitted(f"E-mail to addresses at {domains}", "ONBOARDING_PERMITTED_MAIL_DOMAINS")
        return await self._inner.mail(to, message)

    async def teams(self, message: Notification) -> bool:
        return await self._inner.teams(message)

    async def event(self, event: OutgoingEvent) -> bool:
        return await self._inner.event(event)


def _expect_form(pattern: str, text: str, what: str) -> None:
    if not fits(pattern, text):
        raise PersonMustActError(
            ProblemCode.MALFORMED,
            f"What the record holds as {what} is none; nothing was asked of Microsoft with it.",
            "Look who writes to the table of onboardings (docs/permissions.md); cancel, and post the request again.",
        )


def _expect_proof(seen: _Seen, record: TxtRecord) -> None:
    if (record.name.lower(), record.value) not in seen.records:
        raise _no_proof(record)


def _no_proof(record: TxtRecord) -> PersonMustActError:
    return PersonMustActError(
        ProblemCode.NOT_PERMITTED,
        f"No TXT record was added at {record.name}: Microsoft Entra does not want that domain proved by it.",
        "Look who writes to the table of onboardings (docs/permissions.md); if nobody else does, report it.",
    )


def _not_permitted(what: str, setting: str) -> PersonMustActError:
    return PersonMustActError(
        ProblemCode.NOT_PERMITTED,
        f"{what} is outside of what {setting} permits; nothing was done.",
        f"If it is right, add it to {setting} of the steps' app and retry; if nobody asked for it, cancel, and look who"
        " writes to the table of onboardings (docs/permissions.md).",
    )
