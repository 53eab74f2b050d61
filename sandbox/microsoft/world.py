"""The whole simulated world: made from a seed, and made anew by a reset."""

from __future__ import annotations

import asyncio
import copy
import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.name

from sandbox.microsoft.arm.dns_zones import AzureDns, AzureZone
from sandbox.microsoft.arm.routes import Arm
from sandbox.microsoft.arm.state import NAMES, ArmState, Gateway
from sandbox.microsoft.clock import Clock
from sandbox.microsoft.exchange import Json
from sandbox.microsoft.faults import Faults
from sandbox.microsoft.graph.batch import Batch
from sandbox.microsoft.graph.routes import Graph
from sandbox.microsoft.graph.state import Directory
from sandbox.microsoft.identity import Identities, IdentityEndpoint, ManagedIdentity, Tokens
from sandbox.microsoft.journal import Journal
from sandbox.microsoft.mailbox import Mailbox
from sandbox.microsoft.options import Options
from sandbox.microsoft.pipeline import Pipeline
from sandbox.microsoft.receiver import EventReceiver, Inbox
from sandbox.microsoft.sign_in import SignIn
from sandbox.microsoft.team import OnboardingTeam
from sandbox.microsoft.teams import Channel, Webhook
from sandbox.microsoft.trunks import HOST as TRUNKS_AT
from sandbox.microsoft.trunks import Trunks
from sandbox.microsoft.zone import Records

SEED = Path(__file__).with_name("seed.json")
SEEDED_BY = "seed"


def read_seed(path: Path | None = None) -> dict[str, Any]:
    """The seed in that file, on top of the default one: its top-level names replace the default's."""
    seed: dict[str, Any] = json.loads(SEED.read_text(encoding="utf-8"))
    return seed | json.loads(path.read_text(encoding="utf-8")) if path else seed


