"""Everything that an onboarding waits for is shown, each with its own error; what is urgent comes first, and counts."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from onboarding.columns import flat
from onboarding.core.decide import decide
from onboarding.core.events import (
    Happening,
    PauseRequested,
    Postponed,
    ProblemReported,
    Started,
    Stopped,
    TimePassed,
)
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import OnboardingState, Problem, Record, StepState
from onboarding.http.search import Search
from onboarding.http.urgency import urgency
from onboarding.http.view import SummaryView, summary
from onboarding.kinds.examples import OWN_SBC
from onboarding.memory import MemoryTable
from onboarding.open_waits import WAIT_SEEN_LENGTH, read_waits
from onboarding.ports import Query, Row
from onboarding.rows import OPEN, to_row
from onboarding.standing import NextKind, WaitsOn, open_waits
from tests.support import crowd, requests
from tests.support.http import Api, app_settings, content
from tests.support.records import NOW, after, finish, finish_all, new

THROTTLED = Problem(code=ProblemCode.THROTTLED, seen="Microsoft Graph answered 429: too many requests.")
DAY = timedelta(days=1)
OLGA = "sandbox-user=olga.operator"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch, settings=app_settings(sandbox_user="olga.operator"))


def happened(record: Record, *happenings: Happening, at: Any = NOW) -> Record:
    for happening in happenings:
        record = decide(record, happening, at).record
    return record


def retrying(record: Record, step: str) -> Record:
    record = happened(record, Started(step, record.step(step).ticket))
    return happened(record, Postponed(step, record.step(step).ticket, THROTTLED, 3600.0))


def checkpoint_and_retry(**changes: object) -> Record:
    """A checkpoint is open, a wait of the world, and a branch is tried again: the issue's case."""
    record = after("operator-information", new(**changes).record)
    for step in ("find-application-id", "add-domain", "share-txt-record"):
        record = finish(record, step)
    return retrying(record, "assign-application-roles")


def names(record: Record) -> list[str | None]:
    return [wait.step for wait in open_waits(record)]


def shown(record: Record, at: Any = NOW) -> SummaryView:
    return summary(to_row(record, OPEN), at)


async def keep(api: Api, *records: Record) -> None:
    for record in records:
        await api.system.records.create(record)


def called(record: Record, name: str) -> Record:
    """The same of another gateway."""
    body = requests.operator_connect()
    body["gateway"]["name"] = name
    request = requests.parsed(body)
    return record.model_copy(update={"id": request.gateway.onboarding_id, "request": request})


# -- every wait, with its own error ------------------------------------------------------------------------------------


def test_a_retrying_branch_does_not_hide_an_open_checkpoint_and_keeps_its_error_to_itself() -> None:
    record = checkpoint_and_retry()
    assert record.state is OnboardingState.RUNNING
    checkpoint, world, task = open_waits(record)
    assert [checkpoint.step, world.step, task.step] == [
        "operator-information",
        "txt-record-visible",
        "assign-application-roles",
    ]
    assert checkpoint.problem is None
    assert world.problem is None
    assert task.problem is not None
    assert (task.problem.code, task.problem.seen) == (THROTTLED.code, THROTTLED.seen)
    assert [w.party for w in open_waits(record)] == [
        WaitsOn.ONBOARDING_TEAM,
        WaitsOn.ONBOARDING_TEAM,
        WaitsOn.APPLICATION,
    ]


def test_a_checkpoints_next_is_a_reminder_a_waits_a_check_and_a_tasks_an_attempt() -> None:
    checkpoint, world, task = open_waits(checkpoint_and_retry())
    assert [checkpoint.next, world.next, task.next] == [NextKind.REMINDER, NextKind.CHECK, NextKind.ATTEMPT]
    assert checkpoint.next_at == NOW + timedelta(days=3)
    running = after("add-domain")
    running = happened(running, Started("add-domain", running.step("add-domain").ticket))
    of = {wait.step: wait for wait in open_waits(running)}
    assert (of["add-domain"].next, of["add-domain"].next_at) == (None, None)
    paused = happened(running, PauseRequested("ada", "a change freeze"))
    assert open_waits(paused)[0].next is NextKind.REMINDER
    assert {wait.next for wait in open_waits(paused)[1:]} == {None}


