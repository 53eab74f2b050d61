"""Azure DNS in Azure Resource Manager: a zone, and its TXT record sets, which are only ever added to."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, MicrosoftService, unexpected_answer
from onboarding.azure.arm_client import ArmClient, object_of
from onboarding.azure.azure_actions import AzurePermission
from onboarding.azure.dns_zone import DNS_API_VERSION, ZONE_TYPE, DnsZone, DnsZoneId, TxtSet
from onboarding.azure.zone_answers import zone_problem
from onboarding.core.problems import StepProblemError
from onboarding.ports import ConflictError, DnsZones, TxtRecord

_ZONE = f"{ZONE_TYPE}/{{zone}}"
_GET = MicrosoftCall(MicrosoftService.ARM, "GET", _ZONE)
_GET_TXT = MicrosoftCall(MicrosoftService.ARM, "GET", f"{_ZONE}/TXT/{{record}}")
_PUT_TXT = MicrosoftCall(MicrosoftService.ARM, "PUT", f"{_ZONE}/TXT/{{record}}")
_OWN_ACTIONS = MicrosoftCall(MicrosoftService.ARM, "GET", f"{_ZONE}/permissions")


class ArmDnsZones(ArmClient, DnsZones):
    """Zones of Azure DNS. Every method may raise StepProblemError."""

    api_version = DNS_API_VERSION

    async def zone(self, zone: DnsZoneId) -> DnsZone | None:
        """One zone; None when there is no such resource."""
        answer = await self._read(_GET, zone.arm_id)
        if answer.ok:
            return DnsZone(object_of(_GET, answer))
        if answer.absent:
            return None
        raise self._problem(_GET, answer, zone.arm_id)

    async def txt_set(self, zone: DnsZoneId, name: str) -> TxtSet:
        """The TXT set at a name; an empty one where there is none."""
        path = zone.txt_set_arm_id(quote(name, safe="@"))
        answer = await self._read(_GET_TXT, path)
        if answer.absent:
            return TxtSet(name)
        if not answer.ok:
            raise self._problem(_GET_TXT, answer, path)
        found = TxtSet(name, object_of(_GET_TXT, answer))
        if found.etag is None:
            raise unexpected_answer(_GET_TXT, "a record set without its etag")
        return found

    async def add_txt(self, zone: DnsZoneId, to: TxtSet, record: TxtRecord) -> None:
        """Add a value to the set, if that is still as it was read (Azure DNS: `If-Match`, `If-None-Match: *`)."""
        condition = {"If-None-Match": "*"} if to.etag is None else {"If-Match": to.etag}
        path = zone.txt_set_arm_id(quote(to.name, safe="@"))
        answer = await self._write(_PUT_TXT, path, to.with_value(record.value, record.ttl), condition)
        if answer.status == 412:
            raise ConflictError
        if not answer.ok:
            raise self._problem(_PUT_TXT, answer, path)

    async def own_actions(self, zone: DnsZoneId) -> Sequence[AzurePermission]:
        """What this application's Azure roles give at a zone."""
        return await self._permissions(_OWN_ACTIONS, zone.arm_id)

    def _told(self, call: MicrosoftCall, answer: MicrosoftAnswer, path: str, *, front: bool) -> StepProblemError:
        return zone_problem(call, answer, path)
