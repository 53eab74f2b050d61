"""A cancelled onboarding tells what it made from what was there already, and what is shared with others."""

from __future__ import annotations

import pytest

from onboarding.core.decide import create, decide
from onboarding.core.events import (
    Abandoned,
    CancelRequested,
    Happening,
    LeftToPeople,
    MadeByHand,
    Postponed,
    Started,
    Stopped,
    Succeeded,
)
from onboarding.core.proposal import Api, Call
from onboarding.core.record import MadeBy, Problem, Record
from onboarding.notices.what_stays import by_heading, what_stays
from tests.support.records import NOW, after, finish, new

FIRST, SYNERGY = "enable-services", "add-project-synergy"
PROBLEM = Problem(code="outage", seen="502")
CALL = Call(api=Api.GRAPH, method="POST", path="/v1.0/servicePrincipals", body={})


def through(record: Record, name: str, *outcomes: Happening) -> Record:
    """One attempt for each outcome."""
    for outcome in outcomes:
        step = record.step(name)
        record = decide(record, Started(name, step.ticket), step.next_attempt_at or NOW).record
        record = decide(record, outcome, NOW).record
    return record


def made_by(record: Record, name: str) -> MadeBy | None:
    return record.step(name).made_by


def done(wrote: bool) -> Succeeded:
    return Succeeded(FIRST, 1, "They are enabled.", wrote=wrote)


def test_a_task_that_changed_something_is_the_onboardings_own() -> None:
    assert made_by(through(new().record, FIRST, done(True)), FIRST) is MadeBy.ONBOARDING


def test_a_task_that_found_it_done_at_its_first_look_says_that_it_was_there() -> None:
    assert made_by(through(new().record, FIRST, done(False)), FIRST) is MadeBy.OTHERS


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Postponed(FIRST, 1, PROBLEM, wrote=True), MadeBy.UNSURE),
        (Postponed(FIRST, 1, PROBLEM), MadeBy.OTHERS),
        (Abandoned(FIRST, 1), MadeBy.UNSURE),
        (Abandoned(FIRST, 1, wrote=False), MadeBy.OTHERS),
    ],
)
def test_what_is_found_after_an_attempt_that_was_cut_off_may_be_its_work(
    outcome: Happening, expected: MadeBy
) -> None:
    record = through(new().record, FIRST, outcome)
    found = Succeeded(FIRST, record.step(FIRST).ticket, "found")
    assert made_by(through(record, FIRST, found), FIRST) is expected


def test_a_task_that_stopped_while_it_wrote_may_have_left_something() -> None:
    assert made_by(through(new().record, FIRST, Stopped(FIRST, 1, PROBLEM, wrote=True)), FIRST) is MadeBy.UNSURE
    assert made_by(through(new().record, FIRST, Stopped(FIRST, 1, PROBLEM)), FIRST) is None


def test_what_a_person_did_with_the_commands_is_by_hand() -> None:
    record = through(new().record, FIRST, LeftToPeople(FIRST, 1, "To be done by hand.", (CALL,)))
    record = decide(record, MadeByHand(FIRST, "ada"), NOW).record
    found = Succeeded(FIRST, record.step(FIRST).ticket, "found")
    assert made_by(through(record, FIRST, found), FIRST) is MadeBy.PERSON


def test_what_an_earlier_run_made_is_still_the_onboardings_own() -> None:
    record = through(new().record, FIRST, done(True))
    record = decide(record, CancelRequested("ada", "wrong"), NOW).record
    again = create(record.request, "ada", NOW, previous=record).record
    ticket = again.step(FIRST).ticket
    assert made_by(through(again, FIRST, Succeeded(FIRST, ticket, "It is so.")), FIRST) is MadeBy.ONBOARDING


def test_each_stands_under_whose_it_is_and_says_who_shares_it() -> None:
    record = through(new().record, FIRST, done(True))
    for name in ("add-test-lines", "provisioning-complete", "find-application-id", SYNERGY):
        record = finish(record, name)
    record = decide(record, CancelRequested("ada", "wrong"), NOW).record
    shown = {heading: [it.step for it in found] for heading, found in by_heading(what_stays(record))}
    assert shown == {
        "Made by this onboarding": [FIRST],
        "Was there already": ["add-test-lines", SYNERGY, "find-application-id"],
    }
    synergy = next(it for it in what_stays(record) if it.step == SYNERGY)
    assert synergy.whole == (
        "Was there already. done Shared with all onboardings of this tenant, and whatever else it does with Operator"
        " Connect: leave it as long as they use it."
    )
    own = next(it for it in what_stays(record) if it.step == FIRST)
    assert own.whole == "Made by this onboarding. They are enabled."


def test_of_a_row_of_an_earlier_version_nobody_claims_to_know() -> None:
    record = after("add-test-lines")
    steps = tuple(s.model_copy(update={"made_by": None}) for s in record.steps)
    [old] = what_stays(record.model_copy(update={"steps": steps}))
    assert (old.heading, old.advice) == ("Made by this onboarding, or there already", "")


def test_what_was_made_by_hand_says_so() -> None:
    record = after("add-test-lines")
    steps = tuple(
        s.model_copy(update={"made_by": MadeBy.PERSON}) if s.name == FIRST else s for s in record.steps
    )
    [own] = what_stays(record.model_copy(update={"steps": steps}))
    assert own.whole == "Made by this onboarding. done Made by hand, with this onboarding's commands."
