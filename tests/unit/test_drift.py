"""Drift: what of a completed onboarding is not any more as it was is seen, told once, accepted or repaired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from onboarding.azure.dns_zone import DnsZoneId
from onboarding.core.decide import RefusedError, UnknownStepError, decide
from onboarding.core.deviation import Deviation, deviation
from onboarding.core.events import (
    AdminUserApproved,
    CancelRequested,
    ChangeApproved,
    DeviationAccepted,
    DriftLookRequested,
    DriftSeen,
    LookForDrift,
    RepairRequested,
    Started,
)
from onboarding.core.messages import DRIFT_QUEUE, DeadLetter, DeadLetterReason, decode, encode
from onboarding.core.notices import NoticeKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, TryLaterError
from onboarding.core.record import OnboardingState, Record, StepState
from onboarding.core.rules.drift import open_deviations_id, repair_id
from onboarding.fence import ReadsOnlyError
from onboarding.index import LastInspection
from onboarding.kinds import read_request
from onboarding.pages.timeline import timeline
from onboarding.planning.deviating import inspect_again
from onboarding.planning.drift import inspect_all
from onboarding.ports import AppCredential, Row
from onboarding.rows import CLOSED, to_row
from onboarding.steps.add_domain import txt_record
from onboarding.steps.base import Inspection, Work
from onboarding.steps.verify_domain import VerifyDomain
from tests.support import requests
from tests.support.records import NOW
from tests.support.system import System
from tests.support.trunks import with_trunks

BODIES = {
    "operator-connect": requests.operator_connect(),
    "preselected": requests.preselected(),
    "own-sbc": requests.own_sbc(),
}
each_body = pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
ROLES = "assign-application-roles"
ADMIN = "assign-admin-user"
LATER = NOW + timedelta(hours=1)


async def completed(body: dict[str, Any] | None = None) -> tuple[System, Record]:
    request = read_request(body or requests.operator_connect())
    system = with_trunks(request)
    await system.request(request)
    record = await system.run(request.gateway.onboarding_id)
    assert record.state is OnboardingState.COMPLETED
    return system, record


async def looked_once(system: System, record: Record) -> Record:
    """As it stands after one look, and what was due by then."""
    before = list(system.outside.writes)
    await inspect_all(system.engine, [await system.record(record.id)])
    assert system.outside.writes == before, "nothing is written while it is looked"
    while await system.deliver():
        pass
    return await system.record(record.id)


async def inspected(system: System, record: Record) -> Record:
    """As it stands after it was inspected again, what was new once more, and people were told."""
    await looked_once(system, record)
    system.clock.advance(system.policy.drift_sure_after + system.policy.early_grace)
    while await system.deliver():
        pass
    return await system.record(record.id)


def take_roles(system: System, record: Record) -> set[str]:
    """Somebody takes all roles away from the gateway's identity; which."""
    held = system.outside.directory.held
    (key,) = [key for key in held if len(held[key]) == 7]
    taken = set(held[key])
    held[key].clear()
    return taken


def seen_twice(record: Record, seen: Mapping[str, tuple[Deviation, ...]]) -> Record:
    for at in (NOW, LATER):
        record = decide(record, DriftSeen(record.version, seen), at).record
    return record


def drifted_words(record: Record) -> list[str]:
    return [f"{one.what}: {one.expected} -> {one.found}" for one in record.drifted]


def told(record: Record, kind: NoticeKind) -> int:
    return sum(notice.kind == kind for notice in record.notices)


@each_body
async def test_what_is_as_it_was_changes_nothing(body: dict[str, Any]) -> None:
    system, record = await completed(body)
    assert await inspected(system, record) == record


async def test_a_role_that_was_taken_away_is_on_the_record_and_told_once() -> None:
    system, record = await completed()
    take_roles(system, record)
    seen = await inspected(system, record)
    assert seen.state is OnboardingState.DRIFTED
    assert len(seen.drifted) == 7
    assert drifted_words(seen)[0].endswith(": held -> not held")
    assert told(seen, NoticeKind.DRIFTED) == 1
    loaded = await system.records.load(record.id)
    assert loaded is not None
    assert loaded.partition == CLOSED, "it costs the timer nothing"
    assert await inspected(system, record) == seen, "the same again is no news"


