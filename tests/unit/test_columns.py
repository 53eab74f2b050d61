"""The flat columns are a contract: what stands in them, that they stay, and that docs/table.md says the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from onboarding.columns import COLUMN_LENGTH, COLUMNS, LISTED, ColumnType, flat, named
from onboarding.core.decide import create, decide
from onboarding.core.events import (
    CancelRequested,
    Confirmed,
    PauseRequested,
    ReopenRequested,
    ResumeRequested,
    SkipRequested,
    Started,
    Stopped,
)
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import Problem, Record
from onboarding.http.view import SummaryView, summary
from onboarding.operations.backup_file import ONBOARDINGS, read_backup
from onboarding.ports import Row
from onboarding.rows import OPEN, from_row, to_row
from tests.support import crowd, requests
from tests.support.http import Api, content
from tests.support.records import NOW, after, finish_all, new

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "table.md").read_text(encoding="utf-8")
OLDER = sorted((Path(__file__).with_name("rows")).glob("*/*.jsonl"))
TYPES = {ColumnType.STRING: str, ColumnType.INTEGER: int, ColumnType.TIME: datetime}
GONE = {"Findings"}
"""Held the record itself, up to schema 2: nobody's business."""
BY_NAME = {column.name: column for column in COLUMNS}


def records() -> Iterator[Record]:
    """In every state, and at every step."""
    yield from crowd.crowd(40, NOW)
    yield finish_all(new().record)


def older_rows(file: Path) -> Iterator[Row]:
    _, rows = read_backup(file)
    yield from (row for table, row in rows if table == ONBOARDINGS)


# -- the contract ---------------------------------------------------------------------------------------------------


def test_every_column_is_documented_as_it_stands_here() -> None:
    told = "\n".join(f"| `{c.name}` | {c.type.value} | {c.meaning} | {c.since} |" for c in COLUMNS)
    assert told in DOCUMENT, f"docs/table.md, section Columns, must hold:\n\n{told}\n"


def test_the_columns_that_hold_the_record_itself_are_documented_as_no_ones_business() -> None:
    row = to_row(new().record, OPEN)
    section = DOCUMENT.partition("### Columns that are nobody's business")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == [n for n in row.columns if n not in BY_NAME]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda c: c.name)
def test_a_column_holds_its_type_or_nothing_and_no_phone_number(column: Any) -> None:
    seen = [flat(record)[column.name] for record in records()]
    assert any(value is not None for value in seen), "none of these onboardings shows what it is for"
    assert {type(value) for value in seen if value is not None} == {TYPES[column.type]}
    assert not [v for v in seen if isinstance(v, str) and re.search(r"\+\d{7}", v)]
    assert all(v.tzinfo for v in seen if isinstance(v, datetime))


RENAMED = {"an operator of this application": "your team (role Operate)"}
"""In telecommunications an operator is a company: docs/upgrade.md tells whoever filters by these words."""


