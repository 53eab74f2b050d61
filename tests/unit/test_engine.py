"""The engine and the steps on in-memory twins: the article, start to end, in milliseconds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onboarding.azure.gateway_resource import GatewayResource
from onboarding.core.events import (
    CancelRequested,
    Happening,
    Looked,
    ReopenRequested,
    RetryRequested,
    SkipRequested,
)
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import SOON, PersonMustActError, TryLaterError
from onboarding.core.record import OnboardingState, Problem, Record, StepRecord, StepState
from onboarding.engine import InProgressError
from onboarding.memory import Faults
from onboarding.ports import ConflictError, TxtAnswer
from onboarding.steps import LIBRARY
from onboarding.steps.add_domain import txt_record
from onboarding.steps.base import Inspection, Work
from onboarding.timer import timer_pass
from onboarding.upgrade import rebuild_record as rebuild
from tests.support import requests
from tests.support.steps import WAITS
from tests.support.system import System, finished

REQUESTS = {
    "operator connect": requests.operator_connect(),
    "teams phone mobile": requests.teams_phone_mobile(),
    "both in a lab": requests.lab(),
    "preselected": requests.preselected(),
}


def outcome(record: Record) -> dict[str, Any]:
    """What must be the same whatever happened to the messages: the end states and what was found."""
    return {"state": record.state, "steps": {s.name: s.state for s in record.steps}, "findings": record.findings}


@pytest.mark.parametrize("name", REQUESTS)
async def test_every_kind_of_request_is_completed(name: str) -> None:
    _, record = await finished(requests.parsed(REQUESTS[name]))
    assert record.state is OnboardingState.COMPLETED
    assert all(s.state is StepState.DONE for s in record.steps)


async def test_what_was_written_at_microsoft_is_the_article_and_nothing_else() -> None:
    system, record = await finished(requests.parsed(requests.operator_connect()))
    kinds = [w[0] for w in system.outside.writes]
    assert kinds[:7] == ["put", *["put_test_line"] * 6]
    assert sorted(kinds[7:]) == ["add_application", "add_domain", "assign_roles", "assign_roles", "verify_domain"]
    grants = {w[1]: len(w) - 2 for w in system.outside.writes if w[0] == "assign_roles"}
    assert grants == {record.findings["adminUserId"]: 1, record.findings["gatewayPrincipalId"]: 7}


async def test_the_same_again_only_reads() -> None:
    request = requests.parsed(requests.lab())
    system, first = await finished(request)
    system.outside.writes.clear()
    mails = len(system.outside.notifier.mails)
    await system.request(request, again=True)
    again = await system.run(first.id)
    assert again.state is OnboardingState.COMPLETED
    assert system.outside.writes == []
    assert not [m for _, m in system.outside.notifier.mails[mails:] if "TXT" in m.title]
    assert rebuild(await system.events(first.id)) == again.model_copy(update={"tail": ()})


async def test_unknown_properties_of_the_gateway_survive_the_put() -> None:
    request = requests.parsed(requests.teams_phone_mobile())
    system = System()
    system.outside.deploy(request)
    resource = system.outside.gateways.resources[request.gateway.id.key]
    resource["properties"]["somethingNew"] = {"kept": True}
    resource["zones"] = ["1"]
    accepted = await system.request(request)
    await system.run(accepted.record.id)
    after = system.outside.gateways.resources[request.gateway.id.key]
    assert after["properties"]["somethingNew"] == {"kept": True}
    assert after["zones"] == ["1"]
    assert after["properties"]["integratedMcpEnabled"] is True


async def test_one_list_call_looks_at_every_waiting_gateway_of_a_subscription() -> None:
    system = System()
    for number in range(30):
        body = requests.operator_connect()
        body["gateway"]["name"] = f"gateway-{number}"
        request = requests.parsed(body)
        system.outside.deploy(request)
        await system.request(request)
    while await system.deliver():
        pass
    calls = system.outside.gateways.faults.calls
    before = calls["in_subscription"], calls["get"]
    await system.tick()
    assert (calls["in_subscription"] - before[0], calls["get"] - before[1]) == (1, 0)


async def test_waits_are_watched_by_the_timer_until_they_end() -> None:
    request = requests.parsed(requests.operator_connect())
    system = System()
    system.outside.deploy(request)
    record = (await system.request(request)).record
    while await system.deliver():
        pass
    for _ in range(3 * 24 * 60):
        await system.tick()
    step = (await system.record(record.id)).step("provisioning-complete")
    assert step.state is StepState.WAITING
    assert "ChangePending" in step.detail
    assert step.attempts < 150, "polls back off as the wait ages"
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED


async def test_problems_that_pass_are_waited_out() -> None:
    request = requests.parsed(requests.operator_connect())
    system = System()
    outside = system.outside
    outside.gateways.faults.add("put", TryLaterError(ProblemCode.OUTAGE, "ARM answered 503."))
    outside.gateways.faults.add("in_subscription", TryLaterError(ProblemCode.THROTTLED, "429", retry_after=600))
    outside.directory.faults.add("add_domain", TryLaterError(ProblemCode.THROTTLED, "Graph answered 429.", 120))
    outside.directory.lag = 2
    system, record = await finished(request, system)
    assert record.state is OnboardingState.COMPLETED
    postponed = {e.step for e in await system.events(record.id) if e.what == "step-postponed"}
    assert {"enable-services", "add-domain"} <= postponed


async def test_a_problem_of_one_branch_leaves_the_others_alone_and_a_retry_heals_it() -> None:
    request = requests.parsed(requests.operator_connect())
    system = System()
    held = PersonMustActError(ProblemCode.DOMAIN_IN_USE, "Another tenant holds the domain.", "Ask them.")
    system.outside.directory.faults.add("add_domain", held)
    system, record = await finished(request, system)
    assert record.state is OnboardingState.NEEDS_ATTENTION
    assert record.step("assign-application-roles").state is StepState.DONE
    assert any("needs attention" in m.title for m in system.outside.notifier.posts)
    await system.engine.happen(record.id, RetryRequested("add-domain", "ada"))
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED


async def test_a_defect_stands_on_the_record_and_its_text_does_not() -> None:
    request = requests.parsed(requests.operator_connect())
    system = System()
    system.outside.gateways.faults.add("test_lines", RuntimeError("secret +442079460101"))
    _, record = await finished(request, system)
    problem = record.step("add-test-lines").problem
    assert problem is not None
    assert problem.code == "unexpected"
    assert "RuntimeError" in problem.seen
    assert "secret" not in record.model_dump_json(exclude={"request"})


async def test_nothing_is_written_at_microsoft_after_cancelling() -> None:
    request = requests.parsed(requests.operator_connect())
    system = System()
    system.outside.deploy(request)
    record = (await system.request(request)).record
    await system.deliver()
    await system.engine.happen(record.id, CancelRequested("ada", "wrong gateway"))
    written = len(system.outside.writes)
    await system.run(record.id)
    assert len(system.outside.writes) == written


async def test_another_request_for_the_same_gateway_is_refused_and_told_why() -> None:
    system = System()
    await system.request(requests.parsed(requests.operator_connect()))
    same = await system.request(requests.parsed(requests.operator_connect()))
    assert not same.created
    with pytest.raises(InProgressError) as error:
        await system.request(requests.parsed(requests.operator_connect(adminUser="other@contoso.com")))
    assert error.value.differs == ["adminUser"]


async def test_a_lost_conditional_write_is_decided_again() -> None:
    request = requests.parsed(requests.operator_connect())
    system = System()
    system.outside.deploy(request)
    record = (await system.request(request)).record
    loaded = await system.records.load(record.id)
    await system.deliver()
    decision = await system.engine.happen(record.id, CancelRequested("ada", "late"), loaded)
    assert decision is not None
    assert decision.record.state is OnboardingState.CANCELLED
    assert decision.record.step("enable-services").state is StepState.DONE


async def test_a_record_that_is_always_busy_is_given_back_to_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System()
    record = (await system.request(requests.parsed(requests.operator_connect()))).record

    async def busy(*_: object) -> None:
        raise ConflictError("always")

    monkeypatch.setattr(system.records, "save", busy)
    with pytest.raises(ConflictError, match="50 times"):
        await system.engine.happen(record.id, CancelRequested("ada", "no"))


async def test_the_bus_being_down_loses_nothing_that_was_accepted() -> None:
    request = requests.parsed(requests.operator_connect())
    system = System()
    system.outside.deploy(request)
    system.bus.faults.add("publish", ConnectionError("the bus is down"))
    accepted = await system.request(request)
    assert accepted.created
    record = await system.run(request.gateway.id.onboarding_id)
    assert record.state is OnboardingState.COMPLETED


async def test_one_broken_onboarding_does_not_keep_the_timer_from_the_others() -> None:
    system = System()
    ids = []
    for name in ("gateway-a", "gateway-b"):
        body = requests.operator_connect()
        body["gateway"]["name"] = name
        request = requests.parsed(body)
        system.outside.deploy(request)
        ids.append((await system.request(request)).record.id)
    while await system.deliver():
        pass
    system.bus.faults.add("publish", ConnectionError("the bus is down"))
    system.outside.settle()
    await system.tick()
    states = [(await system.record(i)).step("provisioning-complete").state for i in ids]
    assert states == [StepState.DONE, StepState.DONE]
    for i in ids:
        assert (await system.run(i)).state is OnboardingState.COMPLETED


async def waiting_for(step: str, *gateways: str) -> tuple[System, list[str]]:
    """Onboardings of these gateways, all at that wait."""
    system = System()
    ids = []
    for name in gateways:
        body = requests.operator_connect()
        body["gateway"]["name"] = name
        request = requests.parsed(body)
        system.outside.deploy(request)
        ids.append((await system.request(request)).record.id)
    for _ in range(12):
        while await system.deliver():
            pass
        if all([(await system.record(i)).step(step).state is StepState.WAITING for i in ids]):
            return system, ids
        system.outside.settle()
        await system.tick()
    raise AssertionError(f"not all of {gateways} wait at {step}")


async def test_a_gateway_that_cannot_be_understood_keeps_no_other_from_its_look(
    caplog: pytest.LogCaptureFixture,
) -> None:
    system, (odd, fine) = await waiting_for("provisioning-complete", "gateway-odd", "gateway-fine")
    system.outside.settle()
    key = (await system.record(odd)).request.gateway.id.key
    system.outside.gateways.resources[key]["properties"] = "what is this?"
    await system.tick(3600)
    assert (await system.record(fine)).step("provisioning-complete").state is StepState.DONE
    step = (await system.record(odd)).step("provisioning-complete")
    assert step.state is StepState.WAITING
    assert step.problem is not None
    assert step.problem.code == ProblemCode.UNEXPECTED
    assert step.next_attempt_at is not None
    assert step.next_attempt_at > system.clock.now()
    assert "provisioning-complete" in caplog.text


async def without_project_synergy(*happenings: Happening, **changes: Any) -> StepRecord:
    """`assign-admin-user` in a tenant that lacks Project Synergy, after it was tried."""
    request = requests.parsed(requests.operator_connect(**changes))
    system = System()
    system.outside.deploy(request)
    record = (await system.request(request)).record
    for happening in happenings:
        await system.engine.happen(record.id, happening)
    for _ in range(20):
        while await system.deliver():
            pass
        step = (await system.record(record.id)).step("assign-admin-user")
        if step.problem:
            return step
        system.outside.settle()
        await system.tick()
    raise AssertionError("it was not tried")


async def test_a_person_who_skipped_what_adds_project_synergy_is_told_to_reopen_it() -> None:
    step = await without_project_synergy(SkipRequested("add-project-synergy", "ada", "it is there"))
    assert step.state is StepState.NEEDS_ATTENTION
    assert step.problem is not None
    assert step.problem.code == ProblemCode.PROJECT_SYNERGY_MISSING
    assert "'add-project-synergy', which adds it, was skipped by ada" in step.problem.seen
    assert step.problem.what_next.startswith("Reopen 'add-project-synergy'")


async def test_onboarded_already_but_not_after_all_waits_for_the_directory_once_it_was_added(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = LIBRARY["add-project-synergy"].task
    assert task is not None
    inspect = task.inspect

    async def added_but_not_shown_everywhere(work: Work) -> Inspection:
        await inspect(work)
        return Inspection((), "The tenant has it.")

    monkeypatch.setattr(task, "inspect", added_but_not_shown_everywhere)
    reopened = [ReopenRequested(n, "ada", "not after all") for n in ("add-project-synergy", "assign-admin-user")]
    step = await without_project_synergy(*reopened, alreadyOnboarded=True)
    assert step.state is StepState.DUE
    assert step.problem is not None
    assert step.problem.code == ProblemCode.NOT_REPLICATED


async def test_a_list_that_fails_as_nobody_expects_is_asked_for_again() -> None:
    system, (only,) = await waiting_for("provisioning-complete", "gateway-a")
    system.outside.settle()
    system.outside.gateways.faults.add("in_subscription", RuntimeError("a defect"))
    await system.tick(3600)
    step = (await system.record(only)).step("provisioning-complete")
    assert (step.state, step.problem and step.problem.code) == (StepState.WAITING, ProblemCode.UNEXPECTED)
    await system.tick(3600)
    assert (await system.record(only)).step("provisioning-complete").state is StepState.DONE


async def test_a_name_that_cannot_be_looked_up_keeps_no_other_from_its_look(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    system, (odd, fine) = await waiting_for("txt-record-visible", "gateway-odd", "gateway-fine")
    system.outside.settle()
    bad = txt_record(await system.record(odd))
    look_up = system.outside.dns.txt

    async def txt(name: str, expected: str) -> Sequence[TxtAnswer]:
        if name == bad.name:
            raise RuntimeError("a defect")
        return await look_up(name, expected)

    monkeypatch.setattr(system.outside.dns, "txt", txt)
    await system.tick(3600)
    assert (await system.record(fine)).step("txt-record-visible").state is StepState.DONE
    step = (await system.record(odd)).step("txt-record-visible")
    assert (step.state, step.problem and step.problem.code) == (StepState.WAITING, ProblemCode.UNEXPECTED)
    assert "txt-record-visible" in caplog.text


async def test_a_look_that_began_before_a_person_put_it_right_stops_nothing_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system, (only,) = await waiting_for("provisioning-complete", "gateway-a")
    key = (await system.record(only)).request.gateway.id.key
    properties = system.outside.gateways.resources[key]["properties"]
    properties["provisioningState"] = "Failed"
    await system.tick(3600)
    assert (await system.record(only)).step("provisioning-complete").state is StepState.NEEDS_ATTENTION
    await system.engine.happen(only, RetryRequested("provisioning-complete", "ada"))
    listed = system.outside.gateways.in_subscription

    async def mended_meanwhile(subscription: str) -> Sequence[GatewayResource]:
        """The list was read; before it is judged, a look of another process stops it, and a person puts it right."""
        seen = await listed(subscription)
        stop = Looked("provisioning-complete", False, "Failed", problem=FAILED, stop=True)
        await system.engine.happen(only, stop)
        properties["provisioningState"] = "Succeeded"
        await system.engine.happen(only, RetryRequested("provisioning-complete", "ada"))
        return seen

    monkeypatch.setattr(system.outside.gateways, "in_subscription", mended_meanwhile)
    await system.tick()
    assert (await system.record(only)).step("provisioning-complete").state is StepState.WAITING


async def test_a_notice_goes_out_once_on_each_way_though_one_way_fails() -> None:
    request = requests.parsed(requests.operator_connect())
    system = System()
    notifier = system.outside.notifier
    notifier.faults.add("teams", *[TryLaterError(ProblemCode.THROTTLED, "429", 30)] * 3)
    system, record = await finished(request, system)
    assert record.state is OnboardingState.COMPLETED
    titles = [m.title for to, m in notifier.mails if to == request.notify.emails]
    assert sorted(titles) == sorted(set(titles)), "no mail twice"
    completed = next(n for n in record.notices if n.kind == "completed")
    assert {(d.way, d.to) for d in completed.sent} == {("email", request.notify.emails), ("teams", ())}


async def test_a_message_for_something_unknown_is_finished_without_harm() -> None:
    system = System()
    await system.engine.run_step("contoso-acg-0000000000", "enable-services", 1)
    await system.engine.send_notice("contoso-acg-0000000000", "x", 1)
    assert system.outside.writes == []


FAILED = Problem(code="provisioning-failed", seen="Failed")
ACTIONS = ("deliver-one", "deliver-last", "duplicate", "drop", "tick", "confirm", "crash")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(ACTIONS), max_size=60), st.sampled_from(sorted(REQUESTS)))
def test_any_order_duplication_or_loss_of_messages_leads_to_the_same_end(chaos: list[str], name: str) -> None:
    asyncio.run(_same_end(chaos, name))


async def _same_end(chaos: list[str], name: str) -> None:
    request = requests.parsed(REQUESTS[name])
    calm, expected = await finished(request)
    system = System()
    system.outside.deploy(request)
    record = (await system.request(request)).record
    for action in chaos:
        await _act(system, record.id, action)
    end = await system.run(record.id)

    assert outcome(end) == outcome(expected)
    assert sorted(system.outside.writes) == sorted(calm.outside.writes), "nothing twice, nothing missing"
    events = await system.events(record.id)
    assert [e.version for e in events] == list(range(1, end.version + 1))
    assert rebuild(events) == end.model_copy(update={"tail": ()})
    await timer_pass(system.engine)
    assert len(system.onboardings) == 1


async def _act(system: System, onboarding_id: str, action: str) -> None:
    waiting = system.bus.waiting
    match action:
        case "deliver-one" if waiting:
            await system.engine.receive(waiting.pop(0).effect)
        case "deliver-last" if waiting:
            await system.engine.receive(waiting.pop().effect)
        case "duplicate":
            system.bus.duplicate()
        case "drop":
            system.bus.drop()
        case "tick":
            system.outside.settle()
            await system.tick()
        case "confirm":
            await system.confirm_open_checkpoints(onboarding_id)
        case "crash" if waiting:
            # A commit stands, the effects after it are lost with the process.
            system.bus.faults.add("publish", ConnectionError("killed"))
            with contextlib.suppress(ConnectionError):
                await system.engine.receive(waiting.pop(0).effect)
            system.bus.faults = Faults()


def test_the_waits_are_two() -> None:
    assert [w.name for w in WAITS] == ["provisioning-complete", "txt-record-visible"]


async def test_a_conflict_that_stays_is_told_within_minutes_in_microsofts_words() -> None:
    """Bug report: it was tried for a day, and then explained as replication."""
    system = System()
    words = "POST /domains answered 409: held by another object. Reading shows no domain."
    conflict = TryLaterError(ProblemCode.CONFLICT, words, in_the_end="Remove it.", at_most=SOON)
    system.outside.directory.faults.add("add_domain", *[conflict] * 30)
    system, record = await finished(requests.parsed(requests.operator_connect()), system)
    step = record.step("add-domain")
    assert step.state is StepState.NEEDS_ATTENTION
    assert step.attempts == SOON
    assert step.problem is not None
    assert words in step.problem.seen
    assert step.problem.what_next == "Remove it."
    told = [e for e in await system.events(record.id) if e.step == "add-domain" and e.what == "step-stopped"]
    began = next(e for e in await system.events(record.id) if e.step == "add-domain" and e.what == "step-started")
    assert timedelta(minutes=5) <= told[0].at - began.at <= timedelta(minutes=15)


async def test_a_wait_that_cannot_be_looked_at_since_sign_in_fails_asks_people_and_goes_on() -> None:
    """Bug report: sign-in fails. What is waited for may take weeks, and nobody would be told of it."""
    system = System()
    refused = TryLaterError(ProblemCode.SIGN_IN_FAILED, "ARM answered 401.", in_the_end="Check AZURE_CLIENT_ID.")
    system.outside.gateways.faults.add("in_subscription", *[refused] * 40)
    system, record = await finished(requests.parsed(requests.operator_connect()), system)
    assert record.state is OnboardingState.COMPLETED
    looked = [e for e in await system.events(record.id) if e.step == "provisioning-complete"]
    assert "step-stopped" not in [e.what for e in looked]
    told = [n for n in record.notices if n.kind == "read-failed"]
    assert told[0].owed_since - looked[0].at >= timedelta(seconds=system.policy.tell_after)
    assert any("Check AZURE_CLIENT_ID." in str(message) for message in system.outside.notifier.mails)
