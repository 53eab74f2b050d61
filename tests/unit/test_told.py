"""How each transition reads in the audit trail, to the letter: what, of which step, in which words, by whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from onboarding.core.decide import Decision, RefusedError, create, decide
from onboarding.core.events import (
    Abandoned,
    CancelRequested,
    CheckRequested,
    Confirmed,
    ContactsChanged,
    DeadLettered,
    Happening,
    LinkRefused,
    Looked,
    MessageRefused,
    NoticeFailed,
    NoticeSent,
    NoticeStarted,
    Nudge,
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
from onboarding.core.policy import Policy
from onboarding.core.record import DETAIL_LENGTH, Delivered, Notice, Problem, Record, StepState
from onboarding.core.request import Addressees, OnboardingTeam
from tests.support.records import NOW, after, finish, finish_all, new

FIRST, WAIT, ASKED = "enable-services", "provisioning-complete", "operator-information"
PROBLEM = Problem(code="outage", seen="ARM answered 503.")
DAY = timedelta(days=1)
GAVE_UP = "Service Bus gave up the message that should have {} it: {}."
Told = tuple[str, str | None, str, str]


def running(name: str = FIRST, record: Record | None = None) -> Record:
    record = record or new().record
    return decide(record, Started(name, record.step(name).ticket), NOW).record


def stopped() -> Record:
    return decide(running(), Stopped(FIRST, 1, PROBLEM), NOW).record


def asked() -> Record:
    return finish(after(ASKED), "assign-admin-user")


def owed(record: Record) -> Notice:
    return next(n for n in record.notices if n.owed)


def sending() -> Record:
    record = asked()
    return decide(record, NoticeStarted(owed(record).id, owed(record).ticket), NOW).record


def paused() -> Record:
    return decide(new().record, PauseRequested("ada", "a freeze"), NOW).record


def told(decision: Decision) -> Told:
    event = decision.record.tail[-1]
    return event.what, event.step, event.detail, event.actor


US = "application"
ID = "checkpoint-opened:operator-information:{}"
SENT = (Delivered(way="teams", at=NOW), Delivered(way="email", to=("a@contoso.com", "b@contoso.com"), at=NOW))

STORIES: list[tuple[Callable[[], Record], Callable[[Record], Happening], timedelta, Told]] = [
    (lambda: new().record, lambda r: Started(FIRST, 1), 0 * DAY, ("step-started", FIRST, "attempt 1", US)),
    (running, lambda r: Succeeded(FIRST, 1, "Changed it."), 0 * DAY, ("step-done", FIRST, "Changed it.", US)),
    (running, lambda r: Stopped(FIRST, 1, PROBLEM), 0 * DAY, ("step-stopped", FIRST, "ARM answered 503.", US)),
    (
        running,
        lambda r: Postponed(FIRST, 1, PROBLEM, retry_after=60),
        0 * DAY,
        ("step-postponed", FIRST, "ARM answered 503. Next attempt in 64 s.", US),
    ),
    (
        running,
        lambda r: Abandoned(FIRST, 1),
        0 * DAY,
        ("step-abandoned", FIRST, "Given up unfinished; the next attempt finds what is done already.", US),
    ),
    (
        lambda: new().record,
        lambda r: DeadLettered(FIRST, None, 1, ""),
        0 * DAY,
        ("dead-lettered", FIRST, GAVE_UP.format("started", "no reason given"), US),
    ),
    (
        running,
        lambda r: DeadLettered(FIRST, None, 1, "TooMany"),
        0 * DAY,
        ("dead-lettered", FIRST, GAVE_UP.format("started", "TooMany"), US),
    ),
    (
        asked,
        lambda r: DeadLettered(None, owed(r).id, owed(r).ticket, ""),
        0 * DAY,
        ("dead-lettered", ASKED, f"{ID}: {GAVE_UP.format('sent', 'no reason given')}", US),
    ),
    (
        lambda: new().record,
        lambda r: MessageRefused(FIRST, None, 1, PROBLEM),
        0 * DAY,
        ("message-refused", FIRST, "ARM answered 503.", US),
    ),
    (
        asked,
        lambda r: MessageRefused(None, owed(r).id, owed(r).ticket, PROBLEM),
        0 * DAY,
        ("message-refused", ASKED, f"{ID}: ARM answered 503.", US),
    ),
    (lambda: after(WAIT), lambda r: Looked(WAIT, False, "Not yet."), 0 * DAY, ("looked", WAIT, "Not yet.", US)),
    (lambda: after(WAIT), lambda r: Looked(WAIT, True, "It is."), 0 * DAY, ("step-done", WAIT, "It is.", US)),
    (
        lambda: after(WAIT),
        lambda r: Looked(WAIT, False, "Failed.", problem=PROBLEM, stop=True),
        0 * DAY,
        ("step-stopped", WAIT, "ARM answered 503.", US),
    ),
    (
        asked,
        lambda r: NoticeStarted(owed(r).id, owed(r).ticket),
        0 * DAY,
        ("notice-started", ASKED, f"{ID}, attempt 1", US),
    ),
    (
        sending,
        lambda r: NoticeSent(owed(r).id, owed(r).ticket, SENT),
        0 * DAY,
        ("notice-sent", ASKED, f"{ID}: teams, email (2)", US),
    ),
    (
        sending,
        lambda r: NoticeSent(owed(r).id, owed(r).ticket, ()),
        0 * DAY,
        ("notice-sent", ASKED, f"{ID}: nobody is to be told", US),
    ),
    (
        sending,
        lambda r: NoticeFailed(owed(r).id, owed(r).ticket, PROBLEM),
        0 * DAY,
        ("notice-failed", ASKED, f"{ID}: ARM answered 503.", US),
    ),
    (asked, lambda r: Confirmed(ASKED, "ada", "returned"), 0 * DAY, ("confirmed", ASKED, "returned", "ada")),
    (asked, lambda r: ProblemReported(ASKED, "ada", "no form"), 0 * DAY, ("problem-reported", ASKED, "no form", "ada")),
    (asked, lambda r: LinkRefused(ASKED, "used"), 0 * DAY, ("link-refused", ASKED, "used", "the holder of a link")),
    (stopped, lambda r: RetryRequested(FIRST, "ada"), 0 * DAY, ("retry-requested", FIRST, "", "ada")),
    (lambda: after(WAIT), lambda r: CheckRequested(WAIT, "ada"), 0 * DAY, ("check-requested", WAIT, "", "ada")),
    (
        lambda: new().record,
        lambda r: SkipRequested(FIRST, "ada", "by hand"),
        0 * DAY,
        ("skipped", FIRST, "by hand", "ada"),
    ),
    (
        lambda: after("verify-domain"),
        lambda r: SkipRequested("verify-domain", "ada", "by hand", insist=True),
        0 * DAY,
        ("skipped", "verify-domain", "Insisted: by hand", "ada"),
    ),
    (
        lambda: finish(asked(), ASKED),
        lambda r: ReopenRequested(ASKED, "ada", "another form"),
        0 * DAY,
        ("reopened", ASKED, "another form", "ada"),
    ),
    (
        lambda: finish(new().record, FIRST),
        lambda r: ReplayRequested("ada"),
        DAY,
        ("replay-requested", None, "add-test-lines", "ada"),
    ),
    (lambda: new().record, lambda r: PauseRequested("ada", "a freeze"), 0 * DAY, ("paused", None, "a freeze", "ada")),
    (paused, lambda r: ResumeRequested("bob"), 0 * DAY, ("resumed", None, "", "bob")),
    (lambda: new().record, lambda r: CancelRequested("ada", "wrong"), 0 * DAY, ("cancelled", None, "wrong", "ada")),
    (
        lambda: new().record,
        lambda r: ContactsChanged(
            "ada", OnboardingTeam(name="Partner", email="team@example.com"), Addressees(emails=("night@contoso.com",))
        ),
        0 * DAY,
        ("contacts-changed", None, "notify.emails, onboardingTeam.name", "ada"),
    ),
    (running, lambda r: TimePassed(), DAY, ("time-passed", None, f"{FIRST} did not come back", US)),
    (
        lambda: finish(after("add-domain"), "add-domain"),
        lambda r: TimePassed(),
        timedelta(seconds=120),
        (
            "time-passed",
            None,
            "add-project-synergy nudged again, find-application-id nudged again, share-txt-record nudged again",
            US,
        ),
    ),
    (stopped, lambda r: TimePassed(), 3 * DAY, ("time-passed", None, f"{FIRST} reminded of", US)),
    (paused, lambda r: TimePassed(), 7 * DAY, ("time-passed", None, "reminded of the pause", US)),
]


@pytest.mark.parametrize(
    ("make", "happen", "later", "expected"), STORIES, ids=[s[3][0] + str(i) for i, s in enumerate(STORIES)]
)
def test_each_transition_is_told(
    make: Callable[[], Record], happen: Callable[[Record], Happening], later: timedelta, expected: Told
) -> None:
    record = make()
    number = next((n.ticket for n in record.notices if n.owed and n.step == ASKED), 0)
    what, step, detail, actor = expected
    assert told(decide(record, happen(record), NOW + later)) == (what, step, detail.format(number), actor)


def test_a_reminder_and_an_escalation_are_told_apart() -> None:
    record = asked().model_copy(update={"notices": ()})
    others = tuple(s.model_copy(update={"next_attempt_at": None}) if s.name != ASKED else s for s in record.steps)
    record = record.model_copy(update={"steps": others})
    said, now = [], NOW
    while record.step(ASKED).reminders < 3:
        now = record.step(ASKED).next_attempt_at or now
        decision = decide(record, TimePassed(), now)
        said.append((told(decision)[2], [n.kind for n in decision.record.notices if n.owed], (now - NOW).days))
        record = decision.record.model_copy(update={"notices": ()})
    assert said == [
        (f"{ASKED} reminded of", ["reminder"], 3),
        (f"{ASKED} reminded of", ["reminder"], 10),
        (f"{ASKED} escalated", ["escalation"], 14),
        (f"{ASKED} reminded of", ["reminder"], 17),
    ]
    assert (record.step(ASKED).reminders, record.step(ASKED).escalated) == (3, True)
    owed_to = [n.step for n in decision.record.notices if n.owed]
    assert owed_to == [ASKED]


def test_requests_are_told() -> None:
    first = finish_all(new().record)
    assert told(new()) == ("requested", None, "", "ada")
    assert told(create(first.request, "bob", NOW, Policy(), first)) == ("requested-again", None, "", "bob")


# -- refusals ---------------------------------------------------------------------------------------------------

AGAIN = "It can be started again."
REFUSALS: list[tuple[Callable[[], Record], Happening, str]] = [
    (
        new_closed := (lambda: finish_all(new().record)),
        PauseRequested("a", "b"),
        f"The onboarding is completed; it cannot be paused. {AGAIN}",
    ),
    (new_closed, ResumeRequested("a"), f"The onboarding is completed; it cannot be resumed. {AGAIN}"),
    (new_closed, ReplayRequested("a"), f"The onboarding is completed; there is nothing to replay. {AGAIN}"),
    (
        new_closed,
        ContactsChanged("a"),
        f"The onboarding is completed; its contacts cannot be changed any more. {AGAIN}",
    ),
    (new_closed, CancelRequested("a", "b"), "The onboarding cannot be cancelled: it is completed already."),
    (
        new_closed,
        RetryRequested(FIRST, "a"),
        f"The onboarding is completed; nothing can be done to its steps any more. {AGAIN}",
    ),
    (paused, PauseRequested("bob", "b"), "The onboarding is paused already, by ada (a freeze). Resume it to go on."),
    (
        paused,
        ReplayRequested("a"),
        "Nothing can be replayed now: the onboarding is paused, by ada (a freeze). Resume it first.",
    ),
    (lambda: new().record, ResumeRequested("a"), "The onboarding is not paused; it is running."),
    (
        lambda: new().record,
        RetryRequested(FIRST, "a"),
        f"'{FIRST}' cannot be retried now: it is due; only a step that needs attention, or has failed and waits"
        " for its next attempt, can be.",
    ),
    (
        lambda: new().record,
        CheckRequested(FIRST, "a"),
        f"'{FIRST}' cannot be checked now: it is a task that is due; only a wait that is waiting can be.",
    ),
    (
        lambda: decide(after(WAIT), PauseRequested("ada", "a freeze"), NOW).record,
        CheckRequested(WAIT, "a"),
        f"'{WAIT}' cannot be checked now: the onboarding is paused, by ada (a freeze). Resume it first.",
    ),
    (
        lambda: decide(stopped(), PauseRequested("ada", "a freeze"), NOW).record,
        RetryRequested(FIRST, "a"),
        f"'{FIRST}' cannot be retried now: the onboarding is paused, by ada (a freeze). Resume it first.",
    ),
    (
        running,
        SkipRequested(FIRST, "a", "b"),
        f"'{FIRST}' cannot be skipped now: a function is at it. Try again when that has ended.",
    ),
    (
        lambda: finish(new().record, FIRST),
        SkipRequested(FIRST, "a", "b"),
        f"'{FIRST}' cannot be skipped: it is done already, by application.",
    ),
    (
        lambda: new().record,
        SkipRequested("verify-domain", "a", "b"),
        "'verify-domain' cannot be skipped: Microsoft's article does not let it be left out. Insist (\"insist\": true)"
        " if you know that it was done in another way.",
    ),
    (
        lambda: new().record,
        ReopenRequested(FIRST, "a", "b"),
        f"'{FIRST}' cannot be reopened: it is a task that is due; only what a person confirmed, or a step that was"
        " skipped, can be.",
    ),
    (
        lambda: running("add-test-lines", decide(new().record, SkipRequested(FIRST, "a", "b"), NOW).record),
        ReopenRequested(FIRST, "a", "b"),
        f"'{FIRST}' cannot be reopened now: a function is at add-test-lines, which needs it."
        " Try again when that has ended.",
    ),
    (
        lambda: after(WAIT),
        ReplayRequested("a"),
        "There is nothing to replay: no message was given up, none is late, and no notice has failed.",
    ),
    (
        lambda: new().record,
        Confirmed(ASKED, "a"),
        f"'{ASKED}' cannot be confirmed now: it is pending until assign-admin-user has ended."
        " Only a step that is waiting or needs attention can be.",
    ),
    (
        lambda: new().record,
        ProblemReported("portal-access", "a", "b"),
        "'portal-access' cannot be reported as a problem now: it is pending until operator-information and"
        " assign-admin-user have ended. Only a step that is waiting can be.",
    ),
    (
        lambda: new().record,
        Confirmed(FIRST, "a"),
        f"'{FIRST}' is a task, which nobody can confirm; these can be confirmed: operator-information, portal-access,"
        " add-application-ids, share-txt-record, txt-record-visible.",
    ),
    (
        lambda: decide(running(), CancelRequested("ada", "no"), NOW).record,
        PauseRequested("a", "b"),
        f"The onboarding is cancelling; it cannot be paused. {AGAIN[:-1]} when it is cancelled.",
    ),
    (
        lambda: new().record,
        RetryRequested(ASKED, "a"),
        f"'{ASKED}' cannot be retried now: it is pending until assign-admin-user has ended; only a step that needs"
        " attention, or has failed and waits for its next attempt, can be.",
    ),
    (
        lambda: finish(new().record, FIRST),
        ReopenRequested(FIRST, "a", "b"),
        f"'{FIRST}' cannot be reopened: it is a task that is done, by application; only what a person confirmed, or a"
        " step that was skipped, can be.",
    ),
    (
        lambda: finish(after(WAIT), WAIT),
        CheckRequested(WAIT, "a"),
        f"'{WAIT}' cannot be checked now: it is a wait that is done, by application; only a wait that is waiting"
        " can be.",
    ),
    (
        lambda: running("share-txt-record", finish(after("add-domain"), "add-domain")),
        ContactsChanged("a", OnboardingTeam(name="P", email="p@example.com")),
        "The team cannot be changed now: a function is at 'share-txt-record'. Try again when that has ended.",
    ),
]


@pytest.mark.parametrize(("make", "control", "sentence"), REFUSALS, ids=[str(i) for i in range(len(REFUSALS))])
def test_each_refusal_says_why(make: Callable[[], Record], control: Happening, sentence: str) -> None:
    with pytest.raises(RefusedError) as refused:
        decide(make(), control, NOW)
    assert str(refused.value) == sentence


def test_an_unknown_step_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(RefusedError, match=r"There is no step 'format-disk'; the steps are enable-services, add-test"):
        decide(new().record, RetryRequested("format-disk", "ada"), NOW)


# -- effects and what stands on the record ----------------------------------------------------------------------


def test_a_nudge_and_a_notice_carry_exactly_what_the_record_says() -> None:
    record = new().record
    assert new().effects == (Nudge(record.id, FIRST, 1, 0.0),)
    decision = decide(running(), Stopped(FIRST, 1, PROBLEM), NOW)
    assert decision.effects == (NudgeNotice(record.id, f"needs-attention:{FIRST}:3", 3, 0.0),)
    cancelled = decide(record, CancelRequested("ada", "why"), NOW)
    assert cancelled.effects == (NudgeNotice(record.id, "cancelled:onboarding:2", 2, 0.0),)
    failing = sending()
    notice = owed(failing)
    failed = decide(failing, NoticeFailed(notice.id, notice.ticket, PROBLEM, retry_after=50, sent=SENT[:1]), NOW)
    again = owed(failed.record)
    [effect] = failed.effects
    assert 52 <= effect.after <= 62
    assert effect == NudgeNotice(record.id, notice.id, failed.record.version, effect.after)
    assert again.next_attempt_at == NOW + timedelta(seconds=effect.after)
    assert (again.not_before, again.ticket) == (NOW + timedelta(seconds=52), failed.record.version)
    assert (again.sending, again.sent, again.problem, again.attempts) == (False, SENT[:1], PROBLEM, 1)
    early = decide(failed.record, NoticeStarted(again.id, again.ticket), NOW + timedelta(seconds=50))
    assert not early.changed
    given_up = decide(failed.record, DeadLettered(None, again.id, again.ticket, "why"), NOW + timedelta(seconds=62))
    letter = owed(given_up.record)
    assert (letter.attempts, letter.sending) == (2, False)
    assert letter.problem is not None
    assert letter.problem.what_next.startswith("Look at the function's log for why it failed each time.")
    [effect] = given_up.effects
    assert 10 <= effect.after <= 12


def test_what_a_failed_look_leaves_on_the_record_and_what_a_long_one_is_about() -> None:
    looked = decide(after(WAIT), Looked(WAIT, False, "503", problem=PROBLEM), NOW).record.step(WAIT)
    assert (looked.problem, looked.detail, looked.failures, looked.attempts) == (PROBLEM, "503", 1, 1)
    late = decide(after(WAIT), Looked(WAIT, False, "Not yet."), NOW + 15 * DAY).record
    assert [(n.kind, n.step) for n in late.notices if n.owed] == [("long-wait", WAIT)]
    gone = decide(after(WAIT), Looked(WAIT, False, "gone", problem=PROBLEM, stop=True), NOW).record.step(WAIT)
    assert (gone.state, gone.problem) == (StepState.NEEDS_ATTENTION, PROBLEM)


def test_what_is_said_of_attempts_and_messages_that_ended_in_nothing() -> None:
    letter = decide(new().record, DeadLettered(FIRST, None, 1, ""), NOW).record.step(FIRST).problem
    assert letter is not None
    assert letter.what_next == (
        "Look at the function's log for why it failed each time. It is tried again; `replay` does so now."
    )
    noted = decide(running(), DeadLettered(FIRST, None, 1, "why"), NOW).record.step(FIRST).problem
    assert noted is not None
    assert noted.code == "dead-lettered"
    lost = decide(running(), TimePassed(), NOW + timedelta(seconds=300))
    assert [(e.step, e.after) for e in lost.effects if isinstance(e, Nudge)] == [(FIRST, 0.0)]
    assert lost.record.step(FIRST).problem == Problem(
        code="attempt-lost",
        seen="The function that was at it did not come back within 300 s: its process was ended, or hangs.",
        what_next="If it stays so, look at the function's log for what ends it (memory, time limit), then retry.",
    )
    reported = decide(asked(), ProblemReported(ASKED, "ada", "no form"), NOW).record.step(ASKED)
    assert reported.problem == Problem(
        code="reported",
        seen="ada reports: no form",
        what_next="Talk to them; when it is put right, retry the step: the checkpoint opens again.",
    )
    assert decide(running(), Stopped(FIRST, 1, PROBLEM), NOW).record.step(FIRST).problem == PROBLEM


def test_a_step_that_begins_again_has_nothing_left_of_before() -> None:
    spoilt = {
        "failures": 3,
        "reminders": 4,
        "detail": "old",
        "warned_at": NOW,
        "attempts": 9,
        "begun_at": NOW,
        "problem": PROBLEM,
    }
    record = after(WAIT)
    steps = tuple(
        s.model_copy(update={**spoilt, "state": StepState.NEEDS_ATTENTION}) if s.name == WAIT else s
        for s in record.steps
    )
    begun = decide(record.model_copy(update={"steps": steps}), RetryRequested(WAIT, "ada"), NOW + DAY).record
    step = begun.step(WAIT)
    assert (step.failures, step.reminders, step.detail, step.attempts) == (0, 0, "", 0)
    assert (step.warned_at, step.begun_at, step.problem) == (None, None, None)
    assert (step.ticket, step.since, step.next_attempt_at) == (begun.version, NOW + DAY, NOW + DAY)


def test_a_checkpoint_that_opens_again_may_be_escalated_again() -> None:
    record = asked()
    steps = tuple(s.model_copy(update={"escalated": True}) if s.name == ASKED else s for s in record.steps)
    record = record.model_copy(update={"steps": steps})
    reported = decide(record, ProblemReported(ASKED, "ada", "no form"), NOW).record
    again = decide(reported, RetryRequested(ASKED, "ada"), NOW + DAY).record.step(ASKED)
    assert (again.escalated, again.reminders, again.next_attempt_at) == (False, 0, NOW + 4 * DAY)


def test_a_step_that_is_put_back_or_left_out_has_nothing_left_of_before() -> None:
    record = decide(stopped(), SkipRequested(FIRST, "ada", "by hand"), NOW).record
    step = record.step(FIRST)
    assert (step.problem, step.next_attempt_at, step.skipped_because) == (None, None, "by hand")
    assert not [n for n in record.notices if n.owed]
    confirmed = finish(asked(), ASKED)
    confirmed = decide(confirmed, ReopenRequested(ASKED, "ada", "why"), NOW).record
    portal = confirmed.step("portal-access")
    assert (portal.state, portal.next_attempt_at, portal.problem) == (StepState.PENDING, None, None)
    paused_ = decide(asked(), Confirmed(ASKED, "ada", "returned"), NOW).record
    paused_ = decide(paused_, PauseRequested("ada", "why"), NOW).record
    put_back = decide(paused_, ReopenRequested(ASKED, "ada", "why"), NOW).record.step(ASKED)
    assert (put_back.state, put_back.ended_by, put_back.note, put_back.detail) == (StepState.PENDING, None, None, "")
    skipped = decide(paused(), SkipRequested(FIRST, "ada", "why"), NOW).record
    back = decide(skipped, ReopenRequested(FIRST, "ada", "why"), NOW).record.step(FIRST)
    assert (back.state, back.skipped_because) == (StepState.PENDING, None)


def test_what_a_person_confirmed_stands_with_their_words() -> None:
    step = decide(asked(), Confirmed(ASKED, "ada", "returned"), NOW).record.step(ASKED)
    assert (step.detail, step.note, step.ended_by, step.problem) == ("Confirmed by a person.", "returned", "ada", None)
    silent = decide(asked(), Confirmed(ASKED, "ada"), NOW).record.step(ASKED)
    assert silent.note is None
    machine = finish(new().record, FIRST).step(FIRST)
    assert (machine.note, machine.ended_by, machine.next_attempt_at) == (None, "application", None)


def test_a_long_text_is_cut_at_what_the_record_holds() -> None:
    step = decide(asked(), Confirmed(ASKED, "ada", "x" * DETAIL_LENGTH), NOW).record.step(ASKED)
    assert step.note == "x" * DETAIL_LENGTH
    step = decide(asked(), Confirmed(ASKED, "ada", "x" * (DETAIL_LENGTH + 1)), NOW).record.step(ASKED)
    assert step.note == "x" * (DETAIL_LENGTH - 1) + "…"


def test_the_last_attempt_of_a_budget_is_told_as_a_stop() -> None:
    record = new().record
    used = tuple(s.model_copy(update={"attempts": 29}) if s.name == FIRST else s for s in record.steps)
    record = running(FIRST, record.model_copy(update={"steps": used}))
    decision = decide(record, Postponed(FIRST, 1, PROBLEM), NOW)
    assert told(decision) == ("step-stopped", FIRST, "ARM answered 503. (after 30 attempts)", US)
    assert decision.record.step(FIRST).reminders == 0
    reminded = decide(decision.record, TimePassed(), NOW + 3 * DAY).record
    assert reminded.step(FIRST).reminders == 1
    again = running(FIRST, decide(reminded, RetryRequested(FIRST, "ada"), NOW).record)
    assert decide(again, Stopped(FIRST, again.step(FIRST).ticket, PROBLEM), NOW).record.step(FIRST).reminders == 0


def test_a_notice_that_is_over_is_not_being_sent() -> None:
    record = sending()
    notice = owed(record)
    sent = decide(record, NoticeSent(notice.id, notice.ticket, SENT), NOW).record
    assert [(n.sending, n.problem) for n in sent.notices if n.id == notice.id] == [(False, None)]
    withdrawn = decide(record, Confirmed(ASKED, "ada"), NOW).record
    failed = decide(withdrawn, NoticeFailed(notice.id, notice.ticket, PROBLEM), NOW).record
    assert [n.sending for n in failed.notices if n.id == notice.id] == [False]


def test_a_replay_sends_what_is_late_and_nothing_else() -> None:
    record = finish(after("add-domain"), "add-domain")
    decision = decide(record, ReplayRequested("ada"), NOW)
    due = [s.name for s in record.steps if s.state is StepState.DUE]
    assert told(decision) == ("replay-requested", None, ", ".join(due), "ada")
    busy = sending()
    with pytest.raises(RefusedError, match="nothing to replay"):
        decide(busy, ReplayRequested("ada"), NOW - DAY)


def test_an_operator_who_is_onboarded_already_has_steps_that_the_application_left_out() -> None:
    record = new(alreadyOnboarded=True).record
    left_out = {s.name: s.ended_by for s in record.steps if s.state is StepState.SKIPPED}
    assert left_out == dict.fromkeys(("add-project-synergy", "assign-admin-user", ASKED), US)
    assert decide(record, Stopped(FIRST, 1, PROBLEM), NOW) == Decision(record, (), False)


def test_since_tells_when_the_state_began_and_nothing_else() -> None:
    first = decide(after(WAIT), Looked(WAIT, False, "Not yet."), NOW + DAY).record.step(WAIT)
    assert first.since == NOW
    done = decide(after(WAIT), Looked(WAIT, True, "It is."), NOW + DAY).record.step(WAIT)
    assert done.since == NOW + DAY


# -- cancel, resume, contacts -----------------------------------------------------------------------------------


def test_a_cancel_takes_back_what_was_owed_and_due_but_keeps_what_has_ended() -> None:
    record = finish(after(ASKED), "assign-admin-user")
    done = {s.name for s in record.steps if s.ended}
    cancelled = decide(record, CancelRequested("ada", "why"), NOW).record
    assert {s.name for s in cancelled.steps if s.ended} == done
    assert all(s.next_attempt_at is None for s in cancelled.steps)
    assert [n.kind for n in cancelled.notices if n.owed] == ["cancelled"]
    running_ = running("share-txt-record", finish(after("add-domain"), "add-domain"))
    cancelling = decide(running_, CancelRequested("ada", "why"), NOW).record
    assert {s.name for s in cancelling.steps if s.next_attempt_at} == {"share-txt-record"}


def test_after_a_pause_reminders_and_warnings_go_on_from_where_they_were() -> None:
    record = asked()
    frozen = decide(record, PauseRequested("ada", "why"), NOW + DAY).record
    resumed = decide(frozen, ResumeRequested("ada"), NOW + 21 * DAY).record.step(ASKED)
    assert (resumed.since, resumed.next_attempt_at) == (NOW + 20 * DAY, NOW + 23 * DAY)
    waiting = decide(after(WAIT), PauseRequested("ada", "why"), NOW + DAY).record
    waiting = decide(waiting, ResumeRequested("ada"), NOW + 21 * DAY).record
    looked = decide(waiting, Looked(WAIT, False, "Not yet."), NOW + 21 * DAY).record
    assert not [n for n in looked.notices if n.kind == "long-wait"]
    needing = decide(stopped(), PauseRequested("ada", "why"), NOW + DAY).record
    step = decide(needing, ResumeRequested("ada"), NOW + 21 * DAY).record.step(FIRST)
    assert step.next_attempt_at == NOW + 23 * DAY
    warned = decide(after(WAIT), Looked(WAIT, False, "Not yet."), NOW + 15 * DAY).record
    warned = decide(warned, PauseRequested("ada", "why"), NOW + 16 * DAY).record
    warned = decide(warned, ResumeRequested("ada"), NOW + 26 * DAY).record
    assert warned.step(WAIT).warned_at == NOW + 25 * DAY
    escalated = tuple(s.model_copy(update={"escalated": True}) if s.name == ASKED else s for s in frozen.steps)
    later = decide(frozen.model_copy(update={"steps": escalated}), ResumeRequested("ada"), NOW + 35 * DAY).record
    assert later.step(ASKED).next_attempt_at == NOW + 37 * DAY


def test_a_step_that_stopped_during_a_pause_is_not_moved_before_its_time() -> None:
    frozen = decide(running(), PauseRequested("ada", "why"), NOW).record
    stopped_ = decide(frozen, Stopped(FIRST, 1, PROBLEM), NOW + 2 * DAY).record
    resumed = decide(stopped_, ResumeRequested("ada"), NOW + 5 * DAY).record.step(FIRST)
    assert resumed.since == NOW + 5 * DAY


def test_a_new_team_is_sent_the_txt_record_too_while_it_is_waited_for() -> None:
    record = after("txt-record-visible")
    team = ContactsChanged("ada", OnboardingTeam(name="Partner", email="partner@example.com"))
    changed = decide(record, team, NOW).record
    assert changed.step("share-txt-record").state is StepState.DUE
    assert changed.step("txt-record-visible").state is StepState.PENDING
    seen = finish(record, "txt-record-visible")
    assert decide(seen, team, NOW).record.step("share-txt-record").state is StepState.DONE
    same = OnboardingTeam(name="Other name", email="TEAM@example.com")
    assert decide(record, ContactsChanged("ada", same), NOW).record.step("share-txt-record").state is StepState.DONE


def test_a_new_team_is_not_asked_while_it_is_paused_but_after() -> None:
    frozen = decide(asked(), PauseRequested("ada", "why"), NOW).record
    team = ContactsChanged("ada", OnboardingTeam(name="Partner", email="partner@example.com"))
    changed = decide(frozen, team, NOW)
    assert not changed.effects
    assert changed.record.step(ASKED).ticket == changed.record.version, "the link of the team before is void"
    assert not [n for n in changed.record.notices if n.step == ASKED and n.owed]
    resumed = decide(changed.record, ResumeRequested("ada"), NOW).record
    assert resumed.step(ASKED).state is StepState.WAITING
    assert resumed.step(ASKED).ticket == resumed.version
    only_team = decide(asked(), team, NOW).record
    opened = [n.step for n in only_team.notices if n.owed and n.ticket == only_team.version]
    assert opened == [ASKED]


def test_reopening_asks_microsoft_not_before_it_allowed() -> None:
    waiting = decide(running(), Postponed(FIRST, 1, PROBLEM, retry_after=600), NOW).record
    cancelled = decide(waiting, CancelRequested("ada", "why"), NOW).record
    again = create(cancelled.request, "ada", NOW, Policy(), cancelled)
    assert again.record.step(FIRST).next_attempt_at == NOW + timedelta(seconds=602)


# -- policy -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempts", "asked_for", "seconds"),
    [
        (0, None, 5.0),
        (1, None, 5.0),
        (2, None, 10.0),
        (3, None, 20.0),
        (11, None, 3600.0),
        (99, None, 3600.0),
        (1, 60, 62.0),
        (5, 60, 62.0),
    ],
)
def test_gaps_are_exact_but_for_a_fifth_of_jitter(attempts: int, asked_for: float | None, seconds: float) -> None:
    gaps = [Policy().retry_after(attempts, asked_for, f"seed {n}").total_seconds() for n in range(300)]
    assert min(gaps) >= seconds
    assert max(gaps) <= seconds * 1.2
    if asked_for is None:
        assert max(gaps) > seconds * 1.19
        assert min(gaps) < seconds * 1.01
    assert Policy().retry_after(attempts, asked_for, "same") == Policy().retry_after(attempts, asked_for, "same")


def test_microsofts_pause_comes_with_a_margin_for_clocks() -> None:
    assert 106 <= Policy(clock_skew=3).retry_after(1, 100, "x").total_seconds() <= 126
    assert Policy(clock_skew=3).not_before(NOW, 100) == NOW + timedelta(seconds=106)


def test_missed_reminders_are_not_made_up_for() -> None:
    policy = Policy()
    moments: list[tuple[float, float]] = [(0, 3), (2.9, 3), (3, 10), (9.9, 10), (10, 17), (40, 45)]
    for passed, due in moments:
        now: datetime = NOW + passed * DAY
        assert policy.next_reminder(NOW, now) == NOW + due * DAY
