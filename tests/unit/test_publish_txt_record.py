"""`publish-txt-record`: what it finds and adds in Azure DNS and on a server that takes updates, and where it stops."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.azure.dns_zone import DnsZoneId, TxtSet
from onboarding.bounded import bounded
from onboarding.core.events import Confirmed, RetryRequested, SkipRequested
from onboarding.core.permitted import ANYTHING
from onboarding.core.plan import NewStep
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError
from onboarding.core.publishing import DnsPublishing
from onboarding.core.record import Record, StepState
from onboarding.core.request import OnboardingRequest
from onboarding.kinds.communications_gateway import CommunicationsGatewayRequest
from onboarding.memory import MemoryWorld
from onboarding.ports import ConflictError, TxtRecord
from onboarding.steps import LIBRARY
from onboarding.steps.base import Applied, Inspection, Work
from onboarding.steps.publish_txt_record import BY_HAND, PUBLISH_TXT_RECORD, RACES
from onboarding.steps.txt_verdict import TxtKind, judge_txt_answers
from tests.support.records import new
from tests.support.system import System

SUBSCRIPTION = "6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63"
ZONE = DnsZoneId(SUBSCRIPTION, "rg-dns", "contoso.com")
DOMAIN = "sip.contoso.com"
AZURE = DnsPublishing.model_validate({"azureZone": ZONE.arm_id})
SERVER = DnsPublishing.model_validate({"server": "corp"})
SPF = "v=spf1 -all"


@pytest.fixture
def where(monkeypatch: pytest.MonkeyPatch) -> list[DnsPublishing | None]:
    """What the request says: the last of these."""
    said: list[DnsPublishing | None] = [AZURE]
    monkeypatch.setattr(OnboardingRequest, "publishing", property(lambda request: said[-1]))
    return said


@pytest.fixture
async def outside(where: list[DnsPublishing | None]) -> MemoryWorld:
    """A gateway with a delegated domain, which is one of the tenant's, and the zone around it."""
    memory = MemoryWorld()
    gateway = record().request.gateway
    delegations = {"delegations": [{"domain": DOMAIN}]}
    memory.gateways.add(gateway.id, dnsDelegations=delegations)  # type: ignore[attr-defined]
    await memory.directory.add_domain(DOMAIN)
    memory.dns_zones.add(ZONE)
    memory.dns_updates.servers["corp"] = ("contoso.com",)
    memory.writes.clear()
    return memory


def record() -> Record:
    return new().record


def work(outside: MemoryWorld) -> Work:
    mine = record()
    return Work(mine, bounded(outside.world, ANYTHING), mine.step("add-domain"), mine.created_at)


async def inspected(outside: MemoryWorld) -> Inspection:
    assert PUBLISH_TXT_RECORD.task is not None
    return await PUBLISH_TXT_RECORD.task.inspect(work(outside))


async def attempted(outside: MemoryWorld) -> Applied:
    """One whole attempt, as the engine makes it."""
    assert PUBLISH_TXT_RECORD.task is not None
    mine = work(outside)
    found = await PUBLISH_TXT_RECORD.task.inspect(mine)
    assert found.changes
    return await PUBLISH_TXT_RECORD.task.apply(mine, found)


def wanted(outside: MemoryWorld) -> TxtRecord:
    found = outside.directory.domains[DOMAIN].txt_record
    assert found is not None
    return found


def values(outside: MemoryWorld) -> tuple[str, ...]:
    return TxtSet("sip", outside.dns_zones.sets.get((ZONE.key, "sip"), {})).values


async def problem(outside: MemoryWorld) -> StepProblemError:
    """Why the attempt stops, with nothing written."""
    before = list(outside.writes)
    with pytest.raises(StepProblemError) as caught:
        await attempted(outside)
    assert outside.writes == before
    return caught.value


# -- Azure DNS


async def test_the_record_is_added_and_seen_by_everybody(outside: MemoryWorld) -> None:
    applied = await attempted(outside)
    assert applied.did == "Added the TXT record at sip.contoso.com to the zone contoso.com."
    assert values(outside) == (wanted(outside).value,)
    answers = await outside.dns.txt(DOMAIN, wanted(outside).value)
    assert judge_txt_answers(answers, wanted(outside).value, DOMAIN).kind is TxtKind.EVERYWHERE
    assert (await inspected(outside)).done


