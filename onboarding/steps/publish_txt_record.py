"""`publish-txt-record`: the TXT record that proves the domain stands in its zone, beside whatever else is at its name.

The value is read again where Microsoft says it (Microsoft Graph v1.0, verificationDnsRecords), and what is at the name
where it is added. An onboarding has this step in place of `share-txt-record` when its request says where to publish.
"""

from __future__ import annotations

from onboarding.azure.calls import put_txt_call, update_txt_call
from onboarding.azure.dns_zone import DnsZoneId, TxtSet
from onboarding.core.instructions import Instructions
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, TryLaterError
from onboarding.core.proposal import Call, Change, ValueChange
from onboarding.core.publishing import BY_HAND, DnsPublishing, relative_name, same_name
from onboarding.core.record import Record
from onboarding.ports import ConflictError, Delegation, TxtRecord
from onboarding.steps.add_domain import DOMAIN_SECTION, found_now, was_verified_already
from onboarding.steps.base import Applied, Inspection, Work, plural
from onboarding.steps.definition import Definition
from onboarding.steps.share_txt_record import VERIFIED_ALREADY, txt_record_values

RACES = 5
"""How often a set is read again in one attempt, because somebody else changed it in between."""


class PublishTxtRecord:
    """One value is added; none is ever taken away."""

    async def inspect(self, work: Work) -> Inspection:
        found = await found_now(work)
        needless = was_verified_already(work.record) if work.again else found.domain_verified
        if needless or found.txt_record is None:
            return Inspection((), f"{VERIFIED_ALREADY} Nothing is to be published.")
        record, where = found.txt_record, _where(work)
        zone = _zone_asked(where)
        if zone is None:
            return await _at_server(work, str(where.server), record)
        return await _in_azure(work, zone, record)

    async def expect_place(self, work: Work, name: str) -> None:
        """Where it is to be published is there, takes one more value, and the Internet is led to it: what can be seen
        of a domain before Entra says its value. Raises StepProblemError."""
        where = _where(work)
        zone, any_value = _zone_asked(where), TxtRecord(name=name, value="MS=ms00000000", ttl=3600)
        await (_at_server(work, str(where.server), any_value) if zone is None else _in_azure(work, zone, any_value))

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        record, where = inspection.seen[0], _where(work)
        zone = _zone_asked(where)
        if zone is not None:
            return await _add(work, zone, inspection.seen[1], record)
        await work.world.dns_updates.update_txt(str(where.server), record)
        return Applied(f"The DNS server '{where.server}' has added the TXT record at {record.name}.")


# -- Azure DNS


async def _in_azure(work: Work, zone: DnsZoneId, record: TxtRecord) -> Inspection:
    name = relative_name(record.name, zone.name)
    if name is None:
        raise _wrong_zone(
            f"The domain {record.name} is not in the zone {zone.name}, nor below it; nothing was published.",
        )
    resource = await work.world.dns_zones.zone(zone)
    if resource is None:
        raise PersonMustActError(
            ProblemCode.DNS_ZONE_UNKNOWN,
            f"There is no Azure DNS zone {zone.name} in resource group '{zone.resource_group}' of subscription"
            f" {zone.subscription_id}, or this application may not read it.",
            "Check the zone's resource id in the request, and that the steps' identity has its role on the zone"
            f" (docs/permissions.md); then retry the step. {BY_HAND}",
        )
    led_to = await _led_to(work, record, zone.name)
    if led_to is not None and not resource.is_delegated_to(led_to.servers):
        raise _not_delegated(zone.name, led_to, f"Azure gave the zone {_listed(resource.name_servers)}")
    there = await work.world.dns_zones.txt_set(zone, name)
    if record.value in there.values:
        return Inspection((), f"The TXT record stands in the zone {zone.name}, at {record.name}.")
    _expect_room(record, there)
    kept = f" What stands there stays: {plural(len(there.values), 'value')}." if there.values else ""
    return Inspection(
        (_publishing(f"zone {zone.name}", record, put_txt_call(zone, name, record.value)),),
        f"The zone {zone.name} does not have the TXT record at {record.name}.{kept}",
        seen=(record, there),
    )


async def _add(work: Work, zone: DnsZoneId, there: TxtSet, record: TxtRecord) -> Applied:
    """As long as somebody else is faster, what they wrote is read, and the value added to that."""
    for _ in range(RACES):
        if record.value in there.values:
            return Applied(f"The TXT record stands at {record.name}: it was added meanwhile.")
        _expect_room(record, there)
        try:
            await work.world.dns_zones.add_txt(zone, there, record)
        except ConflictError:
            there = await work.world.dns_zones.txt_set(zone, there.name)
        else:
            beside = f", beside {plural(len(there.values), 'other')}" if there.values else ""
            return Applied(f"Added the TXT record at {record.name} to the zone {zone.name}{beside}.")
    raise TryLaterError(
        ProblemCode.BUSY,
        f"Others changed the TXT set at {record.name} {RACES} times while this step was at it; nothing was written.",
    )