@dataclass
class World:
    """All state and the services over it. `overrides` are options that outlive a reset (the command line's)."""

    seed: dict[str, Any]
    clock: Clock
    overrides: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        tenant = self.seed["tenant"]["id"]
        self.options = Options()
        self.trunks = Trunks()
        self.journal = Journal(self.clock)
        self.faults = Faults(self.clock)
        self.records = Records(self.clock, self.options)
        self.tokens = Tokens(tenant)
        self.arm = ArmState(self.clock, self.options, tenant)
        self.azure_dns = AzureDns(self.records)
        self.directory = Directory(self.clock, self.options, tenant)
        self.team = OnboardingTeam(self.directory, self.records, self.options)
        self.mailbox = Mailbox(self.clock, self.team.hear)
        self.channel = Channel(self.clock, self.team.hear)
        self.inbox = Inbox(self.clock)
        self.identities = Identities(self.tokens, [])
        self.arm.identity_added = self._identity_added
        self.arm.identity_removed = self.directory.remove_service_principal
        self.arm.label_added = self._label_added
        self.trunk_address = TRUNKS_AT
        """Where the names of trunks lead that the seed has on this machine."""
        self.stopping = asyncio.Event()
        self._make_services()
        self.reset()

    def _make_services(self) -> None:
        teams = self.seed["teams"]
        batch = Batch()
        self.webhook = Webhook(self.channel, self.journal, self.options, teams["workflow"], teams["signature"])
        services = (
            Arm(self.arm, self.azure_dns, self.identities, SignIn(self.seed["tenant"]["id"], self.identities)),
            Graph(self.directory, self.identities, self.mailbox, self.public_txt, batch),
            IdentityEndpoint(self.identities, self.seed["identityHeader"]),
            self.webhook,
            EventReceiver(self.inbox, self.journal, self.seed["events"]["secret"]),
        )
        people = frozenset(person["name"] for person in self.seed["people"])
        self.pipelines = {
            service.name: Pipeline(service, self.journal, self.faults, self.directory, self.stopping, people)
            for service in services
        }
        batch.send = self.pipelines["graph"].send

    def public_txt(self, name: str) -> set[str]:
        """The TXT values that Microsoft sees: those of the public resolver."""
        return self.records.values("resolver", name)

    def reset(self) -> None:
        """Back to the seed: options, clock, faults, journal, resources, directory, records, messages."""
        seed = copy.deepcopy(self.seed)
        self.clock.reset()
        self.options.update(Options().json() | seed.get("options", {}) | self.overrides)
        self.faults.clear()
        self.journal.clear()
        self.records.clear()
        self.trunks.shows.clear()
        self.mailbox.mails.clear()
        self.channel.messages.clear()
        self.inbox.events.clear()
        self._seed_directory(seed)
        self._seed_arm(seed)
        self.lead_to_trunks(self.trunk_address)

    def lead_to_trunks(self, address: str) -> None:
        """Have the seed's names of trunks lead there, from now on."""
        self.trunk_address = address
        for name, addresses in self.seed["hosts"].items():
            self.records.place("*", name, [address if one == TRUNKS_AT else one for one in addresses])

    def _seed_directory(self, seed: dict[str, Any]) -> None:
        directory = self.directory
        directory.clear()
        directory.applications |= {application["appId"].lower(): application for application in seed["applications"]}
        for registered in seed["registrations"]:
            directory.register(registered)
        directory.users += seed["users"]
        for domain in seed["tenant"]["domains"]:
            directory.add_domain(domain["id"], domain, lag=False)
        for principal in seed["servicePrincipals"]:
            directory.add_service_principal(principal["appId"], principal, lag=False)
        self.identities.all[:] = [ManagedIdentity.parse(values) for values in seed["identities"]]
        self.identities.people[:] = [ManagedIdentity.parse(values) for values in seed["people"]]
        for identity in self.identities.all:
            directory.add_managed_identity(identity.object_id, identity.client_id, identity.name, lag=False)

    def _seed_arm(self, seed: dict[str, Any]) -> None:
        self.arm.clear()
        self.arm.subscriptions.update({row["id"].lower(): row["resourceGroups"] for row in seed["subscriptions"]})
        for values in seed["peerings"]:
            self.arm.peering.put(values)
        for values in seed["gateways"]:
            self.put_gateway(values)
        self.azure_dns.zones.clear()
        for values in seed.get("dnsZones", []):
            self.put_dns_zone(values)

    def put_gateway(self, values: dict[str, Any]) -> Gateway:
        """Create or replace a gateway from a seed's or the control port's JSON, at once Succeeded and Complete.

        `base` names a template in the seed's `gatewayTemplates`, whose body the rest is laid over. Raises
        KeyError without a name or with an unknown base.
        """
        body = merged(self.seed["gatewayTemplates"][values.get("base", "production")], values)
        subscription = body.pop("subscription", self.seed["subscriptions"][0]["id"])
        group = body.pop("resourceGroup", self.seed["subscriptions"][0]["resourceGroups"][0])
        name, lines = body.pop("name"), body.pop("testLines", [])
        status, state = body.pop("status", "Complete"), body.pop("provisioningState", "Succeeded")
        body.pop("base", None)
        groups = self.arm.subscriptions.setdefault(subscription.lower(), [])
        if self.arm.group(subscription, group) is None:
            groups.append(group)
        if existing := self.arm.find(subscription, group, name):
            self.arm.delete_gateway(existing)
        gateway = self.arm.put_gateway(subscription, group, name, body, SEEDED_BY)
        for line in lines:
            properties = {"phoneNumber": line["phoneNumber"], "purpose": line.get("purpose", "Automated")}
            line_body = {"location": body["location"], "properties": properties}
            made = self.arm.put_test_line(gateway, line["name"], line_body, SEEDED_BY)
            made.provisioning.put("Succeeded")
        gateway.status.put(status)
        gateway.provisioning.put(state)
        return gateway

    def put_dns_zone(self, values: dict[str, Any]) -> AzureZone:
        """Make or change a zone of Azure DNS from a seed's or the control port's JSON. Raises KeyError without a name.

        `txt` has the values of its TXT sets by relative name.
        """
        subscription = values.get("subscription", self.seed["subscriptions"][0]["id"])
        group = values.get("resourceGroup", "rg-dns")
        groups = self.arm.subscriptions.setdefault(subscription.lower(), [])
        if self.arm.group(subscription, group) is None:
            groups.append(group)
        zone = self.azure_dns.put_zone(subscription, group, values["name"], delegated=values.get("delegated", True))
        for name, texts in (values.get("txt") or {}).items():
            self.azure_dns.put_values(zone, name.lower(), texts)
        zone.rivals = values.get("rivals", 0)
        return zone

    def _identity_added(self, gateway: Gateway) -> None:
        """Each system-assigned identity has a service principal, named like the resource, with its own app id."""
        app_id = str(uuid.uuid5(NAMES, f"{gateway.principal_id} application"))
        lag = gateway.created_by != SEEDED_BY
        self.directory.add_managed_identity(str(gateway.principal_id), app_id, gateway.name, lag=lag)

    def _label_added(self, gateway: Gateway) -> None:
        self.records.existing.add(dns.name.from_text(gateway.domain))


def merged(base: Json, over: Json) -> Json:
    """`over` laid over `base`: objects are merged, anything else is replaced."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {**copy.deepcopy(base), **{name: merged(base.get(name), value) for name, value in over.items()}}
    return copy.deepcopy(over)