def test_a_stopped_step_waits_on_whoever_operates_and_people_are_reminded_of_it() -> None:
    record = happened(after("portal-access"), ProblemReported("portal-access", "ada", "no sign-in"))
    first = open_waits(record)[0]
    assert (first.step, first.state, first.party) == ("portal-access", "needs-attention", WaitsOn.OPERATORS)
    assert first.next is NextKind.REMINDER
    assert first.problem is not None
    assert first.problem.code == ProblemCode.REPORTED


def test_what_is_open_for_longer_than_usual_is_overdue_and_what_was_escalated_says_so() -> None:
    record = checkpoint_and_retry()
    checkpoint = open_waits(record)[0]
    assert checkpoint.overdue_from is not None
    assert not checkpoint.is_overdue(NOW)
    assert not checkpoint.is_overdue(checkpoint.overdue_from)
    assert checkpoint.is_overdue(checkpoint.overdue_from + timedelta(seconds=1))
    for days in (3, 10, 15):
        record = happened(record, TimePassed(), at=NOW + days * DAY)
    told = (shown(record, NOW + 15 * DAY).waits or ())[0]
    assert (told.overdue, told.escalated, told.reminders) == (True, True, 2)


def test_of_what_people_are_to_do_what_is_overdue_the_longest_comes_first() -> None:
    records = [r for r in crowd.crowd(60, NOW) if len(open_waits(r)) > 1]
    assert records
    for record in records:
        waits = [w for w in open_waits(record) if w.state == StepState.WAITING and w.next is NextKind.REMINDER]
        assert waits == sorted(waits, key=lambda w: w.overdue_from or w.since)


# -- by way of the row -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", [*crowd.crowd(34, NOW)], ids=lambda r: f"{r.state.value}-{r.request.gateway.name}")
def test_the_list_and_the_record_show_the_same_waits(record: Record) -> None:
    waits = read_waits(str(flat(record)["OpenWaits"] or "[]"))
    assert waits is not None
    expected = open_waits(record)
    assert [(w.step, w.what, w.on, w.name, w.state, w.party, w.next) for w in waits] == [
        (w.step, w.what, w.on, w.name, w.state, w.party, w.next) for w in expected
    ]
    assert [(w.reminders, w.escalated, w.problem) for w in waits] == [
        (w.reminders, w.escalated, w.problem) for w in expected
    ]
    assert [w.since for w in waits] == [w.since.replace(microsecond=0) for w in expected]


def test_a_long_error_is_cut_in_the_list_and_numbers_are_masked() -> None:
    record = after("add-domain")
    record = happened(record, Started("add-domain", record.step("add-domain").ticket))
    problem = Problem(code=ProblemCode.REFUSED, seen="+44 20 7946-0101 is on hold. " + "x" * 900)
    record = happened(record, Stopped("add-domain", record.step("add-domain").ticket, problem))
    first = (shown(record).waits or ())[0]
    assert first.problem is not None
    assert first.problem.seen.startswith("[number] is on hold.")
    assert len(first.problem.seen) <= WAIT_SEEN_LENGTH


@pytest.mark.parametrize("written", ["", "[", "{}", "[1]", '[{"step":"x"}]', '[{"since":1}]', "null"])
def test_a_column_that_holds_something_else_is_not_known(written: str) -> None:
    row = to_row(after("add-domain"), OPEN)
    told = summary(Row(row.partition, row.key, {**row.columns, "OpenWaits": written}), NOW)
    assert told.waits in (None, ())


def test_what_an_earlier_version_wrote_of_a_wait_is_read_on() -> None:
    row = to_row(checkpoint_and_retry(), OPEN)
    kept = ("step", "waitingFor", "waitingOn", "name", "state", "since")
    older = json.dumps([{n: item[n] for n in kept} for item in json.loads(row.columns["OpenWaits"])])
    first = (summary(Row(row.partition, row.key, {**row.columns, "OpenWaits": older}), NOW).waits or ())[0]
    assert (first.step, first.party, first.next, first.overdue, first.problem) == (
        "operator-information",
        None,
        None,
        False,
        None,
    )