async def test_one_look_alone_tells_nobody() -> None:
    """Copies of a directory differ for a while: a stale one says nothing of what was done."""
    system, record = await completed()
    held = system.outside.directory.held
    kept = {key: set(roles) for key, roles in held.items()}
    take_roles(system, record)
    once = await looked_once(system, record)
    assert once.state is OnboardingState.COMPLETED
    assert not once.drifted
    step = once.step(ROLES)
    assert [one.sure for one in step.deviations] == [False] * 7
    assert (open_deviations_id(step), repair_id(step)) == ("", "")
    assert told(once, NoticeKind.DRIFTED) == 0
    assert await looked_once(system, record) == once, "a moment later is no second look"
    held.update(kept)
    stale = await inspected(system, record)
    assert stale.state is OnboardingState.COMPLETED
    assert not stale.step(ROLES).deviations
    assert told(stale, NoticeKind.DRIFTED) == 0


async def test_a_person_has_it_looked_at_now() -> None:
    system, record = await completed()
    assert await system.records.index.inspection(record) is None
    take_roles(system, record)
    asked = await system.engine.happen(record.id, DriftLookRequested("ada"))
    assert asked is not None
    assert asked.record.tail[-1].actor == "ada"
    while await system.deliver():
        pass
    seen = await system.record(record.id)
    assert len(seen.step(ROLES).deviations) == 7
    assert await system.records.index.inspection(seen) == LastInspection(record.id, system.clock.now(), 0)
    system.clock.advance(system.policy.drift_sure_after)
    await system.engine.happen(record.id, DriftLookRequested("ada"))
    while await system.deliver():
        pass
    assert (await system.record(record.id)).state is OnboardingState.DRIFTED
    begun = decide(seen, RepairRequested(ROLES, "ada", ""), NOW) if repair_id(seen.step(ROLES)) else None
    assert begun is None, "seen once, there is nothing to repair"


async def test_one_that_people_are_still_to_be_told_of_is_looked_at_too() -> None:
    system, record = await completed()
    take_roles(system, record)
    await looked_once(system, record)
    system.outside.notifier.faults.add("mail", *[TryLaterError(ProblemCode.OUTAGE, "No mail.")] * 20)
    seen = await inspected(system, record)
    assert seen.state is OnboardingState.DRIFTED
    system.outside.directory.domains.clear()
    await system.engine.happen(record.id, DriftLookRequested("ada"))
    while await system.deliver():
        pass
    assert (await system.record(record.id)).step("add-domain").deviations


async def test_only_a_completed_one_is_looked_at_for_drift() -> None:
    system, record = await completed()
    cancelled = record.model_copy(update={"cancelled_because": "Another gateway."})
    with pytest.raises(RefusedError, match="only a completed one"):
        decide(cancelled, DriftLookRequested("ada"), NOW)
    await system.engine.receive(LookForDrift("gateway-0000000000", "gateway-0000000000", 1))


async def test_what_is_more_than_before_is_told_again() -> None:
    system, record = await completed()
    take_roles(system, record)
    await inspected(system, record)
    system.outside.directory.domains.clear()
    seen = await inspected(system, record)
    assert told(seen, NoticeKind.DRIFTED) == 2
    assert "in the tenant" in " ".join(drifted_words(seen))


async def test_what_is_as_it_was_again_is_completed_again_and_nobody_is_told() -> None:
    system, record = await completed()
    held = system.outside.directory.held
    kept = {key: set(roles) for key, roles in held.items()}
    take_roles(system, record)
    await inspected(system, record)
    held.update(kept)
    seen = await inspected(system, record)
    assert seen.state is OnboardingState.COMPLETED
    assert told(seen, NoticeKind.DRIFTED) == 1


async def test_accepted_is_remembered_until_it_changes() -> None:
    system, record = await completed()
    take_roles(system, record)
    seen = await inspected(system, record)
    which = open_deviations_id(seen.step(ROLES))
    await system.engine.happen(record.id, DeviationAccepted(ROLES, "ada", which, "They are not needed."))
    accepted = await system.record(record.id)
    assert accepted.state is OnboardingState.COMPLETED
    assert {one.accepted.because for one in accepted.step(ROLES).deviations if one.accepted} == {"They are not needed."}
    assert await inspected(system, record) == accepted
    with pytest.raises(RefusedError, match="was accepted"):
        await system.engine.happen(record.id, DeviationAccepted(ROLES, "ada", which, "Once more."))
    system.outside.directory.domains.clear()
    changed = await inspected(system, record)
    assert changed.state is OnboardingState.DRIFTED
    assert {one.what for one in changed.drifted}.isdisjoint({one.what for one in accepted.step(ROLES).deviations})


