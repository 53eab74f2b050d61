"""The steps of a session border controller, on the twins: from the request to completed, and what stops them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from onboarding.azure.peering_resource import PeeringId, PeeringStanding
from onboarding.core.events import ApplicationApproved
from onboarding.core.permitted import Permitted
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import OnboardingState, Record, StepState
from onboarding.core.rules.transition import RefusedError
from onboarding.http.access import Caller
from onboarding.http.view import onboarding_view
from onboarding.memory import MemoryWorld
from onboarding.notices.deliveries import deliveries
from onboarding.ports import AppCredential, Domain
from onboarding.steps import definition_of
from onboarding.steps.operator_connect import (
    APPLICATION_ROLES,
    AZURE_COMMUNICATIONS_GATEWAY_APP_ID,
    PROJECT_SYNERGY_APP_ID,
)
from tests.support import requests
from tests.support.system import System
from tests.support.trunks import onboarded, with_trunks

PEERING = f"/subscriptions/{requests.SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Peering/peerings/west"
ROLES = "assign-application-roles"


def said(record: Record, step: str) -> str:
    found = record.step(step)
    return found.problem.seen if found.problem else found.detail


async def after(body: dict[str, Any], system: System, minutes: int = 2) -> Record:
    accepted = await system.request(requests.parsed(body))
    for _ in range(minutes):
        while await system.deliver():
            pass
        system.outside.settle()
        await system.tick()
    return await system.record(accepted.record.id)


async def stopped(body: dict[str, Any], step: str, system: System) -> tuple[ProblemCode, str]:
    """Why a step needs attention."""
    record = await after(body, system, 15 if step == "peering-ready" else 3)
    problem = record.step(step).problem
    assert record.step(step).state is StepState.NEEDS_ATTENTION
    assert problem is not None
    return ProblemCode(problem.code), f"{problem.seen} {problem.what_next}"


async def test_it_is_connected() -> None:
    system, record = await onboarded()
    assert record.state is OnboardingState.COMPLETED
    assert {s.name for s in record.steps if s.state is StepState.SKIPPED} == {"peering-ready"}
    directory = system.outside.directory
    caller = await directory.application(requests.CLIENT_ID)
    synergy = await directory.application(PROJECT_SYNERGY_APP_ID)
    assert caller is not None
    assert synergy is not None
    assert directory.held[caller.id, synergy.id] == set(APPLICATION_ROLES.values())
    assert record.findings["applicationId"] == requests.CLIENT_ID
    assert [write[0] for write in system.outside.writes].count("add_application") == 1
    to_the_owner = [message for to, message in system.outside.notifier.mails if to == ("hostmaster@contoso.com",)]
    assert any("Contoso hostmaster" in " ".join(message.why) for message in to_the_owner)
    done = system.outside.notifier.mails[-1][1]
    assert any("API integration" in action for action in done.actions)


async def test_the_join_waits_for_people_domain_network_and_applications() -> None:
    system = with_trunks(requests.parsed(requests.own_sbc()))
    record = await after(requests.own_sbc(), system, 5)
    open_ = {s.name for s in record.steps if s.state is StepState.WAITING}
    assert open_ == {"programme-agreement", "trust-microsoft-roots"}
    assert record.step("verify-domain").state is StepState.DONE
    assert record.step("check-certificate").state is StepState.DONE
    assert record.step("add-trunks").state is StepState.PENDING
    needs = set(record.step("add-trunks").plan.needs)
    assert needs == {"portal-access", "verify-domain", "check-certificate", "trust-microsoft-roots", "peering-ready"}
    assert set(record.step("trunks-validated").plan.needs) == {"set-calling-profiles", "add-application-ids"}


async def test_an_operator_onboarded_already_skips_what_was_part_of_that() -> None:
    body = requests.own_sbc(alreadyOnboarded=True)
    system = with_trunks(requests.parsed(body))
    await system.outside.directory.add_application(PROJECT_SYNERGY_APP_ID, "Operator Connect")
    _, record = await onboarded(body, system)
    assert record.state is OnboardingState.COMPLETED
    skipped = {s.name: s.skipped_because for s in record.steps if s.state is StepState.SKIPPED}
    onboarding = {"programme-agreement", "add-project-synergy", "assign-admin-user", "operator-information"}
    assert set(skipped) == {*onboarding, "peering-ready"}
    assert all("onboarded already" in str(skipped[name]) for name in onboarding)


async def test_a_vendor_is_named_where_it_has_to_do_something() -> None:
    body = requests.own_sbc(peerings=[PEERING])
    body["gateway"]["hosting"] = "vendor"
    _, record = await onboarded(body)
    assert record.state is OnboardingState.COMPLETED
    assert record.step("trunk-names-resolve").plan.waits_on.value == "the vendor"
    for name in ("trust-microsoft-roots", "add-trunks", "trunks-validated"):
        assert "your vendor" in " ".join(definition_of(record.step(name)).instructions(record).actions)
    texts = [v.text for v in definition_of(record.step("add-trunks")).instructions(record).values]
    assert texts == ["sbc1.voice.contoso.example", "5061", "sbc2.voice.contoso.example", "5061"]


async def test_every_step_says_what_to_do() -> None:
    _, record = await onboarded(requests.own_sbc(peerings=[PEERING]))
    for step in record.steps:
        if step.plan.confirmable:
            instructions = definition_of(step).instructions(record)
            assert instructions.actions
            assert "Confirm this step" in " ".join(instructions.actions)
    ids = definition_of(record.step("add-application-ids")).instructions(record)
    assert [value.text for value in ids.values] == [requests.CLIENT_ID]
    assert "403" in " ".join(ids.actions)


async def test_warnings_stand_in_the_answer() -> None:
    body = requests.own_sbc()
    del body["gateway"]["trunks"][1]
    system, record = await onboarded(body)
    assert system
    view = onboarding_view(record, Caller("ada", frozenset()), system.clock.now())
    assert ["names one trunk" in warning for warning in view.warnings] == [True]


# -- the application


async def test_an_application_that_is_not_there() -> None:
    system = System()
    system.outside.directory.add_user("voice.admin@contoso.com")
    code, text = await stopped(requests.own_sbc(), "find-application", system)
    assert code is ProblemCode.APPLICATION_UNKNOWN
    assert requests.CLIENT_ID in text
    assert "not its object id" in text


@pytest.mark.parametrize("client_id", [PROJECT_SYNERGY_APP_ID, AZURE_COMMUNICATIONS_GATEWAY_APP_ID.upper()])
async def test_an_application_of_microsofts_is_none_of_the_operators(client_id: str) -> None:
    code, text = await stopped(requests.own_sbc(application={"clientId": client_id}), "find-application", System())
    assert code is ProblemCode.APPLICATION_UNFIT
    assert "one of Microsoft's own" in text


@pytest.mark.parametrize(
    ("change", "code", "seen"),
    [
        ({"kind": "Legacy"}, ProblemCode.APPLICATION_UNFIT, "of the type 'Legacy'"),
        ({"kind": "SocialIdp"}, ProblemCode.APPLICATION_UNFIT, "of the type 'SocialIdp'"),
        ({}, ProblemCode.ACCOUNT_DISABLED, "contoso-sbc caller"),
    ],
)
async def test_an_application_that_cant_call(change: dict[str, str], code: ProblemCode, seen: str) -> None:
    system = with_trunks(requests.parsed(requests.own_sbc()))
    directory = system.outside.directory
    found = await directory.application(requests.CLIENT_ID)
    assert found is not None
    directory.service_principals[found.id] = replace(found, **change)
    if not change:
        directory.disabled.add(found.id)
    found_code, text = await stopped(requests.own_sbc(), "find-application", system)
    assert (found_code, seen in text) == (code, True)


async def test_ends_of_credentials_are_noted_and_warned_of() -> None:
    body = requests.own_sbc()
    system = with_trunks(requests.parsed(body))
    now = system.clock.now()
    in_days = [
        AppCredential("secret", "old", now - timedelta(days=3)),
        AppCredential("secret", "soon\n", now + timedelta(days=12, hours=1)),
        AppCredential("certificate", "", None),
    ]
    system.outside.directory.register(requests.CLIENT_ID, "contoso-sbc caller", *in_days)
    _, record = await onboarded(body, system)
    step = record.step("find-application")
    heading, lines = definition_of(step).found_by(step).remarks() or ("", ())
    assert "Secrets and certificates" in heading
    assert len(lines) == 2
    assert "The secret 'old' ended on" in lines[0]
    assert "The secret 'soon?' ends on" in lines[1]
    assert "in 12 days: renew it now" in lines[1]
    assert "The last of its secrets and certificates ends on" in step.detail


@pytest.mark.parametrize(
    ("days", "said_of_it"), [([-1], "valid any more: it can't sign in with them."), ([5, 90], ""), ([], "")]
)
async def test_what_is_said_of_credentials_in_the_steps_line(days: list[int], said_of_it: str) -> None:
    body = requests.own_sbc()
    system = with_trunks(requests.parsed(body))
    made = [AppCredential("certificate", f"c{d}", system.clock.now() + timedelta(days=d)) for d in days * 6]
    system.outside.directory.register(requests.CLIENT_ID, "contoso-sbc caller", *made)
    _, record = await onboarded(body, system)
    step = record.step("find-application")
    assert step.detail.endswith(said_of_it or "it is enabled.")
    remarks = definition_of(step).found_by(step).remarks()
    assert (remarks is None) == (not days)
    if len(made) > 10:
        assert remarks is not None
        assert remarks[1][-1] == "And 2 more."


async def test_a_managed_identity_is_a_caller_too() -> None:
    body = requests.own_sbc()
    system = with_trunks(requests.parsed(body))
    directory = system.outside.directory
    found = await directory.application(requests.CLIENT_ID)
    assert found is not None
    directory.service_principals[found.id] = replace(found, kind="ManagedIdentity")
    del directory.registered[requests.CLIENT_ID]
    _, record = await onboarded(body, system)
    assert record.state is OnboardingState.COMPLETED


async def test_an_application_that_is_on_no_list_gets_its_roles_by_a_second_persons_word() -> None:
    body = requests.own_sbc()
    outside = MemoryWorld()
    outside.permitted_applications = ()
    system = with_trunks(requests.parsed(body), System(outside=outside))
    record = await after(body, system, 3)
    problem = record.step(ROLES).problem
    assert problem is not None
    assert problem.code == ProblemCode.APPLICATION_NOT_APPROVED
    assert problem.proposal is not None
    assert len(problem.proposal.changes) == 7
    assert requests.CLIENT_ID in problem.proposal.changes[0].what
    assert not [write for write in outside.writes if write[0] == "assign_roles" and write[1].startswith("sp-")]
    with pytest.raises(RefusedError, match="ada requested it, so somebody else must say which application"):
        await system.engine.happen(record.id, ApplicationApproved(ROLES, "ada", problem.proposal.id))
    await system.engine.happen(record.id, ApplicationApproved(ROLES, "adam", problem.proposal.id))
    ended = await system.run(record.id)
    assert ended.state is OnboardingState.COMPLETED
    assert [e.actor for e in await system.events(record.id) if e.what == "application-approved"] == ["adam"]


async def test_the_settings_of_the_steps_bound_which_application_gets_roles() -> None:
    body = requests.own_sbc()
    system = System(permitted=Permitted(applications=("8d1c5a92-3e7f-4b06-a9d4-1f6e0c2b7a38",)))
    with_trunks(requests.parsed(body), system)
    code, text = await stopped(body, "find-application", system)
    assert code is ProblemCode.NOT_PERMITTED
    assert "ONBOARDING_PERMITTED_APPLICATIONS" in text


# -- the domain


async def test_a_domain_whose_parent_is_verified_here_is_verified_at_once() -> None:
    body = requests.own_sbc()
    system = with_trunks(requests.parsed(body))
    name = "voice.contoso.example"
    system.outside.directory.domains[name] = Domain(name, True, None, federated=True)
    _, record = await onboarded(body, system)
    assert record.state is OnboardingState.COMPLETED
    assert record.step("add-domain").detail == (
        f"The tenant has the domain {name}, which is verified and federated: no user can be made in it until it is"
        " Managed."
    )
    assert "Nothing is to be shared" in record.step("share-txt-record").detail


async def test_a_federated_domain_that_is_not_verified_is_named() -> None:
    system = with_trunks(requests.parsed(requests.own_sbc()))
    name = "voice.contoso.example"
    system.outside.directory.domains[name] = Domain(name, False, None, federated=True)
    code, text = await stopped(requests.own_sbc(), "add-domain", system)
    assert code is ProblemCode.DOMAIN_FEDERATED
    assert "authenticationType is Federated" in text


async def test_the_owner_of_the_zone_is_asked_for_what_is_wrong_in_it() -> None:
    body = requests.own_sbc()
    system = with_trunks(requests.parsed(body))
    system.outside.dns.publish("voice.contoso.example", "MS=ms00000000")
    system.outside.settle = lambda: None  # type: ignore[method-assign]
    record = await after(body, system, 90)
    (held_up,) = [n for n in record.notices if n.kind == "held-up"]
    ways = deliveries(held_up, record, None, links=True)
    assert [way.to for way in ways if way.outside] == [("hostmaster@contoso.com",)]
    outside = [m for to, m in system.outside.notifier.mails if to == ("hostmaster@contoso.com",)]
    assert any(m.why[0] == "Dear Contoso hostmaster," for m in outside)


# -- the network


async def test_names_are_waited_for_until_they_are_public() -> None:
    body = requests.own_sbc()
    system = with_trunks(requests.parsed(body))
    dns = system.outside.dns
    dns.place("sbc2.voice.contoso.example", "10.0.0.4")
    record = await after(body, system)
    assert said(record, "trunk-names-resolve").startswith("sbc2.voice.contoso.example has 10.0.0.4, which nobody")
    dns.place("sbc2.voice.contoso.example", "20.0.0.2")
    ended = await system.run(record.id)
    assert ended.state is OnboardingState.COMPLETED


async def test_a_look_that_breaks_keeps_nobody_from_theirs() -> None:
    body = requests.own_sbc(peerings=[PEERING])
    system = with_trunks(requests.parsed(body))
    system.outside.dns.faults.add("addresses", RuntimeError("boom"))
    system.outside.peerings.faults.add("standing", RuntimeError("boom"))
    record = await after(body, system, 1)
    assert record.step("trunk-names-resolve").state is StepState.WAITING
    assert record.step("peering-ready").state is StepState.WAITING
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED


@pytest.mark.parametrize(
    ("standing", "seen"),
    [
        (
            PeeringStanding(("Active", "ProvisioningStarted"), (("203.0.113.0/24", "Pending"),)),
            "west: 1 of 2 connections Active (1 ProvisioningStarted); prefixes 203.0.113.0/24 Pending.",
        ),
        (PeeringStanding((), ()), "west: 0 of 0 connections Active; no registered prefix Verified."),
        (
            PeeringStanding(("Active",), tuple((f"10.{n}.0.0/16", "SomethingNew") for n in range(7))),
            "and 2 more",
        ),
        (PeeringStanding(("Active",), (("x", "Failed"),)), "1 of 1 connection Active; prefixes x Failed."),
    ],
)
async def test_peerings_are_waited_for_and_states_are_shown_as_read(standing: PeeringStanding, seen: str) -> None:
    body = requests.own_sbc(peerings=[PEERING])
    system = with_trunks(requests.parsed(body))
    system.outside.peerings.put(PEERING, standing)
    record = await after(body, system)
    assert record.step("peering-ready").state is StepState.WAITING
    assert seen in said(record, "peering-ready")
    system.outside.peerings.put(PEERING)
    ended = await system.run(record.id)
    assert ended.state is OnboardingState.COMPLETED
    assert ended.step("peering-ready").detail == "west: 2 connections Active, 1 registered prefix Verified."


async def test_a_peering_that_is_not_there_is_looked_for_and_then_asked_about() -> None:
    body = requests.own_sbc(peerings=[PEERING])
    system = with_trunks(requests.parsed(body))
    system.outside.peerings.standings.clear()
    code, text = await stopped(body, "peering-ready", system)
    assert code is ProblemCode.PEERING_GONE
    assert "There is no peering west" in text


async def test_peerings_of_other_subscriptions_are_not_read() -> None:
    permitted = Permitted(subscriptions=("11111111-1111-1111-1111-111111111111",))
    system = System(permitted=permitted)
    from onboarding.bounded import bounded
    from onboarding.core.problems import PersonMustActError

    peering = PeeringId.parse(PEERING)
    assert peering is not None
    with pytest.raises(PersonMustActError, match="ONBOARDING_PERMITTED_SUBSCRIPTIONS"):
        await bounded(system.outside.world, permitted).peerings.standing(peering)


def test_the_ids_of_peerings() -> None:
    assert PeeringId.parse("/subscriptions/x") is None
    peering = PeeringId.parse(PEERING)
    assert peering is not None
    assert peering.arm_id == PEERING
    body = {"properties": {"direct": {"connections": [{"connectionState": "Active"}, 7]}, "exchange": None}}
    assert PeeringStanding.of(body, [{"name": "p"}]) == PeeringStanding(("Active",), (("p", "not given"),))