async def test_the_record_and_the_list_have_the_field(api: Api) -> None:
    record = checkpoint_and_retry()
    await keep(api, record)
    whole = content(await api.get(f"onboardings/{record.id}"))
    (entry,) = content(await api.get("onboardings"))["onboardings"]
    for told in (whole, entry):
        # A row holds whole seconds.
        told["waits"][2]["nextAt"] = told["waits"][2]["nextAt"][:19]
    assert whole["waits"] == entry["waits"]
    assert [w["step"] for w in entry["waits"]] == names(record)
    assert entry["kind"] == "communications-gateway"
    assert entry["waits"][2]["problem"] == {"code": "throttled", "seen": THROTTLED.seen}
    assert (entry["waitingForStep"], entry["waits"][0]["problem"]) == ("operator-information", None)


# -- on the page -------------------------------------------------------------------------------------------------------


async def dashboard(api: Api, query: str = "") -> tuple[int, str]:
    answer = await api.get(f"dashboard{query}", accept="text/html", cookie=OLGA)
    return answer.status_code, html.unescape(re.sub(r"\s+", " ", answer.get_body().decode()))


def rows(page: str) -> list[str]:
    return [re.sub(r"<[^>]+>", " ", row) for row in page.partition("<tbody")[2].split("<tr ")[1:]]


async def test_a_row_shows_the_most_urgent_and_the_others_in_a_line_each_with_its_own_error(api: Api) -> None:
    await keep(api, checkpoint_and_retry(onboardingTeam={"name": "Northwind", "email": "team@example.com"}))
    _, page = await dashboard(api)
    (row,) = (re.sub(r"\s+", " ", row) for row in rows(page))
    first, _, more = row.partition("+2 more:")
    assert "have their confirmation on Northwind" in first
    assert "throttled" not in first
    assert "429" not in row
    world, task = more.split(";")[:2]
    assert "Northwind" in world
    assert "throttled" not in world
    assert "this application" in task
    assert "throttled" in task
    assert "reminder" in row
    assert "Next check" not in page


async def test_a_row_of_the_first_version_shows_what_it_has_and_gives_its_error_to_no_step(api: Api) -> None:
    record = checkpoint_and_retry()
    await keep(api, record)
    row = await api.system.onboardings.get(OPEN, record.id)
    assert row is not None
    later = ("OpenWaits", "OpenWaitCount", "WaitingForStep", "WaitingOnName", "WaitsOn", "ProblemCodes", "Kind")
    columns = {n: v for n, v in row.columns.items() if n not in (*later, "OverdueFrom", "Escalated")}
    await api.system.onboardings.upsert([Row(OPEN, row.key, columns)])
    _, page = await dashboard(api)
    (told,) = (re.sub(r"\s+", " ", row) for row in rows(page))
    assert "on the onboarding team" in told
    assert "Last error: Microsoft Graph answered 429" in told
    assert "more:" not in told
    assert len(rows((await dashboard(api, "?kind=communications-gateway"))[1])) == 1
    assert rows((await dashboard(api, "?kind=session-border-controller"))[1]) == []


async def test_overdue_and_escalated_are_marked(api: Api) -> None:
    record = checkpoint_and_retry()
    for days in (3, 10, 15):
        record = happened(record, TimePassed(), at=NOW + days * DAY)
    await keep(api, record)
    api.system.clock.advance((NOW + 15 * DAY - api.system.clock.now()).total_seconds())
    (row,) = rows((await dashboard(api))[1])
    assert "Overdue" in row
    assert "Escalated" in row


# -- urgency -----------------------------------------------------------------------------------------------------------


def ranked(records: Sequence[Record], at: Any = NOW) -> list[str]:
    return [r.id for r in sorted(records, key=lambda r: (urgency(to_row(r, OPEN), at), r.id))]


