"""Azure DNS: zones and their TXT record sets. What is in a set is in DNS at once.

Source: Microsoft.Network dns.json 2018-05-01; Microsoft Learn, "Overview of DNS zones and records". Azure DNS puts its
errors into no `error` object, as public issues show them; the message of 412 and the code of a full set are not public.
"""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass, field
from typing import Any

import dns.name

from sandbox.microsoft.arm import errors
from sandbox.microsoft.arm.errors import ArmError
from sandbox.microsoft.conformance import Match, without_read_only
from sandbox.microsoft.exchange import Answer, Request
from sandbox.microsoft.zone import AUTHORITIES, Records

DNS_NAMESPACE = "Microsoft.Network"
DNS_API_VERSIONS = (
    "2015-05-04-preview",
    "2016-04-01",
    "2017-09-01",
    "2017-10-01",
    "2018-03-01-preview",
    "2018-05-01",
    "2023-07-01-preview",
)
MOST_RECORDS = 20
MOST_CHARACTERS_OF_A_SET = 4096
LONGEST_TEXT = 255
ELSEWHERE = ("ns1.registrar.example.", "ns2.registrar.example.")
"""Where the Internet is led to for a zone that is not delegated to Azure."""


class AzureDnsError(ArmError):
    """An error of Azure DNS itself, which stands in no `error` object."""

    def answer(self) -> Answer:
        return Answer(self.status, self.error, self.headers)


@dataclass
class AzureZone:
    """One zone. `sets` are TXT record sets by lower-case relative name, as answers show their `properties`."""

    subscription: str
    group: str
    name: str
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    rivals: int = 0
    """Before how many more writes somebody else is faster."""

    @property
    def id(self) -> str:
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/{DNS_NAMESPACE}"
            f"/dnszones/{self.name}"
        )

    def fqdn(self, name: str) -> str:
        """The whole name of a record set."""
        return self.name if name == "@" else f"{name}.{self.name}"


@dataclass
class AzureDns:
    """All zones, and the answers to calls about them."""

    records: Records
    zones: dict[tuple[str, str, str], AzureZone] = field(default_factory=dict)

    def put_zone(self, subscription: str, group: str, name: str, *, delegated: bool = True) -> AzureZone:
        """Make a zone, or say anew whether the Internet is led to it."""
        key = subscription.lower(), group.lower(), name.lower()
        zone = self.zones.setdefault(key, AzureZone(subscription, group, name))
        self.records.zones[dns.name.from_text(name)] = AUTHORITIES if delegated else ELSEWHERE
        return zone

    def put_values(self, zone: AzureZone, name: str, values: list[str], **properties: Any) -> None:
        """Somebody sets the values at a name."""
        texts = ([value[at : at + LONGEST_TEXT] for at in range(0, len(value), LONGEST_TEXT)] for value in values)
        self._write(zone, name, {"TTL": 3600, **properties, "TXTRecords": [{"value": text} for text in texts]})

    def answer(self, request: Request, match: Match) -> Answer:
        """Do what is asked of a zone or of a TXT set. Raises ArmError."""
        names = match.parameters
        key = names["subscriptionId"].lower(), names["resourceGroupName"].lower(), names["zoneName"].lower()
        zone = self.zones.get(key)
        if match.operation.id == "Zones_Get":
            if zone is None:
                raise errors.not_found("dnszones", names["zoneName"], names["resourceGroupName"], DNS_NAMESPACE)
            return Answer(200, self._shown(zone))
        if zone is None:
            raise errors.no_parent(f"dnszones/{names['recordType']}", request.path.rsplit("/", 2)[0])
        name = names["relativeRecordSetName"].lower()
        if match.operation.id == "RecordSets_CreateOrUpdate":
            return self._put(request, match, zone, name)
        if names["recordType"].upper() != "TXT" or name not in zone.sets:
            raise AzureDnsError(
                404,
                "NotFound",
                f"The resource record '{name}' does not exist in resource group '{zone.group}' of subscription"
                f" '{zone.subscription}'.",
            )
        return Answer(200, self._shown_set(zone, name))

    def _put(self, request: Request, match: Match, zone: AzureZone, name: str) -> Answer:
        schema = match.operation.request
        assert schema is not None
        body = without_read_only(schema.plain, request.json())
        problems = schema.problems(body)
        if problems:
            raise errors.off_spec(problems, request.path)
        if zone.rivals > 0:
            zone.rivals -= 1
            self.put_values(zone, name, [*self.values(zone, name), f"somebody-else={zone.rivals}"])
        current, wanted = zone.etags.get(name), request.headers.get("If-Match")
        if (wanted and wanted != current) or (request.headers.get("If-None-Match") == "*" and current):
            message = f"The condition of the request was not met: the record set's etag is '{current}'."
            raise AzureDnsError(412, "PreconditionFailed", message)
        if dns.name.from_text(zone.fqdn(name)) in self.records.aliases:
            message = "The record could not be created because a CNAME record with the same name already exists in"
            raise AzureDnsError(409, "Conflict", f"{message} this zone.")
        properties = body.get("properties") or {}
        _check_limits(name, properties)
        self._write(zone, name, properties)
        return Answer(200 if current else 201, self._shown_set(zone, name))

    def values(self, zone: AzureZone, name: str) -> list[str]:
        """Each joined of its strings."""
        return ["".join(one["value"]) for one in zone.sets.get(name, {}).get("TXTRecords", [])]

    def _write(self, zone: AzureZone, name: str, properties: dict[str, Any]) -> None:
        zone.sets[name], zone.etags[name] = copy.deepcopy(properties), str(uuid.uuid4())
        self.records.put("*", zone.fqdn(name), self.values(zone, name))

    def _shown(self, zone: AzureZone) -> dict[str, Any]:
        return {
            "id": zone.id,
            "name": zone.name,
            "type": f"{DNS_NAMESPACE}/dnszones",
            "etag": "00000002-0000-0000-0000-000000000000",
            "location": "global",
            "tags": {},
            "properties": {
                "maxNumberOfRecordSets": 10000,
                "numberOfRecordSets": len(zone.sets) + 2,
                "nameServers": list(AUTHORITIES),
                "zoneType": "Public",
            },
        }

    def _shown_set(self, zone: AzureZone, name: str) -> dict[str, Any]:
        fqdn = {"fqdn": f"{zone.fqdn(name)}.", "provisioningState": "Succeeded"}
        return {
            "id": f"{zone.id}/TXT/{name}",
            "name": name,
            "type": f"{DNS_NAMESPACE}/dnszones/TXT",
            "etag": zone.etags[name],
            "properties": {**copy.deepcopy(zone.sets[name]), **fqdn},
        }


def _check_limits(name: str, properties: dict[str, Any]) -> None:
    texts = [one.get("value") or [] for one in properties.get("TXTRecords") or []]
    if len(texts) > MOST_RECORDS or sum(len("".join(text)) for text in texts) > MOST_CHARACTERS_OF_A_SET:
        message = f"The record set '{name}' of type 'TXT' exceeds what a record set may hold."
        raise AzureDnsError(400, "BadRequest", message)
    if any(len(part) > LONGEST_TEXT for text in texts for part in text):
        raise AzureDnsError(400, "BadRequest", f"A string of a TXT record is longer than {LONGEST_TEXT} characters.")
    if not texts or "TTL" not in properties:
        raise AzureDnsError(400, "BadRequest", "A record set needs a TTL and at least one record.")
