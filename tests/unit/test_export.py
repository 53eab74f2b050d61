"""The list as CSV: all that the filter matches, in the table's own columns, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta, timezone
from typing import Any

import azure.functions as func
import pytest

from onboarding.columns import LISTED
from onboarding.core.cells import as_cell, csv_text
from onboarding.http import export
from onboarding.http.export import STEP_HEADER
from tests.support import requests
from tests.support.http import Api, content
from tests.support.system import finished
from tests.unit.test_many import going_on, stopped

CSV = {"accept": "text/csv"}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch)


def lines(answer: func.HttpResponse) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.get_body()
    assert answer.mimetype == "text/csv"
    return [*csv.DictReader(io.StringIO(answer.get_body().decode(), newline=""))]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+442079460101", "'+442079460101"),
        ("+44 20 7946 0101", "'+44 20 7946 0101"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("  =1", "'  =1"),
        ("\r\n=1", "'\n=1"),
        ("\r=1", "'\n=1"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("tel +44", "tel +44"),
        ("", ""),
        (None, ""),
        (-5, -5),
        (0.5, 0.5),
        (datetime(2026, 3, 2, 10, tzinfo=timezone(timedelta(hours=1))), "2026-03-02T09:00:00Z"),
    ],
)
def test_no_cell_begins_a_formula_and_a_phone_number_keeps_its_digits(value: Any, cell: Any) -> None:
    assert as_cell(value) == cell


def test_a_file_is_read_back_as_it_was_written() -> None:
    text = csv_text(("a", "b"), [("x, y", 'say "no"'), ("two\nlines", None)])
    assert text.splitlines()[0] == "a,b"
    assert [*csv.reader(io.StringIO(text, newline=""))] == [["a", "b"], ["x, y", 'say "no"'], ["two\nlines", ""]]


async def test_the_list_as_csv_has_the_columns_of_the_tables_contract(api: Api) -> None:
    mine = (await going_on(api, "a-gateway"))[0]
    (line,) = lines(await api.get("onboardings", **CSV))
    assert tuple(line) == ("Id", *LISTED)
    assert (line["Id"], line["Gateway"], line["State"]) == (mine, "a-gateway", "running")
    assert line["CreatedAt"] == f"{api.system.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    assert line["ClosedAt"] == ""


async def test_it_holds_all_that_the_filter_matches_whatever_the_page_shows(api: Api) -> None:
    other = await stopped(api, "z-stopped")
    await going_on(api, *(f"gateway-{n:02}" for n in range(60)))
    assert len(lines(await api.get("onboardings", **CSV))) == 61
    assert len(lines(await api.get("onboardings?text=gateway-1&sort=state&order=desc", **CSV))) == 10
    (line,) = lines(await api.get("onboardings?state=needs-attention", **CSV))
    assert (line["Id"], line["LastErrorCode"]) == (other[0], "permission-missing")
    assert len(lines(await api.get("onboardings?limit=7", **CSV))) == 7


async def test_what_follows_is_led_to_by_the_header_and_by_no_line(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "EXPORTED", 4)
    await going_on(api, *(f"gateway-{n}" for n in range(10)))
    address, seen, names = "onboardings?text=gateway", list[str](), list[str]()
    while address:
        answer = await api.get(address, **CSV)
        seen += [line["Gateway"] for line in lines(answer)]
        names.append(answer.headers["Content-Disposition"])
        link = answer.headers.get("Link") or ""
        address = link.partition("/api/")[2].partition(">")[0]
    assert seen == [f"gateway-{n}" for n in range(10)]
    assert names == [f'attachment; filename="onboardings-{api.system.clock.now():%Y-%m-%d}-part.csv"'] * 3


async def test_how_long_steps_took_is_a_line_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    system, record = await finished(requests.parsed(requests.operator_connect()))
    api = Api(monkeypatch, system=system)
    answer = await api.get("onboardings?rows=steps", **CSV)
    found = lines(answer)
    assert tuple(found[0]) == STEP_HEADER
    assert [line["Step"] for line in found] == [s.name for s in record.steps]
    provisioned = next(line for line in found if line["Step"] == "provisioning-complete")
    assert provisioned["WaitsOn"] == "Microsoft"
    assert int(provisioned["Seconds"]) >= 0
    assert provisioned["EndedAt"].endswith("Z")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="steps-')


async def test_the_same_is_not_sent_again(api: Api) -> None:
    await going_on(api, "a-gateway")
    tag = (await api.get("onboardings", **CSV)).headers["ETag"]
    assert (await api.get("onboardings", if_none_match=tag, **CSV)).status_code == 304


@pytest.mark.parametrize(
    ("accept", "is_csv"),
    [
        ("text/csv", True),
        ("TEXT/CSV; charset=utf-8", True),
        ("text/csv, application/json;q=0.5", True),
        ("text/csv;q=0.5, application/json", False),
        ("text/csv, application/json", False),
        ("text/html, */*", False),
        ("*/*", False),
        ("text/csv;q=0", False),
        ("text/csv;q=much", False),
        ("", False),
    ],
)
async def test_csv_is_for_whoever_wants_it_rather(api: Api, accept: str, is_csv: bool) -> None:
    answer = await api.get("onboardings", accept=accept)
    assert (answer.mimetype == "text/csv") is is_csv


@pytest.mark.parametrize(
    ("query", "headers", "says"),
    [
        ("rows=steps", {}, "Accept: text/csv"),
        ("rows=cells", {}, "?rows= is 'cells'; onboardings or steps was expected."),
        ("rows=cells", CSV, "onboardings or steps was expected."),
        ("state=tired", CSV, "tired"),
        ("next=abc", CSV, "no page gave"),
    ],
)
async def test_a_wrong_query_is_refused(api: Api, query: str, headers: dict[str, str], says: str) -> None:
    answer = await api.get(f"onboardings?{query}", **headers)
    assert (answer.status_code, says in content(answer)["detail"]) == (400, True)


async def test_the_dashboards_button_saves_what_its_filter_matches(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await going_on(api, "a-gateway", "b-gateway")
    page = (await api.get("dashboard?text=b-&sort=state&limit=1", accept="text/html")).get_body().decode()
    assert 'href="/api/export?text=b-"' in page
    answer = await api.get("export?text=b-", accept="text/html")
    assert answer.get_body().startswith("﻿Id,".encode())
    assert [line["Gateway"] for line in lines(answer)] == ["b-gateway"]
    assert (await api.get("export?state=tired", accept="text/html")).status_code == 400
    assert "at most: filter" not in page
    monkeypatch.setattr("onboarding.pages.export.EXPORTED", 1)
    api.system.clock.advance(60)
    page = (await api.get("dashboard", accept="text/html")).get_body().decode()
    assert "at most: filter" in page
