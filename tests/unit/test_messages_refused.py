"""A missing Sender role is a problem on the step that waits for the message, not only a warning in a log."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from onboarding.core.decide import PRODUCTION, decide
from onboarding.core.events import (
    CancelRequested,
    MessageRefused,
    NoticeStarted,
    Started,
    TimePassed,
)
from onboarding.core.messages import NOTICES_QUEUE
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import Notice, OnboardingState, Problem, Record, StepState
from onboarding.core.request import OnboardingRequest
from onboarding.ports import BusUnavailableError
from onboarding.standing import last_problem
from tests.support import requests
from tests.support.records import NOW, after, finish, new
from tests.support.system import System

FIRST = "enable-services"
REFUSED = Problem(code=ProblemCode.MESSAGES_NOT_PERMITTED, seen="The role is missing.", what_next="Give it.")


def refused() -> Record:
    return decide(new().record, MessageRefused(FIRST, None, 1, REFUSED), NOW).record


def owing() -> tuple[Record, Notice]:
    record = finish(after("operator-information"), "assign-admin-user")
    return record, next(n for n in record.notices if n.owed)


# -- the rule -----------------------------------------------------------------------------------------------------


def test_a_step_whose_message_is_refused_stays_due_and_says_who_must_act() -> None:
    before, decision = new().record, decide(new().record, MessageRefused(FIRST, None, 1, REFUSED), NOW)
    step = decision.record.step(FIRST)
    assert step.problem == REFUSED
    assert step.model_copy(update={"problem": None}) == before.step(FIRST)
    assert not decision.effects
    assert last_problem(decision.record) == REFUSED
    assert (decision.record.tail[-1].what, decision.record.tail[-1].step) == ("message-refused", FIRST)


def test_it_is_told_once_however_often_the_timer_repeats_the_message() -> None:
    record, now = refused(), NOW
    for _ in range(3):
        now += PRODUCTION.nudge_after(record.step(FIRST).nudges) + timedelta(seconds=1)
        repeated = decide(record, TimePassed(), now)
        assert len(repeated.effects) == 1
        record = repeated.record
        assert record.step(FIRST).problem == REFUSED
        assert not decide(record, MessageRefused(FIRST, None, record.version, REFUSED), now).changed


def test_the_problem_is_gone_when_the_step_starts() -> None:
    step = decide(refused(), Started(FIRST, 1), NOW).record.step(FIRST)
    assert (step.state, step.problem) == (StepState.RUNNING, None)


@pytest.mark.parametrize(
    ("record", "ticket"),
    [
        (new().record, 7),
        (decide(new().record, Started(FIRST, 1), NOW).record, 1),
        (decide(new().record, CancelRequested("ada", "why"), NOW).record, 1),
    ],
    ids=["another message", "a step that runs", "a closed onboarding"],
)
def test_what_does_not_wait_for_that_message_is_left_alone(record: Record, ticket: int) -> None:
    assert not decide(record, MessageRefused(FIRST, None, ticket, REFUSED), NOW).changed


def test_a_notice_whose_message_is_refused_stays_owed_with_the_problem_until_it_is_taken_up() -> None:
    record, notice = owing()
    happening = MessageRefused(None, notice.id, notice.ticket, REFUSED)
    noted = decide(record, happening, NOW).record
    kept = next(n for n in noted.notices if n.id == notice.id)
    assert kept == notice.model_copy(update={"problem": REFUSED})
    assert not decide(noted, happening, NOW).changed
    assert not decide(record, MessageRefused(None, "no such notice", 1, REFUSED), NOW).changed
    started = decide(noted, NoticeStarted(notice.id, notice.ticket), NOW).record
    assert next(n for n in started.notices if n.id == notice.id).problem is None


# -- the engine ---------------------------------------------------------------------------------------------------


def system() -> tuple[System, OnboardingRequest]:
    made, request = System(), requests.parsed(requests.operator_connect())
    made.outside.deploy(request)
    return made, request


async def test_whoever_posts_sees_at_once_that_the_message_was_refused() -> None:
    made, request = system()
    made.bus.refuses[FIRST] = REFUSED
    accepted = await made.request(request)
    assert accepted.created
    assert accepted.record.step(FIRST).problem == REFUSED
    assert await made.record(accepted.record.id) == accepted.record


async def test_a_role_that_is_given_later_lets_all_go_on() -> None:
    made, request = system()
    made.bus.refuses[FIRST] = REFUSED
    accepted = (await made.request(request)).record
    for nudges in range(3):
        await made.tick(made.policy.nudge_after(nudges).total_seconds() + 1)
    kinds = [e.what for e in await made.events(accepted.id)]
    assert (kinds.count("message-refused"), kinds.count("time-passed")) == (1, 3)
    made.bus.refuses.clear()
    record = await made.run(accepted.id)
    assert record.state is OnboardingState.COMPLETED
    assert record.step(FIRST).problem is None


async def test_of_several_messages_only_those_refused_are_noted_and_the_others_go() -> None:
    made, request = system()
    made.bus.refuses[NOTICES_QUEUE] = REFUSED
    accepted = (await made.request(request)).record
    for _ in range(20):
        while await made.deliver():
            pass
        made.outside.settle()
        await made.tick()
    record = await made.record(accepted.id)
    assert {n.problem for n in record.notices if n.owed} == {REFUSED}
    assert record.step("operator-information").state is StepState.WAITING
    assert not any(s.problem for s in record.steps)


async def test_what_was_committed_counts_also_if_the_refusal_can_not_be_noted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made, request = system()
    made.bus.refuses[FIRST] = REFUSED

    async def away(*_: object) -> None:
        raise ConnectionError("the table is away")

    monkeypatch.setattr(made.records, "save", away)
    accepted = await made.request(request)
    assert accepted.created
    assert "was not noted" in caplog.text


async def test_a_bus_that_is_resting_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    made, request = system()
    made.bus.faults.add("publish", BusUnavailableError("It failed just now."))
    caplog.set_level(logging.WARNING)
    await made.request(request)
    [told] = [r for r in caplog.records if "the timer will" in r.message]
    assert "were not sent; the timer will: It failed just now." in told.message
    assert told.exc_info is None