async def test_nobody_accepts_or_repairs_what_they_have_not_seen() -> None:
    system, record = await completed()
    take_roles(system, record)
    await inspected(system, record)
    for happening in (DeviationAccepted(ROLES, "ada", "other", "So."), RepairRequested(ROLES, "ada", "other")):
        with pytest.raises(RefusedError, match="What you have seen is not"):
            await system.engine.happen(record.id, happening)
    with pytest.raises(RefusedError, match="Nothing that is open deviates"):
        await system.engine.happen(record.id, DeviationAccepted("add-domain", "ada", "", "So."))
    with pytest.raises(RefusedError, match="has nothing that this application can change back"):
        await system.engine.happen(record.id, RepairRequested("add-domain", "ada", ""))


async def test_a_repair_does_that_step_alone() -> None:
    system, record = await completed()
    charted = timeline(record, await system.events(record.id), system.clock.now())
    taken = take_roles(system, record)
    seen = await inspected(system, record)
    before = len(system.outside.writes)
    await system.engine.happen(record.id, RepairRequested(ROLES, "ada", repair_id(seen.step(ROLES))))
    repairing = await system.record(record.id)
    assert repairing.state is OnboardingState.RUNNING
    assert [s.name for s in repairing.steps if not s.ended] == [ROLES]
    repaired = await system.run(record.id)
    assert repaired.state is OnboardingState.COMPLETED
    assert repaired.closed_at == record.closed_at
    assert repaired.repair is None
    assert repaired.step(ROLES).since == record.step(ROLES).since, "what is charted is how long it took"
    assert told(repaired, NoticeKind.REPAIRED) == 1
    assert told(repaired, NoticeKind.COMPLETED) == 1
    assert [write[0] for write in system.outside.writes[before:]] == ["assign_roles"]
    assert timeline(repaired, await system.events(record.id), system.clock.now()) == charted
    assert taken <= set().union(*system.outside.directory.held.values())
    assert await inspected(system, record) == repaired


async def test_a_repair_of_another_world_than_was_shown_asks_again() -> None:
    system, record = await completed()
    taken = take_roles(system, record)
    seen = await inspected(system, record)
    held = system.outside.directory.held
    (key,) = [key for key in held if not held[key]]
    held[key].add(sorted(taken)[0])
    before = len(system.outside.writes)
    await system.engine.happen(record.id, RepairRequested(ROLES, "ada", repair_id(seen.step(ROLES))))
    asks = await system.run(record.id)
    problem = asks.step(ROLES).problem
    assert problem is not None
    assert problem.code == ProblemCode.CHANGE_NOT_APPROVED
    assert len(system.outside.writes) == before
    assert problem.proposal is not None
    await system.engine.happen(record.id, ChangeApproved(ROLES, "ada", problem.proposal.id))
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED


async def test_who_becomes_admin_is_another_persons_word_in_a_repair_too() -> None:
    request = read_request(requests.operator_connect())
    system = with_trunks(request)
    await system.request(request)
    record = await system.run(request.gateway.onboarding_id)
    system.outside.permitted_admin_users = ()
    system.engine = replace(system.engine, world=system.outside.world)
    held = system.outside.directory.held
    (key,) = [key for key in held if len(held[key]) == 1]
    held[key].clear()
    seen = await inspected(system, record)
    await system.engine.happen(record.id, RepairRequested(ADMIN, "ada", repair_id(seen.step(ADMIN))))
    asks = await system.run(record.id)
    problem = asks.step(ADMIN).problem
    assert problem is not None
    assert problem.code == ProblemCode.ADMIN_USER_NOT_APPROVED
    assert problem.proposal is not None
    assert not held[key]
    await system.engine.happen(record.id, AdminUserApproved(ADMIN, "grace", problem.proposal.id))
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED
    assert held[key]


async def test_a_repair_that_is_cancelled_leaves_the_onboarding_completed() -> None:
    system, record = await completed()
    take_roles(system, record)
    seen = await inspected(system, record)
    await system.engine.happen(record.id, RepairRequested(ROLES, "ada", repair_id(seen.step(ROLES))))
    await system.engine.happen(record.id, CancelRequested("ada", "Not now."))
    given_up = await system.run(record.id)
    assert given_up.state is OnboardingState.DRIFTED
    assert given_up.step(ROLES).state is StepState.DONE
    assert given_up.closed_at == record.closed_at
    assert given_up.cancelled_because is None
    assert given_up.step(ROLES).since == record.step(ROLES).since
    assert given_up.drifted == seen.drifted


