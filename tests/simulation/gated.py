"""The ports of one process, each call of which goes through its gate to the twin in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from onboarding.azure.azure_actions import AzurePermission
from onboarding.azure.dns_zone import DnsZone, DnsZoneId, TxtSet
from onboarding.azure.gateway_resource import GatewayId
from onboarding.azure.peering_resource import PeeringId, PeeringStanding
from onboarding.core.events import Effect
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.core.services import TestLine
from onboarding.memory import (
    MemoryBus,
    MemoryDirectory,
    MemoryDns,
    MemoryDnsUpdates,
    MemoryDnsZones,
    MemoryGateways,
    MemoryNotifier,
    MemoryPeerings,
    MemoryTable,
    MemoryTls,
)
from onboarding.memory.dns import SILENCE
from onboarding.ports import (
    AddressAnswer,
    AppCredential,
    Delegation,
    Domain,
    GatewayResource,
    Notification,
    OwnPermissions,
    Page,
    Principal,
    Query,
    RoleStanding,
    Row,
    ServicePrincipal,
    TestLineResource,
    TlsAnswer,
    TxtAnswer,
    TxtRecord,
    Ways,
)
from tests.simulation.gate import Gate

T = TypeVar("T")
RIVALS = 0.3
"""Somebody else changes a TXT set between our read and our write."""


class GatedTable:
    """A port `Table`."""

    def __init__(self, gate: Gate, twin: MemoryTable) -> None:
        self._gate = gate
        self._twin = twin

    async def get(self, partition: str, key: str) -> Row | None:
        return await self._gate.state("get", key, lambda: self._twin.get(partition, key), writes=False)

    async def insert(self, row: Row) -> str:
        return await self._gate.state("insert", row.key, lambda: self._twin.insert(row), writes=True)

    async def replace(self, row: Row) -> str:
        return await self._gate.state("replace", row.key, lambda: self._twin.replace(row), writes=True)

    async def upsert(self, rows: Sequence[Row]) -> None:
        await self._gate.state("upsert", f"{len(rows)} rows", lambda: self._twin.upsert(rows), writes=False)

    async def delete(self, partition: str, key: str, etag: str | None = None) -> None:
        await self._gate.state("delete", key, lambda: self._twin.delete(partition, key, etag), writes=False)

    async def rows(self, query: Query) -> AsyncIterator[Row]:
        async def asked() -> list[Row]:
            return [row async for row in self._twin.rows(query)]

        for row in await self._gate.state("rows", query.partition, asked, writes=False):
            yield row

    async def page(self, query: Query, limit: int, continuation: str | None = None) -> Page:
        return await self._gate.state(
            "page", query.partition, lambda: self._twin.page(query, limit, continuation), writes=False
        )


class GatedBus:
    """A port `Bus`: each message by itself, so that a process may die between two."""

    def __init__(self, gate: Gate, twin: MemoryBus) -> None:
        self._gate = gate
        self._twin = twin

    async def publish(self, effects: Sequence[Effect], now: datetime) -> None:
        failed: Exception | None = None
        for effect in effects:
            try:
                await self._gate.state(
                    "publish", effect.onboarding_id, lambda e=effect: self._twin.publish([e], now), writes=True
                )
            except ConnectionError as error:
                failed = error
        if failed:
            raise failed


class GatedGateways:
    """A port `Gateways`."""

    def __init__(self, gate: Gate, twin: MemoryGateways) -> None:
        self._gate = gate
        self._twin = twin

    async def get(self, gateway: GatewayId) -> GatewayResource | None:
        return await self._gate.read("arm", "get", gateway.name, lambda: self._twin.get(gateway))

    async def put(self, gateway: GatewayId, body: Mapping[str, Any]) -> None:
        async def effect() -> tuple[None, str]:
            await self._twin.put(gateway, body)
            self._gate.world.microsoft.provision(gateway)
            return None, f"put gateway {gateway.name}"

        await self._gate.write("arm", "put", gateway.name, effect)

    async def own_actions(self, gateway: GatewayId) -> Sequence[AzurePermission]:
        return await self._gate.read("arm", "own_actions", gateway.name, lambda: self._twin.own_actions(gateway))

    async def in_subscription(self, subscription_id: str) -> Sequence[GatewayResource]:
        return await self._gate.read(
            "arm", "in_subscription", subscription_id, lambda: self._twin.in_subscription(subscription_id)
        )

    async def test_lines(self, gateway: GatewayId) -> Sequence[TestLineResource]:
        return await self._gate.read("arm", "test_lines", gateway.name, lambda: self._twin.test_lines(gateway))

    async def put_test_line(self, gateway: GatewayId, line: TestLine, location: str) -> None:
        async def effect() -> tuple[None, str]:
            await self._twin.put_test_line(gateway, line, location)
            return None, f"put line {gateway.name} {line.name} {line.phone_number}"

        await self._gate.write("arm", "put_test_line", gateway.name, effect)


class GatedDirectory:
    """A port `Directory`."""

    def __init__(self, gate: Gate, twin: MemoryDirectory) -> None:
        self._gate = gate
        self._twin = twin

    async def own_permissions(self) -> OwnPermissions | None:
        return await self._twin.own_permissions()

    async def application(self, app_id: str) -> ServicePrincipal | None:
        return await self._gate.read("graph", "application", app_id, lambda: self._twin.application(app_id))

    async def add_application(self, app_id: str, display_name: str) -> ServicePrincipal:
        async def effect() -> tuple[ServicePrincipal, str]:
            return await self._counted(self._twin.add_application(app_id, display_name), f"add application {app_id}")

        return await self._gate.write("graph", "add_application", app_id, effect)

    async def credentials(self, app_id: str) -> Sequence[AppCredential] | None:
        return await self._gate.read("graph", "credentials", app_id, lambda: self._twin.credentials(app_id))

    async def service_principal(self, object_id: str) -> ServicePrincipal | None:
        return await self._gate.read(
            "graph", "service_principal", object_id, lambda: self._twin.service_principal(object_id)
        )

    async def role_standing(self, principal: Principal, app_id: str) -> RoleStanding:
        return await self._gate.read(
            "graph", "role_standing", principal.ref, lambda: self._twin.role_standing(principal, app_id)
        )

    async def assign_roles(self, application: ServicePrincipal, principal_id: str, role_ids: Sequence[str]) -> None:
        # One $batch, which is answered 200; its parts may be granted and throttled one by one.
        random, rate = self._gate.random, self._gate.world.chaos.microsoft
        some = list(role_ids)
        if len(some) > 1 and rate and random.random() < rate:
            some = some[: random.randrange(len(some))]

        async def effect() -> tuple[float | None, str]:
            held = set(self._twin.held.get((principal_id, application.id), ()))
            await self._twin.assign_roles(application, principal_id, some)
            new = [role for role in some if role not in held]
            asked = random.choice((5.0, 120.0)) if len(some) < len(role_ids) else None
            return asked, f"grant {principal_id} {application.app_id} {' '.join(new)}" if new else ""

        asked = await self._gate.write("graph", "assign_roles", principal_id, effect)
        if asked is not None:
            throttled = TryLaterError(ProblemCode.THROTTLED, "A part of the batch was answered 429.", asked)
            await self._gate.told(throttled, "graph")
            raise throttled

    async def domain(self, name: str) -> Domain | None:
        return await self._gate.read("graph", "domain", name, lambda: self._twin.domain(name))

    async def add_domain(self, name: str) -> Domain | None:
        async def effect() -> tuple[Domain | None, str]:
            return await self._counted(self._gate.world.microsoft.add_domain(name), f"add domain {name}")

        return await self._gate.write("graph", "add_domain", name, effect)

    async def verify_domain(self, name: str) -> bool:
        async def effect() -> tuple[bool, str]:
            was = self._twin.domains[name.lower()].is_verified
            verified = await self._twin.verify_domain(name)
            return verified, f"verify domain {name}" if verified and not was else ""

        return await self._gate.write("graph", "verify_domain", name, effect)

    async def _counted(self, call: Awaitable[T], what: str) -> tuple[T, str]:
        """The call's answer, and what it was when the twin wrote something."""
        before = len(self._twin.writes)
        result = await call
        return result, what if len(self._twin.writes) > before else ""