def test_the_most_urgent_is_what_needs_attention_then_what_was_escalated_is_overdue_and_waits_for_people() -> None:
    stopped = called(happened(after("portal-access"), ProblemReported("portal-access", "ada", "no sign-in")), "gw-a")
    retried = called(checkpoint_and_retry(), "gw-b")
    microsoft = called(after("provisioning-complete"), "gw-c")
    paused = called(happened(after("portal-access"), PauseRequested("ada", "a freeze")), "gw-d")
    ended = called(finish_all(new().record), "gw-e")
    overdue_from = min(w.overdue_from for w in open_waits(microsoft) if w.overdue_from)
    everything = [ended, paused, microsoft, retried, stopped]
    assert ranked(everything) == [r.id for r in (stopped, retried, microsoft, paused, ended)]
    fresh = happened(after("operator-information"), at=NOW)
    assert urgency(to_row(microsoft, OPEN), overdue_from + DAY) < urgency(to_row(fresh, OPEN), NOW)
    escalated = retried
    for days in (3, 10, 15):
        escalated = happened(escalated, TimePassed(), at=NOW + days * DAY)
    assert urgency(to_row(escalated, OPEN), NOW) < urgency(to_row(microsoft, OPEN), overdue_from + DAY)
    assert urgency(to_row(stopped, OPEN), NOW) < urgency(to_row(escalated, OPEN), NOW)


@pytest.mark.parametrize("limit", [1, 3, 50])
async def test_the_dashboard_is_in_the_order_of_urgency_over_all_pages(api: Api, limit: int) -> None:
    people = list(crowd.crowd(34, api.system.clock.now()))
    await keep(api, *people)
    expected = ranked(people, api.system.clock.now())
    found, path = [], f"?limit={limit}"
    while path:
        _, page = await dashboard(api, path)
        found += re.findall(r'id="row-([^"]+)"', page)
        following = re.search(r'rel="next" href="/api/dashboard([^"]+)"', page)
        path = following[1] if following else ""
    assert found == expected
    listed = content(await api.get("onboardings?sort=urgency"))["onboardings"]
    assert [entry["id"] for entry in listed] == expected[:50]


