"""Azure DNS as Azure Resource Manager knows it: a zone's id, the zone, its TXT record sets, and what is added to one.

Source: Microsoft.Network dns.json 2018-05-01; Microsoft Learn, "Overview of DNS zones and records" (ETags, limits).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onboarding.core.patterns import AZURE_ZONE, fits
from onboarding.core.publishing import cut, joined, same_name

ZONE_TYPE = "Microsoft.Network/dnsZones"
DNS_API_VERSION = "2018-05-01"
MOST_VALUES = 20
"""Records of one TXT set (Microsoft Learn, "Azure DNS limits")."""
MOST_CHARACTERS = 4096
"""Of all values of one TXT set together; 1,024 in some national clouds, which say so themselves."""


@dataclass(frozen=True, slots=True)
class DnsZoneId:
    """One zone of Azure DNS."""

    subscription_id: str
    resource_group: str
    name: str

    @property
    def arm_id(self) -> str:
        """The resource id, as ARM wants it in a URL path."""
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/{ZONE_TYPE}/{self.name}"
        )

    @property
    def key(self) -> str:
        """What is compared: ARM pays no regard to case."""
        return self.arm_id.lower()

    def txt_set_arm_id(self, name: str) -> str:
        """The resource id of one of its TXT sets, by its name relative to the zone."""
        return f"{self.arm_id}/TXT/{name}"

    @classmethod
    def parse(cls, arm_id: str) -> DnsZoneId | None:
        """Read a resource id, in any case; None when it is no zone's."""
        if not fits(AZURE_ZONE, arm_id):
            return None
        _, _, subscription, _, group, _, _, _, name = arm_id.split("/")
        return cls(subscription, group, name)


@dataclass(frozen=True, slots=True)
class DnsZone:
    """A zone as ARM gave it."""

    body: Mapping[str, Any]

    @property
    def name_servers(self) -> tuple[str, ...]:
        """The servers that Azure gave it: the parent zone delegates to these, or nobody sees what is in it."""
        return tuple(str(one) for one in (self.body.get("properties") or {}).get("nameServers") or ())

    def is_delegated_to(self, servers: tuple[str, ...]) -> bool:
        """Whether any of these is a server of the zone."""
        return any(same_name(ours, theirs) for ours in self.name_servers for theirs in servers)


@dataclass(frozen=True, slots=True)
class TxtSet:
    """The TXT record set at a name. `body` is the whole of it as ARM gave it, also what we don't know, so that a PUT
    keeps it; empty where there is none yet."""

    name: str
    """Relative to the zone."""
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def etag(self) -> str | None:
        """The version that a PUT replaces; None: there is no set, and a PUT makes one."""
        return str(self.body["etag"]) if self.body.get("etag") else None

    @property
    def properties(self) -> Mapping[str, Any]:
        return self.body.get("properties") or {}

    @property
    def values(self) -> tuple[str, ...]:
        """Each joined of its strings."""
        records = self.properties.get("TXTRecords") or ()
        return tuple(joined([str(text) for text in one.get("value") or ()]) for one in records)

    def why_full(self, value: str) -> str | None:
        """Why one more value does not fit, as the end of a sentence; None when it does."""
        values = (*self.values, value)
        if len(values) > MOST_VALUES:
            return f"has {len(self.values)} values, and {MOST_VALUES} is the most that one can have"
        if sum(map(len, values)) > MOST_CHARACTERS:
            return (
                f"has values of {sum(map(len, self.values))} characters together, and {MOST_CHARACTERS} is the most"
                " that one can have"
            )
        return None

    def with_value(self, value: str, ttl: int) -> dict[str, Any]:
        """The body of the PUT that adds a value: TTL, metadata and all other values stay. `ttl`: of a new set."""
        properties = copy.deepcopy(dict(self.properties))
        for name in READ_ONLY_OF_A_SET:
            properties.pop(name, None)
        properties.setdefault("TTL", ttl)
        properties["TXTRecords"] = [*(properties.get("TXTRecords") or ()), {"value": cut(value)}]
        written = TxtSet(self.name, {"properties": properties}).values
        if written != (*self.values, value):
            # Whoever holds `TXT/write` could empty a set: nothing but this keeps what others have put there.
            raise AssertionError("a value that was read would not be written")
        return {"properties": properties}


READ_ONLY_OF_A_SET = ("fqdn", "provisioningState")
