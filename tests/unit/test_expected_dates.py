"""When an onboarding is expected to be complete, and what is late: by the plan, by pauses, by this operator's own."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from onboarding.core.decide import create, decide
from onboarding.core.events import (
    CancelRequested,
    Confirmed,
    Looked,
    PauseRequested,
    ReopenRequested,
    ResumeRequested,
    SkipRequested,
    Started,
    Succeeded,
)
from onboarding.core.expected_ends import (
    expected_end,
    expected_ends,
    is_late_now,
    is_overdue,
    late_from,
    latest_end,
    possible_at,
    took,
)
from onboarding.core.plan import StepKind
from onboarding.core.record import Record
from onboarding.durations import ENOUGH, READ_EVERY, Durations
from onboarding.http.search import is_late_row
from onboarding.memory import MemoryTable
from onboarding.ports import Page, Query, Row
from onboarding.steps import LIBRARY
from tests.support import records, requests
from tests.support.http import Api, content
from tests.support.records import NOW, finish
from tests.support.system import System

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
WHOLE = 19 * DAY
"""Provisioning 14 days, the form 3, the portal 1, the application ids 1."""


def provisioning() -> Record:
    return records.after("provisioning-complete")


def provisioned(at: datetime, record: Record | None = None) -> Record:
    """Provisioning ends then, and the tasks that follow take no time; the form and the TXT record are open."""
    record = decide(record or provisioning(), Looked("provisioning-complete", True, "Complete"), at).record
    for name in ("add-project-synergy", "assign-admin-user", "find-application-id", "assign-application-roles"):
        record = _done(record, name, at)
    for name in ("add-domain", "share-txt-record"):
        record = _done(record, name, at)
    return record


def _done(record: Record, name: str, at: datetime) -> Record:
    step = record.step(name)
    record = decide(record, Started(name, step.ticket), at).record
    return decide(record, Succeeded(name, record.step(name).ticket, "done"), at).record


def seen(record: Record, now: datetime) -> datetime:
    end = expected_end(record)
    assert end is not None
    return end.seen(now)


def test_every_wait_and_checkpoint_says_how_long_it_usually_takes_and_no_task_does() -> None:
    assert {d.name for d in LIBRARY.values() if d.usual} == {
        d.name for d in LIBRARY.values() if d.kind is not StepKind.TASK
    }


def test_a_new_onboarding_is_expected_after_its_longest_path() -> None:
    record = records.new().record
    assert seen(record, NOW) == record.first_expected_at == NOW + WHOLE
    ends = expected_ends(record)
    assert ends["provisioning-complete"].at == ends["add-domain"].at == NOW + 14 * DAY
    assert ends["operator-information"].at == NOW + 17 * DAY
    assert ends["verify-domain"].at == NOW + 16 * DAY
    assert latest_end({}) is None


def test_settings_and_medians_count_in_place_of_the_definitions() -> None:
    request = requests.parsed(requests.operator_connect())
    record = create(request, "ada", NOW, usual={"provisioning-complete": 2 * 86400.0}).record
    assert seen(record, NOW) == NOW + 7 * DAY
    assert record.step("provisioning-complete").plan.usual == 2 * 86400.0


def test_by_hand_each_task_that_changes_something_waits_a_day_for_a_person() -> None:
    record = records.new(byHand=True).record
    usual = {step.name: step.plan.usual for step in record.steps if step.plan.kind is StepKind.TASK}
    assert usual["enable-services"] == 86400.0
    assert usual["find-application-id"] == usual["share-txt-record"] == 0.0
    assert record.first_expected_at is not None
    assert record.first_expected_at > NOW + WHOLE


def test_what_ended_early_or_takes_longer_moves_what_follows() -> None:
    early = provisioned(NOW + 4 * DAY)
    assert seen(early, NOW + 4 * DAY) == NOW + 9 * DAY
    slow = provisioning()
    assert seen(slow, NOW + 14 * DAY) == NOW + WHOLE
    assert seen(slow, NOW + 20 * DAY + timedelta(minutes=1)) == NOW + 25 * DAY + HOUR, "now, and what follows"


def test_a_step_is_late_when_it_is_open_for_longer_than_usual() -> None:
    record = provisioning()
    wait = record.step("provisioning-complete")
    assert not is_overdue(record, wait, NOW + 14 * DAY)
    assert is_overdue(record, wait, NOW + 14 * DAY + HOUR)
    assert not is_overdue(record, record.step("add-domain"), NOW + 100 * DAY), "it can't begin"
    task = records.new().record
    assert not is_overdue(task, task.step("enable-services"), NOW + HOUR)
    assert is_overdue(task, task.step("enable-services"), NOW + 2 * HOUR)


def test_an_onboarding_is_late_when_it_is_expected_more_than_a_day_later_than_at_first() -> None:
    record = provisioning()
    assert late_from(record, expected_end(record)) == NOW + 15 * DAY
    assert not is_late_now(record, NOW + 15 * DAY - HOUR)
    assert is_late_now(record, NOW + 15 * DAY)
    late = provisioned(NOW + 16 * DAY)
    assert late_from(late, expected_end(late)) == late.updated_at
    again = decide(late, Confirmed("operator-information", "ada"), NOW + 16 * DAY + HOUR).record
    assert not is_late_now(again, NOW + 16 * DAY + HOUR), "caught up"


def test_a_pause_counts_against_nobody() -> None:
    record = provisioned(NOW)
    paused = decide(record, PauseRequested("ada", "holidays"), NOW + DAY).record
    assert (expected_ends(paused), expected_end(paused), late_from(paused, None)) == ({}, None, None)
    assert not is_overdue(paused, paused.step("operator-information"), NOW + 50 * DAY)
    resumed = decide(paused, ResumeRequested("ada"), NOW + 11 * DAY).record
    assert resumed.first_expected_at == NOW + WHOLE + 10 * DAY
    assert seen(resumed, NOW + 11 * DAY) == NOW + 15 * DAY
    form = resumed.step("operator-information")
    assert not is_overdue(resumed, form, NOW + 13 * DAY)
    assert is_overdue(resumed, form, NOW + 13 * DAY + HOUR)
    done = decide(resumed, Confirmed("operator-information", "ada"), NOW + 12 * DAY).record
    assert took(done, done.step("operator-information")) == 2 * DAY


def test_what_is_confirmed_in_a_pause_took_no_time_of_it_and_what_follows_begins_after_it() -> None:
    paused = decide(provisioned(NOW), PauseRequested("ada", "holidays"), NOW + DAY).record
    done = decide(paused, Confirmed("operator-information", "ada"), NOW + 5 * DAY).record
    assert took(done, done.step("operator-information")) == DAY
    resumed = decide(done, ResumeRequested("ada"), NOW + 11 * DAY).record
    access = resumed.step("portal-access")
    assert possible_at(resumed, access) == NOW + 5 * DAY
    assert not is_overdue(resumed, access, NOW + 12 * DAY)
    assert is_overdue(resumed, access, NOW + 12 * DAY + HOUR)


def test_what_is_reopened_has_its_time_anew() -> None:
    done = decide(provisioned(NOW), Confirmed("operator-information", "ada"), NOW + DAY).record
    record = decide(done, ReopenRequested("operator-information", "olga", "wrong form"), NOW + 10 * DAY).record
    assert expected_ends(record)["operator-information"].at == NOW + 13 * DAY
    assert expected_ends(record)["portal-access"].at == NOW + 14 * DAY


def test_only_what_somebody_else_brought_to_its_end_says_how_long_it_takes() -> None:
    record = provisioned(NOW + 5 * DAY)
    assert took(record, record.step("provisioning-complete")) == 5 * DAY
    assert took(record, record.step("add-domain")) is None, "a task"
    skipped = decide(record, SkipRequested("operator-information", "olga", "done", insist=True), NOW + 9 * DAY).record
    assert took(skipped, skipped.step("operator-information")) is None
    at_once = decide(record, Confirmed("operator-information", "ada"), NOW + 5 * DAY).record
    assert took(at_once, at_once.step("operator-information")) is None, "it was there already"
    cancelled = decide(record, CancelRequested("ada", "no more"), NOW + 6 * DAY).record
    assert took(cancelled, cancelled.step("provisioning-complete")) is None
    assert expected_end(cancelled) is None


def test_a_record_of_before_has_no_dates() -> None:
    record = provisioning()
    steps = tuple(s.model_copy(update={"plan": s.plan.model_copy(update={"usual": 0.0})}) for s in record.steps)
    old = record.model_copy(update={"steps": steps, "first_expected_at": None})
    assert expected_end(old) is None
    assert late_from(old, None) is None
    assert not is_overdue(old, old.step("provisioning-complete"), NOW + 100 * DAY)


# -- this operator's own ----------------------------------------------------------------------------------------


def _completed(name: str, days: float) -> Record:
    """An onboarding of that gateway, whose provisioning took that long and whose people were quick."""
    body = requests.operator_connect()
    request = requests.parsed({**body, "gateway": {**body["gateway"], "name": name}})
    record = records.after("provisioning-complete", create(request, "ada", NOW).record)
    record = decide(record, Looked("provisioning-complete", True, "Complete"), NOW + days * DAY).record
    return record.model_copy(update={"closed_at": NOW + days * DAY})


async def test_ten_completed_ones_say_better_what_is_usual() -> None:
    table = MemoryTable()
    kept = Durations(table, {"provisioning-complete": 20 * 86400.0, "portal-access": 86400.0})
    for count in range(ENOUGH - 1):
        await kept.keep(_completed(f"gateway-{count}", 5 + count))
    assert (await kept.usual(NOW))["provisioning-complete"] == 20 * 86400.0, "nine are not enough"
    tenth = _completed("gateway-9", 30)
    await kept.keep(tenth)
    await kept.keep(tenth)
    assert len(table) == ENOUGH, "the same onboarding counts once"
    assert (await kept.usual(NOW + READ_EVERY - HOUR / 60))["provisioning-complete"] == 20 * 86400.0, "an hour is good"
    usual = await kept.usual(NOW + READ_EVERY)
    assert usual == {"provisioning-complete": 9.5 * 86400.0, "portal-access": 86400.0}
    rows = [row async for row in table.rows(Query("provisioning-complete"))]
    assert all(set(row.columns) == {"Seconds"} for row in rows)
    assert "gateway-9" in rows[0].key, "the latest stands first"


class _Away(MemoryTable):
    async def page(self, query: Query, limit: int, continuation: str | None = None) -> Page:
        raise OSError("the storage is away")


async def test_a_table_that_is_away_keeps_nobody_from_requesting() -> None:
    chosen = {"portal-access": 7.0}
    assert await Durations(_Away(), chosen).usual(NOW) == chosen


async def test_a_settled_onboarding_leaves_how_long_its_steps_took() -> None:
    system = System()
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    accepted = await system.request(request)
    for _ in range(3):
        while await system.deliver():
            pass
        await system.tick(86400)
    await system.run(accepted.record.id)
    (row,) = [row async for row in system.durations.rows(Query("provisioning-complete"))]
    assert row.columns["Seconds"] == pytest.approx(3 * 86400, abs=7200)
    assert row.key.split("|")[1:] == [accepted.record.id, "1", "provisioning-complete"]


# -- shown ---------------------------------------------------------------------------------------------------------


async def _waiting(monkeypatch: pytest.MonkeyPatch) -> tuple[Api, str]:
    """An onboarding that waits for its gateway to be provisioned."""
    api = Api(monkeypatch)
    body = requests.operator_connect()
    api.system.outside.deploy(requests.parsed(body))
    made = content(await api.post("onboardings", body))
    while await api.system.deliver():
        pass
    return api, made["id"]


async def test_expected_dates_are_in_the_api_the_list_and_on_the_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    api, key = await _waiting(monkeypatch)
    shown = content(await api.get(f"onboardings/{key}"))
    began = api.system.clock.now()
    by = datetime.fromisoformat(shown["expectedAt"])
    assert began + WHOLE <= by <= began + WHOLE + HOUR
    assert not shown["late"]
    steps = {step["name"]: step for step in shown["steps"]}
    assert steps["enable-services"]["expectedAt"] is None
    wait = datetime.fromisoformat(steps["provisioning-complete"]["expectedAt"])
    assert began + 14 * DAY - HOUR <= wait <= began + 14 * DAY + HOUR
    (row,) = content(await api.get("onboardings"))["onboardings"]
    assert (row["expectedAt"], row["late"]) == (shown["expectedAt"], False)
    assert content(await api.get("onboardings?late=true"))["onboardings"] == []
    day = f"{by.day} {by:%b %Y}"
    for page in ("dashboard", f"dashboard/{key}"):
        html = (await api.get(page)).get_body().decode()
        assert day in html
        assert "#icon-late" not in html


async def test_what_is_late_is_told_by_words_and_found_by_a_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    api, key = await _waiting(monkeypatch)
    api.system.clock.advance(16 * 86400)
    shown = content(await api.get(f"onboardings/{key}"))
    assert shown["late"]
    assert [step["name"] for step in shown["steps"] if step["late"]] == ["provisioning-complete"]
    (row,) = content(await api.get("onboardings?late=true"))["onboardings"]
    assert (row["id"], row["expectedAt"], row["late"]) == (key, shown["expectedAt"], True)
    for page in ("dashboard?late=true", f"dashboard/{key}"):
        html = (await api.get(page)).get_body().decode()
        assert '#icon-late"/></svg>Late' in html
    assert (await api.get("onboardings?late=perhaps")).status_code == 400


async def test_a_plan_says_when_all_will_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(monkeypatch)
    body = requests.operator_connect()
    api.system.outside.deploy(requests.parsed(body))
    asked = content(await api.post("plans", body))
    while await api.system.deliver():
        pass
    plan = content(await api.get(f"plans/{asked['id']}"))
    began = api.system.clock.now()
    assert datetime.fromisoformat(plan["expectedAt"]) == began + WHOLE
    steps = {step["step"]: step["expectedAt"] for step in plan["steps"]}
    assert datetime.fromisoformat(steps["provisioning-complete"]) == began + 14 * DAY
    text = (await api.get(f"plans/{asked['id']}/markdown")).get_body().decode()
    assert f"Expected to be complete by: {began + WHOLE:%Y-%m-%d}" in text


async def test_what_was_usual_when_a_plan_was_asked_for_counts_when_its_onboarding_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It starts in the app of the steps, which reads no medians on the path of a message."""
    api = Api(monkeypatch)
    for count in range(ENOUGH):
        await api.system.engine.durations.keep(_completed(f"gateway-{count}", 4))
    body = requests.operator_connect()
    api.system.outside.deploy(requests.parsed(body))
    asked = content(await api.post("plans", body))
    while await api.system.deliver():
        pass
    checksum = content(await api.get(f"plans/{asked['id']}"))["checksum"]
    await api.post(f"onboardings?planChecksum={checksum}", body)
    while await api.system.deliver():
        pass
    record = await api.system.record(asked["onboardingId"])
    assert record.step("provisioning-complete").plan.usual == 4 * 86400.0


def test_a_row_without_the_columns_is_neither_expected_nor_late() -> None:
    assert not is_late_row(Row("open", "x", {}), NOW)
    assert finish(records.new().record, "enable-services").first_expected_at == NOW + WHOLE