async def test_what_cannot_be_looked_at_stays_as_it_was_seen() -> None:
    system, record = await completed()
    held = system.outside.directory.held
    kept = {key: set(roles) for key, roles in held.items()}
    take_roles(system, record)
    seen = await inspected(system, record)
    held.update(kept)
    outage = TryLaterError(ProblemCode.OUTAGE, "Graph is away.")
    system.outside.directory.faults.add("role_standing", *[outage] * 2)
    assert await inspected(system, record) == seen
    refused = PersonMustActError(ProblemCode.PERMISSION_MISSING, "Graph refuses.", "Grant it.")
    system.outside.directory.faults.add("role_standing", *[refused] * 2)
    assert await inspected(system, record) == seen, "that we may not look says nothing of what is there"


async def test_a_txt_record_that_is_gone_is_seen_though_the_domain_stays_verified() -> None:
    system, record = await completed()
    txt = txt_record(record)
    system.outside.dns.publish(txt.name)
    seen = await inspected(system, record)
    (gone,) = seen.drifted
    assert gone.what == "Wait until the TXT record is visible"
    assert not gone.repair, "somebody else's zone"


async def test_a_txt_record_that_we_published_is_published_again_when_asked_for() -> None:
    zone = DnsZoneId("6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63", "rg-dns", "contoso.example")
    request = read_request(requests.own_sbc(dns={"azureZone": zone.arm_id}))
    system = with_trunks(request)
    system.outside.dns_zones.add(zone)
    await system.request(request)
    record = await system.run(request.gateway.onboarding_id)
    assert record.state is OnboardingState.COMPLETED
    assert await inspected(system, record) == record
    system.outside.dns_zones.sets.clear()
    system.outside.dns.publish(txt_record(record).name)
    seen = await inspected(system, record)
    assert {step.name for step in seen.steps if step.deviations} == {"publish-txt-record", "txt-record-visible"}
    proposal = repair_id(seen.step("publish-txt-record"))
    await system.engine.happen(record.id, RepairRequested("publish-txt-record", "ada", proposal))
    await system.run(record.id)
    repaired = await inspected(system, record)
    assert repaired.state is OnboardingState.COMPLETED
    assert not repaired.drifted
    assert len(system.outside.dns_zones.sets) == 1


async def test_a_person_who_skipped_or_confirmed_a_step_is_not_told_of_it() -> None:
    system, record = await completed()
    steps = tuple(
        s.model_copy(update={"ended_by": "ada"} if s.name == ROLES else {"state": StepState.SKIPPED})
        if s.name in (ROLES, ADMIN)
        else s
        for s in record.steps
    )
    system.outside.directory.held.clear()
    seen = await inspect_again(
        record.model_copy(update={"steps": steps}), system.outside.world, system.clock.now(), seconds=9
    )
    assert not {ROLES, ADMIN} & {*seen.deviations, *seen.unseen}


async def test_what_was_there_and_is_not_shown_any_more_is_gone_and_told_by_the_step_that_made_it() -> None:
    system, record = await completed()
    system.outside.directory.domains.clear()
    (seen,) = (await inspected(system, record)).drifted
    assert (seen.expected, seen.found) == ("in the tenant, not verified yet", "not in the tenant")
    identity = next(key for key, sp in system.outside.directory.service_principals.items() if "acg" in sp.display_name)
    del system.outside.directory.service_principals[identity]
    found = " ".join(one.found for one in (await inspected(system, record)).drifted)
    assert "does not show the gateway's identity" in found


async def test_a_step_that_fails_in_a_way_nobody_expects_keeps_no_other_from_its_look() -> None:
    system, record = await completed()
    take_roles(system, record)
    system.outside.directory.faults.add("domain", *[RuntimeError("a defect")] * 3)
    seen = await inspected(system, record)
    assert len(seen.drifted) == 7


async def test_a_step_that_would_write_while_it_is_looked_at_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    system, record = await completed()

    async def writing(self: VerifyDomain, work: Work) -> Inspection:
        await work.world.directory.verify_domain("contoso.com")
        raise AssertionError("it was let through")

    monkeypatch.setattr(VerifyDomain, "inspect", writing)
    before = list(system.outside.writes)
    await inspect_all(system.engine, [record])
    assert system.outside.writes == before
    with pytest.raises(ReadsOnlyError):
        await inspect_again(record, system.outside.world, system.clock.now(), seconds=9)


