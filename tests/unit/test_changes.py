"""The audit trail as data: what a transition changed, and the record that all of them lead to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onboarding.core.changes import changes
from onboarding.core.decide import create, decide
from onboarding.core.events import Looked, Started, Succeeded
from onboarding.core.policy import Policy
from onboarding.core.record import Record
from onboarding.kinds import STORED
from onboarding.upgrade import rebuild_record as rebuild
from tests.support import requests
from tests.support.records import NOW, after, finish_all, new


def test_a_transition_names_exactly_the_fields_that_it_changed() -> None:
    before = new().record
    after_ = decide(before, Started("enable-services", 1), NOW + timedelta(seconds=5)).record
    assert changes(before, after_) == {
        "steps.enable-services.state": ("due", "running"),
        "steps.enable-services.since": ("2026-03-02T09:00:00Z", "2026-03-02T09:00:05Z"),
        "steps.enable-services.attempts": (0, 1),
        "steps.enable-services.begunAt": (None, "2026-03-02T09:00:05Z"),
        "steps.enable-services.nextAttemptAt": ("2026-03-02T09:00:00Z", "2026-03-02T09:05:05Z"),
    }
    found = decide(after_, Succeeded("enable-services", 1, "ok", {"domain": "a.example"}), NOW).record
    assert changes(after_, found)["steps.enable-services.found"] == ({}, {"domain": "a.example"})
    assert changes(found, found) == {}


def test_a_whole_field_is_compared_as_json() -> None:
    before = new().record
    request = before.request.model_copy(update={"admin_user": "other@contoso.com"})
    changed = changes(before, before.model_copy(update={"request": request, "closed_at": NOW}))
    assert set(changed) == {"request", "closedAt"}
    assert changed["closedAt"] == (None, "2026-03-02T09:00:00Z")
    assert changed["request"][1]["adminUser"] == "other@contoso.com"
    assert "version" not in changes(None, before)
    assert changes(None, before)["createdAt"] == (None, "2026-03-02T09:00:00Z")


def test_what_a_new_start_dropped_is_gone_and_what_it_kept_is_there() -> None:
    first = finish_all(new().record)
    again = create(first.request, "bob", NOW, Policy(), first).record
    assert rebuild(list(again.tail)) == again.model_copy(update={"tail": ()})
    assert first.notices
    assert not {n.id for n in first.notices} & {n.id for n in rebuild(list(again.tail)).notices}


def test_a_name_with_dots_is_found_again() -> None:
    record = after("provisioning-complete")
    record = decide(record, Looked("provisioning-complete", False, "x"), NOW + timedelta(days=20)).record
    notice = record.notices[-1].model_copy(update={"id": "long-wait:a.b.c:7"})
    record = record.model_copy(update={"notices": (notice,)})
    event = record.tail[0].model_copy(update={"changes": changes(None, record), "version": record.version})
    assert [n.id for n in rebuild([event]).notices] == ["long-wait:a.b.c:7"]


def test_what_was_accepted_long_ago_can_be_rebuilt_although_its_numbers_are_no_longer_in_use() -> None:
    record = new().record
    body = record.request.to_json()
    body["services"]["operatorConnect"]["testLines"][0]["phoneNumber"] = "+9991000000"
    event = record.tail[0]
    spoilt = event.model_copy(update={"changes": {**event.changes, "request": (None, body)}})
    assert rebuild([spoilt]).request.test_lines[0].phone_number == "+9991000000"
    with pytest.raises(ValueError, match="country code"):
        type(record.request).model_validate(body)


def test_json_of_the_record_has_the_names_of_the_api() -> None:
    shown = new().record.to_json()
    assert {"schemaVersion", "createdAt", "closedAt"} <= set(shown)
    assert Record.model_validate(shown, context=STORED).steps == new().record.steps
    assert requests.operator_connect()["adminUser"] == shown["request"]["adminUser"]


def test_asking_for_a_step_that_is_not_there_names_it() -> None:
    with pytest.raises(KeyError, match="no-such-step"):
        new().record.step("no-such-step")


def test_the_first_event_does_not_say_of_each_step_what_is_so_of_every_new_one() -> None:
    """Bug report: the first event repeated the whole record, and was written again with each version of it."""
    event = new().record.tail[-1]
    paths = [path for path in event.changes if path.startswith("steps.enable-services.")]
    assert sorted(path.rpartition(".")[2] for path in paths) == [
        "name", "nextAttemptAt", "plan", "since", "state", "ticket",
    ]  # fmt: skip
