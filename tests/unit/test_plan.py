"""The plan stands on the record: an onboarding runs to its end by its own, whatever is planned for others today."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onboarding.core.decide import create
from onboarding.core.events import Confirmed, RetryRequested, SkipRequested
from onboarding.core.plan import NewStep, Planned, StepKind, check_plan
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import OnboardingState, Record, StepState
from onboarding.core.request import Gateway, OnboardingRequest
from onboarding.kinds.communications_gateway import CommunicationsGatewayRequest
from onboarding.memory import MemoryWorld
from onboarding.rows import OPEN, from_row, to_row
from onboarding.steps import LIBRARY
from onboarding.upgrade import rebuild_record
from tests.support import requests
from tests.support.http import Api
from tests.support.records import NOW
from tests.support.system import System, later

REQUEST = requests.parsed(requests.operator_connect())
TODAY = REQUEST.plan()


def planned(name: str, *needs: str, about: str | None = None) -> NewStep:
    return LIBRARY[name].planned(*needs, about=about)


def of_another_version(name: str, kind: StepKind, *needs: str, confirmable: bool = False) -> NewStep:
    return NewStep(name, Planned(definition=name, kind=kind, needs=needs, confirmable=confirmable))


OLDER = tuple(
    replace(step, plan=step.plan.model_copy(update={"needs": ("add-domain",)}))
    if step.name == "txt-record-visible"
    else step
    for step in TODAY
    if step.name not in ("share-txt-record", "portal-access", "add-application-ids")
)
"""Without steps that today's has, so that others need something else."""
NEWER = (
    *TODAY,
    planned("txt-record-visible", "add-domain", about="other.example"),
    of_another_version("inspect-trunk", StepKind.TASK, "verify-domain"),
    of_another_version("trunk-registered", StepKind.WAIT, "verify-domain"),
    of_another_version("sign-contract", StepKind.CHECKPOINT, "verify-domain", confirmable=True),
)
"""With steps that this version has no modules for, and two of one definition."""


async def begun(monkeypatch: pytest.MonkeyPatch, plan: tuple[NewStep, ...], system: System) -> Record:
    """An onboarding that another version of the application planned."""
    with monkeypatch.context() as other:
        other.setattr(CommunicationsGatewayRequest, "plan", lambda self: plan)
        return (await system.request(REQUEST)).record


def system() -> System:
    made = System(outside=MemoryWorld())
    made.outside.deploy(REQUEST)
    return made


async def test_an_older_plan_runs_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    running = system()
    record = await begun(monkeypatch, OLDER, running)
    assert [s.name for s in record.steps] == [s.name for s in OLDER]
    ended = await running.run(record.id)
    assert ended.state is OnboardingState.COMPLETED
    assert rebuild_record(await running.events(record.id)) == ended.model_copy(update={"tail": ()})


async def test_a_newer_plan_goes_as_far_as_this_version_knows_it_and_then_asks_for_people(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running = system()
    record = await begun(monkeypatch, NEWER, running)
    await later(running, record.id)
    for name in ("operator-information", "portal-access", "add-application-ids"):
        await running.engine.happen(record.id, Confirmed(name, "ada"))
    record = await later(running, record.id)
    assert record.state is OnboardingState.NEEDS_ATTENTION
    stopped = [s.name for s in record.steps if s.state is StepState.NEEDS_ATTENTION]
    assert stopped == ["inspect-trunk", "trunk-registered"]
    assert {record.step(name).problem.code for name in stopped} == {ProblemCode.STEP_UNKNOWN}  # type: ignore[union-attr]
    assert record.step("txt-record-visible:other.example").state is StepState.DONE
    await running.engine.happen(record.id, RetryRequested("inspect-trunk", "ada"))
    assert (await later(running, record.id)).step("inspect-trunk").state is StepState.NEEDS_ATTENTION
    for name in stopped:
        await running.engine.happen(record.id, SkipRequested(name, "ada", "done by hand", insist=True))
    await running.engine.happen(record.id, Confirmed("sign-contract", "ada"))
    ended = await running.run(record.id)
    assert ended.state is OnboardingState.COMPLETED
    assert rebuild_record(await running.events(record.id)) == ended.model_copy(update={"tail": ()})


async def test_pages_and_api_show_the_plan_that_stands_on_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(monkeypatch, system())
    record = await begun(monkeypatch, NEWER, api.system)
    page = (await api.get(f"dashboard/{record.id}", accept="text/html")).get_body().decode()
    assert "Inspect trunk" in page
    checkpoint = await api.get(f"onboardings/{record.id}/checkpoints/sign-contract", accept="text/html")
    assert "Deploy a version that knows it" in checkpoint.get_body().decode()


async def test_a_new_run_has_todays_plan_and_the_trail_tells_in_which_order(monkeypatch: pytest.MonkeyPatch) -> None:
    running = system()
    await running.run((await begun(monkeypatch, OLDER, running)).id)
    record = (await running.request(REQUEST, again=True)).record
    assert [s.name for s in record.steps] == [s.name for s in TODAY]
    assert rebuild_record(await running.events(record.id)) == record.model_copy(update={"tail": ()})
    assert (await running.run(record.id)).state is OnboardingState.COMPLETED


def test_a_row_keeps_the_plan_and_little_else_of_what_is_as_ever() -> None:
    record = create(REQUEST, "ada", NOW).record
    row = to_row(record, OPEN)
    assert from_row(row) == record
    assert len(row.columns["Steps"]) < 4_000
    assert '"plan":{"definition":"enable-services","kind":"task","mayBeLeftOut":true}' in row.columns["Steps"]


@pytest.mark.parametrize(
    ("plan", "wrong"),
    [
        ((planned("add-domain"), planned("add-domain")), "'add-domain' is planned twice"),
        ((planned("add-domain", "enable-services"),), "'add-domain' needs enable-services, which is not planned"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(plan: tuple[NewStep, ...], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        check_plan(plan)


def test_a_stored_record_is_read_by_whoever_knows_the_kinds() -> None:
    with pytest.raises(ValueError, match=r"`kinds\.STORED`"):
        Record.model_validate(create(REQUEST, "ada", NOW).record.to_json())


def test_what_every_kind_must_say_has_no_default() -> None:
    gateway = Gateway(kind="x", name="y")
    roles = OnboardingRequest.application_roles
    for told in (
        lambda: gateway.key,
        lambda: gateway.onboarding_id,
        lambda: OnboardingRequest.plan(REQUEST),
        lambda: roles.__get__(REQUEST),
    ):
        with pytest.raises(NotImplementedError):
            told()
    assert gateway.subscription is None
