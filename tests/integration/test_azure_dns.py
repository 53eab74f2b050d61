"""TXT record sets of Azure DNS, over HTTPS to a simulated Azure Resource Manager with ETags, limits and refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from onboarding.azure.allowed import ForbiddenCallError
from onboarding.azure.dns import DnsLookup
from onboarding.azure.dns_zone import DnsZoneId, TxtSet
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError
from onboarding.ports import ConflictError, TxtRecord
from onboarding.steps.txt_verdict import TxtKind, judge_txt_answers
from tests.support.adapters import SUBSCRIPTION, Adapters, connected

ZONE = DnsZoneId(SUBSCRIPTION, "rg-dns", "contoso-voice.com")
OTHER = DnsZoneId(SUBSCRIPTION, "rg-dns", "not-there.example")
RECORD = TxtRecord(name="sip.contoso-voice.com", value="MS=ms12345678", ttl=3600)
APEX = TxtRecord(name="contoso-voice.com", value="MS=ms87654321", ttl=3600)
SPF = "v=spf1 -all"


@pytest.fixture
async def adapters(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Adapters]:
    async with connected(monkeypatch) as running:
        yield running
        assert running.violations() == []


def put_zone(adapters: Adapters, **values: Any) -> Any:
    return adapters.world.put_dns_zone({"name": ZONE.name, **values})


def values(adapters: Adapters, name: str) -> list[str]:
    return adapters.world.azure_dns.values(put_zone(adapters), name)


async def problem(of: Any) -> StepProblemError:
    with pytest.raises(StepProblemError) as caught:
        await of
    return caught.value


async def test_a_set_is_made_where_there_is_none_and_everybody_sees_it(adapters: Adapters) -> None:
    there = await adapters.dns_zones.txt_set(ZONE, "sip")
    assert (there.values, there.etag) == ((), None)
    await adapters.dns_zones.add_txt(ZONE, there, RECORD)
    assert values(adapters, "sip") == [RECORD.value]
    address, port = adapters.microsoft.dns_address
    dns = DnsLookup([f"{address}:{port}"], authoritative_port=port, private=True)
    assert judge_txt_answers(await dns.txt(RECORD.name, RECORD.value), RECORD.value, RECORD.name).kind is (
        TxtKind.EVERYWHERE
    )


async def test_a_value_is_added_at_the_zones_own_name_beside_what_is_there(adapters: Adapters) -> None:
    there = await adapters.dns_zones.txt_set(ZONE, "@")
    assert there.values == (SPF,)
    await adapters.dns_zones.add_txt(ZONE, there, APEX)
    again = await adapters.dns_zones.txt_set(ZONE, "@")
    assert again.values == (SPF, APEX.value)
    assert again.etag != there.etag
    assert {**again.properties, "TXTRecords": None} == {**there.properties, "TXTRecords": None}


async def test_somebody_who_was_faster_is_told_by_the_etag(adapters: Adapters) -> None:
    new, old = await adapters.dns_zones.txt_set(ZONE, "sip"), await adapters.dns_zones.txt_set(ZONE, "@")
    for there, record in ((new, RECORD), (old, APEX)):
        put_zone(adapters, rivals=1)
        with pytest.raises(ConflictError):
            await adapters.dns_zones.add_txt(ZONE, there, record)
    assert values(adapters, "@") == [SPF, "somebody-else=0"]
    there = await adapters.dns_zones.txt_set(ZONE, "@")
    await adapters.dns_zones.add_txt(ZONE, there, APEX)
    assert values(adapters, "@") == [SPF, "somebody-else=0", APEX.value]


async def test_an_answer_that_was_lost_is_found_by_the_next_look(adapters: Adapters) -> None:
    adapters.fail(kind="lost-answer", service="arm", method="PUT")
    there = await adapters.dns_zones.txt_set(ZONE, "sip")
    with pytest.raises(ConflictError):  # the SDK sends it once more, and the set is no longer as it was
        await adapters.dns_zones.add_txt(ZONE, there, RECORD)
    assert (await adapters.dns_zones.txt_set(ZONE, "sip")).values == (RECORD.value,)


async def test_a_zone_and_its_servers(adapters: Adapters) -> None:
    found = await adapters.dns_zones.zone(ZONE)
    assert found is not None
    assert found.is_delegated_to(("ns1.commsgw.azure.com",))
    assert await adapters.dns_zones.zone(OTHER) is None


def lookup(adapters: Adapters) -> DnsLookup:
    address, port = adapters.microsoft.dns_address
    return DnsLookup([f"{address}:{port}"], authoritative_port=port, private=True)


async def test_whom_the_internet_is_led_to_now(adapters: Adapters) -> None:
    """Also when it was asked a moment ago: somebody may have mended it since."""
    dns = lookup(adapters)

    async def servers() -> tuple[str, ...]:
        led_to = await dns.delegation(RECORD.name)
        assert led_to is not None
        assert led_to.zone == ZONE.name
        return led_to.servers

    assert await servers() == ("ns1.commsgw.azure.com", "ns2.commsgw.azure.com")
    put_zone(adapters, delegated=False)
    assert await servers() == ("ns1.registrar.example", "ns2.registrar.example")
    put_zone(adapters, delegated=True)
    assert await servers() == ("ns1.commsgw.azure.com", "ns2.commsgw.azure.com")


@pytest.mark.parametrize("first", ["here.example", "there.example", "sbc1.here.example", "sbc1.there.example"])
async def test_a_zone_hosted_elsewhere_hides_none_beside_it(adapters: Adapters, first: str) -> None:
    """In any order of the looks."""
    for zone in ("here.example", "there.example"):
        adapters.world.put_dns_zone({"name": zone, "delegated": zone == "here.example"})
    dns = lookup(adapters)
    await dns.addresses(first)
    here, there = await dns.delegation("here.example"), await dns.delegation("there.example")
    assert here is not None
    assert (here.zone, here.servers) == ("here.example", ("ns1.commsgw.azure.com", "ns2.commsgw.azure.com"))
    assert there is not None
    assert (there.zone, there.servers) == ("there.example", ("ns1.registrar.example", "ns2.registrar.example"))
    assert (here.answered, there.answered) == (True, False)


async def test_servers_that_all_fail_are_not_kept(adapters: Adapters) -> None:
    """A look sees what was mended since the last one."""
    dns = lookup(adapters)
    put_zone(adapters, delegated=False)
    assert all(answer.error for answer in await dns.txt(RECORD.name, RECORD.value))
    put_zone(adapters, delegated=True)
    assert not any(answer.error for answer in await dns.txt(RECORD.name, RECORD.value))


async def test_an_alias_at_the_name_is_told(adapters: Adapters) -> None:
    adapters.world.records.lead(RECORD.name, "elsewhere.example")
    there = await adapters.dns_zones.txt_set(ZONE, "sip")
    told = await problem(adapters.dns_zones.add_txt(ZONE, there, RECORD))
    assert told.code == ProblemCode.TXT_NAME_TAKEN
    assert "a CNAME record with the same name already exists in this zone" in told.seen


async def test_another_operation_on_the_set_is_for_later(adapters: Adapters) -> None:
    message = "Another operation is pending for requested object."
    adapters.fail(kind="status", service="arm", method="PUT", status=409, code="Conflict", message=message)
    told = await problem(adapters.dns_zones.add_txt(ZONE, await adapters.dns_zones.txt_set(ZONE, "sip"), RECORD))
    assert isinstance(told, TryLaterError)
    assert told.code == ProblemCode.BUSY


async def test_a_zone_that_went_away_meanwhile(adapters: Adapters) -> None:
    told = await problem(adapters.dns_zones.add_txt(OTHER, TxtSet("sip"), RECORD))
    assert (told.code, "ParentResourceNotFound" in told.seen) == (ProblemCode.DNS_ZONE_UNKNOWN, True)


async def test_a_missing_role_comes_with_the_command_that_gives_it_on_that_zone_alone(adapters: Adapters) -> None:
    for identity in adapters.world.identities.all:
        identity.azure_role = "Reader"
    there = await adapters.dns_zones.txt_set(ZONE, "sip")
    told = await problem(adapters.dns_zones.add_txt(ZONE, there, RECORD))
    assert told.code == ProblemCode.PERMISSION_MISSING
    role = f"Operator Connect onboarding: TXT records ({SUBSCRIPTION})"
    assert f'--role "{role}" --scope {ZONE.arm_id}`' in told.what_next
    assert "DNS Zone Contributor serves" in told.what_next
    assert "by hand" in told.what_next


async def test_a_lock_is_told_as_one_and_the_record_may_be_added_by_hand(adapters: Adapters) -> None:
    adapters.fail(kind="status", service="arm", method="PUT", status=409, code="ScopeLocked", message="locked")
    told = await problem(adapters.dns_zones.add_txt(ZONE, await adapters.dns_zones.txt_set(ZONE, "sip"), RECORD))
    assert isinstance(told, PersonMustActError)
    assert (told.code, "by hand" in told.what_next) == (ProblemCode.BLOCKED, True)


@pytest.mark.parametrize(("status", "code"), [(429, ProblemCode.THROTTLED), (503, ProblemCode.OUTAGE)])
async def test_what_ends_by_itself_is_tried_again(adapters: Adapters, status: int, code: ProblemCode) -> None:
    adapters.fail(kind="status", service="arm", status=status, retryAfter=0)
    told = await problem(adapters.dns_zones.zone(ZONE))
    assert (isinstance(told, TryLaterError), told.code) == (True, code)


async def test_only_a_proof_is_ever_added(adapters: Adapters) -> None:
    there = await adapters.dns_zones.txt_set(ZONE, "@")
    spf = TxtRecord.model_construct(name=ZONE.name, value="v=spf1 include:evil.example", ttl=60)
    with pytest.raises(ForbiddenCallError, match="must be one that proves a domain to Microsoft"):
        await adapters.dns_zones.add_txt(ZONE, there, spf)
    assert values(adapters, "@") == [SPF]


async def test_what_the_description_does_not_tell_stays_too(adapters: Adapters) -> None:
    adapters.world.azure_dns.put_values(put_zone(adapters), "sip", [SPF], TTL=60, metadata={"team": "mail"}, newer="x")
    await adapters.dns_zones.add_txt(ZONE, await adapters.dns_zones.txt_set(ZONE, "sip"), RECORD)
    kept = put_zone(adapters).sets["sip"]
    assert (kept["TTL"], kept["metadata"], kept["newer"]) == (60, {"team": "mail"}, "x")
