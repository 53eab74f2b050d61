"""An operator's hands on the controls: each is a transition with an actor, or a refusal that says why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onboarding.core.decide import Decision, RefusedError, decide
from onboarding.core.events import (
    Abandoned,
    CancelRequested,
    CheckRequested,
    Confirmed,
    ContactsChanged,
    DeadLettered,
    Looked,
    NudgeNotice,
    PauseRequested,
    Postponed,
    ProblemReported,
    ReopenRequested,
    ReplayRequested,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
    Started,
    Stopped,
    Succeeded,
    TimePassed,
)
from onboarding.core.record import OnboardingState, Problem, Record, StepState
from onboarding.core.request import Addressees, OnboardingTeam
from tests.support import requests
from tests.support.records import NOW, after, finish, finish_all, new
from tests.support.steps import BY_NAME, STEPS

PROBLEM = Problem(code="throttled", seen="Microsoft Graph answered 429.")
DAYS = timedelta(days=1)


def started(record: Record, name: str) -> Record:
    return decide(record, Started(name, record.step(name).ticket), NOW).record


def actor_of(decision: Decision) -> str:
    return decision.record.tail[-1].actor


# -- skip -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [s.name for s in STEPS])
def test_the_article_decides_what_may_be_skipped_and_an_operator_may_insist(name: str) -> None:
    record = after(name)
    gentle, firm = SkipRequested(name, "ada", "done by hand"), SkipRequested(name, "ada", "done by hand", insist=True)
    if BY_NAME[name].may_be_skipped_when is None:
        with pytest.raises(RefusedError, match="article does not let it be left out"):
            decide(record, gentle, NOW)
    else:
        assert decide(record, gentle, NOW).record.step(name).state is StepState.SKIPPED
    decision = decide(record, firm, NOW)
    step = decision.record.step(name)
    assert (step.state, step.skipped_because, step.ended_by) == (StepState.SKIPPED, "done by hand", "ada")
    assert actor_of(decision) == "ada"
    begun = {s.name for s in decision.record.steps if s.state in (StepState.DUE, StepState.WAITING)}
    followers = {s.name for s in STEPS if name in s.needs and all(decision.record.step(n).ended for n in s.needs)}
    assert followers <= begun


def test_a_step_is_not_skipped_under_a_function_that_is_at_it_nor_when_it_has_ended() -> None:
    running = started(new().record, "enable-services")
    with pytest.raises(RefusedError, match="a function is at it"):
        decide(running, SkipRequested("enable-services", "ada", "why"), NOW)
    done = finish(new().record, "enable-services")
    with pytest.raises(RefusedError, match="done already"):
        decide(done, SkipRequested("enable-services", "ada", "why"), NOW)


def test_the_message_of_a_skipped_step_does_nothing() -> None:
    record = new().record
    skipped = decide(record, SkipRequested("enable-services", "ada", "why"), NOW).record
    assert not decide(skipped, Started("enable-services", 1), NOW).changed


def test_an_onboarding_whose_last_step_is_skipped_is_completed() -> None:
    record = new().record
    for step in STEPS:
        record = decide(record, SkipRequested(step.name, "ada", "all by hand", insist=True), NOW).record
    assert record.state is OnboardingState.COMPLETED


# -- pause and resume -------------------------------------------------------------------------------------------


def test_nothing_is_begun_while_it_is_paused_and_everything_goes_on_after() -> None:
    record = after("add-domain")
    paused = decide(record, PauseRequested("ada", "a change freeze"), NOW).record
    assert paused.state is OnboardingState.PAUSED
    for step in paused.steps:
        if step.state is StepState.DUE:
            assert not decide(paused, Started(step.name, step.ticket), NOW).changed
    assert not decide(paused.model_copy(update={"notices": ()}), TimePassed(), NOW + timedelta(hours=5)).changed
    for control in (RetryRequested("add-domain", "ada"), CheckRequested("provisioning-complete", "ada")):
        with pytest.raises(RefusedError):
            decide(paused, control, NOW)
    resumed = decide(paused, ResumeRequested("bob"), NOW + DAYS)
    due = [s for s in resumed.record.steps if s.state is StepState.DUE]
    assert due
    assert {(e.step, e.ticket) for e in resumed.effects} == {(s.name, resumed.record.version) for s in due}
    assert actor_of(resumed) == "bob"


def test_a_wait_is_not_looked_at_and_a_checkpoint_not_reminded_of_while_it_is_paused() -> None:
    waiting = after("provisioning-complete")
    paused = decide(waiting, PauseRequested("ada", "why"), NOW).record
    assert not decide(paused, Looked("provisioning-complete", True, "Complete"), NOW).changed
    resumed = decide(paused, ResumeRequested("ada"), NOW + DAYS).record
    assert resumed.step("provisioning-complete").next_attempt_at == NOW + DAYS
    asked = after("operator-information")
    asked = finish(asked, "assign-admin-user")
    paused = decide(asked, PauseRequested("ada", "why"), NOW).record
    assert decide(paused, TimePassed(), NOW + 4 * DAYS).record.step("operator-information").reminders == 0
    resumed = decide(paused, ResumeRequested("ada"), NOW + 4 * DAYS).record
    due = resumed.step("operator-information").next_attempt_at
    assert due is not None
    assert due > NOW + 4 * DAYS


def test_a_pause_is_not_forgotten() -> None:
    paused = decide(new().record, PauseRequested("ada", "why"), NOW).record
    while any(n.owed for n in paused.notices):
        paused = paused.model_copy(update={"notices": ()})
    assert paused.next_due_at == NOW + 7 * DAYS
    reminded = decide(paused, TimePassed(), NOW + 7 * DAYS)
    assert [n.kind for n in reminded.record.notices if n.owed] == ["paused"]
    resumed = decide(reminded.record, ResumeRequested("ada"), NOW + 7 * DAYS).record
    assert not [n for n in resumed.notices if n.owed]
    assert reminded.record.pause is not None
    assert reminded.record.pause.next_word_at == NOW + 14 * DAYS


def test_pausing_twice_and_resuming_what_is_not_paused_are_refused() -> None:
    paused = decide(new().record, PauseRequested("ada", "why"), NOW).record
    with pytest.raises(RefusedError, match="paused already, by ada"):
        decide(paused, PauseRequested("bob", "too"), NOW)
    with pytest.raises(RefusedError, match="not paused; it is running"):
        decide(new().record, ResumeRequested("ada"), NOW)


def test_what_a_function_finds_while_it_is_paused_counts_but_nothing_follows_until_it_is_resumed() -> None:
    running = started(new().record, "enable-services")
    paused = decide(running, PauseRequested("ada", "why"), NOW).record
    done = decide(paused, Succeeded("enable-services", running.step("enable-services").ticket, "done"), NOW).record
    assert done.step("enable-services").state is StepState.DONE
    assert done.step("add-test-lines").state is StepState.PENDING
    assert decide(done, ResumeRequested("ada"), NOW).record.step("add-test-lines").state is StepState.DUE


# -- cancel -----------------------------------------------------------------------------------------------------


def test_a_cancel_is_final_when_the_functions_that_are_at_a_step_have_come_back() -> None:
    running = started(new().record, "enable-services")
    ticket = running.step("enable-services").ticket
    asked = decide(running, CancelRequested("ada", "wrong gateway"), NOW)
    assert asked.record.state is OnboardingState.CANCELLING
    assert not [n for n in asked.record.notices if n.owed]
    with pytest.raises(RefusedError, match="cancelling"):
        decide(asked.record, CancelRequested("ada", "again"), NOW)
    for ending in (
        Succeeded("enable-services", ticket, "done"),
        Abandoned("enable-services", ticket),
        Stopped("enable-services", ticket, PROBLEM),
        Postponed("enable-services", ticket, PROBLEM),
    ):
        ended = decide(asked.record, ending, NOW).record
        assert ended.state is OnboardingState.CANCELLED
        assert [n.kind for n in ended.notices if n.owed] == ["cancelled"]
        assert all(s.next_attempt_at is None for s in ended.steps)
    lost = decide(asked.record, TimePassed(), NOW + timedelta(seconds=301)).record
    assert lost.state is OnboardingState.CANCELLED


def test_a_paused_onboarding_can_be_cancelled() -> None:
    paused = decide(new().record, PauseRequested("ada", "why"), NOW).record
    cancelled = decide(paused, CancelRequested("ada", "enough"), NOW).record
    assert (cancelled.state, cancelled.pause) == (OnboardingState.CANCELLED, None)


# -- reopen -----------------------------------------------------------------------------------------------------


def test_a_reopened_checkpoint_asks_again_and_puts_back_what_needs_it() -> None:
    record = after("portal-access")
    assert record.step("portal-access").state is StepState.WAITING
    decision = decide(record, ReopenRequested("operator-information", "ada", "they sent another form"), NOW + DAYS)
    again = decision.record
    assert again.step("operator-information").state is StepState.WAITING
    assert again.step("operator-information").ticket == again.version
    assert again.step("portal-access").state is StepState.PENDING
    assert [n.step for n in again.notices if n.owed and n.kind == "checkpoint-opened"] == ["operator-information"]
    assert actor_of(decision) == "ada"
    confirmed = decide(again, Confirmed("operator-information", "ada"), NOW + DAYS).record
    assert confirmed.step("portal-access").state is StepState.WAITING


def test_what_has_ended_after_a_reopened_checkpoint_stays_so() -> None:
    record = finish(after("portal-access"), "portal-access")
    again = decide(record, ReopenRequested("operator-information", "ada", "why"), NOW).record
    assert again.step("portal-access").state is StepState.DONE


def test_a_skipped_step_can_be_reopened_and_is_then_done() -> None:
    record = decide(new().record, SkipRequested("enable-services", "ada", "why"), NOW).record
    assert record.step("add-test-lines").state is StepState.DUE
    again = decide(record, ReopenRequested("enable-services", "ada", "not done after all"), NOW).record
    assert again.step("enable-services").state is StepState.DUE
    assert again.step("add-test-lines").state is StepState.PENDING
    assert not decide(again, Started("add-test-lines", record.step("add-test-lines").ticket), NOW).changed


def test_nothing_is_reopened_under_a_function_that_needs_it() -> None:
    record = decide(new().record, SkipRequested("enable-services", "ada", "why"), NOW).record
    running = started(record, "add-test-lines")
    with pytest.raises(RefusedError, match="a function is at add-test-lines"):
        decide(running, ReopenRequested("enable-services", "ada", "why"), NOW)


def test_what_a_machine_did_is_not_reopened() -> None:
    record = finish(new().record, "enable-services")
    with pytest.raises(RefusedError, match="only what a person confirmed"):
        decide(record, ReopenRequested("enable-services", "ada", "why"), NOW)


def test_a_wait_that_a_person_confirmed_too_early_is_watched_again() -> None:
    record = after("txt-record-visible")
    record = decide(record, Confirmed("txt-record-visible", "ada"), NOW).record
    again = decide(record, ReopenRequested("txt-record-visible", "ada", "not there yet"), NOW + DAYS).record
    assert again.step("txt-record-visible").next_attempt_at == NOW + DAYS
    assert again.step("verify-domain").state is StepState.PENDING


# -- contacts ---------------------------------------------------------------------------------------------------


def test_other_addressees_are_on_the_request_from_then_on() -> None:
    decision = decide(new().record, ContactsChanged("ada", notify=Addressees(emails=("night@contoso.com",))), NOW)
    assert decision.record.request.notify.emails == ("night@contoso.com",)
    assert actor_of(decision) == "ada"
    assert not decision.effects
    same = ContactsChanged("ada", notify=decision.record.request.notify)
    assert not decide(decision.record, same, NOW).changed


def test_a_new_onboarding_team_is_asked_and_the_links_of_the_old_one_are_no_good() -> None:
    record = finish(after("operator-information"), "assign-admin-user")
    before = record.step("operator-information")
    team = OnboardingTeam(name="Partner", email="partner@example.com")
    decision = decide(record, ContactsChanged("ada", onboarding_team=team), NOW + DAYS)
    step = decision.record.step("operator-information")
    assert step.ticket == decision.record.version != before.ticket
    assert step.since == before.since
    assert [e for e in decision.effects if isinstance(e, NudgeNotice)]


# -- replay and dead letters ------------------------------------------------------------------------------------


def test_a_dead_letter_is_a_failed_attempt_with_its_reason_on_the_record() -> None:
    record = new().record
    decision = decide(record, DeadLettered("enable-services", None, 1, "MaxDeliveryCountExceeded"), NOW)
    step = decision.record.step("enable-services")
    assert step.state is StepState.DUE
    assert step.attempts == 1
    assert step.problem is not None
    assert step.problem.code == "dead-lettered"
    assert "MaxDeliveryCountExceeded" in step.problem.seen
    assert step.next_attempt_at is not None
    assert step.next_attempt_at > NOW
    assert decision.record.tail[-1].what == "dead-lettered"
    assert not decide(decision.record, DeadLettered("enable-services", None, 1, "again"), NOW).changed
    replayed = decide(decision.record, ReplayRequested("ada"), NOW)
    assert replayed.record.step("enable-services").next_attempt_at == NOW
    assert actor_of(replayed) == "ada"


def test_dead_letters_without_end_ask_a_person() -> None:
    record = new().record
    for _ in range(BY_NAME["enable-services"].budget.attempts):
        ticket = record.step("enable-services").ticket
        record = decide(record, DeadLettered("enable-services", None, ticket, "it always fails"), NOW).record
    assert record.state is OnboardingState.NEEDS_ATTENTION


def test_a_dead_letter_of_a_step_that_runs_or_has_ended_changes_nothing_of_it() -> None:
    running = started(new().record, "enable-services")
    ticket = running.step("enable-services").ticket
    noted = decide(running, DeadLettered("enable-services", None, ticket, "why"), NOW).record
    assert noted.step("enable-services").state is StepState.RUNNING
    assert decide(noted, Succeeded("enable-services", ticket, "done"), NOW).record.step("enable-services").ended
    done = finish(new().record, "enable-services")
    assert not decide(done, DeadLettered("enable-services", None, 1, "why"), NOW).changed
    assert not decide(done, DeadLettered("no-such-step", None, 1, "why"), NOW).changed


def test_a_dead_letter_of_a_notice_is_sent_again() -> None:
    record = finish(after("operator-information"), "assign-admin-user")
    notice = next(n for n in record.notices if n.owed)
    decision = decide(record, DeadLettered(None, notice.id, notice.ticket, "why"), NOW)
    again = next(n for n in decision.record.notices if n.id == notice.id)
    assert again.problem is not None
    assert again.owed
    assert again.ticket == decision.record.version
    assert not decide(decision.record, DeadLettered(None, notice.id, notice.ticket, "why"), NOW).changed
    assert not decide(decision.record, DeadLettered(None, "no such notice", 1, "why"), NOW).changed
    replayed = decide(decision.record, ReplayRequested("ada"), NOW).record
    assert next(n for n in replayed.notices if n.id == notice.id).next_attempt_at == NOW


def test_replay_is_refused_when_nothing_was_given_up_and_sends_what_is_late() -> None:
    record = finish(new().record, "enable-services")
    waiting = decide(record, Started("add-test-lines", record.step("add-test-lines").ticket), NOW).record
    with pytest.raises(RefusedError, match="nothing to replay"):
        decide(waiting, ReplayRequested("ada"), NOW)
    late = decide(record, ReplayRequested("ada"), NOW + timedelta(seconds=30))
    assert [e.step for e in late.effects] == ["add-test-lines"]
    assert late.record.step("enable-services") == record.step("enable-services")


# -- what nobody may do any more --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "control",
    [
        PauseRequested("ada", "why"),
        ResumeRequested("ada"),
        ReplayRequested("ada"),
        SkipRequested("enable-services", "ada", "why", insist=True),
        ReopenRequested("operator-information", "ada", "why"),
        RetryRequested("enable-services", "ada"),
        CheckRequested("provisioning-complete", "ada"),
        ContactsChanged("ada", notify=Addressees()),
        Confirmed("portal-access", "ada"),
        ProblemReported("portal-access", "ada", "why"),
    ],
    ids=lambda control: type(control).__name__,
)
def test_a_closed_onboarding_takes_no_more_controls(control: object) -> None:
    record = finish_all(new().record)
    with pytest.raises(RefusedError, match="completed"):
        decide(record, control, NOW)  # type: ignore[arg-type]
    cancelled = decide(new().record, CancelRequested("ada", "why"), NOW).record
    with pytest.raises(RefusedError, match="cancelled"):
        decide(cancelled, control, NOW)  # type: ignore[arg-type]


def test_onboarded_already_but_not_after_all_can_be_reopened() -> None:
    record = new(alreadyOnboarded=True).record
    again = decide(record, ReopenRequested("add-project-synergy", "ada", "it was another tenant"), NOW).record
    assert again.step("add-project-synergy").state is StepState.PENDING
    assert requests.operator_connect()["adminUser"] == again.request.admin_user
