"""The end of provisioning: the gateway and its test lines, lists that lag, and a read that Microsoft refuses to all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from onboarding.azure.gateway_resource import GatewayId, GatewayResource, TestLineResource
from onboarding.core.events import CancelRequested, CheckRequested, RetryRequested, SkipRequested
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import IT_IS_TRIED_AGAIN, PersonMustActError, TryLaterError
from onboarding.core.record import OnboardingState, Record, StepRecord, StepState
from onboarding.memory import MemoryTable
from onboarding.memory.clock import START
from onboarding.ports import Notification, Row
from onboarding.reads import TELLING, UNSAID_FOR, Reads
from onboarding.steps import provisioning_complete
from onboarding.timer import timer_pass
from tests.support import requests
from tests.support.requests import SUBSCRIPTION
from tests.support.system import System, finished

WAIT, LINES = "provisioning-complete", "add-test-lines"
OTHER = "0f1e2d3c-4b5a-4697-8877-665544332211"
ASKED = requests.parsed(requests.operator_connect())
GATEWAY = ASKED.gateway.id
MISSING_ROLE = PersonMustActError(
    ProblemCode.PERMISSION_MISSING, "GET communicationsGateways answered 403.", "Give the role: `az role …`."
)


def named(name: str, subscription: str = SUBSCRIPTION) -> dict[str, Any]:
    gateway = {"subscriptionId": subscription, "resourceGroup": "rg-voice", "name": name}
    return requests.operator_connect(gateway=gateway)


async def waiting(*bodies: dict[str, Any]) -> tuple[System, list[str]]:
    """Onboardings that wait for their gateways, each looked at once."""
    system = System()
    ids = []
    for body in bodies or (requests.operator_connect(),):
        request = requests.parsed(body)
        system.outside.deploy(request)
        ids.append((await system.request(request)).record.id)
    while await system.deliver():
        pass
    await system.tick()
    return system, ids


async def looked(system: System, onboarding_id: str, seconds: float = 3600.0) -> StepRecord:
    await system.tick(seconds)
    while await system.deliver():
        pass
    return (await system.record(onboarding_id)).step(WAIT)


def change(system: System, name: str, **fields: Any) -> None:
    lines = system.outside.gateways.lines[GATEWAY.key]
    lines[name.lower()] = replace(lines[name.lower()], **fields)


def kinds(record: Record) -> list[str]:
    return [n.kind for n in record.notices]


# -- test lines -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["Failed", "Canceled", "failed"])
async def test_a_test_line_that_failed_after_it_was_added_stops_the_end_of_provisioning(state: str) -> None:
    system, [which] = await waiting()
    change(system, "OC3", provisioning_state=state)
    system.outside.gateways.complete(GATEWAY)
    step = await looked(system, which)
    assert step.state is StepState.NEEDS_ATTENTION
    assert step.problem is not None
    assert step.problem.code == "test-line-failed"
    assert f"OC3 {state}" in step.problem.seen
    assert "OC2" not in step.problem.seen
    change(system, "OC3", provisioning_state="Succeeded")
    await system.engine.happen(which, RetryRequested(WAIT, "ada"))
    assert (await looked(system, which)).state is StepState.DONE


@pytest.mark.parametrize("state", ["Accepted", "Updating", None])
async def test_a_test_line_that_is_not_ready_yet_is_waited_for_and_named(state: str | None) -> None:
    system, [which] = await waiting()
    change(system, "OC3", provisioning_state=state)
    system.outside.gateways.complete(GATEWAY)
    step = await looked(system, which)
    assert step.state is StepState.WAITING
    assert step.detail.endswith(f"test lines are not yet: OC3 {state or 'not given'}.")
    assert (step.problem, step.absent_since) == (None, None)


async def test_a_test_line_that_vanished_is_looked_for_again_before_it_stops_anything() -> None:
    system, [which] = await waiting()
    gone = system.outside.gateways.lines[GATEWAY.key].pop("oc3")
    system.outside.gateways.complete(GATEWAY)
    step = await looked(system, which)
    assert (step.state, step.problem) == (StepState.WAITING, None)
    assert "it lacks test line OC3. It is looked for again" in step.detail
    system.outside.gateways.lines[GATEWAY.key]["oc3"] = gone
    assert (await looked(system, which)).state is StepState.DONE


async def test_a_test_line_that_stays_away_is_named_to_people() -> None:
    system, [which] = await waiting()
    del system.outside.gateways.lines[GATEWAY.key]["oc3"]
    system.outside.gateways.complete(GATEWAY)
    await looked(system, which)
    step = await looked(system, which)
    assert step.problem is not None
    assert (step.state, step.problem.code) == (StepState.NEEDS_ATTENTION, "test-lines-missing")
    assert "lacks test line OC3" in step.problem.seen


async def test_a_test_line_whose_number_was_changed_stops_the_end_of_provisioning() -> None:
    system, [which] = await waiting()
    change(system, "OC3", phone_number="+442079469999")
    system.outside.gateways.complete(GATEWAY)
    step = await looked(system, which)
    assert step.problem is not None
    assert step.problem.code == "test-line-differs"


@pytest.mark.parametrize(
    ("states", "code", "said"),
    [
        (["Succeeded"] * 6, None, ""),
        (["Succeeded"] * 6 + ["Failed"], None, ""),
        (["Succeeded"] * 6 + ["Accepted"], None, ""),
        (["Succeeded"] * 5 + ["Failed"], "test-line-failed", "OC6 Failed"),
        (["Succeeded"] * 5 + ["Accepted", "Failed"], "", "not yet: OC6 Accepted"),
        (["Succeeded"] * 5, "", "1 of 6 lines of the services selected at deployment"),
    ],
)
async def test_lines_of_services_selected_at_deployment_count_only_when_they_are_ready(
    states: list[str], code: str | None, said: str
) -> None:
    request = requests.parsed(requests.preselected())
    found = [TestLineResource(f"OC{i + 1}", f"+44207946{i:04d}", "Automated", s) for i, s in enumerate(states)]
    look = provisioning_complete.judge_lines(request, found)
    assert look.done is (code is None)
    assert said in look.detail
    if code:
        assert look.problem is not None
        assert look.problem.code == code


async def test_lines_that_failed_before_are_none_of_those_selected_at_deployment() -> None:
    system = System()
    request = requests.parsed(requests.preselected())
    system.outside.deploy(request)
    change(system, "OP6", provisioning_state="Failed")
    which = (await system.request(request)).record.id
    while await system.deliver():
        pass
    problem = (await system.record(which)).step(LINES).problem
    assert problem is not None
    assert problem.code == "test-lines-missing"
    assert "it has 5 (OP1, OP2, OP3, OP4, OP5) (OP6 Failed)." in problem.seen


@pytest.mark.parametrize("state", ["Failed", "Canceled"])
async def test_a_line_of_ours_that_failed_is_written_again_and_another_one_never(state: str) -> None:
    system = System()
    system.outside.deploy(ASKED)
    for line in ASKED.test_lines:
        system.outside.gateways.line(GATEWAY, line.name, line.phone_number)
    system.outside.gateways.line(GATEWAY, "Theirs", "+442079468888")
    change(system, "OC3", provisioning_state=state)
    change(system, "Theirs", provisioning_state=state)
    which = (await system.request(ASKED)).record.id
    while await system.deliver():
        pass
    step = (await system.record(which)).step(LINES)
    assert (step.state, step.detail) == (StepState.DONE, "Added 1 test line: OC3.")
    assert [w for w in system.outside.writes if w[0] == "put_test_line"] == [("put_test_line", GATEWAY.name, "OC3")]


async def test_a_skipped_step_of_test_lines_keeps_nobody_waiting() -> None:
    system = System()
    system.outside.deploy(ASKED)
    which = (await system.request(ASKED)).record.id
    await system.engine.happen(which, SkipRequested(LINES, "ada", "they were there"))
    record = await system.run(which)
    assert record.step(WAIT).state is StepState.DONE
    assert system.outside.gateways.faults.calls["test_lines"] == 0


async def test_the_lines_are_asked_for_only_when_the_gateway_is_complete_and_few_at_a_time() -> None:
    bodies = [named(f"acg-{place:02d}") for place in range(20)]
    system, ids = await waiting(*bodies)
    gateways, most, now = system.outside.gateways, 0, 0
    before = gateways.faults.calls["test_lines"]
    await system.tick()
    assert gateways.faults.calls["test_lines"] == before
    ask: Callable[[GatewayId], Any] = gateways.test_lines

    async def counted(gateway: GatewayId) -> Any:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        found = await ask(gateway)
        now -= 1
        return found

    gateways.test_lines = counted
    listed = gateways.faults.calls["in_subscription"]
    system.outside.settle()
    await system.tick(3600)
    assert [(await system.record(which)).step(WAIT).state for which in ids] == [StepState.DONE] * 20
    assert gateways.faults.calls["in_subscription"] == listed + 1, "one list for a glance and for the closer look"
    assert 1 < most <= provisioning_complete.AT_ONCE


# -- a gateway that a list does not show ------------------------------------------------------------------------


def without(system: System, spoil: Callable[[list[GatewayResource]], list[GatewayResource]]) -> None:
    whole = system.outside.gateways.in_subscription

    async def listed(subscription_id: str) -> list[GatewayResource]:
        return spoil(list(await whole(subscription_id)))

    system.outside.gateways.in_subscription = listed


@pytest.mark.parametrize(
    "spoil",
    [
        lambda found: [],
        lambda found: found[:1],
        lambda found: [GatewayResource({**g.body, "id": None}) for g in found],
        lambda found: [GatewayResource({**g.body, "properties": "?"}) for g in found],
    ],
    ids=["lacks it", "is short", "has a row without id", "has a row that can't be read"],
)
async def test_a_gateway_that_a_list_does_not_show_is_asked_for_by_itself(
    spoil: Callable[[list[GatewayResource]], list[GatewayResource]],
) -> None:
    system, [_, which] = await waiting(named("first-acg"), requests.operator_connect())
    without(system, spoil)
    step = await looked(system, which)
    assert (step.state, step.problem, step.absent_since) == (StepState.WAITING, None, None)
    assert "ChangePending" in step.detail
    system.outside.settle()
    assert (await looked(system, which)).state is StepState.DONE


async def test_a_gateway_that_is_nowhere_is_looked_for_for_ten_minutes_before_people_read_that_it_is_gone() -> None:
    system, [which] = await waiting()
    await looked(system, which, 10 * 86400.0)
    resource = system.outside.gateways.resources.pop(GATEWAY.key)
    step = await looked(system, which)
    seen_at = system.clock.now()
    assert (step.state, step.problem, step.absent_since) == (StepState.WAITING, None, seen_at)
    assert "There is no gateway 'contoso-acg'" in step.detail
    assert step.next_attempt_at == seen_at + timedelta(minutes=10), "not only in an hour"
    await system.engine.happen(which, CheckRequested(WAIT, "ada"))
    assert (await looked(system, which, 60)).state is StepState.WAITING, "looking more often does not shorten it"
    system.outside.gateways.resources[GATEWAY.key] = resource
    assert (await looked(system, which, 600)).absent_since is None
    del system.outside.gateways.resources[GATEWAY.key]
    assert (await looked(system, which)).state is StepState.WAITING, "it counts from anew"
    step = await looked(system, which)
    assert step.problem is not None
    assert (step.state, step.problem.code) == (StepState.NEEDS_ATTENTION, "gateway-gone")
    await system.engine.happen(which, RetryRequested(WAIT, "ada"))
    assert (await looked(system, which)).state is StepState.WAITING, "whoever retries has done something about it"


# -- a read that Microsoft refuses to all -----------------------------------------------------------------------


def refuse(system: System, method: str = "in_subscription", problem: Exception = MISSING_ROLE, times: int = 1) -> None:
    system.outside.gateways.faults.add(method, *[problem] * times)


async def told(system: System, ids: list[str]) -> list[str]:
    """The onboardings on which people are told of a refused read, once for each time."""
    found = []
    for which in ids:
        found += [which] * kinds(await system.record(which)).count("read-failed")
    return found


def mails(system: System) -> list[Notification]:
    return [m for _, m in system.outside.notifier.mails if "Microsoft refuses to be asked" in m.title]


@pytest.mark.parametrize(
    "code", [ProblemCode.PERMISSION_MISSING, ProblemCode.SIGN_IN_FAILED, ProblemCode.PROVIDER_RETIRED]
)
async def test_one_refused_list_stops_no_wait_and_is_told_once(code: ProblemCode) -> None:
    system, ids = await waiting(*(named(f"acg-{place:02d}") for place in range(5)))
    refuse(system, problem=PersonMustActError(code, "GET … answered 403.", "Give the role: `az role …`."))
    await looked(system, ids[0], 60)
    for which in ids:
        step = (await system.record(which)).step(WAIT)
        assert (step.state, step.failures) == (StepState.WAITING, 1)
        assert step.problem is not None
        assert step.problem.code == code
        assert step.problem.seen == f"In subscription {SUBSCRIPTION}: GET … answered 403."
        assert "Give the role: `az role …`." in step.problem.what_next
    assert len(await told(system, ids)) == 1
    [mail] = mails(system)
    assert any(SUBSCRIPTION in paragraph for paragraph in mail.why)
    assert any("az role" in action for action in mail.actions)
    system.outside.settle()
    await looked(system, ids[0])
    for which in ids:
        assert (await system.record(which)).step(WAIT).state is StepState.DONE


async def test_a_refused_read_of_test_lines_stops_no_wait_and_is_told_once() -> None:
    system, ids = await waiting(*(named(f"acg-{place:02d}") for place in range(5)))
    system.outside.settle()
    refuse(system, "test_lines", times=5)
    await system.tick(3600)
    for which in ids:
        step = (await system.record(which)).step(WAIT)
        assert step.problem is not None
        assert (step.state, step.problem.code) == (StepState.WAITING, "permission-missing")
    assert len(await told(system, ids)) == 1
    await system.tick(3600)
    assert {(await system.record(which)).step(WAIT).state for which in ids} == {StepState.DONE}
    row = await system.shared.get("test-lines", SUBSCRIPTION)
    assert row is not None
    assert "FailedSince" not in row.columns


async def test_a_refused_get_of_one_gateway_belongs_to_the_read_too() -> None:
    system, [which] = await waiting()
    without(system, lambda found: [])
    refuse(system, "get")
    step = await looked(system, which)
    assert (step.state, step.failures) == (StepState.WAITING, 1)
    assert await told(system, [which]) == [which]


async def test_what_is_wrong_with_one_onboarding_still_stops_that_one_alone() -> None:
    system, ids = await waiting(named("first-acg"), named("second-acg"))
    system.outside.gateways.complete(GatewayId(SUBSCRIPTION, "rg-voice", "second-acg"))
    gone = PersonMustActError(ProblemCode.REFUSED, "GET … answered 400.", "Look.")
    refuse(system, "test_lines", gone)
    await system.tick(3600)
    states = [(await system.record(which)).step(WAIT).state for which in ids]
    assert states == [StepState.WAITING, StepState.NEEDS_ATTENTION]
    assert await told(system, ids) == []


async def test_each_subscription_is_told_of_by_itself_and_an_outage_is_not_told_of() -> None:
    system, ids = await waiting(named("here-acg"), named("there-acg", OTHER))
    refuse(system, times=2)
    await system.tick()
    assert sorted(await told(system, ids)) == sorted(ids)
    quiet, [one] = await waiting()
    refuse(quiet, problem=TryLaterError(ProblemCode.OUTAGE, "GET … answered 503."))
    step = await looked(quiet, one, 60)
    assert step.problem is not None
    assert (step.state, step.problem.what_next) == (StepState.WAITING, IT_IS_TRIED_AGAIN)
    assert await told(quiet, [one]) == []
    assert [row async for row in _rows(quiet)] == []


async def _rows(system: System) -> Any:
    for what in ("gateways", "gateway", "test-lines"):
        row = await system.shared.get(what, SUBSCRIPTION)
        if row is not None:
            yield row


async def test_people_are_reminded_of_a_refused_read_while_it_lasts_and_not_after() -> None:
    system, ids = await waiting(named("first-acg"), named("second-acg"))
    refuse(system, times=10_000)
    for _ in range(24 * 11):
        await looked(system, ids[0])
    assert len(mails(system)) == 3, "at once, after three days, and a week later"
    rows = [row async for row in _rows(system)]
    assert [row.columns["Code"] for row in rows] == ["permission-missing"]
    system.outside.gateways.faults = type(system.outside.gateways.faults)()
    await system.tick(3600)
    before = [len(await system.events(which)) for which in ids]
    [row] = [row async for row in _rows(system)]
    assert "FailedSince" not in row.columns
    assert before == [len(await system.events(which)) for which in ids]


async def test_of_two_processes_one_tells() -> None:
    system, ids = await waiting(*(named(f"acg-{place:02d}") for place in range(4)))
    refuse(system, times=2)
    system.clock.advance(60)
    await asyncio.gather(timer_pass(system.engine), timer_pass(system.engine))
    assert len(await told(system, ids)) == 1


async def test_a_table_that_does_not_answer_keeps_nobody_from_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    system, [which] = await waiting()

    async def down(partition: str, key: str) -> Row | None:
        raise ConnectionError("the table is down")

    monkeypatch.setattr(system.shared, "get", down)
    refuse(system)
    assert (await looked(system, which, 60)).failures == 1
    assert await told(system, [which]) == []
    system.outside.settle()
    assert (await looked(system, which)).state is StepState.DONE


async def test_whoever_took_it_up_and_died_is_replaced() -> None:
    reads, hour = Reads(MemoryTable(), System().policy), timedelta(hours=1)
    assert await reads.failed("gateways", SUBSCRIPTION, "permission-missing", START)
    assert not await reads.failed("gateways", SUBSCRIPTION, "permission-missing", START)
    again = START + timedelta(seconds=TELLING)
    assert await reads.failed("gateways", SUBSCRIPTION, "permission-missing", again)
    await reads.told("gateways", SUBSCRIPTION, again)
    assert not await reads.failed("gateways", SUBSCRIPTION, "permission-missing", again + hour)
    await reads.works("gateways", SUBSCRIPTION)
    # It failed again within a day of the last word: people hear of it when that day is over.
    assert not await reads.failed("gateways", SUBSCRIPTION, "permission-missing", again + 2 * hour)
    a_day_on = again + timedelta(seconds=UNSAID_FOR)
    assert await reads.failed("gateways", SUBSCRIPTION, "permission-missing", a_day_on)
    await reads.works("gateways", OTHER)
    await reads.told("gateways", OTHER, START)
    await reads.failed("gateways", OTHER, "permission-missing", START)
    await reads.works("gateways", OTHER)
    assert await reads.failed("gateways", OTHER, "permission-missing", START), "nobody was told yet"


async def test_a_cancelled_onboarding_tells_of_no_refused_read() -> None:
    system, ids = await waiting(named("first-acg"), named("second-acg"))
    await system.engine.happen(ids[0], CancelRequested("ada", "not wanted"))
    refuse(system)
    await system.tick(60)
    assert await told(system, ids) == [ids[1]]


async def test_all_is_well_and_no_row_is_written() -> None:
    system, record = await finished(ASKED)
    assert record.state is OnboardingState.COMPLETED
    assert [row async for row in _rows(system)] == []
