"""Microsoft's side and the onboarding team's, as far as they act by themselves: provisioning, DNS, and what breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from onboarding.azure.dns_zone import DnsZoneId
from onboarding.azure.gateway_resource import GatewayId
from onboarding.azure.peering_resource import PeeringStanding
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError
from onboarding.core.publishing import relative_name
from onboarding.core.request import OnboardingRequest
from onboarding.memory import MemoryWorld
from onboarding.memory.dns import SILENCE
from onboarding.memory.peerings import READY
from onboarding.ports import Domain
from tests.simulation.chaos import DAY, HOUR, MINUTE
from tests.support.trunks import show_certificates

if TYPE_CHECKING:
    from tests.simulation.world import World

OTHER_NUMBER = "+442079469999"
OPERATORS_ZONE = "contoso.example"
SPF = "v=spf1 -all"
MOST_BESIDE = 10
"""Values that others put at a name: a TXT set takes 20."""
WORST_LAG = 4
"""Reads that miss something new (replication)."""


class Microsoft:
    """Acts upon the twins. `begin` makes something that a person must put right; `mend_all` is those persons."""

    def __init__(self, world: World, twins: MemoryWorld) -> None:
        self.world = world
        self.twins = twins
        self._provisioning: dict[str, asyncio.TimerHandle] = {}
        self._mends: list[Callable[[], None]] = []
        self._refused: dict[tuple[str, str], StepProblemError] = {}
        self._held: set[str] = set()

    def standing_fault(self, service: str, method: str) -> StepProblemError | None:
        """What every such call is answered until somebody has put it right."""
        return self._refused.get((service, method)) or self._refused.get((service, "*"))

    def provision(self, gateway: GatewayId) -> None:
        """The gateway was changed; Microsoft is done with that after a while."""
        if (running := self._provisioning.get(gateway.key)) is not None:
            running.cancel()
        least, most = self.world.chaos.provisioning
        # Short and long ones are as frequent: most gateways are ready soon, some take almost two weeks.
        seconds = least * (most / least) ** self.world.random.random()
        self._provisioning[gateway.key] = self.world.loop.call_later(seconds, self._complete, gateway)

    def _complete(self, gateway: GatewayId) -> None:
        if gateway.key in self.twins.gateways.resources:
            self.twins.gateways.complete(gateway)
        else:
            # It is gone at the moment; were it put back, it would go on.
            self.provision(gateway)

    async def add_domain(self, name: str) -> Domain | None:
        """Unless another tenant holds it. The onboarding team publishes its TXT record, server by server."""
        if name in self._held:
            raise PersonMustActError(ProblemCode.DOMAIN_IN_USE, f"Another tenant holds {name}.", "Ask them.")
        new = name not in self.twins.directory.domains
        shown = await self.twins.directory.add_domain(name)
        record = self.twins.directory.domains[name].txt_record
        if new and record is not None and (request := self._published_by_us(name)) is not None:
            # Its owner does it by hand some day, should somebody have left that out.
            after = self.world.random.uniform(DAY, 2 * DAY)
            self.world.loop.call_later(after, self._publish_by_hand, request, record.value)
        elif new and record is not None:
            after = self.world.random.uniform(MINUTE, 2 * HOUR)
            for server in self.twins.dns.servers:
                publish = partial(self.twins.dns.publish, record.name, record.value, on=(server,))
                self.world.loop.call_later(after, publish)
                after += self.world.random.uniform(0, HOUR / 4)
        return shown

    def _published_by_us(self, domain: str) -> OnboardingRequest | None:
        asked = (r for r in self.world.requests if r.publishing and r.publishing.by_us)
        return next((r for r in asked if r.domain_to_verify == domain), None)

    def has_zone(self, request: OnboardingRequest) -> None:
        """Of an operator whose TXT record this application publishes: its zone, and what stands there already."""
        if (name := request.domain_to_verify) is None or request.publishing is None or request.publishing.owner:
            return
        zone = _zone_of(request)
        if zone is None:
            self.twins.dns_updates.servers[str(request.publishing.server)] = (OPERATORS_ZONE,)
            self.twins.dns.publish(name, SPF)
        else:
            self.twins.dns_zones.add(zone)
            self.twins.dns_zones.put(zone, str(relative_name(name, zone.name)), [SPF])

    def _publish_by_hand(self, request: OnboardingRequest, value: str) -> None:
        name, zone = str(request.domain_to_verify), _zone_of(request)
        there = self.twins.dns.at(name)
        if value in there:
            return
        if zone is None:
            self.twins.dns.publish(name, *there, value)
        else:
            self.twins.dns_zones.put(zone, str(relative_name(name, zone.name)), [*there, value])

    async def write_beside(self, zone: DnsZoneId, name: str) -> None:
        """Somebody else adds a value to a TXT set, if it has room."""
        there = (await self.twins.dns_zones.txt_set(zone, name)).values
        if len(there) < MOST_BESIDE:
            self.twins.dns_zones.put(zone, name, [*there, f"somebody-else={len(there)}"])

    def begin(self, request: OnboardingRequest) -> None:
        """One trouble, of this gateway or of all."""
        kinds = (
            self._permission_missing,
            self._provider_gone,
            self._domain_held,
            self._name_differs,
            self._line_differs,
            self._provisioning_failed,
            self._gateway_gone,
            self._server_fails,
            self._user_missing,
            self._trunk_name_is_gone,
            self._trunk_shows_another_name,
            self._peering_is_behind,
            self._zone_is_not_delegated,
            self._alias_in_the_way,
        )
        kind = self.world.random.choice(kinds)
        of_gateways = (self._name_differs, self._line_differs, self._provisioning_failed, self._gateway_gone)
        mend = None if request.client_id and kind in of_gateways else kind(request)
        if mend is not None:
            self.world.journal.note(f"{self.world.stamp()} trouble: {kind.__name__} {request.gateway.name}")
            self._mends.append(mend)

    def mend_all(self) -> bool:
        """People put everything right; whether there was anything."""
        mends, self._mends = self._mends, []
        for mend in mends:
            mend()
        return bool(mends)

    def _permission_missing(self, request: OnboardingRequest) -> Callable[[], None]:
        where = self.world.random.choice(
            (("graph", "*"), ("graph", "assign_roles"), ("graph", "add_application"), ("arm", "put"), ("mail", "*"))
        )
        code = self.world.random.choice((ProblemCode.PERMISSION_MISSING, ProblemCode.SIGN_IN_FAILED))
        self._refused[where] = PersonMustActError(code, f"{where[0]} refused {where[1]}.", "Grant it.")
        return lambda: self._refused.pop(where, None) and None

    def _provider_gone(self, request: OnboardingRequest) -> Callable[[], None]:
        gone = PersonMustActError(
            ProblemCode.PROVIDER_RETIRED, "Azure does not know Microsoft.VoiceServices.", "Cancel."
        )
        self._refused["arm", "*"] = gone
        return lambda: self._refused.pop(("arm", "*"), None) and None

    def _domain_held(self, request: OnboardingRequest) -> Callable[[], None]:
        name = request.domain_to_verify or f"{request.gateway.name.lower()}-label.commsgw.azure.com"
        self._held.add(name)
        return lambda: self._held.discard(name)

    def _name_differs(self, request: OnboardingRequest) -> Callable[[], None]:
        principals = self.twins.directory.service_principals
        identity = f"principal-of-{request.gateway.name}"
        right = request.gateway.name
        principals[identity] = replace(principals[identity], display_name="another name")

        def mend() -> None:
            principals[identity] = replace(principals[identity], display_name=right)

        return mend

    def _line_differs(self, request: OnboardingRequest) -> Callable[[], None] | None:
        lines = self.twins.gateways.lines[request.gateway.id.key]
        line = next((x for x in request.test_lines if x.name.lower() not in lines), None)
        if line is None:
            return None
        self.twins.gateways.line(request.gateway.id, line.name, OTHER_NUMBER)

        def mend() -> None:
            if lines[line.name.lower()].phone_number == OTHER_NUMBER:
                del lines[line.name.lower()]

        return mend

    def _provisioning_failed(self, request: OnboardingRequest) -> Callable[[], None] | None:
        resource = self.twins.gateways.resources.get(request.gateway.id.key)
        if resource is None:
            return None
        resource["properties"]["provisioningState"] = self.world.random.choice(("Failed", "Canceled"))

        def mend() -> None:
            there = self.twins.gateways.resources.get(request.gateway.id.key)
            if there is not None:
                there["properties"]["provisioningState"] = "Succeeded"

        return mend

    def _gateway_gone(self, request: OnboardingRequest) -> Callable[[], None] | None:
        key = request.gateway.id.key
        resource = self.twins.gateways.resources.pop(key, None)
        if resource is None:
            return None

        def mend() -> None:
            resource["properties"]["provisioningState"] = "Succeeded"
            self.twins.gateways.resources.setdefault(key, resource)

        return mend

    def _server_fails(self, request: OnboardingRequest) -> Callable[[], None]:
        server = self.world.random.choice(list(self.twins.dns.servers))
        self.twins.dns.errors[server] = self.world.random.choice(("SERVFAIL", SILENCE))
        return lambda: self.twins.dns.errors.pop(server, None) and None

    def _user_missing(self, request: OnboardingRequest) -> Callable[[], None] | None:
        name = request.admin_user.lower()
        user = self.twins.directory.users.pop(name, None)
        if user is None:
            return None

        def mend() -> None:
            self.twins.directory.users[name] = user

        return mend

    # -- session border controllers

    def _trunk_name_is_gone(self, request: OnboardingRequest) -> Callable[[], None] | None:
        """Or it leads into a private network: it comes late, or was changed."""
        if not request.trunk_addresses:
            return None
        names = [name for name, _ in request.trunk_addresses]
        on = self.world.random.choice(((), tuple(self.twins.dns.servers)[:1]))
        self.twins.dns.place(names[0], *self.world.random.choice(((), ("10.0.0.4",))), on=on)
        return partial(self.twins.dns.place, names[0], "20.0.0.1")

    def _trunk_shows_another_name(self, request: OnboardingRequest) -> Callable[[], None] | None:
        """A certificate that is wrong until somebody installs the right one."""
        if not request.trunk_addresses:
            return None
        (name, port), *others = request.trunk_addresses
        for other in others:
            self.twins.tls.answers[name, port] = self.twins.tls.answers[other]
        return lambda: show_certificates(self.twins, request)

    def _peering_is_behind(self, request: OnboardingRequest) -> Callable[[], None] | None:
        behind = PeeringStanding(("Active", "ProvisioningStarted"), READY.prefixes)
        peerings = list(getattr(request, "peerings", ()))
        for peering in peerings:
            self.twins.peerings.put(peering, behind)

        def mend() -> None:
            for peering in peerings:
                self.twins.peerings.put(peering)

        return mend if peerings else None

    def _zone_is_not_delegated(self, request: OnboardingRequest) -> Callable[[], None] | None:
        """The zone that all of them are in."""
        zone = _zone_of(request)
        if zone is None:
            return None
        self.twins.dns_zones.add(zone, delegated=False)
        return lambda: self.twins.dns_zones.add(zone)

    def _alias_in_the_way(self, request: OnboardingRequest) -> Callable[[], None] | None:
        name = request.domain_to_verify
        if name is None:
            return None
        self.twins.dns.aliases[name] = f"somewhere.{name}"
        return lambda: self.twins.dns.aliases.pop(name, None) and None


def _zone_of(request: OnboardingRequest) -> DnsZoneId | None:
    """Its zone of Azure DNS, if its TXT record is published there."""
    where = request.publishing
    return DnsZoneId.parse(where.azure_zone) if where and where.azure_zone else None
