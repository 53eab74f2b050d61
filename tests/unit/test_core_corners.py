"""What the rules do where nothing usual happens: late answers, odd inputs, the last line of each table."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onboarding.azure.gateway_resource import GatewayId
from onboarding.controls import actions
from onboarding.core.decide import decide
from onboarding.core.events import (
    CancelRequested,
    ContactsChanged,
    DeadLettered,
    NoticeFailed,
    NoticeSent,
    NoticeStarted,
    PauseRequested,
    ProblemReported,
    RetryRequested,
    Started,
    Stopped,
)
from onboarding.core.links import LinkError, _serializer, read_link
from onboarding.core.reasons import InvalidRequestError
from onboarding.core.record import Notice, OnboardingState, Problem, Record
from onboarding.core.request import Addressees
from onboarding.core.rules import RefusedError
from onboarding.kinds import read_request
from onboarding.notices.deliveries import deliveries
from tests.support import requests
from tests.support.records import NOW, after, finish, new

PROBLEM = Problem(code="outage", seen="503")
KEY = "a key that is long enough to be trusted"


def asked() -> Record:
    """Somebody is asked, and the notice of it is owed."""
    return finish(after("operator-information"), "assign-admin-user")


def owed(record: Record) -> Notice:
    return next(n for n in record.notices if n.owed)


def test_an_answer_of_an_attempt_that_is_over_changes_nothing() -> None:
    record = new().record
    assert not decide(record, Stopped("enable-services", 1, PROBLEM), NOW).changed
    assert not decide(record, Started("no-such-step", 1), NOW).changed


def test_a_notice_that_nobody_is_sending_is_neither_sent_nor_failed() -> None:
    record = asked()
    owed = next(n for n in record.notices if n.owed)
    assert not decide(record, NoticeSent(owed.id, owed.ticket, ()), NOW).changed
    assert not decide(record, NoticeFailed(owed.id, owed.ticket, PROBLEM), NOW).changed


def test_a_notice_that_fails_after_it_was_withdrawn_is_not_tried_again() -> None:
    record = asked()
    owed = next(n for n in record.notices if n.owed)
    record = decide(record, NoticeStarted(owed.id, owed.ticket), NOW).record
    record = decide(record, ProblemReported("operator-information", "ada", "no form"), NOW).record
    decision = decide(record, NoticeFailed(owed.id, owed.ticket, PROBLEM), NOW)
    assert decision.changed
    assert not decision.effects


def test_nothing_can_be_done_with_an_onboarding_that_is_being_cancelled() -> None:
    record = decide(new().record, Started("enable-services", 1), NOW).record
    record = decide(record, CancelRequested("ada", "why"), NOW).record
    assert record.state is OnboardingState.CANCELLING
    assert actions(record) == ()


def test_what_a_paused_or_a_stuck_onboarding_offers() -> None:
    paused = decide(new().record, PauseRequested("ada", "why"), NOW).record
    names = {a.name for a in actions(paused)}
    assert "resume" in names
    assert not names & {"pause", "retry", "check", "replay"}
    stuck = decide(new().record, DeadLettered("enable-services", None, 1, "why"), NOW).record
    assert "replay" in {a.name for a in actions(stuck)}


def test_a_retry_while_it_is_paused_is_refused_with_who_paused_it() -> None:
    record = decide(new().record, Started("enable-services", 1), NOW).record
    record = decide(record, Stopped("enable-services", 1, PROBLEM), NOW).record
    record = decide(record, PauseRequested("ada", "a change freeze"), NOW).record
    with pytest.raises(RefusedError, match=r"paused, by ada \(a change freeze\)\. Resume it first"):
        decide(record, RetryRequested("enable-services", "bob"), NOW)


def test_a_record_knows_its_own_steps_only() -> None:
    with pytest.raises(KeyError):
        new().record.step("no-such-step")


def test_an_unlimited_number_of_owed_notices_is_kept() -> None:
    record = asked()
    owed = next(n for n in record.notices if n.owed)
    long = owed.model_copy(update={"problem": Problem(code="outage", seen="x" * 1000)})
    many = tuple(long.model_copy(update={"id": f"{owed.id}-{i}", "step": "portal-access"}) for i in range(30))
    record = record.model_copy(update={"notices": (*record.notices, *many)})
    told = decide(record, ProblemReported("operator-information", "ada", "no form"), NOW).record
    assert {n.id for n in many} <= {n.id for n in told.notices}


def test_whoever_wants_to_be_told_in_no_way_is_told_in_none() -> None:
    record = asked()
    silent = decide(record, ContactsChanged("ada", notify=Addressees(teams=False)), NOW).record
    assert deliveries(owed(silent), silent, None, links=False) == ()


def test_a_test_line_has_an_id_below_its_gateways() -> None:
    gateway = GatewayId("s", "rg", "acg")
    assert gateway.test_line_arm_id("OC1") == f"{gateway.arm_id}/testLines/OC1"


def test_a_signed_link_that_says_nothing_is_no_link() -> None:
    for said in (["only", "two"], 7, {"a": 1}, ["id", "step", "x", 0], ["id", "step", 1, 10**30]):
        with pytest.raises(LinkError, match="can't be read"):
            read_link(_serializer([KEY]).dumps(said), [KEY], NOW)


def test_a_reason_is_an_object_for_programs() -> None:
    body = requests.operator_connect()
    numbers = body["services"]["operatorConnect"]["integrationTestNumbers"]
    numbers.append(numbers[0])
    numbers.append(7)
    with pytest.raises(InvalidRequestError) as caught:
        read_request(body)
    shown = [r.to_json() for r in caught.value.reasons]
    assert {"unique_number", "string_type"} <= {s["rule"] for s in shown}
    assert all(set(s) == {"field", "rule", "value", "message"} for s in shown)


def test_a_long_notice_list_keeps_what_is_owed_and_drops_the_oldest_that_is_not() -> None:
    record = asked()
    owed = next(n for n in record.notices if n.owed)
    said = owed.model_copy(update={"next_attempt_at": None, "problem": Problem(code="outage", seen="x" * 1000)})
    old = tuple(said.model_copy(update={"id": f"old-{i}", "owed_since": NOW - timedelta(days=i)}) for i in range(30))
    record = record.model_copy(update={"notices": (*old, *record.notices)})
    told = decide(record, ProblemReported("operator-information", "ada", "no form"), NOW).record
    kept = [n.id for n in told.notices]
    assert "old-0" not in kept
    assert "old-29" in kept
    assert kept[-1].startswith("problem-reported")