class GatedTls:
    """A port `TlsProbe`."""

    def __init__(self, gate: Gate, twin: MemoryTls) -> None:
        self._gate = gate
        self._twin = twin

    async def chain(self, name: str, port: int) -> TlsAnswer:
        await self._gate.turn()
        return await self._twin.chain(name, port)

    async def roots(self) -> Sequence[bytes]:
        return await self._twin.roots()


class GatedDns:
    """A port `Dns`."""

    def __init__(self, gate: Gate, twin: MemoryDns) -> None:
        self._gate = gate
        self._twin = twin

    async def txt(self, name: str, expected: str) -> Sequence[TxtAnswer]:
        await self._gate.turn()
        rate, random = self._gate.world.chaos.microsoft, self._gate.random
        answers = list(await self._twin.txt(name, expected))
        if rate and random.random() < rate:
            place = random.randrange(len(answers))
            error = random.choice(("SERVFAIL", SILENCE))
            silent = error == SILENCE
            answers[place] = TxtAnswer(answers[place].server, answers[place].authoritative, (), error, silent)
        return answers

    async def addresses(self, name: str) -> Sequence[AddressAnswer]:
        await self._gate.turn()
        return await self._twin.addresses(name)

    async def delegation(self, name: str) -> Delegation | None:
        await self._gate.turn()
        return await self._twin.delegation(name)