async def test_it_stands_beside_what_is_there_with_its_ttl_and_metadata(outside: MemoryWorld) -> None:
    outside.dns_zones.put(ZONE, "sip", [SPF], TTL=60, metadata={"team": "mail"})
    found = await inspected(outside)
    assert found.found.endswith("What stands there stays: 1 value.")
    assert (await attempted(outside)).did.endswith("to the zone contoso.com, beside 1 other.")
    assert values(outside) == (SPF, wanted(outside).value)
    kept = outside.dns_zones.sets[ZONE.key, "sip"]["properties"]
    assert (kept["TTL"], kept["metadata"]) == (60, {"team": "mail"})


async def test_what_stands_there_already_is_not_written_again(outside: MemoryWorld) -> None:
    outside.dns_zones.put(ZONE, "sip", [SPF, wanted(outside).value])
    assert (await inspected(outside)).done
    assert outside.writes == []


async def test_a_verified_domain_needs_no_record(outside: MemoryWorld) -> None:
    outside.directory.verifiable = True
    await outside.directory.verify_domain(DOMAIN)
    assert (await inspected(outside)).found == "The domain is verified already. Nothing is to be published."
    assert outside.dns_zones.faults.calls == {}


async def test_whoever_is_faster_keeps_what_they_wrote(outside: MemoryWorld) -> None:
    mine = work(outside)
    task = PUBLISH_TXT_RECORD.task
    assert task is not None
    found = await task.inspect(mine)
    outside.dns_zones.put(ZONE, "sip", [SPF, "other=1"])
    await task.apply(mine, found)
    assert values(outside) == (SPF, "other=1", wanted(outside).value)


async def test_somebody_else_may_have_added_it_meanwhile(outside: MemoryWorld) -> None:
    mine = work(outside)
    task = PUBLISH_TXT_RECORD.task
    assert task is not None
    found = await task.inspect(mine)
    outside.dns_zones.put(ZONE, "sip", [wanted(outside).value])
    assert (await task.apply(mine, found)).did.endswith("it was added meanwhile.")
    assert outside.writes == []


async def test_a_race_that_does_not_end_is_for_later(outside: MemoryWorld) -> None:
    outside.dns_zones.faults.add("add_txt", *(ConflictError() for _ in range(RACES)))
    told = await problem(outside)
    assert isinstance(told, TryLaterError)
    assert told.code == ProblemCode.BUSY
    assert await attempted(outside)


async def test_killed_between_the_write_and_the_commit_it_is_found_done(outside: MemoryWorld) -> None:
    """The write was done, and its answer never came: the next attempt reads, and adds nothing a second time."""
    await attempted(outside)
    assert (await inspected(outside)).done
    assert [write[0] for write in outside.writes] == ["add_txt"]


async def test_a_full_set_is_told_and_left_alone(outside: MemoryWorld) -> None:
    outside.dns_zones.put(ZONE, "sip", [f"value {n}" for n in range(20)])
    told = await problem(outside)
    assert told.code == ProblemCode.TXT_SET_FULL
    assert told.seen.startswith("The TXT set at sip.contoso.com has 20 values, and 20 is the most")
    assert told.what_next.endswith(BY_HAND)


async def test_a_set_that_became_full_meanwhile(outside: MemoryWorld) -> None:
    mine = work(outside)
    task = PUBLISH_TXT_RECORD.task
    assert task is not None
    found = await task.inspect(mine)
    outside.dns_zones.put(ZONE, "sip", [f"value {n}" for n in range(20)])
    with pytest.raises(PersonMustActError, match="has 20 values"):
        await task.apply(mine, found)


async def test_a_zone_that_is_not_there(outside: MemoryWorld) -> None:
    outside.dns_zones.zones.clear()
    told = await problem(outside)
    assert told.code == ProblemCode.DNS_ZONE_UNKNOWN
    assert told.seen.startswith("There is no Azure DNS zone contoso.com in resource group 'rg-dns'")


async def test_a_domain_that_is_not_in_the_zone(outside: MemoryWorld, where: list[DnsPublishing | None]) -> None:
    where.append(DnsPublishing.model_validate({"azureZone": ZONE.arm_id.replace("contoso", "fabrikam")}))
    told = await problem(outside)
    assert told.code == ProblemCode.DNS_ZONE_WRONG
    assert told.seen.startswith("The domain sip.contoso.com is not in the zone fabrikam.com, nor below it;")


async def test_a_longer_zone_matches_better(outside: MemoryWorld) -> None:
    outside.dns.delegated["sip.contoso.com"] = ("ns.elsewhere.example",)
    told = await problem(outside)
    assert told.code == ProblemCode.DNS_ZONE_WRONG
    assert "is in the zone sip.contoso.com, which is below contoso.com: nobody would see a record" in told.seen


