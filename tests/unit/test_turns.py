"""A checkpoint that goes back and forth: one step, whose turn it is, and each turn with its own end (issue 17, 3)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onboarding.core.decide import RefusedError, decide
from onboarding.core.events import (
    Confirmed,
    ContactsChanged,
    PauseRequested,
    ProblemReported,
    ReopenRequested,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
    TimePassed,
)
from onboarding.core.links import Link, LinkError, check_open
from onboarding.core.plan import Party
from onboarding.core.reasons import InvalidRequestError
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.core.request import OnboardingTeam
from onboarding.standing import waiting_for
from onboarding.turns import TurnState, turns_of
from tests.support.records import NOW, after, finish

STEP = "operator-information"
SENT, RETURNED, CONFIRMED = "form-sent", "form-returned", "onboarding-confirmed"
DAY = timedelta(days=1)


def opened() -> Record:
    return finish(after(STEP), "assign-admin-user")


def said(record: Record, turn: str, days: int = 0, **how: object) -> Record:
    return decide(record, Confirmed(STEP, "ada", turn=turn, **how), NOW + days * DAY).record  # type: ignore[arg-type]


def of(record: Record) -> StepRecord:
    return record.step(STEP)


def test_three_turns_each_on_its_own_party_and_with_its_own_end() -> None:
    record = opened()
    seen = [(of(record).state, of(record).waits_on)]
    for turn in (SENT, RETURNED, CONFIRMED):
        record = said(record, turn)
        seen.append((of(record).state, of(record).waits_on))
    assert seen == [
        (StepState.WAITING, Party.ONBOARDING_TEAM),
        (StepState.WAITING, Party.OPERATOR),
        (StepState.WAITING, Party.ONBOARDING_TEAM),
        (StepState.DONE, Party.ONBOARDING_TEAM),
    ]
    assert [event.what for event in record.tail if event.actor == "ada"][-3:] == ["turn-done", "turn-done", "confirmed"]


def test_who_is_waited_on_told_and_reminded_follows_the_turn() -> None:
    record = said(opened(), SENT, days=2)
    waiting = waiting_for(record)
    assert waiting is not None
    assert (waiting.on, waiting.since) == ("the operator", NOW + 2 * DAY)
    [notice] = [n for n in record.notices if n.owed]
    assert (notice.kind, notice.step, notice.ticket) == ("checkpoint-opened", STEP, record.version)
    assert of(record).next_attempt_at == NOW + 5 * DAY, "three days after this turn began"
    reminded = decide(record, TimePassed(), NOW + 5 * DAY).record
    assert of(said(reminded, RETURNED, days=6)).reminders == 0


def test_all_of_it_is_confirmed_at_once_by_whoever_names_no_turn() -> None:
    record = decide(opened(), Confirmed(STEP, "ada", answers={"confirmedOn": "2026-03-01"}), NOW).record
    assert (of(record).state, of(record).answers) == (StepState.DONE, {"confirmedOn": "2026-03-01"})
    assert [turn.state for turn in turns_of(record, of(record))] == [TurnState.DONE] * 3


def test_a_link_ends_the_turn_that_it_was_made_for_and_no_more() -> None:
    record = decide(opened(), Confirmed(STEP, "a holder", outside=True), NOW).record
    assert of(record).turn is not None
    assert of(record).waits_on is Party.OPERATOR


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (SENT, "The turn 'form-sent' of 'operator-information' is done already: now it is 'form-returned', on"),
        (CONFIRMED, "The turn 'onboarding-confirmed' of 'operator-information' is not open yet: now it is"),
        ("lunch", "has no turn 'lunch'; its turns are form-sent, form-returned, onboarding-confirmed"),
    ],
)
def test_a_turn_is_ended_once_and_in_its_order(turn: str, told: str) -> None:
    with pytest.raises(RefusedError, match=told):
        said(said(opened(), SENT), turn)


def test_a_step_without_turns_says_so() -> None:
    record = said(said(said(opened(), SENT), RETURNED), CONFIRMED)
    with pytest.raises(RefusedError, match="'portal-access' has no turns: leave `turn` out"):
        decide(record, Confirmed("portal-access", "ada", turn=SENT), NOW)


def test_what_it_asks_for_belongs_to_the_last_turn() -> None:
    record = opened()
    assert of(record).asks == ()
    with pytest.raises(InvalidRequestError):
        said(record, SENT, answers={"confirmedOn": "2026-03-01"})
    last = said(said(record, SENT), RETURNED)
    assert [asked.name for asked in of(last).asks] == [asked.name for asked in of(last).plan.asks]
    done = said(last, CONFIRMED, answers={"confirmedOn": "2026-03-01"})
    assert of(done).answers == {"confirmedOn": "2026-03-01"}


def test_a_problem_stops_the_turn_and_a_retry_goes_on_with_it() -> None:
    record = decide(said(opened(), SENT), ProblemReported(STEP, "ada", "no pen"), NOW).record
    assert of(record).state is StepState.NEEDS_ATTENTION
    again = decide(record, RetryRequested(STEP, "ada"), NOW).record
    assert of(again).waits_on is Party.OPERATOR
    assert of(said(record, RETURNED)).waits_on is Party.ONBOARDING_TEAM


def test_what_is_reopened_begins_with_the_first_turn() -> None:
    done = said(said(said(opened(), SENT), RETURNED), CONFIRMED)
    again = decide(done, ReopenRequested(STEP, "ada", "another form"), NOW).record
    assert [turn.state for turn in turns_of(again, of(again))] == [TurnState.NOW, TurnState.LATER, TurnState.LATER]


def test_what_is_skipped_is_nobodys_turn() -> None:
    skipped = decide(opened(), SkipRequested(STEP, "ada", "onboarded", insist=True), NOW).record
    assert [turn.state for turn in turns_of(skipped, of(skipped))] == [TurnState.LATER] * 3


def test_in_a_pause_the_next_one_is_told_of_their_turn_when_it_is_over() -> None:
    frozen = decide(opened(), PauseRequested("ada", "a freeze"), NOW).record
    told = decide(frozen, Confirmed(STEP, "ada", turn=SENT), NOW + DAY)
    assert not told.effects
    assert not [n for n in told.record.notices if n.owed]
    resumed = decide(told.record, ResumeRequested("ada"), NOW + 2 * DAY).record
    assert [n.step for n in resumed.notices if n.owed] == [STEP]
    assert of(resumed).next_attempt_at == NOW + 5 * DAY


def test_a_new_team_is_asked_in_its_turn_and_not_in_the_operators() -> None:
    team = ContactsChanged("ada", OnboardingTeam(name="Partner", email="partner@example.com"))
    ours = said(opened(), SENT)
    changed = decide(ours, team, NOW).record
    assert (of(changed).ticket, of(changed).waits_on) == (of(ours).ticket, Party.OPERATOR)
    theirs = said(changed, RETURNED)
    again = decide(theirs, ContactsChanged("ada", OnboardingTeam(name="C", email="c@example.com")), NOW).record
    assert (of(again).ticket, of(again).waits_on) == (again.version, Party.ONBOARDING_TEAM)


def test_a_turn_shows_who_ended_it_and_outside_no_name_of_ours() -> None:
    record = said(opened(), SENT, outside=True, name="Nora North", note="By post.")
    record = said(record, RETURNED, note="Sealed.")
    inside = turns_of(record, of(record))
    assert [(turn.by, turn.note) for turn in inside] == [
        ("ada, who gave the name Nora North", "By post."),
        ("ada", "Sealed."),
        (None, None),
    ]
    assert [(turn.on, turn.on_name, turn.state) for turn in inside] == [
        ("the onboarding team", "Microsoft onboarding", TurnState.DONE),
        ("the operator", None, TurnState.DONE),
        ("the onboarding team", "Microsoft onboarding", TurnState.NOW),
    ]
    outside = turns_of(record, of(record), outside=True)
    assert [(turn.by, turn.note) for turn in outside[:2]] == [(inside[0].by, "By post."), ("the operator", None)]


def test_each_turn_has_a_link_of_its_own() -> None:
    record = opened()
    first = Link(record.id, STEP, of(record).ticket, NOW + DAY)
    check_open(first, record)
    record = said(record, SENT)
    with pytest.raises(LinkError, match="The operator settled on 02 March 2026, 09:00 UTC what this link asked for"):
        check_open(first, record)


def test_a_link_of_an_onboarding_that_ended_says_that() -> None:
    record = opened()
    link = Link(record.id, STEP, of(record).ticket, NOW + DAY)
    closed = record.model_copy(update={"closed_at": NOW})
    with pytest.raises(LinkError, match="The onboarding has ended since"):
        check_open(link, closed)


def test_a_note_of_a_turn_takes_little_room_in_the_row_and_stands_whole_in_the_trail() -> None:
    record = said(opened(), SENT, note="x" * 900)
    assert len(of(record).words[0].note or "") == 200
    assert record.tail[-1].detail == f"{SENT}\n{'x' * 900}"
