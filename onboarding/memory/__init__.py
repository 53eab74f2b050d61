"""Twins of the adapters, in memory: the same promises as `ports`, and a world that tests can set and read."""

from onboarding.memory.bus import MemoryBus
from onboarding.memory.clock import ManualClock
from onboarding.memory.directory import MemoryDirectory
from onboarding.memory.dns import MemoryDns
from onboarding.memory.dns_zones import MemoryDnsUpdates, MemoryDnsZones
from onboarding.memory.faults import Faults
from onboarding.memory.gateways import MemoryGateways
from onboarding.memory.notifier import MemoryNotifier
from onboarding.memory.peerings import MemoryPeerings
from onboarding.memory.table import MemoryTable
from onboarding.memory.tls import MemoryTls
from onboarding.memory.world import MemoryWorld

__all__ = [
    "Faults",
    "ManualClock",
    "MemoryBus",
    "MemoryDirectory",
    "MemoryDns",
    "MemoryDnsUpdates",
    "MemoryDnsZones",
    "MemoryGateways",
    "MemoryNotifier",
    "MemoryPeerings",
    "MemoryTable",
    "MemoryTls",
    "MemoryWorld",
]