async def test_all_deviations_that_are_kept_fit_into_the_row() -> None:
    _system, record = await completed()
    many = {
        step.name: tuple(deviation(step.name, f"{n} " + "😀" * 300, "😀" * 300, "😀" * 300, NOW) for n in range(20))
        for step in record.steps
    }
    seen = seen_twice(record, many)
    assert seen.drifted
    assert to_row(seen.model_copy(update={"tail": ()}), CLOSED)
    assert decide(seen, DriftSeen(seen.version, many), LATER).changed is False
    accepted = seen
    for step in seen.steps:
        if step.deviations:
            word = DeviationAccepted(step.name, "ada" * 30, open_deviations_id(step), "😀" * 1000)
            accepted = decide(accepted, word, NOW).record
    assert accepted.state is OnboardingState.COMPLETED
    assert to_row(accepted.model_copy(update={"tail": ()}), CLOSED)


async def test_an_inspection_of_an_older_version_counts_for_nothing() -> None:
    _system, record = await completed()
    seen = {ROLES: (deviation(ROLES, "a role", "held", "not held", NOW),)}
    assert decide(record, DriftSeen(record.version - 1, seen), NOW).changed is False
    running = decide(record, DriftSeen(record.version, seen), NOW).record.model_copy(update={"closed_at": None})
    for happening in (DeviationAccepted(ROLES, "ada", "", "So."), RepairRequested(ROLES, "ada", "")):
        with pytest.raises(RefusedError, match="only of a completed one"):
            decide(running, happening, NOW)
    with pytest.raises(UnknownStepError, match="There is no step"):
        decide(record, DeviationAccepted("nowhere", "ada", "", "So."), NOW)


async def test_a_repair_is_not_given_up_while_a_function_is_at_it() -> None:
    system, record = await completed()
    take_roles(system, record)
    seen = await inspected(system, record)
    asked = decide(seen, RepairRequested(ROLES, "ada", repair_id(seen.step(ROLES))), NOW).record
    running = decide(asked, Started(ROLES, asked.step(ROLES).ticket), NOW).record
    with pytest.raises(RefusedError, match="cannot be given up now"):
        decide(running, CancelRequested("ada", "Not now."), NOW)


async def test_what_is_not_told_yet_and_as_it_was_again_is_not_told() -> None:
    _, record = await completed()
    seen = {ROLES: (deviation(ROLES, "a role", "held", "not held", NOW),)}
    drifted = seen_twice(record, seen)
    assert [n.kind for n in drifted.notices if n.owed] == [NoticeKind.DRIFTED]
    again = decide(drifted, DriftSeen(drifted.version, {ROLES: ()}), NOW).record
    assert not any(n.owed for n in again.notices)
    word = DeviationAccepted(ROLES, "ada", open_deviations_id(drifted.step(ROLES)), "So.")
    assert not any(n.owed for n in decide(drifted, word, NOW).record.notices)


async def test_people_are_still_told_while_something_else_deviates() -> None:
    _, record = await completed()
    seen = {name: (deviation(name, "a role", "held", "not held", NOW),) for name in (ROLES, ADMIN, "add-domain")}
    drifted = seen_twice(record, seen)
    word = DeviationAccepted(ROLES, "ada", open_deviations_id(drifted.step(ROLES)), "So.")
    accepted = decide(drifted, word, NOW).record
    less = decide(accepted, DriftSeen(accepted.version, {ADMIN: ()}), NOW).record
    assert [one.what for one in less.drifted] == ["a role"]
    assert [n.kind for n in less.notices if n.owed] == [NoticeKind.DRIFTED]


async def test_a_lost_message_of_a_sweep_is_looked_at_in_the_next_one() -> None:
    system, record = await completed()
    message = encode(LookForDrift(record.id, record.id, 1))
    assert decode(message) == LookForDrift(record.id, record.id, 1)
    await system.engine.dead_letter(DeadLetter(message, queue=DRIFT_QUEUE, reason=DeadLetterReason.DELIVERIES))
    assert await system.record(record.id) == record


