"""The rules: what follows when something happens to an onboarding."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onboarding.core.decide import Decision, RefusedError, create, decide
from onboarding.core.events import (
    CancelRequested,
    CheckRequested,
    Confirmed,
    LinkRefused,
    Looked,
    NoticeFailed,
    NoticeSent,
    NoticeStarted,
    Nudge,
    NudgeNotice,
    Postponed,
    ProblemReported,
    RetryRequested,
    Started,
    Stopped,
    Succeeded,
    TimePassed,
)
from onboarding.core.policy import Policy
from onboarding.core.record import Delivered, Notice, OnboardingState, Problem, Record, StepState
from onboarding.upgrade import rebuild_record as rebuild
from tests.support.records import NOW, after, finish_all, new
from tests.support.steps import BY_NAME, STEPS

POLICY = Policy()
PROBLEM = Problem(code="throttled", seen="Microsoft Graph answered 429.")


def nudge(decision: Decision, step: str) -> Nudge:
    """The nudge of that step among the effects."""
    return next(e for e in decision.effects if isinstance(e, Nudge) and e.step == step)


# -- the plan -------------------------------------------------------------------------------------------------


def test_a_new_onboarding_has_its_whole_plan_and_starts_with_the_first_step() -> None:
    decision = new()
    assert [s.name for s in decision.record.steps] == [s.name for s in STEPS]
    assert [s.name for s in decision.record.steps if s.state is StepState.DUE] == ["enable-services"]
    assert decision.effects == (Nudge(decision.record.id, "enable-services", 1),)
    assert decision.record.state is OnboardingState.RUNNING


def test_an_operator_onboarded_already_skips_three_steps_with_the_reason_from_the_first_second() -> None:
    record = new(alreadyOnboarded=True).record
    skipped = [s for s in record.steps if s.state is StepState.SKIPPED]
    assert [s.name for s in skipped] == ["add-project-synergy", "assign-admin-user", "operator-information"]
    assert all("onboarded already" in (s.skipped_because or "") for s in skipped)


def test_branches_run_side_by_side_once_the_gateway_is_provisioned() -> None:
    record = after("provisioning-complete")
    decision = decide(record, Looked("provisioning-complete", True, "Complete"), NOW)
    started = {e.step for e in decision.effects if isinstance(e, Nudge)}
    assert started == {"add-project-synergy", "find-application-id", "add-domain"}


def test_skipped_steps_count_as_ended_for_what_needs_them() -> None:
    record = after("provisioning-complete", new(alreadyOnboarded=True).record)
    record = decide(record, Looked("provisioning-complete", True, "Complete"), NOW).record
    assert record.step("portal-access").state is StepState.WAITING


def test_every_step_done_completes_the_onboarding_and_tells_people() -> None:
    record = finish_all(new().record)
    assert record.state is OnboardingState.COMPLETED
    assert [n.kind for n in record.notices][-1] == "completed"
    assert all(s.state is StepState.DONE for s in record.steps)


# -- tasks ----------------------------------------------------------------------------------------------------


def test_only_the_message_with_the_right_ticket_starts_a_step() -> None:
    record = new().record
    assert not decide(record, Started("enable-services", 7), NOW).changed
    started = decide(record, Started("enable-services", 1), NOW)
    assert started.record.step("enable-services").state is StepState.RUNNING
    assert started.record.step("enable-services").attempts == 1


def test_a_doubled_message_changes_nothing() -> None:
    record = decide(new().record, Started("enable-services", 1), NOW).record
    assert not decide(record, Started("enable-services", 1), NOW).changed
    done = decide(record, Succeeded("enable-services", 1, "done"), NOW).record
    assert not decide(done, Started("enable-services", 1), NOW).changed
    assert not decide(done, Succeeded("enable-services", 1, "done"), NOW).changed


def test_a_step_is_not_started_before_what_it_needs() -> None:
    record = new().record
    for step in STEPS[1:]:
        assert not decide(record, Started(step.name, 1), NOW).changed


def test_a_postponed_step_is_due_later_and_never_before_microsoft_asked() -> None:
    record = decide(new().record, Started("enable-services", 1), NOW).record
    decision = decide(record, Postponed("enable-services", 1, PROBLEM, retry_after=90.0), NOW)
    step = decision.record.step("enable-services")
    assert step.state is StepState.DUE
    assert step.next_attempt_at is not None
    assert step.next_attempt_at >= NOW + timedelta(seconds=90)
    assert nudge(decision, "enable-services").after >= 90
    early = decide(decision.record, Started("enable-services", step.ticket), NOW + timedelta(seconds=90))
    assert not early.changed


def test_gaps_between_attempts_grow_and_the_last_one_asks_a_person() -> None:
    record, now, gaps = new().record, NOW, []
    while record.step("enable-services").state is StepState.DUE:
        step = record.step("enable-services")
        assert step.next_attempt_at is not None
        now = step.next_attempt_at
        record = decide(record, Started("enable-services", step.ticket), now).record
        decision = decide(record, Postponed("enable-services", step.ticket, PROBLEM), now)
        record = decision.record
        gaps += [e.after for e in decision.effects if isinstance(e, Nudge)]
    budget = BY_NAME["enable-services"].budget
    assert len(gaps) == budget.attempts - 1
    assert gaps[:8] == sorted(gaps[:8])
    assert max(gaps) <= POLICY.retry_longest * 1.2
    assert timedelta(hours=12) < now - NOW <= timedelta(seconds=budget.seconds)
    assert record.state is OnboardingState.NEEDS_ATTENTION
    problem = record.step("enable-services").problem
    assert problem is not None
    assert "30 attempts" in problem.seen


def test_a_stopped_step_tells_people_and_leaves_other_branches_running() -> None:
    record = after("add-domain")
    ticket = record.step("add-domain").ticket
    record = decide(record, Started("add-domain", ticket), NOW).record
    decision = decide(record, Stopped("add-domain", ticket, PROBLEM), NOW)
    assert decision.record.step("add-domain").state is StepState.NEEDS_ATTENTION
    assert decision.record.step("add-project-synergy").state is StepState.DUE
    assert [n.kind for n in decision.record.notices] == ["needs-attention"]


def test_a_retried_step_starts_anew_and_no_other_does() -> None:
    record = decide(new().record, Started("enable-services", 1), NOW).record
    record = decide(record, Stopped("enable-services", 1, PROBLEM), NOW).record
    decision = decide(record, RetryRequested("enable-services", "ada"), NOW)
    assert [e.step for e in decision.effects if isinstance(e, Nudge)] == ["enable-services"]
    assert decision.record.step("enable-services").attempts == 0
    assert all(n.next_attempt_at is None for n in decision.record.notices)


# -- waits and checkpoints ------------------------------------------------------------------------------------


def test_an_old_wait_is_looked_at_less_often() -> None:
    assert POLICY.poll_after(timedelta(0)) == timedelta(seconds=60)
    assert POLICY.poll_after(timedelta(hours=1)) == timedelta(minutes=6)
    assert POLICY.poll_after(timedelta(days=14)) == timedelta(hours=1)


def test_not_yet_is_no_error_and_says_when_it_is_looked_at_again() -> None:
    record = after("provisioning-complete")
    decision = decide(record, Looked("provisioning-complete", False, "ChangePending"), NOW)
    step = decision.record.step("provisioning-complete")
    assert (step.state, step.detail, step.problem) == (StepState.WAITING, "ChangePending", None)
    assert step.next_attempt_at == NOW + timedelta(seconds=60)


def test_a_wait_that_cannot_end_by_itself_asks_a_person() -> None:
    record = after("provisioning-complete")
    record = decide(record, Looked("provisioning-complete", False, "Failed", PROBLEM, stop=True), NOW).record
    assert record.state is OnboardingState.NEEDS_ATTENTION
    again = decide(record, RetryRequested("provisioning-complete", "ada"), NOW).record
    assert again.step("provisioning-complete").state is StepState.WAITING


def test_a_person_may_have_a_wait_looked_at_now() -> None:
    record = after("provisioning-complete")
    record = decide(record, Looked("provisioning-complete", False, "ChangePending"), NOW).record
    soon = NOW + timedelta(seconds=1)
    record = decide(record, CheckRequested("provisioning-complete", "ada"), soon).record
    assert record.step("provisioning-complete").next_attempt_at == soon


def test_a_confirmed_checkpoint_keeps_who_and_what_they_noted() -> None:
    record = after("operator-information")
    record = decide(record, Confirmed("operator-information", "ada", "form sent"), NOW).record
    step = record.step("operator-information")
    assert (step.state, step.ended_by, step.note) == (StepState.DONE, "ada", "form sent")
    assert record.step("portal-access").state is StepState.WAITING


def test_a_person_may_say_that_the_txt_record_is_there() -> None:
    record = after("txt-record-visible")
    record = decide(record, Confirmed("txt-record-visible", "ada", "split-horizon DNS"), NOW).record
    assert record.step("verify-domain").state is StepState.DUE


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("enable-services", "nobody can confirm"),
        ("portal-access", "until operator-information and assign-admin-user have ended"),
        ("no-such-step", "There is no step"),
    ],
)
def test_a_refused_confirmation_says_why(step: str, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        decide(new().record, Confirmed(step, "ada"), NOW)


def test_a_checkpoint_is_confirmed_once() -> None:
    record = decide(after("operator-information"), Confirmed("operator-information", "ada"), NOW).record
    with pytest.raises(RefusedError, match="it is done, by ada"):
        decide(record, Confirmed("operator-information", "bob"), NOW)


@pytest.mark.parametrize("happening", [RetryRequested("enable-services", "ada"), CheckRequested("add-domain", "ada")])
def test_controls_are_refused_where_they_make_no_sense(happening: RetryRequested | CheckRequested) -> None:
    with pytest.raises(RefusedError, match="cannot be"):
        decide(new().record, happening, NOW)


# -- repair ---------------------------------------------------------------------------------------------------


def test_a_lost_message_is_sent_again_after_its_grace() -> None:
    record = new().record
    assert not decide(record, TimePassed(), NOW + timedelta(seconds=119)).changed
    repaired = decide(record, TimePassed(), NOW + timedelta(seconds=120))
    again = nudge(repaired, "enable-services")
    assert (again.ticket, again.nudges) == (1, 1)
    assert decide(repaired.record, Started("enable-services", 1), NOW + timedelta(seconds=121)).changed


def test_a_function_that_died_is_followed_by_another_and_has_no_more_say() -> None:
    record = decide(new().record, Started("enable-services", 1), NOW).record
    later = NOW + timedelta(seconds=POLICY.lease)
    assert not decide(record, TimePassed(), later - timedelta(seconds=1)).changed
    repaired = decide(record, TimePassed(), later).record
    assert repaired.step("enable-services").state is StepState.DUE
    assert not decide(repaired, Succeeded("enable-services", 1, "late"), later).changed


def opened() -> tuple[Record, Notice]:
    """A record whose first checkpoint has just opened, and the notice of it."""
    record = after("operator-information")
    return record, record.notices[0]


def sending(record: Record, notice: Notice) -> Record:
    return decide(record, NoticeStarted(notice.id, notice.ticket), NOW).record


def test_an_owed_notice_is_sent_once_and_repaired_when_lost() -> None:
    record, notice = opened()
    assert notice.kind == "checkpoint-opened"
    repaired = decide(record, TimePassed(), NOW + timedelta(seconds=120))
    assert [e.notice for e in repaired.effects if isinstance(e, NudgeNotice)] == [notice.id]
    started = sending(record, notice)
    assert not decide(started, NoticeStarted(notice.id, notice.ticket), NOW).changed, "a doubled message sends nothing"
    delivered = (Delivered(way="teams", at=NOW),)
    sent = decide(started, NoticeSent(notice.id, notice.ticket, delivered), NOW).record
    assert sent.notices[0].sent == delivered
    assert not sent.notices[0].owed
    assert not decide(sent, NoticeStarted(notice.id, notice.ticket), NOW).changed


def test_a_function_that_died_while_sending_is_followed_by_another() -> None:
    record, notice = opened()
    started = sending(record, notice)
    soon = NOW + timedelta(seconds=POLICY.notice_lease)
    early = decide(started, TimePassed(), soon - timedelta(seconds=1)).record
    assert early.notices[0] == started.notices[0]
    repaired = decide(started, TimePassed(), soon).record
    again = repaired.notices[0].next_attempt_at
    assert again is not None
    assert soon < again < soon + timedelta(seconds=10)
    assert decide(repaired, NoticeStarted(notice.id, repaired.notices[0].ticket), again).changed


def test_a_notice_that_cannot_be_sent_is_tried_again_and_holds_nothing_up() -> None:
    record, notice = opened()
    decision = decide(sending(record, notice), NoticeFailed(notice.id, notice.ticket, PROBLEM, 60), NOW)
    failed = decision.record.notices[0]
    assert failed.problem == PROBLEM
    assert failed.next_attempt_at is not None
    assert failed.next_attempt_at >= NOW + timedelta(seconds=60)
    assert decide(decision.record, Confirmed("operator-information", "ada"), NOW).changed


def test_people_are_reminded_after_three_days_then_weekly_and_a_second_address_is_told_once() -> None:
    record, _ = opened()
    days: list[tuple[float, str]] = []
    for hour in range(24 * 40):
        now = NOW + timedelta(hours=hour)
        decision = decide(record, TimePassed(), now)
        if decision.changed:
            record = decision.record
            days += [(hour / 24, n.kind) for n in record.notices if n.ticket == record.version and n.owed]
            for notice in [n for n in record.notices if n.owed]:
                record = decide(record, NoticeStarted(notice.id, notice.ticket), now).record
                record = decide(record, NoticeSent(notice.id, notice.ticket, ()), now).record
    expected = [(0, "checkpoint-opened"), (3, "reminder"), (10, "reminder"), (14, "escalation"), (17, "reminder")]
    assert [d for d in days if d[0] > 0.5][:4] == expected[1:]
    assert [kind for _, kind in days].count("escalation") == 1
    assert days[-1] == (38, "reminder")


def test_a_timer_that_did_not_run_for_weeks_reminds_once() -> None:
    record, notice = opened()
    record = decide(sending(record, notice), NoticeSent(notice.id, notice.ticket, ()), NOW).record
    late = NOW + timedelta(days=30)
    first = decide(record, TimePassed(), late)
    assert [n.kind for n in first.record.notices if n.owed] == ["escalation"]
    assert not decide(first.record, TimePassed(), late + timedelta(seconds=1)).changed
    at = first.record.step("operator-information").next_attempt_at
    assert at == NOW + timedelta(days=31)


def test_a_reported_problem_needs_attention_and_a_retry_opens_the_checkpoint_anew() -> None:
    record, _ = opened()
    decision = decide(record, ProblemReported("operator-information", "bob", "no form came"), NOW)
    step = decision.record.step("operator-information")
    assert step.state is StepState.NEEDS_ATTENTION
    assert step.problem is not None
    assert step.problem.seen == "bob reports: no form came"
    assert [n.kind for n in decision.record.notices if n.owed] == ["problem-reported"]
    again = decide(decision.record, RetryRequested("operator-information", "ada"), NOW).record
    reopened = again.step("operator-information")
    assert (reopened.state, reopened.ticket) == (StepState.WAITING, again.version)
    assert [n.kind for n in again.notices if n.owed] == ["checkpoint-opened"]


def test_links_that_are_no_good_are_noted_once_an_hour() -> None:
    record, _ = opened()
    refused = LinkRefused("operator-information", "expired")
    noted = decide(record, refused, NOW)
    assert noted.record.tail[-1].what == "link-refused"
    assert not decide(noted.record, refused, NOW + timedelta(minutes=59)).changed
    assert decide(noted.record, refused, NOW + timedelta(minutes=60)).changed


def test_notices_of_years_fit_the_row() -> None:
    record, _ = opened()
    now = NOW
    for _ in range(300):
        now += timedelta(days=7)
        record = decide(record, TimePassed(), now).record
        for notice in [n for n in record.notices if n.owed]:
            record = decide(record, NoticeStarted(notice.id, notice.ticket), now).record
            sent = (Delivered(way="email", to=("voice-ops@contoso.com",), at=now),)
            record = decide(record, NoticeSent(notice.id, notice.ticket, sent), now).record
    assert sum(len(n.model_dump_json(by_alias=True)) for n in record.notices) <= 21_000
    assert rebuild(list(record.tail)) == record.model_copy(update={"tail": ()})


def test_a_closed_checkpoint_owes_no_notice() -> None:
    record = decide(after("operator-information"), Confirmed("operator-information", "ada"), NOW).record
    assert not [n for n in record.notices if n.step == "operator-information" and n.owed]


# -- the end --------------------------------------------------------------------------------------------------


def test_nothing_happens_after_cancelling() -> None:
    record = decide(new().record, CancelRequested("ada", "wrong gateway"), NOW).record
    assert record.state is OnboardingState.CANCELLED
    assert not decide(record, Succeeded("enable-services", 1, "late"), NOW).changed
    assert [n.kind for n in record.notices if n.owed] == ["cancelled"]
    for happening in (CancelRequested("ada", "again"), RetryRequested("enable-services", "ada")):
        with pytest.raises(RefusedError, match="cancelled"):
            decide(record, happening, NOW)


def test_started_again_it_keeps_its_history_and_goes_through_every_step() -> None:
    first = finish_all(new().record)
    again = create(first.request, "bob", NOW, POLICY, first)
    assert again.record.version == first.version + 1
    assert again.record.run == 2
    assert again.record.step("enable-services").ticket == again.record.version
    assert [e.version for e in again.record.tail] == list(range(1, again.record.version + 1))


def test_the_audit_trail_rebuilds_the_record() -> None:
    first = finish_all(new().record)
    again = finish_all(create(first.request, "bob", NOW, POLICY, first).record)
    for record in (first, again):
        assert rebuild(list(record.tail)) == record.model_copy(update={"tail": ()})