def _expect_room(record: TxtRecord, there: TxtSet) -> None:
    why = there.why_full(record.value)
    if why:
        raise PersonMustActError(
            ProblemCode.TXT_SET_FULL,
            f"The TXT set at {record.name} {why}. Nothing was written, and nothing is ever taken away from it here.",
            "Look which of its values are out of use (in the Azure portal, the zone's record sets), remove those, and"
            f" retry the step. {BY_HAND}",
        )


# -- a server that takes updates


async def _at_server(work: Work, server: str, record: TxtRecord) -> Inspection:
    zone = await work.world.dns_updates.zone_at(server, record.name)
    await _led_to(work, record, zone)
    there = await work.world.dns_updates.txt_at(server, record.name)
    if there.alias is not None:
        raise _taken(record, there.alias)
    if record.value in there.values:
        return Inspection((), f"The TXT record stands on the DNS server '{server}', at {record.name}.")
    return Inspection(
        (_publishing(f"DNS server '{server}'", record, update_txt_call(server, record)),),
        f"The DNS server '{server}' does not have the TXT record at {record.name}.",
        seen=(record,),
    )


# -- both


def _publishing(target: str, record: TxtRecord | None = None, call: Call | None = None) -> Change:
    where = f"TXT record at {record.name}" if record else "TXT record of the domain"
    added = ValueChange(what=where, before="not there", after=record.value if record else "there")
    return Change(target=target, words=f"add the TXT record in the {target}", values=(added,), call=call)


def _foreseen(record: Record) -> tuple[Change, ...]:
    where = record.request.publishing
    zone = _zone_asked(where) if where else None
    server = f"DNS server '{where.server}'" if where else "zone"
    return (_publishing(f"zone {zone.name}" if zone else server),)


def _where(work: Work) -> DnsPublishing:
    """What the request says. Raises PersonMustActError where it leaves publishing to a person."""
    where = work.request.publishing
    if where is None or not where.by_us:
        raise PersonMustActError(
            ProblemCode.DNS_ZONE_UNKNOWN,
            "The request names neither an Azure DNS zone nor a DNS server to publish the TXT record with.",
            BY_HAND,
        )
    return where


def _zone_asked(where: DnsPublishing) -> DnsZoneId | None:
    return DnsZoneId.parse(where.azure_zone) if where.azure_zone else None


async def _led_to(work: Work, record: TxtRecord, zone: str) -> Delegation | None:
    """Whose servers the Internet is led to: the name is in that zone for everybody, and free; None when that can't be
    seen from here, which is not held against it: the wait for the record sees it. Raises PersonMustActError.
    """
    led_to = await work.world.dns.delegation(record.name)
    if led_to is None or not (led_to.answered or same_name(led_to.zone, zone)):
        return None
    if relative_name(led_to.zone, zone) is None:
        raise _not_delegated(zone, led_to, f"the record would go into the zone {zone}")
    if not same_name(led_to.zone, zone):
        raise _wrong_zone(
            f"The domain {record.name} is in the zone {led_to.zone}, which is below {zone}: nobody would see a record"
            f" in {zone}. Nothing was published."
        )
    if led_to.alias is not None:
        raise _taken(record, led_to.alias)
    return led_to


def _wrong_zone(seen: str) -> PersonMustActError:
    return PersonMustActError(
        ProblemCode.DNS_ZONE_WRONG,
        seen,
        f"Cancel, and post the request with the zone that the domain is in. {BY_HAND}",
    )


def _not_delegated(zone: str, led_to: Delegation, otherwise: str) -> PersonMustActError:
    return PersonMustActError(
        ProblemCode.DNS_ZONE_NOT_DELEGATED,
        f"The Internet is led to {_listed(led_to.servers)} for the zone {led_to.zone}, but {otherwise}: nobody would"
        " see a record there. Nothing was published.",
        f"Have {zone} delegated: the parent zone's NS records are to name the servers of this zone. Then retry the step"
        f" (resolvers keep what they knew for as long as the parent zone's records say). {BY_HAND}",
    )


def _taken(record: TxtRecord, alias: str) -> PersonMustActError:
    return PersonMustActError(
        ProblemCode.TXT_NAME_TAKEN,
        f"An alias (CNAME) stands at {record.name}, and leads to {alias}: no TXT record can stand beside it. Nothing"
        " was published.",
        f"Have the alias taken away, or the TXT record added at {alias}, where it counts too. {BY_HAND}",
    )


def _listed(servers: tuple[str, ...]) -> str:
    return ", ".join(one.rstrip(".") for one in servers) or "no servers"


def _instructions(record: Record) -> Instructions:
    """For somebody who adds it by hand."""
    return Instructions(
        (
            "Add the TXT record below to the domain's zone, beside what stands at its name: leave all other values.",
            "Confirm this step.",
        ),
        values=txt_record_values(record),
    )


PUBLISH_TXT_RECORD = Definition(
    "publish-txt-record",
    StepKind.TASK,
    "Publish the TXT record",
    DOMAIN_SECTION,
    task=PublishTxtRecord(),
    confirmable=True,
    foreseen=_foreseen,
    instructions=_instructions,
)
