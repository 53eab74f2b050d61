"""What may be done in a state is offered there, and everything that is offered is not refused."""

from __future__ import annotations

import pytest

from onboarding.controls import Action, actions
from onboarding.core.decide import decide
from onboarding.core.events import (
    AnswersCorrected,
    CancelRequested,
    CheckRequested,
    Confirmed,
    ContactsChanged,
    Happening,
    PauseRequested,
    ProblemReported,
    ReopenRequested,
    ReplayRequested,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
)
from onboarding.core.record import Record
from onboarding.core.request import Addressees
from onboarding.notices.deliveries import deliveries
from tests.support import requests
from tests.support.records import NOW, after, finish_all, new
from tests.support.steps import STEPS


def happening(action: Action) -> Happening:
    step = action.step or ""
    match action.name:
        case "confirm":
            return Confirmed(step, "ada")
        case "report-problem":
            return ProblemReported(step, "ada", "it can't be done")
        case "retry":
            return RetryRequested(step, "ada")
        case "check":
            return CheckRequested(step, "ada")
        case "skip":
            return SkipRequested(step, "ada", "done by hand", insist=True)
        case "reopen":
            return ReopenRequested(step, "ada", "it was not done after all")
        case "correct-answers":
            answers = {"operator-information": {"confirmedOn": "2020-03-01"}, "portal-access": {"operatorId": "x"}}
            return AnswersCorrected(step, "ada", "it was mistyped", answers[step])
        case "replay":
            return ReplayRequested("ada")
        case "pause":
            return PauseRequested("ada", "the network is being changed")
        case "resume":
            return ResumeRequested("ada")
        case "change-contacts":
            return ContactsChanged("ada", notify=Addressees(emails=("night-shift@contoso.com",)))
        case "cancel":
            return CancelRequested("ada", "no")
    raise AssertionError(action)


@pytest.mark.parametrize("step", [s.name for s in STEPS])
def test_whatever_is_offered_is_taken(step: str) -> None:
    record = after(step)
    stopped = _reported(record)
    for state in (record, stopped):
        for action in actions(state):
            assert decide(state, happening(action), NOW).changed


def _reported(record: Record) -> Record:
    for action in actions(record):
        if action.name == "report-problem":
            return decide(record, happening(action), NOW).record
    return record


def test_a_cancelled_one_can_only_be_started_again() -> None:
    record = decide(after("portal-access"), CancelRequested("ada", "no"), NOW).record
    assert [a.name for a in actions(record)] == ["start-again"]


def test_the_answers_of_a_completed_one_can_be_corrected() -> None:
    record = finish_all(new().record)
    offered = {(a.name, a.step) for a in actions(record)}
    asking = {("correct-answers", s.name) for s in record.steps if s.plan.asks and s.state == "done"}
    assert offered == {("look-for-drift", None), ("start-again", None), *asking}
    for action in actions(record):
        if action.step:
            assert decide(record, happening(action), NOW).changed


def test_the_onboarding_team_gets_a_link_and_an_escalation_goes_to_the_second_address() -> None:
    body = requests.operator_connect()
    body["notify"]["escalateTo"] = "boss@contoso.com"
    record = after("operator-information", new(notify=body["notify"]).record)
    notice = record.notices[0]
    told = deliveries(notice, record, "default@contoso.com", links=True)
    assert [(d.way, d.to, d.outside) for d in told] == [
        ("teams", (), False),
        ("email", ("voice-ops@contoso.com",), False),
        ("email", ("team@example.com",), True),
    ]
    assert not [d for d in deliveries(notice, record, None, links=False) if d.outside]
    escalation = notice.model_copy(update={"kind": "escalation"})
    told = deliveries(escalation, record, "default@contoso.com", links=True)
    assert [d.to for d in told if d.way == "email"] == [("voice-ops@contoso.com", "boss@contoso.com")]