@pytest.mark.parametrize("led_to", ["contoso.com", "com"])
async def test_a_zone_that_is_not_delegated(outside: MemoryWorld, led_to: str) -> None:
    outside.dns.delegated.clear()
    outside.dns.delegated[led_to] = ("ns.registrar.example.",)
    told = await problem(outside)
    assert told.code == ProblemCode.DNS_ZONE_NOT_DELEGATED
    assert f"The Internet is led to ns.registrar.example for the zone {led_to}, but" in told.seen
    assert "Have contoso.com delegated" in told.what_next


async def test_what_cannot_be_seen_of_the_delegation_keeps_nothing_up(outside: MemoryWorld) -> None:
    outside.dns.delegated.clear()
    assert await attempted(outside)


async def test_servers_that_do_not_answer_may_refer_to_the_zone_and_hold_nothing_up(outside: MemoryWorld) -> None:
    """Only they would tell of the zone below: that they were not reached from here says nothing of it."""
    outside.dns.delegated.clear()
    outside.dns.delegated["com"] = ("a.gtld-servers.net.",)
    outside.dns.errors |= dict.fromkeys(outside.dns.servers, "timeout")
    assert await attempted(outside)


async def test_the_zones_own_name_servers_need_not_answer_to_be_the_wrong_ones(outside: MemoryWorld) -> None:
    outside.dns.delegated["contoso.com"] = ("ns.registrar.example.",)
    outside.dns.errors |= dict.fromkeys(outside.dns.servers, "timeout")
    assert (await problem(outside)).code == ProblemCode.DNS_ZONE_NOT_DELEGATED


@pytest.mark.parametrize("way", [AZURE, SERVER])
async def test_an_alias_at_the_name(
    outside: MemoryWorld, where: list[DnsPublishing | None], way: DnsPublishing
) -> None:
    where.append(way)
    outside.dns.aliases[DOMAIN] = "elsewhere.example"
    told = await problem(outside)
    assert told.code == ProblemCode.TXT_NAME_TAKEN
    assert "An alias (CNAME) stands at sip.contoso.com, and leads to elsewhere.example" in told.seen


# -- a server that takes updates


async def test_a_server_adds_the_record(outside: MemoryWorld, where: list[DnsPublishing | None]) -> None:
    where.append(SERVER)
    outside.dns.publish(DOMAIN, SPF)
    assert (await attempted(outside)).did == "The DNS server 'corp' has added the TXT record at sip.contoso.com."
    assert outside.dns.at(DOMAIN) == (SPF, wanted(outside).value)
    assert (await inspected(outside)).found == "The TXT record stands on the DNS server 'corp', at sip.contoso.com."
    assert [write[0] for write in outside.writes] == ["update_txt"]


async def test_a_server_with_an_alias_that_is_not_seen_elsewhere(
    outside: MemoryWorld, where: list[DnsPublishing | None]
) -> None:
    where.append(SERVER)
    outside.dns.delegated.clear()
    outside.dns.aliases[DOMAIN] = "elsewhere.example"
    assert (await problem(outside)).code == ProblemCode.TXT_NAME_TAKEN


@pytest.mark.parametrize(
    ("servers", "code"),
    [({}, ProblemCode.DNS_ZONE_UNKNOWN), ({"corp": ("fabrikam.com",)}, ProblemCode.DNS_ZONE_WRONG)],
)
async def test_a_server_that_is_not_in_the_settings_or_has_no_such_zone(
    outside: MemoryWorld, where: list[DnsPublishing | None], servers: dict[str, tuple[str, ...]], code: ProblemCode
) -> None:
    where.append(SERVER)
    outside.dns_updates.servers.clear()
    outside.dns_updates.servers.update(servers)
    assert (await problem(outside)).code == code


@pytest.mark.parametrize("said", [None, {"owner": {"name": "DNS team", "email": "dns@contoso.com"}}])
async def test_a_request_that_leaves_it_to_a_person(
    outside: MemoryWorld, where: list[DnsPublishing | None], said: dict[str, Any] | None
) -> None:
    where.append(DnsPublishing.model_validate(said) if said else None)
    told = await problem(outside)
    assert (told.code, told.what_next) == (ProblemCode.DNS_ZONE_UNKNOWN, BY_HAND)


# -- by hand


def test_whoever_adds_it_by_hand_is_told_how_and_confirms_it() -> None:
    mine = record()
    told = PUBLISH_TXT_RECORD.instructions(mine)
    assert PUBLISH_TXT_RECORD.confirmable
    assert told.actions[0].endswith("beside what stands at its name: leave all other values.")
    assert told.values == ()


def test_a_request_says_nothing_of_it_by_itself() -> None:
    assert record().request.publishing is None


