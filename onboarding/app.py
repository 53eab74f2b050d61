"""Where everything is put together: settings → adapters → engine. Once a process, at the first use.

The SDKs are imported by the adapters when they first need them, so that a function that does not use Graph does
not wait for it at a cold start.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from functools import lru_cache

from pydantic import SecretStr

from onboarding.azure.arm import ArmGateways
from onboarding.azure.arm_peerings import ArmPeerings
from onboarding.azure.arm_zones import ArmDnsZones
from onboarding.azure.credential import Credential, trust
from onboarding.azure.dns import DnsLookup
from onboarding.azure.dns_update import DnsUpdater
from onboarding.azure.graph import GraphDirectory
from onboarding.azure.graph_client import GraphClient
from onboarding.azure.graph_gathered import GatheredGraph
from onboarding.azure.graph_mail import GraphMail
from onboarding.azure.notifier import AzureNotifier
from onboarding.azure.own_names import own_names
from onboarding.azure.service_bus import ServiceBusPublisher
from onboarding.azure.tables import AzureTable
from onboarding.azure.tls import TlsHandshake
from onboarding.daily import DAILY_TABLE, DailyMail
from onboarding.durations import DURATIONS_TABLE, Durations
from onboarding.engine import Engine
from onboarding.hourly import HOURLY_TABLE, HourlyLimit
from onboarding.index import DUE_TABLE, WAITS_TABLE, Index
from onboarding.notify import Notifying
from onboarding.outside_facts import tell_outside_facts
from onboarding.pauses import PAUSES_TABLE, Pauses
from onboarding.planning.store import PLANS_TABLE, Plans
from onboarding.reads import READS_TABLE, Reads
from onboarding.records import Records
from onboarding.settings import Settings, SettingsError, settings
from onboarding.steps.base import World
from onboarding.telemetry.gauges import Gauges


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


gauges = Gauges()


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The engine of this process. Raises SettingsError when a setting is wrong."""
    chosen = settings()
    tell_outside_facts(chosen.outside_facts)
    # At INFO the Azure SDKs log each request with its URL, and host.json has no say in the names of Python's loggers.
    logging.getLogger("azure").setLevel(logging.WARNING)
    credential = Credential(chosen)
    clock = SystemClock()
    pauses = Pauses(_table(PAUSES_TABLE, chosen, credential), clock)
    graph = GraphClient(chosen, credential, pauses)
    hourly = _table(HOURLY_TABLE, chosen, credential)
    requests = HourlyLimit(
        hourly, clock, chosen.requests_per_hour, "Onboardings begun by one caller", "ONBOARDING_REQUESTS_PER_HOUR"
    )
    mails = HourlyLimit(hourly, clock, chosen.mails_per_hour, "Addresses written to", "ONBOARDING_MAILS_PER_HOUR")
    world = World(
        gateways=ArmGateways(chosen, credential, pauses),
        directory=GraphDirectory(graph),
        dns=_dns(chosen, private=chosen.dns_private_servers),
        notifier=AzureNotifier(chosen, GraphMail(graph).send_mail, mails, pauses),
        dns_zones=ArmDnsZones(chosen, credential, pauses),
        dns_updates=DnsUpdater(chosen.dns_servers, chosen.tsig_keys, chosen.dns_timeout),
        tls=TlsHandshake(
            _dns(chosen, private=chosen.tls_private_addresses).to_reach,
            lambda: trust(chosen).get_ca_certs(binary_form=True),
        ),
        peerings=ArmPeerings(chosen, credential, pauses),
        domain_suffix=chosen.gateway_domain_suffix,
        permitted_admin_users=chosen.permitted_admin_users,
        permitted_applications=chosen.permitted_applications,
        trunks_on_loopback=chosen.tls_private_addresses,
        sender=chosen.sender,
        project_synergy_by=chosen.project_synergy_by,
        changes_by=chosen.changes_by,
    )
    bus = ServiceBusPublisher(
        connection_string=_secret(chosen.service_bus), namespace=chosen.service_bus_namespace, credential=credential
    )
    index = Index(_table(DUE_TABLE, chosen, credential), _table(WAITS_TABLE, chosen, credential), chosen.policy)
    records = Records(_table("onboardings", chosen, credential), _table("events", chosen, credential), index)
    telling = Notifying(
        chosen.public_url,
        chosen.escalation_email,
        _secret(chosen.link_key),
        chosen.link_lifetime,
        events=chosen.events_url is not None,
        daily=DailyMail(_table(DAILY_TABLE, chosen, credential), chosen.daily_mail_hour),
        daily_for_all=chosen.daily_mail,
        sender=chosen.sender,
    )
    reads = Reads(_table(READS_TABLE, chosen, credential), chosen.policy)
    asked = HourlyLimit(
        hourly, clock, chosen.plans_per_hour, "Plans asked for by one caller", "ONBOARDING_PLANS_PER_HOUR"
    )
    plans = Plans(_table(PLANS_TABLE, chosen, credential), asked)
    durations = Durations(_table(DURATIONS_TABLE, chosen, credential), chosen.usual)
    gathered = GraphDirectory(GatheredGraph(graph))
    return Engine(
        records,
        bus,
        clock,
        world,
        chosen.policy,
        telling,
        reads,
        plans,
        durations,
        chosen.permitted,
        requests,
        gathered,
        own_names(os.environ, chosen.client_id, chosen.mail_sender, chosen.service_bus_namespace),
    )


def _dns(chosen: Settings, *, private: bool) -> DnsLookup:
    try:
        return DnsLookup(
            chosen.public_resolvers,
            authoritative_port=chosen.dns_authoritative_port,
            timeout=chosen.dns_timeout,
            look_timeout=chosen.dns_look_timeout,
            private=private,
        )
    except ValueError as error:
        raise SettingsError(f"The app settings are wrong: ONBOARDING_PUBLIC_RESOLVERS: {error}.") from None


def _table(name: str, chosen: Settings, credential: Credential) -> AzureTable:
    return AzureTable(name, connection_string=_secret(chosen.tables), endpoint=chosen.tables_uri, credential=credential)


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value else None
