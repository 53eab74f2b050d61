"""Who adds Project Synergy to the tenant: the application, or an administrator whom it waits for."""

from __future__ import annotations

from dataclasses import replace

from onboarding.azure.permissions import ADD_PROJECT_SYNERGY_COMMAND, ProjectSynergyBy
from onboarding.core.events import RetryRequested
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import OnboardingState, StepState
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID
from tests.support import requests
from tests.support.system import System, finished


def with_an_administrator() -> System:
    """A system whose application only reads applications."""
    made = System()
    world = replace(made.outside.world, project_synergy_by=ProjectSynergyBy.ADMINISTRATOR)
    made.engine = replace(made.engine, world=world)
    return made


async def test_an_administrator_is_told_what_to_run_and_after_it_the_onboarding_goes_on() -> None:
    system, record = await finished(requests.parsed(requests.operator_connect()), with_an_administrator())
    directory = system.outside.directory
    step = record.step("add-project-synergy")
    assert (record.state, step.state) == (OnboardingState.NEEDS_ATTENTION, StepState.NEEDS_ATTENTION)
    assert step.problem is not None
    assert step.problem.code == ProblemCode.PROJECT_SYNERGY_MISSING
    assert PROJECT_SYNERGY_APP_ID in step.problem.seen
    for told in (ADD_PROJECT_SYNERGY_COMMAND, "Cloud Application Administrator", "retry this step"):
        assert told in step.problem.what_next
    assert directory.faults.calls["add_application"] == 0
    await directory.add_application(PROJECT_SYNERGY_APP_ID, "Operator Connect")
    await system.engine.happen(record.id, RetryRequested("add-project-synergy", "ada"))
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED
    assert directory.faults.calls["add_application"] == 1


async def test_what_an_administrator_added_before_is_found_and_nobody_is_asked() -> None:
    system = with_an_administrator()
    await system.outside.directory.add_application(PROJECT_SYNERGY_APP_ID, "Operator Connect")
    _, record = await finished(requests.parsed(requests.operator_connect()), system)
    assert record.state is OnboardingState.COMPLETED
    assert system.outside.directory.faults.calls["add_application"] == 1
