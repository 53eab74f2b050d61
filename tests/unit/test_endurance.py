"""What weeks bring: attempts that end in nothing, waits without end, and people who have to be reminded."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from onboarding.core.decide import decide
from onboarding.core.events import (
    Abandoned,
    CheckRequested,
    Looked,
    Nudge,
    PauseRequested,
    Postponed,
    ResumeRequested,
    RetryRequested,
    Started,
    Stopped,
    TimePassed,
)
from onboarding.core.policy import Policy
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import SOON, TryLaterError
from onboarding.core.record import DETAIL_LENGTH, OnboardingState, Problem, Record, StepState
from onboarding.core.rules.given_up import given_up
from onboarding.core.rules.tasks import may_write
from onboarding.engine import outcome_of
from tests.support import requests
from tests.support.records import NOW, after, new, told
from tests.support.steps import BY_NAME, TASKS
from tests.support.system import System

THROTTLED = Problem(code="throttled", seen="Azure Resource Manager answered 429.")
POLICY = Policy()
DAYS = timedelta(days=1)
FIRST = "enable-services"


def test_an_attempt_that_never_comes_back_counts_against_the_budget_and_at_last_asks_a_person() -> None:
    record, now, attempts = new().record, NOW, 0
    while record.step(FIRST).state is not StepState.NEEDS_ATTENTION:
        step = record.step(FIRST)
        record = decide(record, Started(FIRST, step.ticket), now).record
        attempts += 1
        now += timedelta(seconds=POLICY.lease)
        record = decide(record, TimePassed(), now).record
    assert attempts == BY_NAME[FIRST].budget.attempts
    problem = record.step(FIRST).problem
    assert problem is not None
    assert problem.code == "attempt-lost"
    assert "300 s" in problem.seen


BUDGET = timedelta(seconds=BY_NAME[FIRST].budget.seconds)


def postponed_twice(record: Record, now: datetime, between: timedelta, **asked: float) -> Record:
    for moment in (now, now + between):
        ticket = record.step(FIRST).ticket
        record = decide(record, Started(FIRST, ticket), moment).record
        record = decide(record, Postponed(FIRST, ticket, THROTTLED, **asked), moment).record
    return record


@pytest.mark.parametrize("problem", [TryLaterError(ProblemCode.OUTAGE, "503").problem, given_up("TooMany", "started")])
def test_what_is_not_tried_any_more_does_not_say_that_it_is_tried_again(problem: Problem) -> None:
    record, now = new().record, NOW
    assert "tried again" in problem.what_next
    for moment in (now, now + BUDGET):
        ticket = record.step(FIRST).ticket
        record = decide(record, Started(FIRST, ticket), moment).record
        record = decide(record, Postponed(FIRST, ticket, problem), moment).record
    step = record.step(FIRST)
    assert step.state is StepState.NEEDS_ATTENTION
    assert step.problem is not None
    assert step.problem.what_next == (
        "It is not tried again by itself. See whether the cause is gone (the service's health, the function's log);"
        " then retry the step, which gives it all its attempts anew."
    )


def test_time_ends_a_budget_too_from_the_first_attempt_on() -> None:
    late = NOW + 3 * BUDGET
    record = postponed_twice(new().record, late, BUDGET - timedelta(seconds=1))
    assert record.step(FIRST).state is StepState.DUE
    record = postponed_twice(new().record, late, BUDGET)
    assert record.step(FIRST).state is StepState.NEEDS_ATTENTION
    assert "after 2 attempts" in (record.step(FIRST).problem or THROTTLED).seen


def test_the_time_of_a_pause_is_not_counted() -> None:
    record = decide(new().record, Started(FIRST, 1), NOW).record
    record = decide(record, Postponed(FIRST, 1, THROTTLED), NOW).record
    record = decide(record, PauseRequested("ada", "why"), NOW).record
    later = NOW + 2 * BUDGET
    record = decide(record, ResumeRequested("ada"), later).record
    ticket = record.step(FIRST).ticket
    record = decide(record, Started(FIRST, ticket), later).record
    record = decide(record, Postponed(FIRST, ticket, THROTTLED), later).record
    assert (record.step(FIRST).state, record.step(FIRST).attempts) == (StepState.DUE, 2)


def test_a_retry_has_the_whole_budget_again_but_keeps_microsofts_pause() -> None:
    late = NOW + BUDGET
    record = postponed_twice(new().record, NOW, BUDGET, retry_after=600)
    assert record.step(FIRST).state is StepState.NEEDS_ATTENTION
    decision = decide(record, RetryRequested(FIRST, "ada"), late + timedelta(seconds=60))
    step = decision.record.step(FIRST)
    assert step.next_attempt_at == late + timedelta(seconds=602)
    assert step.attempts == 0
    assert not decide(decision.record, Started(FIRST, step.ticket), late + timedelta(seconds=500)).changed


def test_a_person_need_not_wait_for_the_next_attempt_but_microsofts_pause_is_kept() -> None:
    record = postponed_twice(new().record, NOW, timedelta(seconds=60))
    waits = record.step(FIRST)
    now = NOW + timedelta(seconds=61)
    assert waits.next_attempt_at is not None
    assert waits.next_attempt_at > now
    decision = decide(record, RetryRequested(FIRST, "ada"), now)
    step = decision.record.step(FIRST)
    assert (step.next_attempt_at, step.attempts, step.problem) == (now, 0, None)
    assert decision.effects == (Nudge(record.id, FIRST, step.ticket),)
    assert decision.record.tail[-1].detail == ""
    assert not decide(decision.record, Started(FIRST, waits.ticket), waits.next_attempt_at).changed, "the old message"
    asked = postponed_twice(new().record, NOW, timedelta(seconds=60), retry_after=600)
    decision = decide(asked, RetryRequested(FIRST, "ada"), now)
    assert decision.record.step(FIRST).next_attempt_at == NOW + timedelta(seconds=602)
    assert decision.record.tail[-1].detail == "Microsoft asked for a pause until 09:10:02 UTC."


def test_an_abandoned_attempt_is_due_at_once_and_its_own_end_no_longer_counts() -> None:
    record = decide(new().record, Started(FIRST, 1), NOW).record
    decision = decide(record, Abandoned(FIRST, 1), NOW)
    step = decision.record.step(FIRST)
    assert (step.state, step.next_attempt_at) == (StepState.DUE, NOW)
    assert not decide(decision.record, Postponed(FIRST, 1, THROTTLED), NOW).changed
    assert not decide(decision.record, Abandoned(FIRST, 1), NOW).changed


def test_only_the_attempt_that_the_record_knows_may_write_and_only_within_its_lease() -> None:
    due = new().record
    assert not may_write(due, FIRST, 1, NOW)
    record = decide(due, Started(FIRST, 1), NOW).record
    end = NOW + timedelta(seconds=POLICY.lease)
    assert may_write(record, FIRST, 1, NOW)
    assert not may_write(record, FIRST, 2, NOW)
    assert not may_write(record, FIRST, 1, end)
    taken = decide(record, TimePassed(), end).record
    assert not may_write(taken, FIRST, 1, end)


# -- waits ------------------------------------------------------------------------------------------------------

WAIT = "provisioning-complete"


def look(record: Record, after_: timedelta, **seen: object) -> Record:
    return decide(record, Looked(WAIT, False, "Provisioning Status is ChangePending.", **seen), NOW + after_).record  # type: ignore[arg-type]


def test_a_wait_never_expires_and_people_are_told_when_it_is_long() -> None:
    record = after(WAIT)
    record = look(record, 13 * DAYS)
    assert not [n for n in record.notices if n.kind == "long-wait"]
    record = look(record, 14 * DAYS)
    assert [n.kind for n in record.notices if n.owed] == ["long-wait"]
    record = told(record)
    record = look(record, 15 * DAYS)
    assert not [n for n in record.notices if n.owed]
    record = look(record, 21 * DAYS)
    assert [n.kind for n in record.notices if n.owed] == ["long-wait"]
    assert record.step(WAIT).state is StepState.WAITING
    assert record.step(WAIT).next_attempt_at == NOW + 21 * DAYS + timedelta(seconds=POLICY.poll_longest)


def test_a_look_that_fails_like_the_one_before_is_nothing_new_and_microsofts_pause_is() -> None:
    record = decide(after(WAIT), Looked(WAIT, False, "503", problem=THROTTLED), NOW).record
    other_words = THROTTLED.model_copy(update={"seen": "503 again, request id 2"})
    assert not decide(record, Looked(WAIT, False, "503 again", problem=other_words), NOW).changed
    asked = decide(record, Looked(WAIT, False, "429", problem=THROTTLED, retry_after=9000), NOW).record
    at = asked.step(WAIT).next_attempt_at
    assert at is not None
    assert at >= NOW + timedelta(seconds=9000)
    checked = decide(asked, CheckRequested(WAIT, "ada"), NOW).record
    assert checked.step(WAIT).next_attempt_at == NOW + timedelta(seconds=9002)
    assert "pause until 11:30:02 UTC" in checked.tail[-1].detail
    fine = decide(record, Looked(WAIT, False, "ChangePending"), NOW).record
    assert fine.step(WAIT).failures == 0


def test_a_look_that_somebody_asked_for_is_noted_also_when_it_shows_nothing_new() -> None:
    look_again = Looked(WAIT, False, "ChangePending")
    record = decide(after(WAIT), look_again, NOW).record
    assert not decide(record, look_again, NOW + DAYS).changed
    asked = decide(record, CheckRequested(WAIT, "ada"), NOW + DAYS).record
    answered = decide(asked, look_again, NOW + DAYS)
    assert (answered.changed, answered.record.tail[-1].what) == (True, "looked")
    assert not decide(answered.record, look_again, NOW + DAYS).changed


# -- people -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [s.name for s in TASKS])
def test_a_step_that_needs_attention_has_an_owner_and_a_next_time(name: str) -> None:
    record = after(name)
    record = decide(record, Started(name, record.step(name).ticket), NOW).record
    record = told(decide(record, Stopped(name, record.step(name).ticket, THROTTLED), NOW).record)
    assert record.step(name).next_attempt_at == NOW + 3 * DAYS
    reminded = decide(record, TimePassed(), NOW + 3 * DAYS).record
    assert [n.kind for n in reminded.notices if n.owed and n.step == name] == ["needs-attention"]
    assert reminded.step(name).next_attempt_at == NOW + 10 * DAYS
    assert reminded.state is OnboardingState.NEEDS_ATTENTION


def test_a_clock_that_jumps_back_neither_loses_nor_repeats_anything() -> None:
    record = decide(new().record, Started(FIRST, 1), NOW).record
    back = NOW - timedelta(hours=3)
    assert not decide(record, TimePassed(), back).changed
    record = decide(record, Postponed(FIRST, 1, THROTTLED), back).record
    step = record.step(FIRST)
    assert step.next_attempt_at is not None
    assert back < step.next_attempt_at < NOW
    assert decide(record, Started(FIRST, step.ticket), NOW).changed


async def test_a_timer_that_did_not_run_for_a_day_catches_up_with_one_look() -> None:
    request = requests.parsed(requests.operator_connect())
    system = System()
    system.outside.deploy(request)
    record = (await system.request(request)).record
    while await system.deliver():
        pass
    system.clock.advance(86400)
    await system.tick()
    assert (await system.record(record.id)).step(WAIT).attempts == 1
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED


REFUSED = TryLaterError(
    ProblemCode.SIGN_IN_FAILED, "Microsoft Graph answered 401.", in_the_end="Check AZURE_CLIENT_ID."
)


def tried_until_it_stops(problems: list[TryLaterError]) -> tuple[Record, datetime]:
    """The first step fails with these, one after another, and from then on with the last of them."""
    record, now, left = new().record, NOW, list(problems)
    while record.step(FIRST).state is StepState.DUE:
        step = record.step(FIRST)
        now = step.next_attempt_at or now
        record = decide(record, Started(FIRST, step.ticket), now).record
        record = decide(record, outcome_of(left.pop(0) if len(left) > 1 else left[0], FIRST, step.ticket), now).record
    return record, now


def test_a_refused_token_is_tried_within_the_budget_and_then_people_are_told_to_look_at_the_identity() -> None:
    """Bug report: one 401 stopped a branch at its first attempt."""
    assert REFUSED.what_next == "Nothing: it is tried again. If it stays so: Check AZURE_CLIENT_ID."
    record, now = tried_until_it_stops([REFUSED])
    step = record.step(FIRST)
    assert step.attempts == BY_NAME[FIRST].budget.attempts
    assert now - NOW > timedelta(hours=12)
    assert step.state is StepState.NEEDS_ATTENTION
    assert step.problem is not None
    assert step.problem.seen == "Microsoft Graph answered 401. (after 30 attempts)"
    assert step.problem.what_next == "Check AZURE_CLIENT_ID."


def test_what_is_soon_to_be_told_is_tried_for_minutes_only_whatever_went_wrong_before() -> None:
    """Bug report: a conflict with another object was tried for a day."""
    conflict = TryLaterError(ProblemCode.CONFLICT, "It exists already.", in_the_end="Look at it.", at_most=SOON)
    record, now = tried_until_it_stops([REFUSED, conflict, conflict, REFUSED, conflict])
    step = record.step(FIRST)
    assert step.attempts == 4 + SOON
    assert step.problem is not None
    assert (step.problem.code, step.problem.what_next) == ("conflict", "Look at it.")
    record, now = tried_until_it_stops([conflict])
    assert record.step(FIRST).attempts == SOON
    assert timedelta(minutes=5) <= now - NOW <= timedelta(minutes=7)


def test_a_retry_gives_all_attempts_anew_to_what_is_soon_to_be_told() -> None:
    conflict = TryLaterError(ProblemCode.CONFLICT, "It exists already.", in_the_end="Look at it.", at_most=SOON)
    record, now = tried_until_it_stops([conflict])
    record = decide(record, RetryRequested(FIRST, "ada"), now).record
    assert record.step(FIRST).failures == 0
    record = decide(record, Started(FIRST, record.step(FIRST).ticket), now).record
    record = decide(record, outcome_of(conflict, FIRST, record.step(FIRST).ticket), now).record
    assert record.step(FIRST).state is StepState.DUE


def test_the_longest_text_keeps_the_number_of_its_attempts() -> None:
    record, _ = tried_until_it_stops([TryLaterError(ProblemCode.OUTAGE, "x" * 2000)])
    problem = record.step(FIRST).problem
    assert problem is not None
    assert problem.seen.endswith("… (after 30 attempts)")
    assert len(problem.seen) == DETAIL_LENGTH


def test_an_outage_never_ends_a_wait() -> None:
    record = after(WAIT)
    for _ in range(100):
        at = record.step(WAIT).next_attempt_at or NOW
        record = decide(record, Looked(WAIT, False, "503", TryLaterError(ProblemCode.OUTAGE, "503").problem), at).record
    assert record.step(WAIT).state is StepState.WAITING
