"""Azure DNS, and servers that take updates, in memory. What is published shows in the twin of DNS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from onboarding.azure.azure_actions import AzurePermission
from onboarding.azure.dns_zone import DnsZone, DnsZoneId, TxtSet
from onboarding.azure.update_server import zone_of_server
from onboarding.core.publishing import APEX, cut
from onboarding.memory.dns import MemoryDns
from onboarding.memory.faults import Faults
from onboarding.ports import ConflictError, TxtAnswer, TxtRecord

NAME_SERVERS = ("ns1-01.azure-dns.com.", "ns2-01.azure-dns.net.")


class MemoryDnsZones:
    """A port `DnsZones`. A set's ETag is the number of its writes."""

    def __init__(self, dns: MemoryDns, writes: list[tuple[str, ...]] | None = None) -> None:
        self.zones: dict[str, dict[str, Any]] = {}
        """Key of the zone → the whole resource."""
        self.sets: dict[tuple[str, str], dict[str, Any]] = {}
        """(key of the zone, lower-case relative name) → the whole set."""
        self.writes: list[tuple[str, ...]] = [] if writes is None else writes
        self.actions: Sequence[AzurePermission] = (AzurePermission(("*",)),)
        """What this application's roles give."""
        self.faults = Faults()
        self._dns = dns

    def add(self, zone: DnsZoneId, *, delegated: bool = True) -> None:
        """Put a zone there; the Internet is led to its servers, or to others."""
        self.zones[zone.key] = {"id": zone.arm_id, "properties": {"nameServers": list(NAME_SERVERS)}}
        self._dns.delegated[zone.name.lower()] = NAME_SERVERS if delegated else ("ns.registrar.example.",)

    def put(self, zone: DnsZoneId, name: str, values: Iterable[str], **properties: Any) -> None:
        """Somebody sets the values at a name."""
        self._write(zone, name, {"TXTRecords": [{"value": cut(value)} for value in values], **properties})

    async def zone(self, zone: DnsZoneId) -> DnsZone | None:
        """One zone; None when there is no such resource."""
        self.faults.raise_next("zone")
        body = self.zones.get(zone.key)
        return None if body is None else DnsZone(body)

    async def txt_set(self, zone: DnsZoneId, name: str) -> TxtSet:
        """The TXT set at a name; an empty one where there is none."""
        self.faults.raise_next("txt_set")
        return TxtSet(name, self.sets.get((zone.key, name.lower()), {}))

    async def own_actions(self, zone: DnsZoneId) -> Sequence[AzurePermission]:
        """What this application's Azure roles give at a zone."""
        self.faults.raise_next("own_actions")
        return self.actions

    async def add_txt(self, zone: DnsZoneId, to: TxtSet, record: TxtRecord) -> None:
        """Add a value to the set, if that is still as it was read."""
        self.faults.raise_next("add_txt")
        if TxtSet(to.name, self.sets.get((zone.key, to.name.lower()), {})).etag != to.etag:
            raise ConflictError
        self._write(zone, to.name, to.with_value(record.value, record.ttl)["properties"])
        self.writes.append(("add_txt", record.name.lower(), record.value))

    def _write(self, zone: DnsZoneId, name: str, properties: Mapping[str, Any]) -> None:
        key = zone.key, name.lower()
        count = int(self.sets.get(key, {}).get("etag", "0")) + 1
        self.sets[key] = {"etag": str(count), "name": name, "properties": {"TTL": 3600, **properties}}
        fqdn = zone.name if name == APEX else f"{name}.{zone.name}"
        self._dns.publish(fqdn, *TxtSet(name, self.sets[key]).values)


class MemoryDnsUpdates:
    """A port `DnsUpdates`: servers by name, whose values are those of the twin of DNS."""

    def __init__(self, dns: MemoryDns, writes: list[tuple[str, ...]] | None = None) -> None:
        self.servers: dict[str, tuple[str, ...]] = {}
        """Name → its zones."""
        self.writes: list[tuple[str, ...]] = [] if writes is None else writes
        self.faults = Faults()
        self._dns = dns

    async def zone_at(self, server: str, name: str) -> str:
        """The zone that the server is sent updates of the name in."""
        self.faults.raise_next("zone_at")
        return zone_of_server(server, self.servers, name)

    async def txt_at(self, server: str, name: str) -> TxtAnswer:
        """What that server says of a name's TXT records."""
        self.faults.raise_next("txt_at")
        alias = self._dns.aliases.get(name.lower())
        return TxtAnswer(server, True, () if alias else self._dns.at(name), alias=alias)

    async def update_txt(self, server: str, record: TxtRecord) -> None:
        """Have it add one TXT record."""
        self.faults.raise_next("update_txt")
        there = self._dns.at(record.name)
        if record.value not in there:
            self._dns.publish(record.name, *there, record.value)
            self.writes.append(("update_txt", record.name.lower(), record.value))