class GatedDnsZones:
    """A port `DnsZones`."""

    def __init__(self, gate: Gate, twin: MemoryDnsZones) -> None:
        self._gate = gate
        self._twin = twin

    async def zone(self, zone: DnsZoneId) -> DnsZone | None:
        return await self._gate.read("arm", "zone", zone.name, lambda: self._twin.zone(zone))

    async def txt_set(self, zone: DnsZoneId, name: str) -> TxtSet:
        return await self._gate.read("arm", "txt_set", name, lambda: self._twin.txt_set(zone, name))

    async def own_actions(self, zone: DnsZoneId) -> Sequence[AzurePermission]:
        return await self._gate.read("arm", "own_actions", zone.name, lambda: self._twin.own_actions(zone))

    async def add_txt(self, zone: DnsZoneId, to: TxtSet, record: TxtRecord) -> None:
        async def effect() -> tuple[None, str]:
            if self._gate.world.chaos.actions and self._gate.random.random() < RIVALS:
                await self._gate.world.microsoft.write_beside(zone, to.name)
            before = (await self._twin.txt_set(zone, to.name)).values
            await self._twin.add_txt(zone, to, record)
            self._gate.world.invariants.kept(record.name, before, (await self._twin.txt_set(zone, to.name)).values)
            return None, f"publish {record.name} {record.value}"

        await self._gate.write("arm", "add_txt", to.name, effect)


class GatedDnsUpdates:
    """A port `DnsUpdates`."""

    def __init__(self, gate: Gate, twin: MemoryDnsUpdates) -> None:
        self._gate = gate
        self._twin = twin

    async def zone_at(self, server: str, name: str) -> str:
        return await self._twin.zone_at(server, name)

    async def txt_at(self, server: str, name: str) -> TxtAnswer:
        return await self._gate.read("dns", "txt_at", name, lambda: self._twin.txt_at(server, name))

    async def update_txt(self, server: str, record: TxtRecord) -> None:
        async def effect() -> tuple[None, str]:
            before = (await self._twin.txt_at(server, record.name)).values
            await self._twin.update_txt(server, record)
            after = (await self._twin.txt_at(server, record.name)).values
            self._gate.world.invariants.kept(record.name, before, after)
            return None, f"publish {record.name} {record.value}" if record.value not in before else ""

        await self._gate.write("dns", "update_txt", record.name, effect)


class GatedPeerings:
    """A port `Peerings`."""

    def __init__(self, gate: Gate, twin: MemoryPeerings) -> None:
        self._gate = gate
        self._twin = twin

    async def standing(self, peering: PeeringId) -> PeeringStanding | None:
        return await self._gate.read("arm", "standing", peering.name, lambda: self._twin.standing(peering))


class GatedNotifier:
    """A port `Notifier`."""

    def __init__(self, gate: Gate, twin: MemoryNotifier) -> None:
        self._gate = gate
        self._twin = twin

    async def ways(self, to: Sequence[str]) -> Ways:
        return await self._twin.ways(to)

    async def mail(self, to: Sequence[str], message: Notification) -> bool:
        async def effect() -> tuple[bool, str]:
            return await self._twin.mail(to, message), f"mail {' '.join(to)}"

        return await self._gate.write("mail", "mail", " ".join(to), effect)

    async def teams(self, message: Notification) -> bool:
        async def effect() -> tuple[bool, str]:
            return await self._twin.teams(message), "post to Teams"

        return await self._gate.write("teams", "teams", "", effect)
