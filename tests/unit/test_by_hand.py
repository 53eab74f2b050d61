"""An onboarding by hand: each step shows its commands, looks when somebody says that they were run, and goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from onboarding.azure.calls import update_txt_call
from onboarding.azure.permissions import ChangesBy
from onboarding.core.decide import RefusedError, decide
from onboarding.core.events import (
    AdminUserApproved,
    CancelRequested,
    LeftToPeople,
    MadeByHand,
    SkipRequested,
    TimePassed,
)
from onboarding.core.notices import NoticeKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.proposal import Api, Call
from onboarding.core.record import OnboardingState, Record, StepState
from onboarding.fence import ReadsOnlyError, WithdrawnError, fenced, ports_of
from onboarding.kinds import read_request
from onboarding.planning.by_hand import NO_COMMANDS, SERVER, commands_of, instructions_by_hand
from onboarding.ports import TxtRecord, writes_of
from onboarding.standing import OPERATOR, waiting_for
from onboarding.steps.base import is_by_hand
from tests.support import requests
from tests.support.system import System
from tests.support.trunks import with_trunks

SYNERGY = "eb63d611-525e-4a31-abd7-0cb33f679599"


async def by_hand() -> tuple[System, Record]:
    request = read_request(requests.own_sbc(byHand=True))
    system = with_trunks(request)
    await system.request(request)
    while await system.deliver():
        pass
    return system, await system.record(request.gateway.onboarding_id)


async def test_a_step_shows_its_commands_and_writes_nothing() -> None:
    system, record = await by_hand()
    step = record.step("add-project-synergy")
    assert (step.state, record.state) == (StepState.WAITING, OnboardingState.WAITING_FOR_PEOPLE)
    assert system.outside.writes == []
    (command,) = commands_of(step)
    assert SYNERGY in command.text
    assert instructions_by_hand(step).values[0].text == command.text
    told = [n for n in record.notices if n.step == "add-project-synergy"]
    assert [n.kind for n in told] == [NoticeKind.CHECKPOINT_OPENED]
    assert OPERATOR in {wait.on for wait in [waiting_for(record)] if wait}


async def test_what_was_done_by_hand_is_found_and_the_onboarding_goes_on() -> None:
    system, record = await by_hand()
    await system.outside.world.directory.add_application(SYNERGY, "Operator Connect")
    await system.engine.happen(record.id, MadeByHand("add-project-synergy", "ada"))
    await system.deliver()
    record = await system.record(record.id)
    step = record.step("add-project-synergy")
    assert (step.state, step.calls) == (StepState.DONE, ())
    assert record.step("assign-admin-user").state is not StepState.PENDING


async def test_what_is_not_done_stays_open_and_nobody_is_told_again() -> None:
    system, record = await by_hand()
    await system.engine.happen(record.id, MadeByHand("add-project-synergy", "ada"))
    await system.deliver()
    again = await system.record(record.id)
    step = again.step("add-project-synergy")
    assert step.state is StepState.WAITING
    assert step.ticket > record.step("add-project-synergy").ticket
    assert len([n for n in again.notices if n.step == "add-project-synergy"]) == 1


async def test_it_is_reminded_of_like_a_checkpoint() -> None:
    _system, record = await by_hand()
    at = record.updated_at + timedelta(days=4)
    after = decide(record, TimePassed(), at).record
    step = after.step("add-project-synergy")
    assert step.reminders == 1
    assert NoticeKind.REMINDER in {n.kind for n in after.notices if n.step == step.name}


async def test_only_what_is_open_by_hand_can_be_said_to_be_made() -> None:
    _, record = await by_hand()
    with pytest.raises(RefusedError, match="not done by hand now"):
        decide(record, MadeByHand("operator-information", "ada"), record.updated_at)
    cancelled = decide(record, CancelRequested("ada", "No."), record.updated_at).record
    with pytest.raises(RefusedError, match="cancelled"):
        decide(cancelled, MadeByHand("add-project-synergy", "ada"), record.updated_at)


async def test_it_may_be_skipped_and_then_has_no_commands() -> None:
    _, record = await by_hand()
    skipped = decide(record, SkipRequested("add-project-synergy", "ada", "Done.", insist=True), record.updated_at)
    assert skipped.record.step("add-project-synergy").calls == ()


async def test_an_attempt_that_was_taken_for_dead_leaves_nothing_to_people() -> None:
    _, record = await by_hand()
    late = decide(record, LeftToPeople("add-project-synergy", 1, "late", ()), record.updated_at)
    assert not late.changed


async def test_a_table_that_somebody_else_wrote_has_nobody_paste_other_calls() -> None:
    _, record = await by_hand()
    other = Call(api=Api.GRAPH, method="DELETE", path="/domains/contoso.com")
    step = record.step("add-project-synergy").model_copy(update={"calls": (other,)})
    assert commands_of(step) == ()


async def test_with_such_a_call_no_command_is_shown_and_somebody_is_told_to_look() -> None:
    _, record = await by_hand()
    other = Call(api=Api.GRAPH, method="DELETE", path="/domains/contoso.com")
    step = record.step("add-project-synergy")
    mixed = step.model_copy(update={"calls": (*step.calls, other)})
    assert commands_of(mixed) == ()
    todo = instructions_by_hand(mixed)
    assert (todo.actions, todo.values) == ((NO_COMMANDS,), ())


async def test_of_a_server_that_takes_updates_its_address_and_key_are_asked_for() -> None:
    _, record = await by_hand()
    update = update_txt_call("corp", TxtRecord(name="voice.contoso.com", value="MS=ms12345678", ttl=3600))
    step = record.step("add-project-synergy").model_copy(update={"calls": (update,)})
    assert SERVER in instructions_by_hand(step).actions


@pytest.mark.parametrize("port", ["gateways", "directory", "dns_zones", "dns_updates"])
async def test_by_hand_the_fence_refuses_every_write_whatever_a_step_does(port: str) -> None:
    system, _ = await by_hand()

    async def yes() -> None: ...

    behind = getattr(fenced(system.outside.world, yes, by_hand=True), port)
    for name in writes_of(ports_of(type(system.outside.world))[port]):
        with pytest.raises(ReadsOnlyError, match="only read"):
            await getattr(behind, name)()
    assert system.outside.writes == []


async def test_people_are_told_all_the_same() -> None:
    system, _ = await by_hand()

    async def no() -> None:
        raise WithdrawnError("no")

    told = fenced(system.outside.world, no, by_hand=True).notifier
    with pytest.raises(WithdrawnError):
        await told.mail((), None)  # type: ignore[arg-type]


async def test_the_setting_is_for_all_onboardings() -> None:
    request = read_request(requests.own_sbc())
    system = with_trunks(request)
    system.engine = replace(system.engine, world=replace(system.outside.world, changes_by=ChangesBy.PEOPLE))
    assert not is_by_hand(request, system.outside.world)
    await system.request(request)
    while await system.deliver():
        pass
    record = await system.record(request.gateway.onboarding_id)
    assert record.step("add-project-synergy").by_hand
    assert system.outside.writes == []


async def test_who_becomes_admin_is_approved_before_there_is_a_command() -> None:
    request = read_request(requests.own_sbc(byHand=True))
    system = with_trunks(request)
    system.engine = replace(system.engine, world=replace(system.outside.world, permitted_admin_users=()))
    await system.outside.world.directory.add_application(SYNERGY, "Operator Connect")
    await system.request(request)
    while await system.deliver():
        pass
    record = await system.record(request.gateway.onboarding_id)
    step = record.step("assign-admin-user")
    assert step.problem is not None
    assert step.problem.code == ProblemCode.ADMIN_USER_NOT_APPROVED
    assert (step.state, step.calls) == (StepState.NEEDS_ATTENTION, ())
    assert step.problem.proposal is not None
    await system.engine.happen(record.id, AdminUserApproved(step.name, "grace", step.problem.proposal.id))
    while await system.deliver():
        pass
    step = (await system.record(record.id)).step("assign-admin-user")
    assert step.by_hand
    assert len(step.calls) == 1
