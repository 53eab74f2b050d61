"""An event is bounded as its record is: whatever a year can bring, it fits into its row, and tells the record again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onboarding.core.decide import create, decide
from onboarding.core.events import CancelRequested, NoticeSent, NoticeStarted, SkipRequested, TimePassed
from onboarding.core.policy import Policy
from onboarding.core.record import Delivered, Event, Record
from onboarding.rows import OPEN, from_row, to_row
from onboarding.upgrade import rebuild_record
from tests.support import requests
from tests.support.records import NOW, finish, new
from tests.support.steps import STEPS

MANY = tuple(f"{'long-' * 11}{n:02d}@{'.'.join(['label' * 11] * 3)}.example.com" for n in range(20))
SHORT = tuple(f"voice-ops-{n}@contoso.com" for n in range(8))
WIDE = "\U0001f600" * 1000
"""Each takes two UTF-16 units and, in JSON, no escape."""


def kept(trail: list[Event], record: Record) -> Record:
    """Committed: the row holds it with its newest event, as when the older ones stand in their table."""
    if not record.tail:
        return record  # Nothing followed, and nothing is written.
    trail.append(record.tail[-1])
    row = to_row(record.model_copy(update={"tail": record.tail[-1:]}), OPEN)
    return from_row(row).model_copy(update={"tail": ()})


def told(trail: list[Event], record: Record, addresses: tuple[str, ...]) -> Record:
    for notice in [n for n in record.notices if n.owed]:
        assert notice.next_attempt_at is not None
        at = notice.next_attempt_at
        record = kept(trail, decide(record, NoticeStarted(notice.id, notice.ticket), at).record)
        sent = (Delivered(way="teams", at=at), Delivered(way="email", to=addresses, at=at))
        record = kept(trail, decide(record, NoticeSent(notice.id, notice.ticket, sent), at).record)
    return record


@pytest.mark.parametrize(
    "addresses", [SHORT[:1], SHORT, MANY[:8], MANY], ids=["one", "eight", "eight long", "twenty long"]
)
def test_one_that_people_were_reminded_of_for_a_year_can_be_started_again(addresses: tuple[str, ...]) -> None:
    record = new().record
    later_ones = ("operator-information", "portal-access", "add-application-ids")
    for step in [s.name for s in STEPS if s.name not in later_ones]:
        record = finish(record, step)
    trail = list(record.tail)
    record = record.model_copy(update={"tail": ()})
    record = told(trail, record, addresses)
    for _ in range(52):
        due = record.next_due_at
        assert due is not None
        record = kept(trail, decide(record, TimePassed(), due).record)
        record = told(trail, record, addresses)
    assert trail[-1].at > NOW + timedelta(days=300)
    at = trail[-1].at + timedelta(days=1)
    record = kept(trail, decide(record, CancelRequested("ada", "never mind"), at).record)
    record = told(trail, record, addresses)
    record = kept(trail, create(record.request, "ada", at + timedelta(days=1), Policy(), record).record)
    assert record.run == 2
    assert rebuild_record(trail) == record


def test_one_with_long_reasons_can_be_started_again() -> None:
    trail = list(new().record.tail)
    record = new().record.model_copy(update={"tail": ()})
    for step in [s.name for s in record.steps]:
        record = kept(trail, decide(record, SkipRequested(step, "ada", WIDE, insist=True), NOW).record)
    record = kept(trail, create(record.request, "ada", NOW + timedelta(days=1), Policy(), record).record)
    assert record.run == 2
    assert rebuild_record(trail) == record


def test_a_request_as_large_as_can_be_is_begun() -> None:
    notify = {"emails": list(MANY), "escalateTo": MANY[0]}
    settings = {
        "testLines": requests.lines("OC", 6, 101),
        "integrationTestNumbers": [f"+44207946{n:04d}" for n in range(200, 300)],
    }
    body = requests.operator_connect(notify=notify, services={"operatorConnect": settings})
    body["onboardingTeam"] = {"name": "\U0001f600" * 200, "email": MANY[0]}
    record = create(requests.parsed(body), "ada", NOW).record
    assert from_row(to_row(record, OPEN)) == record
