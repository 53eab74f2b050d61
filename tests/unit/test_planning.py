"""Plans: what they say of a tenant as it is, and that nothing is written while they are made."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from onboarding.core.change_plan import ChangePlan, Differs, Gravity, Outlook, StepPlan, plan_differences
from onboarding.core.events import MakePlan
from onboarding.core.messages import DeadLetter, DeadLetterReason
from onboarding.core.proposal import Api as Service
from onboarding.core.request import OnboardingRequest
from onboarding.hourly import HourlyLimit, HourlyLimitError
from onboarding.kinds import read_request
from onboarding.memory import MemoryTable
from onboarding.planning.planner import ask_for_plan, plan_now
from onboarding.planning.store import KEPT_FOR, LOST_AFTER, Plans, PlanState, Start
from onboarding.ports import BusUnavailableError, Query
from tests.support import requests
from tests.support.http import Api, content
from tests.support.system import System
from tests.support.trunks import with_trunks

BODIES = {
    "operator-connect": requests.operator_connect(),
    "lab": requests.lab(),
    "preselected": requests.preselected(),
    "own-sbc": requests.own_sbc(),
}
each_body = pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))


def deployed(body: dict[str, Any]) -> tuple[System, OnboardingRequest]:
    request = read_request(body)
    return with_trunks(request), request


async def planned(system: System, request: OnboardingRequest) -> ChangePlan:
    before = list(system.outside.writes)
    plan = await plan_now(system.engine, request, "ada", system.clock.now())
    assert system.outside.writes == before
    return plan


def of(plan: ChangePlan, step: str) -> StepPlan:
    return next(one for one in plan.steps if one.step == step)


@each_body
async def test_what_is_planned_is_what_is_done(body: dict[str, Any]) -> None:
    system, request = deployed(body)
    plan = await planned(system, request)
    await system.request(request)
    await system.run(request.gateway.onboarding_id)
    tasks = Counter(step for step, change in plan.changes if change.call is None or change.call.api is not Service.MAIL)
    written = Counter(write[0] for write in system.outside.writes)
    assert not plan.has(Gravity.BLOCKER)
    assert tasks["assign-application-roles"] + tasks["assign-admin-user"] == sum(
        len(write) - 2 for write in system.outside.writes if write[0] == "assign_roles"
    )
    for step, method in (
        ("enable-services", "put"),
        ("add-test-lines", "put_test_line"),
        ("add-project-synergy", "add_application"),
        ("add-domain", "add_domain"),
        ("verify-domain", "verify_domain"),
    ):
        assert tasks[step] == written[method], step


@each_body
async def test_the_plan_after_completion_is_empty(body: dict[str, Any]) -> None:
    request = read_request(body)
    system = with_trunks(request)
    await system.request(request)
    assert (await system.run(request.gateway.onboarding_id)).closed
    plan = await planned(system, request)
    assert [(step, change.words) for step, change in plan.changes] == []


async def test_what_an_earlier_step_makes_is_foreseen() -> None:
    system, request = deployed(requests.own_sbc())
    plan = await planned(system, request)
    roles = of(plan, "assign-application-roles")
    assert roles.outlook is Outlook.FORESEEN
    assert roles.known_after == ("add-project-synergy",)
    assert len(roles.changes) == 7
    assert {change.call for change in roles.changes} == {None}
    assert of(plan, "verify-domain").changes[0].words == "verify voice.contoso.example"
    assert of(plan, "txt-record-visible").outlook is Outlook.WAIT
    assert of(plan, "add-trunks").outlook is Outlook.PERSON


async def test_half_done_by_hand_is_found() -> None:
    system, request = deployed(requests.own_sbc())
    before = await planned(system, request)
    world = system.outside.world
    synergy = of(before, "add-project-synergy").changes[0].call
    assert synergy
    assert synergy.body
    await world.directory.add_application(synergy.body["appId"], synergy.body["displayName"])
    after = await planned(system, request)
    assert of(after, "add-project-synergy").outlook is Outlook.DONE
    roles = of(after, "assign-application-roles")
    assert roles.outlook is Outlook.CHANGES
    assert all(change.call and change.call.path.endswith("/appRoleAssignedTo") for change in roles.changes)
    assert before.checksum != after.checksum
    told = plan_differences(before, after)
    assert [(d.step, d.differs) for d in told] == [
        ("add-project-synergy", Differs.GONE),
        ("assign-admin-user", Differs.KNOWN),
        ("assign-application-roles", Differs.KNOWN),
    ]
    assert [d.words for d in told[1:]] == ["give the admin user the role Admin", "7 changes"]
    assert [len(d.now) for d in told] == [0, 1, 7]
    back = plan_differences(after, before)
    assert [d.differs for d in back] == [Differs.NEW, Differs.FORESEEN, Differs.FORESEEN]


async def test_a_change_of_another_value_is_one_difference() -> None:
    system, request = deployed(requests.operator_connect())
    before = await planned(system, request)
    enabling = of(before, "enable-services")
    (change,) = enabling.changes
    now = change.model_copy(update={"words": "set less", "values": change.values[:1]})
    steps = (enabling.model_copy(update={"changes": (now,)}),)
    (told,) = plan_differences(before.model_copy(update={"steps": (enabling,)}), ChangePlan(steps=steps))
    assert (told.differs, told.words) == (Differs.OTHER, "set less")
    assert (told.planned, told.now) == (change.values, change.values[:1])


async def test_what_would_stop_it_is_told_at_once() -> None:
    system = System()
    request = read_request(requests.operator_connect())
    plan = await planned(system, request)
    blockers = {(f.step, f.code) for f in plan.findings if f.gravity is Gravity.BLOCKER}
    assert ("enable-services", "gateway-gone") in blockers
    assert all(f.what_next for f in plan.findings if f.gravity is Gravity.BLOCKER)


async def test_a_step_that_somebody_may_confirm_is_for_a_person_and_no_stop() -> None:
    system, request = deployed(requests.own_sbc())
    system.outside.tls.trusted.clear()
    plan = await planned(system, request)
    assert of(plan, "check-certificate").outlook is Outlook.PERSON
    (told,) = (found for found in plan.findings if found.step == "check-certificate")
    assert told.gravity is Gravity.WARNING
    assert of(plan, "check-certificate").found == told.seen


async def test_who_has_to_say_yes_is_told() -> None:
    system, request = deployed(requests.own_sbc(adminUser="somebody@contoso.com"))
    await system.outside.world.directory.add_application("eb63d611-525e-4a31-abd7-0cb33f679599", "Operator Connect")
    plan = await planned(system, request)
    admin = of(plan, "assign-admin-user")
    assert admin.outlook is Outlook.CHANGES
    assert [value.after for value in admin.consent] == ["Admin of Project Synergy (Operator Connect)"]
    assert ("assign-admin-user", "admin-user-not-approved") in {(f.step, f.code) for f in plan.findings}


async def asked(system: System, request: OnboardingRequest, start: Start | None = None) -> str:
    return (await ask_for_plan(system.engine, request, "ada", start)).id


async def test_a_plan_is_asked_for_made_and_kept() -> None:
    system, request = deployed(requests.own_sbc())
    plan_id = await asked(system, request)
    coming = await system.engine.plans.load(plan_id)
    assert coming
    assert coming.state is PlanState.COMING
    await system.deliver()
    made = await system.engine.plans.load(plan_id)
    assert made
    assert made.state is PlanState.READY
    assert made.plan
    found = await system.engine.plans.with_checksum(made.plan.checksum)
    assert found == made
    assert await system.records.load(request.gateway.onboarding_id) is None
    await system.tick()
    await system.tick(KEPT_FOR.total_seconds())
    assert await system.engine.plans.load(plan_id) is None
    assert await system.engine.plans.with_checksum(made.plan.checksum) is None


async def test_an_onboarding_starts_by_its_plan() -> None:
    system, request = deployed(requests.own_sbc())
    plan = await planned(system, request)
    plan_id = await asked(system, request, Start(checksum=plan.checksum))
    await system.deliver()
    made = await system.engine.plans.load(plan_id)
    assert made
    assert made.start
    assert made.start.onboarding_id == request.gateway.onboarding_id
    assert (await system.record(request.gateway.onboarding_id)).requested_by == "ada"


async def test_one_whose_world_has_changed_does_not_start() -> None:
    system, request = deployed(requests.own_sbc())
    first = await asked(system, request)
    await system.deliver()
    looked_at = await system.engine.plans.load(first)
    assert looked_at
    assert looked_at.plan
    await system.outside.world.directory.add_domain("voice.contoso.example")
    second = await asked(system, request, Start(checksum=looked_at.plan.checksum))
    await system.deliver()
    made = await system.engine.plans.load(second)
    assert made
    assert made.start
    assert made.start.onboarding_id is None
    assert "not what was planned" in made.start.refused
    assert ("add-domain", Differs.GONE) in {(d.step, d.differs) for d in made.start.differences}
    assert await system.records.load(request.gateway.onboarding_id) is None


async def test_a_message_that_comes_twice_makes_one_plan() -> None:
    system, request = deployed(requests.own_sbc())
    plan_id = await asked(system, request)
    system.bus.duplicate()
    await system.deliver()
    made = await system.engine.plans.load(plan_id)
    await system.engine.receive(MakePlan(request.gateway.onboarding_id, plan_id))
    assert await system.engine.plans.load(plan_id) == made


async def test_one_caller_asks_for_so_many_plans_an_hour() -> None:
    system, request = deployed(requests.own_sbc())
    limit = HourlyLimit(MemoryTable(), system.clock, 2, "Plans", "ONBOARDING_PLANS_PER_HOUR")
    system.engine = replace(system.engine, plans=Plans(system.plans, limit))
    for _ in range(2):
        await asked(system, request)
    with pytest.raises(HourlyLimitError):
        await asked(system, request)
    assert len(system.bus.waiting) == 2
@pytest.mark.parametrize("error", [BusUnavailableError("away"), ConnectionError("away")])
async def test_one_that_nobody_can_be_asked_for_leaves_no_row(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    api = Api(monkeypatch)
    api.system.bus.faults.add("publish", error)
    assert (await api.post("plans", requests.own_sbc())).status_code == 503
    assert [row async for row in api.system.plans.rows(Query("plans"))] == []


async def test_one_whose_message_is_given_up_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(monkeypatch)
    asked = content(await api.post("plans", requests.own_sbc()))
    (message,) = api.system.bus.take_due(api.system.clock.now())
    letter = DeadLetter(message.body, message.message_id, message.queue, DeadLetterReason.DELIVERIES)
    await api.system.engine.dead_letter(letter)
    plan = content(await api.call("GET", f"plans/{asked['id']}"))
    assert plan["state"] == "failed"
    assert plan["failed"]


async def test_one_whose_message_is_lost_says_so_and_may_still_come(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(monkeypatch)
    asked = content(await api.post("plans", requests.own_sbc()))
    (message,) = api.system.bus.take_due(api.system.clock.now())
    api.system.clock.advance(LOST_AFTER.total_seconds())
    plan = content(await api.call("GET", f"plans/{asked['id']}"))
    assert plan["state"] == "failed"
    assert "ask for a plan again" in plan["failed"]
    assert (await api.call("GET", f"plans/{asked['id']}/markdown")).status_code == 409
    await api.system.engine.receive(message.effect)
    assert content(await api.call("GET", f"plans/{asked['id']}"))["state"] == "ready"