# -- a whole onboarding


@pytest.fixture
async def system(monkeypatch: pytest.MonkeyPatch, where: list[DnsPublishing | None]) -> System:
    """One that is planned with this step in place of the mail to the onboarding team; its zone is not delegated."""
    usual = CommunicationsGatewayRequest.plan

    def plan(request: CommunicationsGatewayRequest) -> tuple[NewStep, ...]:
        steps = {step.name: step for step in usual(request)}
        steps["share-txt-record"] = PUBLISH_TXT_RECORD.planned("add-domain")
        steps["txt-record-visible"] = LIBRARY["txt-record-visible"].planned("publish-txt-record")
        return tuple(steps.values())

    monkeypatch.setattr(CommunicationsGatewayRequest, "plan", plan)
    whole = System()
    request = new().record.request
    assert isinstance(request, CommunicationsGatewayRequest)
    whole.outside.deploy(request)
    resource = whole.outside.gateways.resources[request.gateway.id.key]
    resource["properties"]["dnsDelegations"] = {"delegations": [{"domain": DOMAIN}]}
    whole.outside.dns_zones.add(ZONE, delegated=False)
    return whole


async def a_day_later(system: System, onboarding_id: str) -> Record:
    """Microsoft has done its part. Nobody else has published anything."""
    for _ in range(24):
        while await system.deliver():
            pass
        for resource in system.outside.gateways.resources.values():
            resource["properties"]["status"] = "Complete"
        await system.tick(3600)
    return await system.record(onboarding_id)


async def stopped(system: System) -> str:
    """The onboarding, once the step has stopped for a person; its id."""
    accepted = await system.request(new().record.request)
    record = await a_day_later(system, accepted.record.id)
    step = record.step("publish-txt-record")
    assert step.state is StepState.NEEDS_ATTENTION
    assert step.problem is not None
    assert step.problem.code == ProblemCode.DNS_ZONE_NOT_DELEGATED
    assert "add_txt" not in [write[0] for write in system.outside.writes]
    return record.id


async def test_a_whole_onboarding_publishes_it_and_is_verified(system: System) -> None:
    system.outside.dns_zones.add(ZONE)
    accepted = await system.request(new().record.request)
    published = await a_day_later(system, accepted.record.id)
    assert published.step("publish-txt-record").state is StepState.DONE
    assert published.step("txt-record-visible").state is StepState.DONE
    assert published.step("verify-domain").state is StepState.DONE


@pytest.mark.parametrize("error", [TryLaterError(ProblemCode.TIMEOUT, "no answer"), ConflictError()])
async def test_an_attempt_that_fails_in_between_is_made_good_by_the_next(system: System, error: Exception) -> None:
    system.outside.dns_zones.add(ZONE)
    system.outside.dns_zones.faults.add("add_txt", error)
    accepted = await system.request(new().record.request)
    record = await a_day_later(system, accepted.record.id)
    assert record.step("publish-txt-record").state is StepState.DONE
    assert [write[0] for write in system.outside.writes].count("add_txt") == 1


async def test_mended_and_retried_it_goes_on(system: System) -> None:
    onboarding = await stopped(system)
    system.outside.dns_zones.add(ZONE)
    await system.engine.happen(onboarding, RetryRequested("publish-txt-record", "ada"))
    assert (await a_day_later(system, onboarding)).step("verify-domain").state is StepState.DONE


async def test_added_by_hand_it_is_confirmed_and_the_record_is_waited_for(system: System) -> None:
    onboarding = await stopped(system)
    shown = PUBLISH_TXT_RECORD.instructions(await system.record(onboarding)).values
    assert wanted(system.outside).value in [value.text for value in shown]
    await system.engine.happen(onboarding, Confirmed("publish-txt-record", "ada"))
    waiting = await a_day_later(system, onboarding)
    assert waiting.step("txt-record-visible").state is StepState.WAITING
    system.outside.dns.publish(DOMAIN, wanted(system.outside).value)
    assert (await a_day_later(system, onboarding)).step("verify-domain").state is StepState.DONE


async def test_left_out_by_whoever_insists_the_record_is_waited_for_all_the_same(system: System) -> None:
    onboarding = await stopped(system)
    asked = SkipRequested("publish-txt-record", "ada", "the DNS team adds it", insist=True)
    await system.engine.happen(onboarding, asked)
    assert (await a_day_later(system, onboarding)).step("txt-record-visible").state is StepState.WAITING
    system.outside.settle()
    assert (await a_day_later(system, onboarding)).step("verify-domain").state is StepState.DONE