async def test_a_slice_leaves_alone_what_it_cannot_read_and_what_was_cancelled() -> None:
    system, record = await completed()
    row = await system.onboardings.get(CLOSED, record.id)
    assert row is not None
    await system.onboardings.replace(Row(CLOSED, record.id, {**row.columns, "Rest": "{"}, row.etag))
    await system.engine.receive(LookForDrift(record.id, record.id, 1))


async def test_a_sweep_goes_on_slice_by_slice() -> None:
    system, record = await completed()
    row = await system.onboardings.get(CLOSED, record.id)
    assert row is not None
    for number in range(95):
        await system.onboardings.insert(Row(CLOSED, f"gateway-{number:010d}", row.columns))
    await system.tick(86400)
    sweep = await system.records.index.sweep()
    assert sweep is not None
    assert (sweep.total, sweep.looked, sweep.over) == (96, 2, False)
    await system.tick(60)
    assert (await system.records.index.sweep()) == sweep, "nothing more in this half hour"
    for _ in range(47):
        await system.tick(1800)
    done = await system.records.index.sweep()
    assert done is not None
    assert (done.looked, done.over) == (96, True)
    asked = [m.effect for m in system.bus.published if isinstance(m.effect, LookForDrift)]
    assert len(asked) == 48
    assert len({(m.onboarding_id, m.last) for m in asked}) == 48


async def test_a_sweep_that_cannot_be_said_is_said_at_the_next_pass() -> None:
    system, _record = await completed()
    system.bus.faults.add("publish", RuntimeError("the bus is away"))
    await system.tick(86400)
    assert not system.bus.waiting
    await system.tick(60)
    assert system.bus.waiting


@pytest.mark.parametrize("what", ["name", "account", "credential"])
async def test_of_ones_own_controller_too(what: str) -> None:
    system, record = await completed(requests.own_sbc())
    outside = system.outside
    match what:
        case "name":
            (name, _), *_ = record.request.trunk_addresses
            outside.dns.place(name, "20.0.0.99", on=[next(iter(outside.dns.servers))])
        case "account":
            outside.directory.disabled.add(outside.directory.users[record.request.admin_user.lower()])
        case "credential":
            soon = system.clock.now() + timedelta(days=20)
            client_id = record.request.client_id
            assert client_id is not None
            outside.directory.registered[client_id.lower()] = (AppCredential("secret", "its only one", soon),)
    (seen,) = (await inspected(system, record)).drifted
    await_words = {
        "name": "Wait until the trunks' names lead to public addresses",
        "account": "Give the admin user the Admin role",
        "credential": "Secrets and certificates of",
    }
    assert seen.what.startswith(await_words[what])


async def test_a_certificate_that_ends_soon_is_told_once_and_not_every_day() -> None:
    system, record = await completed(requests.own_sbc())
    found = record.of("check-certificate")
    assert found is not None
    ends = datetime.fromisoformat(found.found["certificatesValidUntil"])
    system.clock.advance((ends - system.clock.now()).total_seconds() - 20 * 86400)
    seen = await inspected(system, record)
    assert [one.expected for one in seen.drifted] == ["good for 30 days and more"] * len(seen.drifted)
    assert seen.drifted
    system.clock.advance(86400)
    assert await inspected(system, record) == seen


async def test_a_gateway_that_is_gone_is_told_of_by_one_step() -> None:
    system, record = await completed()
    system.outside.gateways.resources.clear()
    seen = await inspected(system, record)
    assert len(seen.drifted) == 1
    assert "gateway" in seen.drifted[0].found.lower()


async def test_a_sweep_looks_at_each_completed_onboarding_once_a_day() -> None:
    system, record = await completed()
    take_roles(system, record)
    await system.tick(86400)
    while await system.deliver():
        pass
    system.clock.advance(system.policy.drift_sure_after + system.policy.early_grace)
    while await system.deliver():
        pass
    seen = await system.record(record.id)
    assert seen.state is OnboardingState.DRIFTED
    sweep = await system.records.index.sweep()
    assert sweep is not None
    assert (sweep.looked, sweep.over) == (1, True)
    await system.tick(3600)
    assert not system.bus.waiting
    await system.tick(86400 - 3600 - 605)
    assert [type(message.effect).__name__ for message in system.bus.take_due(system.clock.now())] == ["LookForDrift"]


async def test_no_sweep_where_the_setting_says_never() -> None:
    system, record = await completed()
    system.engine = replace(system.engine, policy=replace(system.policy, drift_every=0))
    take_roles(system, record)
    await system.tick(2 * 86400)
    assert not system.bus.waiting
