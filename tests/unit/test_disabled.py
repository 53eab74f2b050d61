"""What is there and can't be used: disabled accounts, and a domain that is being removed from the tenant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from onboarding.azure.graph_models import DomainBody, ServicePrincipalBody, domain_from_graph
from onboarding.core.events import RetryRequested
from onboarding.core.record import OnboardingState, Record, StepState
from onboarding.memory.directory import user_id
from onboarding.ports import RoleStanding
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID
from tests.support import requests
from tests.support.system import System

ASKED = requests.parsed(requests.operator_connect())
DOMAIN = "contoso-acg-label.commsgw.azure.com"
IDENTITY = f"principal-of-{ASKED.gateway.name}"


async def begun() -> System:
    system = System()
    system.outside.deploy(ASKED)
    return system


async def stopped(system: System, name: str) -> tuple[Record, str]:
    """The onboarding, as far as it goes, and what people read of the step at which it stopped."""
    accepted = await system.request(ASKED)
    record = await system.run(accepted.record.id)
    step = record.step(name)
    assert step.state is StepState.NEEDS_ATTENTION, step
    assert step.problem is not None
    return record, f"{step.problem.code}: {step.problem.seen} {step.problem.what_next}"


async def goes_on(system: System, record: Record, name: str) -> None:
    await system.engine.happen(record.id, RetryRequested(name, "ada"))
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED


async def test_a_disabled_project_synergy_needs_attention_before_anything_is_done_with_it() -> None:
    system = await begun()
    made = await system.outside.directory.add_application(PROJECT_SYNERGY_APP_ID, "Operator Connect")
    system.outside.directory.disabled.add(made.id)
    record, said = await stopped(system, "add-project-synergy")
    assert said.startswith("account-disabled: Project Synergy ('Operator Connect', app id eb63d611-")
    assert "Enabled for users to sign in?" in said
    assert not [w for w in system.outside.writes if w[0] == "assign_roles"]
    system.outside.directory.disabled.clear()
    await goes_on(system, record, "add-project-synergy")


async def test_project_synergy_that_is_disabled_later_stops_the_roles() -> None:
    system = await begun()
    accepted = await system.request(requests.parsed(requests.operator_connect(alreadyOnboarded=True)))
    made = await system.outside.directory.add_application(PROJECT_SYNERGY_APP_ID, "Operator Connect")
    system.outside.directory.disabled.add(made.id)
    record = await system.run(accepted.record.id)
    problem = record.step("assign-application-roles").problem
    assert problem is not None
    assert problem.code == "account-disabled"


async def test_a_disabled_identity_of_the_gateway_needs_attention() -> None:
    system = await begun()
    system.outside.directory.disabled.add(IDENTITY)
    record, said = await stopped(system, "find-application-id")
    assert said.startswith(f"account-disabled: The gateway's identity 'contoso-acg' (object id {IDENTITY}) is disabled")
    system.outside.directory.disabled.clear()
    await goes_on(system, record, "find-application-id")


async def test_a_disabled_admin_user_needs_attention_and_is_given_no_role() -> None:
    system = await begun()
    admin = user_id(ASKED.admin_user)
    system.outside.directory.disabled.add(admin)
    record, said = await stopped(system, "assign-admin-user")
    assert said.startswith(f"account-disabled: The admin user of the request (object id {admin}) is disabled")
    assert "Account enabled" in said
    assert ASKED.admin_user not in said, "a person's name stays out of problems"
    assert not [w for w in system.outside.writes if w[:2] == ("assign_roles", admin)]
    system.outside.directory.disabled.clear()
    await goes_on(system, record, "assign-admin-user")


async def test_an_admin_user_of_whom_graph_does_not_say_it_is_no_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    system = await begun()
    standing = system.outside.directory.role_standing

    async def unknown(*given: Any) -> RoleStanding:
        return replace(await standing(*given), principal_enabled=None)

    monkeypatch.setattr(system.outside.directory, "role_standing", unknown)
    record = await system.run((await system.request(ASKED)).record.id)
    assert record.state is OnboardingState.COMPLETED


@pytest.mark.parametrize("name", ["add-domain", "share-txt-record", "verify-domain"])
async def test_a_domain_that_is_removed_by_force_needs_attention(name: str) -> None:
    system = await begun()
    domains = system.outside.directory.domains
    await system.outside.directory.add_domain(DOMAIN)
    if name == "add-domain":
        domains[DOMAIN] = replace(domains[DOMAIN], being_deleted=True)
        record, said = await stopped(system, name)
    else:
        accepted = await system.request(ASKED)
        before = {"share-txt-record": "add-domain", "verify-domain": "txt-record-visible"}[name]
        while not (record := await system.record(accepted.record.id)).step(before).ended:
            system.outside.settle()
            # One message after the other, so that the step itself has not begun.
            for message in system.bus.take_due(system.clock.now()):
                await system.engine.receive(message.effect)
            await system.tick()
        domains[DOMAIN] = replace(domains[DOMAIN], being_deleted=True)
        record = await system.run(record.id)
        problem = record.step(name).problem
        assert problem is not None
        said = f"{problem.code}: {problem.seen}"
    assert said.startswith(f"domain-being-deleted: Somebody has the domain {DOMAIN} removed from the tenant by force")
    domains[DOMAIN] = replace(domains[DOMAIN], being_deleted=False)
    await goes_on(system, record, name)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, False),
        ({}, False),
        ({"operation": "ForceDelete", "status": "InProgress"}, True),
        ({"operation": "forceDelete", "status": "Scheduled"}, True),
        ({"operation": "ForceDelete", "status": "Failed"}, False),
        ({"operation": "Verification", "status": "InProgress"}, False),
        ({"operation": None, "status": None}, False),
    ],
)
def test_which_state_of_a_domain_means_that_it_is_being_removed(state: Any, expected: bool) -> None:
    body = DomainBody.model_validate({"id": DOMAIN, "isVerified": True, "state": state})
    assert domain_from_graph(DOMAIN, body, []).being_deleted is expected


@pytest.mark.parametrize(
    ("said", "expected"), [({}, None), ({"accountEnabled": None}, None), ({"accountEnabled": False}, False)]
)
def test_an_application_of_which_graph_does_not_say_it_is_not_known_to_be_disabled(
    said: dict[str, Any], expected: bool | None
) -> None:
    body = ServicePrincipalBody.model_validate({"id": "a", "appId": "b", **said})
    assert body.principal.enabled is expected
