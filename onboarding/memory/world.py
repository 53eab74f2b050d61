"""Everything outside, in memory, set up as the cloud is before an onboarding."""

from __future__ import annotations

from onboarding.azure.gateway_resource import platform
from onboarding.core.request import OnboardingRequest
from onboarding.kinds.communications_gateway import CommunicationsGatewayRequest
from onboarding.kinds.session_border_controller import SessionBorderControllerRequest
from onboarding.memory.directory import MemoryDirectory
from onboarding.memory.dns import MemoryDns
from onboarding.memory.dns_zones import MemoryDnsUpdates, MemoryDnsZones
from onboarding.memory.gateways import MemoryGateways
from onboarding.memory.notifier import MemoryNotifier
from onboarding.memory.peerings import MemoryPeerings
from onboarding.memory.tls import MemoryTls
from onboarding.steps.base import World


class MemoryWorld:
    """The twins, and one journal of all writes at Microsoft, in order."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, ...]] = []
        """(method, what it wrote …); reads, mails and Teams posts are not in it."""
        self.dns = MemoryDns()
        self.dns_zones = MemoryDnsZones(self.dns, self.writes)
        self.dns_updates = MemoryDnsUpdates(self.dns, self.writes)
        self.gateways = MemoryGateways(self.writes)
        self.directory = MemoryDirectory(self.dns, self.writes)
        self.notifier = MemoryNotifier()
        self.tls = MemoryTls()
        self.peerings = MemoryPeerings()
        self.permitted_applications: tuple[str, ...] = ("2b7e4f60-9c1d-4a83-b5e2-7d0f3a6c8e15",)
        self.permitted_admin_users: tuple[str, ...] = ("voice.admin@contoso.com",)

    @property
    def world(self) -> World:
        """As the steps take it."""
        return World(
            self.gateways,
            self.directory,
            self.dns,
            self.notifier,
            self.dns_zones,
            self.dns_updates,
            self.tls,
            self.peerings,
            permitted_admin_users=self.permitted_admin_users,
            permitted_applications=self.permitted_applications,
        )

    def deploy(self, request: OnboardingRequest) -> None:
        """What the operator has done before the request: deployed the gateway, made the admin user."""
        self.directory.add_user(request.admin_user)
        if isinstance(request, CommunicationsGatewayRequest):
            self._deploy_gateway(request)
        if isinstance(request, SessionBorderControllerRequest):
            self._deploy_trunks(request)

    def _deploy_trunks(self, request: SessionBorderControllerRequest) -> None:
        """An application of its own, trunks with public addresses, peerings that are ready."""
        self.directory.register(request.application.client_id, f"{request.gateway.name} caller")
        for number, (name, _) in enumerate(request.trunk_addresses, 1):
            self.dns.place(name, f"20.0.0.{number}")
        for peering in request.peerings:
            self.peerings.put(peering)

    def _deploy_gateway(self, request: CommunicationsGatewayRequest) -> None:
        """Services without test lines were selected at deployment, so the gateway has them and their lines."""
        gateway = request.gateway.id
        body = self.gateways.add(gateway, platforms=[platform(s) for s in request.preselected])
        self.directory.add_identity(body["identity"]["principalId"], gateway.name)
        for count, service in enumerate(request.preselected):
            for number in range(request.lines_required):
                name = f"{platform(service)[:2].upper()}{number + 1}"
                self.gateways.line(gateway, name, f"+44207946{count}{number:03d}")

    def settle(self) -> None:
        """Let Microsoft and the onboarding team do their part: provisioning ends, TXT records are published."""
        for resource in self.gateways.resources.values():
            resource["properties"]["status"] = "Complete"
        for domain in self.directory.domains.values():
            if domain.txt_record is not None:
                self.dns.publish(domain.txt_record.name, domain.txt_record.value)
