"""The audit trail on the page: weeks of looks are one line, and nothing that a person did, or that changed, is lost."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from onboarding.core.decide import decide
from onboarding.core.events import CheckRequested, Happening, Looked, Postponed, Started
from onboarding.core.record import Event, Problem, Record
from onboarding.pages.trail import trail
from tests.support import records
from tests.support.http import Api, app_settings
from tests.support.records import NOW

WAIT = "provisioning-complete"
MINUTE = timedelta(minutes=1)
THROTTLED = Problem(code="throttled", seen="Microsoft Graph answered 429.")


def waited(*happenings: Happening) -> Record:
    """What happened to a waiting onboarding, a minute apart. Each look is noted, as older versions did."""
    record = records.after(WAIT)
    for minute, happening in enumerate(happenings, start=1):
        steps = tuple(s.model_copy(update={"asked": True}) if s.name == WAIT else s for s in record.steps)
        record = record.model_copy(update={"steps": steps})
        record = decide(record, happening, NOW + minute * MINUTE).record
    return record


def told(events: tuple[Event, ...]) -> list[tuple[str, int, str]]:
    return [(line.event.what, line.count, line.event.detail) for line in trail(events)]


def not_yet(times: int, says: str = "ChangePending") -> list[Happening]:
    return [Looked(WAIT, False, says)] * times


def test_looks_that_saw_the_same_are_one_line_with_their_number_and_the_first_and_last_time() -> None:
    record = waited(*not_yet(400))
    line = trail(record.tail)[0]
    assert (line.event.what, line.count, line.event.step) == ("looked", 400, WAIT)
    assert (line.first_at, line.event.at) == (NOW + MINUTE, NOW + 400 * MINUTE)
    assert (line.first_version, line.event.version) == (record.version - 399, record.version)
    assert len(trail(record.tail)) == len(records.after(WAIT).tail) + 1


def test_what_was_seen_anew_and_what_a_person_did_begin_a_new_line() -> None:
    record = waited(*not_yet(3), *not_yet(2, "something else"), *not_yet(4), CheckRequested(WAIT, "ada"), *not_yet(2))
    assert told(record.tail)[:5] == [
        ("looked", 2, "ChangePending"),
        ("check-requested", 1, ""),
        ("looked", 4, "ChangePending"),
        ("looked", 2, "something else"),
        ("looked", 3, "ChangePending"),
    ]


def test_attempts_that_failed_alike_are_two_lines_however_many() -> None:
    record = records.new().record
    for _ in range(20):
        at = record.step("enable-services").next_attempt_at
        assert at is not None
        record = decide(record, Started("enable-services", record.step("enable-services").ticket), at).record
        ticket = record.step("enable-services").ticket
        record = decide(record, Postponed("enable-services", ticket, THROTTLED), at).record
    assert [(what, count) for what, count, _ in told(record.tail)] == [
        ("step-postponed", 20),
        ("step-started", 20),
        ("requested", 1),
    ]


def test_every_event_is_in_some_line() -> None:
    record = records.finish_all(records.new().record)
    lines = trail(record.tail)
    assert sum(line.count for line in lines) == len(record.tail)
    assert lines[0].event == record.tail[-1]
    assert lines[-1].event.what == "requested"


async def test_the_page_says_how_often_and_since_when_and_where_each_can_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = Api(monkeypatch, settings=app_settings(sandbox_user="olga.operator"))
    record = waited(*not_yet(30))
    await api.system.records.create(record)
    page = (await api.get(f"dashboard/{record.id}", accept="text/html")).get_body().decode()
    part = page.partition('id="trail-more"')[2].partition("</details>")[0]
    words = " ".join(re.sub(r"<[^>]+>", " ", part).split())
    assert f"{len(record.tail)} events" in words
    assert "for the last of 30 times since 2 Mar 2026, 09:01:00 UTC" in words
    assert part.count("looked") == 1
    assert f'href="/api/onboardings/{record.id}/events"' in part