async def test_only_the_rows_of_the_page_are_read_whole(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await keep(api, *crowd.crowd(34, api.system.clock.now()))
    whole = list[str]()
    asked = MemoryTable._asked

    def seen(self: MemoryTable, query: Query, begin: str = "") -> Iterator[Row]:
        for row in asked(self, query, begin):
            if "OpenWaits" in (query.columns or row.columns):
                whole.append(row.key)
            yield row

    monkeypatch.setattr(MemoryTable, "_asked", seen)
    listed = content(await api.get("onboardings?sort=urgency&limit=12"))["onboardings"]
    assert sorted(whole) == sorted(entry["id"] for entry in listed)


# -- counts and filters ------------------------------------------------------------------------------------------------


def cards(page: str) -> dict[str, int]:
    part = page.partition('id="counts"')[2].partition("</ul>")[0]
    found = re.findall(r'class="number">(?:<svg.*?</svg>)?(\d+)</span> <span class="name">([^<]+)<', part)
    return {name.strip(): int(number) for number, name in found}


@pytest.mark.parametrize("query", ["", "?text=london", "?environment=lab", "?waitsOn=onboarding-team", "?late=true"])
async def test_every_state_has_a_card_and_they_add_up_to_all_that_the_filters_leave(api: Api, query: str) -> None:
    await keep(api, *crowd.crowd(51, api.system.clock.now()))
    _, page = await dashboard(api, f"{query}{'&' if query else '?'}limit=200")
    found = cards(page)
    assert next(iter(found)) == "All"
    assert len(found) == 1 + len(OnboardingState)
    assert found.pop("All") == sum(found.values()) == len(rows(page))


async def test_a_state_that_is_chosen_leaves_the_other_cards_as_they_were(api: Api) -> None:
    await keep(api, *crowd.crowd(34, api.system.clock.now()))
    before, chosen = cards((await dashboard(api))[1]), cards((await dashboard(api, "?state=running"))[1])
    assert before == chosen


async def test_whoever_waits_on_several_counts_for_each_whatever_their_state(api: Api) -> None:
    record = checkpoint_and_retry()
    await keep(api, record)
    page = content(await api.get("onboardings"))
    assert page["counts"]["running"] == 1
    told = {party: number for party, number in page["waitCounts"].items() if number}
    assert told == {"onboarding-team": 1, "application": 1}
    for query in ("waitsOn=onboarding-team", "waitsOn=application", "problem=throttled", "kind=communications-gateway"):
        found = content(await api.get(f"onboardings?{query}"))
        assert [entry["id"] for entry in found["onboardings"]] == [record.id], query
        assert found["waitCounts"]["onboarding-team"] == 1, query
    for query in ("waitsOn=admin-user", "problem=outage", "kind=session-border-controller"):
        assert content(await api.get(f"onboardings?{query}"))["onboardings"] == [], query
    assert content(await api.get("onboardings?state=completed"))["waitCounts"]["onboarding-team"] == 0


async def test_the_filters_are_choices_of_what_there_is(api: Api) -> None:
    assert (await api.post("onboardings", OWN_SBC)).status_code == 202
    await keep(api, checkpoint_and_retry())
    _, page = await dashboard(api)
    for name in ("state", "waitsOn", "problem", "subscription", "environment", "service", "kind"):
        assert f'<select id="{name}"' in page
    assert '<option value="throttled">throttled</option>' in page
    assert f'<option value="{requests.SUBSCRIPTION}">' in page
    _, page = await dashboard(api, "?state=running,paused&subscription=00000000-0000-4000-8000-000000000000")
    assert '<option value="running,paused" selected>Running or Paused</option>' in page
    assert '<option value="00000000-0000-4000-8000-000000000000" selected>' in page


@pytest.mark.parametrize(
    ("query", "value", "said"),
    [
        ("state=flying", "flying", "one of pending"),
        ("subscription=mine", "mine", "a subscription's id"),
        ("environment=test", "test", "one of production, lab"),
        ("service=teams", "teams", "one of operatorConnect"),
        ("kind=router", "router", "one of session-border-controller"),
        ("waitsOn=me", "me", "one of operators"),
        ("problem=tired", "tired", "one of throttled"),
        ("text=" + "x" * 201, "x" * 201, "at most 200 characters"),
    ],
)
async def test_a_wrong_value_stays_in_its_field_with_the_reason_beside_it(
    api: Api, query: str, value: str, said: str
) -> None:
    await keep(api, checkpoint_and_retry())
    status, page = await dashboard(api, f"?{query}&late=true")
    assert status == 400
    name = query.partition("=")[0]
    field = page.partition(f'id="{name}"')[2].partition("</div>")[0]
    assert 'aria-invalid="true"' in field
    assert f'aria-describedby="{name}-wrong"' in field
    assert f'value="{value}"' in field
    assert f'id="{name}-wrong"' in field
    assert said.replace("pending", "running") in field
    assert 'name="late" value="true" checked' in page, "what was right stays too"
    assert rows(page) == []
    assert "Nothing was looked for" in page


@pytest.mark.parametrize("query", ["sort=name", "order=up", "limit=0", "late=perhaps", "next=guessed"])
async def test_what_has_no_field_is_said_above_them(api: Api, query: str) -> None:
    await keep(api, checkpoint_and_retry())
    status, page = await dashboard(api, f"?{query}")
    assert status == 400
    assert f"?{query.partition('=')[0]}= is" in page.partition('role="alert"')[2].partition("</p>")[0]


async def test_counts_of_many_filters_are_not_kept_for_ever(api: Api) -> None:
    await keep(api, checkpoint_and_retry())
    for number in range(40):
        page = content(await api.get(f"onboardings?text=contoso-acg{'' if number else ' '}&limit={number + 1}"))
        assert page["counts"]["running"] == 1
    for number in range(40):
        assert content(await api.get(f"onboardings?text=none-{number}"))["counts"]["running"] == 0


def test_a_search_knows_what_table_storage_cannot_compare() -> None:
    assert not Search().narrows
    assert Search(waits_on=WaitsOn.VENDOR).compared == ("WaitsOn",)
    assert Search(problem=ProblemCode.OUTAGE).narrows


async def test_a_checkpoints_own_page_calls_the_next_thing_a_reminder(api: Api) -> None:
    record = checkpoint_and_retry()
    assert await next_of(api, record) == "Next check"
    only = after("operator-information")
    others = ("find-application-id", "assign-application-roles", "add-domain", "share-txt-record", "txt-record-visible")
    for step in (*others, "verify-domain"):
        only = finish(only, step)
    assert names(only) == ["operator-information"]
    assert await next_of(api, called(only, "gw-b")) == "Next reminder"


async def next_of(api: Api, record: Record) -> str:
    await keep(api, record)
    answer = await api.get(f"dashboard/{record.id}", accept="text/html", cookie=OLGA)
    return re.findall(r"<dt>(Next [^<]+)</dt>", answer.get_body().decode())[0]