@pytest.mark.parametrize("file", OLDER, ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_a_column_of_an_older_row_is_still_there_and_means_the_same(file: Path) -> None:
    held = set(to_row(new().record, OPEN).columns)
    for row in older_rows(file):
        now = flat(from_row(row))
        assert set(row.columns) - GONE <= held, "a dashboard may read what is gone"
        older = {n: RENAMED.get(v, v) for n, v in row.columns.items() if n in BY_NAME}
        assert older == {name: now[name] for name in older}
        if int(file.parent.name) <= 2:
            assert not {c.name for c in COLUMNS if c.since > "0.1.0"} & set(row.columns)


def test_whoever_reads_a_column_that_is_none_is_told_at_once() -> None:
    assert named("State", "People") == ("State", "People")
    with pytest.raises(KeyError, match="Stat"):
        named("Stat")


# -- the list -------------------------------------------------------------------------------------------------------


def test_the_list_shows_each_listed_column_and_nothing_else() -> None:
    elsewhere = {"GatewayId": "armId", "StepsEnded": "progress", "StepsTotal": "progress"}
    elsewhere |= {"ExpectedRest": "expectedAt", "LateFrom": "late"}
    shown = {elsewhere.get(name) or to_camel(name[0].lower() + name[1:]) for name in LISTED}
    # As texts they have names of their own: a record's `gateway` and `lastError` are objects.
    unambiguous = {"gatewayName", "lastErrorSeen"}
    assert {field.alias for field in SummaryView.model_fields.values()} == shown | {"id", "href", *unambiguous}


@pytest.mark.parametrize("file", OLDER, ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_the_list_shows_older_rows_without_what_came_later(file: Path) -> None:
    for row in older_rows(file):
        shown = summary(row, NOW)
        assert (shown.requested_by, shown.waiting_for_step, shown.open_wait_count) == (None, None, None)
        assert shown.gateway == row.columns["Gateway"]


async def test_the_list_and_the_onboarding_say_the_same_of_who_asked_and_who_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = Api(monkeypatch)
    assert (await api.post("onboardings", requests.operator_connect())).status_code == 202
    (row,) = content(await api.get("onboardings"))["onboardings"]
    whole = content(await api.get(f"onboardings/{row['id']}"))
    for name in ("requestedBy", "waitingFor", "waitingForStep", "waitingOn", "waitingOnName", "waitingSince"):
        assert row[name] == whole[name], name
    assert (row["requestedBy"], row["waitingForStep"], row["openWaitCount"]) == (
        "olga.operator@contoso.com",
        "enable-services",
        1,
    )


# -- what stands in them --------------------------------------------------------------------------------------------


def waits(record: Record) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(str(flat(record)["OpenWaits"] or "[]"))
    assert flat(record)["OpenWaitCount"] == len(found)
    return found


def companions(record: Record) -> tuple[Any, ...]:
    columns = flat(record)
    return tuple(columns[n] for n in ("WaitingForStep", "WaitingOn", "WaitingOnName"))


def stopped(record: Record, step: str, seen: str) -> Record:
    record = decide(record, Started(step, record.step(step).ticket), NOW).record
    problem = Problem(code=ProblemCode.REFUSED, seen=seen)
    return decide(record, Stopped(step, record.step(step).ticket, problem), NOW).record


def test_what_is_waited_for_names_the_step_and_the_person_or_team() -> None:
    assert companions(after("provisioning-complete")) == ("provisioning-complete", "Microsoft", None)
    only_people = finish_but("operator-information")
    assert companions(only_people) == ("operator-information", "the onboarding team", "Microsoft onboarding")
    admin = decide(only_people, Confirmed("operator-information", "ada"), NOW).record
    assert companions(admin) == ("portal-access", "the admin user", "voice.admin@contoso.com")


def finish_but(step: str) -> Record:
    """Everything has ended that does not need `step`, which is waited for."""
    record = after(step)
    while True:
        going_on = [s.name for s in record.steps if not s.ended and s.next_attempt_at and s.name != step]
        if not going_on:
            return record
        for name in going_on:
            record = after(name, record)
            record = decide(record, SkipRequested(name, "ada", "for this test", insist=True), NOW).record


def test_every_open_wait_is_listed_with_the_one_that_is_told_first() -> None:
    record = stopped(after("add-project-synergy"), "add-domain", "the domain is someone else's")
    found = waits(record)
    assert [w["step"] for w in found] == ["add-domain", "add-project-synergy", "find-application-id"]
    assert found[0] == {
        "step": "add-domain",
        "waitingFor": "Add the gateway's domain to the tenant",
        "waitingOn": "your team (role Operate)",
        "name": None,
        "state": "needs-attention",
        "since": "2026-03-02T09:00:00Z",
    }
    assert (found[0]["step"], found[0]["waitingOn"], found[0]["name"]) == companions(record)
    assert flat(record)["WaitingFor"] == found[0]["waitingFor"]


def test_a_pause_is_waited_for_before_everything_else_and_a_closed_one_waits_for_nothing() -> None:
    record = decide(after("add-project-synergy"), PauseRequested("ada", "a change freeze"), NOW).record
    assert [w["step"] for w in waits(record)][:2] == [None, "add-project-synergy"]
    assert (waits(record)[0]["state"], companions(record)[0]) == ("paused", None)
    resumed = decide(record, ResumeRequested("ada"), NOW).record
    assert waits(resumed)[0]["step"] == "add-project-synergy"
    closed = flat(finish_all(resumed))
    assert (closed["OpenWaits"], closed["OpenWaitCount"], closed["WaitingFor"]) == (None, 0, None)


def test_of_a_cancelled_one_only_what_runs_is_waited_for() -> None:
    record = after("add-project-synergy")
    record = decide(record, Started("add-domain", record.step("add-domain").ticket), NOW).record
    record = decide(record, CancelRequested("ada", "another gateway"), NOW).record
    assert [w["step"] for w in waits(record)] == ["add-domain"]


def test_an_error_is_told_by_its_code_and_without_phone_numbers() -> None:
    record = stopped(after("add-test-lines"), "add-test-lines", "InvalidNumber: +44 20 7946-0101 is on hold")
    columns = flat(record)
    assert columns["LastErrorCode"] == ProblemCode.REFUSED
    assert columns["LastError"] == "InvalidNumber: [number] is on hold"
    team = {"name": "Bob, tel:+447700900123", "email": "team@example.com"}
    columns = flat(new(onboardingTeam=team).record)
    assert "bob, [number] team@example.com" in str(columns["People"])
    fine = flat(new().record)
    assert (fine["LastError"], fine["LastErrorCode"]) == (None, None)


def test_who_asked_is_kept_and_is_whoever_started_it_again() -> None:
    request = requests.parsed(requests.operator_connect())
    record = create(request, "sam@contoso.com", NOW).record
    assert flat(record)["RequestedBy"] == "sam@contoso.com"
    ended = decide(record, CancelRequested("ada@contoso.com", "a mistake"), NOW).record
    assert flat(ended)["RequestedBy"] == "sam@contoso.com"
    assert flat(create(request, "eve@contoso.com", NOW, previous=ended).record)["RequestedBy"] == "eve@contoso.com"


def completed(record: Record) -> dict[str, dict[str, Any]]:
    return {item["step"]: item for item in json.loads(str(flat(record)["CompletedSteps"] or "[]"))}


def test_a_step_took_from_when_it_could_begin_until_it_was_done() -> None:
    record = finish_but("operator-information")
    later = NOW + timedelta(days=3)
    record = decide(record, Confirmed("operator-information", "ada"), later).record
    found = completed(record)
    assert found["operator-information"] == {
        "step": "operator-information",
        "state": "done",
        "endedAt": "2026-03-05T09:00:00Z",
        "seconds": 3 * 86400,
    }
    assert (found["enable-services"]["seconds"], found["verify-domain"]["seconds"]) == (0, None), "one was skipped"
    assert "portal-access" not in found
    assert completed(new().record) == {}


def test_how_long_is_not_said_where_what_a_step_needs_was_reopened_since() -> None:
    record = decide(finish_but("operator-information"), Confirmed("operator-information", "ada"), NOW).record
    record = decide(record, Confirmed("portal-access", "ada"), NOW + timedelta(hours=2)).record
    assert completed(record)["portal-access"]["seconds"] == 7200
    reopened = decide(record, ReopenRequested("operator-information", "ada", "too soon"), NOW + timedelta(hours=3))
    assert completed(reopened.record)["portal-access"]["seconds"] is None
    assert "operator-information" not in completed(reopened.record)
    again = decide(reopened.record, Confirmed("operator-information", "ada"), NOW + timedelta(hours=4)).record
    assert completed(again)["portal-access"]["seconds"] is None
    assert completed(again)["operator-information"]["seconds"] == 4 * 3600


def test_times_in_json_are_utc_whatever_zone_the_record_has() -> None:
    record = create(requests.parsed(requests.lab()), "ada", datetime.fromisoformat("2026-03-02T11:00:00+02:00")).record
    assert waits(record)[0]["since"] == "2026-03-02T09:00:00Z"
    assert record.created_at.astimezone(UTC).hour == 9


@pytest.mark.parametrize("mark", ["x", "电", "😀", '"'])
def test_the_json_columns_hold_what_fits_and_stay_json(mark: str) -> None:
    team = {"name": mark * 200, "email": "team@example.com"}
    record = finish_but("operator-information").model_copy(
        update={"request": requests.parsed(requests.operator_connect(onboardingTeam=team))}
    )
    record = record.model_copy(update={"steps": record.steps * 200})
    columns = flat(record)
    for name in ("OpenWaits", "CompletedSteps"):
        text = str(columns[name])
        items = json.loads(text)
        assert COLUMN_LENGTH - 1000 < len(text.encode("utf-16-le")) // 2 <= COLUMN_LENGTH
        assert all(set(item) == set(items[0]) for item in items)
    assert columns["OpenWaitCount"] == 200 > len(json.loads(str(columns["OpenWaits"])))


# -- the examples ---------------------------------------------------------------------------------------------------


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```", DOCUMENT, re.MULTILINE | re.DOTALL)


def test_the_json_examples_are_what_the_columns_hold() -> None:
    waiting, ended = (json.loads(block) for block in blocks("json"))
    record = decide(finish_but("operator-information"), Confirmed("operator-information", "ada"), NOW).record
    assert waits(finish_but("operator-information")) == waiting
    assert [list(item) for item in ended] == [list(completed(record)["enable-services"])]


def test_the_questions_name_columns_that_are_there() -> None:
    known = {*BY_NAME, "PartitionKey", "RowKey"}
    assert len(blocks("odata")) >= 5
    for question in blocks("odata"):
        named_there = re.findall(r"\b([A-Z]\w+) (?:eq|ne|gt|ge|lt|le)\b", question)
        assert named_there
        assert set(named_there) <= known, question
    assert len(blocks("kusto")) >= 3
    for question in blocks("kusto"):
        assert set(re.findall(r"\b([A-Z][a-z]+\w*)\b", re.sub(r'"[^"]*"', "", question))) <= known | {"Onboardings"}


def test_a_row_of_another_version_that_lacks_a_column_is_no_error() -> None:
    row = to_row(new().record, OPEN)
    lacking = replace(row, columns={n: v for n, v in row.columns.items() if n not in BY_NAME or n in _ALWAYS})
    assert summary(lacking, NOW).last_error is None


_ALWAYS = {
    "Version", "Gateway", "GatewayId", "SubscriptionId", "Environment", "Services", "State", "StepsEnded",
    "StepsTotal", "CreatedAt", "UpdatedAt",
}  # fmt: skip
