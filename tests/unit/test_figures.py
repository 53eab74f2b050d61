"""Figures for whoever plans: the same by API, on the page of charts, and by anybody from the table's columns."""

from __future__ import annotations

import csv
import html
import io
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

import pytest

from onboarding.core.figures import AHEAD, Observed, StepTook, figures, monday_of
from onboarding.pages.charts import PLOT, bar_chart, column_chart
from onboarding.pages.figures import days
from tests.support import crowd
from tests.support.http import Api, content
from tests.support.system import System

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
"""A Friday in the week 2026-W48."""
DAY = timedelta(days=1)


def completed(at: datetime, took: float, *steps: StepTook) -> Observed:
    return Observed(at - took * DAY, at, False, None, False, steps)


def open_one(expected: datetime | None, *, late: bool = False) -> Observed:
    return Observed(NOW - DAY, None, True, expected, late)


def test_each_completed_one_counts_in_the_week_in_which_it_was() -> None:
    sunday, monday = datetime(2026, 11, 22, 23, 59, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)
    observed = [completed(sunday, 10), completed(monday, 20), completed(monday, 40), completed(NOW - 100 * DAY, 1)]
    found = figures(observed, NOW, 3)
    assert [(w.name, w.monday, w.number, w.days) for w in found.completed] == [
        ("2026-W46", date(2026, 11, 9), 0, None),
        ("2026-W47", date(2026, 11, 16), 1, 10.0),
        ("2026-W48", date(2026, 11, 23), 2, 30.0),
    ]
    assert (found.done, found.median_days) == (3, 20.0)


def test_a_week_at_the_turn_of_the_year_has_its_iso_name() -> None:
    (week,) = figures([], datetime(2027, 1, 1, tzinfo=UTC), 1).completed
    assert (week.name, week.monday) == ("2026-W53", date(2026, 12, 28))
    assert monday_of(datetime(2026, 11, 23, 0, 30, tzinfo=UTC)) == date(2026, 11, 23)


def test_steps_have_their_median_and_what_nine_of_ten_did_not_exceed() -> None:
    steps = [StepTook("slow", NOW, n * 86400) for n in range(1, 11)]
    old = StepTook("old", NOW - 100 * DAY, 5)
    found = figures([completed(NOW, 1, *steps, StepTook("brief", NOW, 60), old)], NOW, 2)
    assert [(s.step, s.number, s.median_days, s.slow_days) for s in found.steps] == [
        ("slow", 10, 5.5, 9.0),
        ("brief", 1, 60 / 86400, 60 / 86400),
    ]


def test_open_ones_are_expected_in_weeks_and_what_is_past_is_due_now() -> None:
    observed = [
        open_one(NOW - 30 * DAY, late=True),
        open_one(NOW + 7 * DAY),
        open_one(NOW + 7 * AHEAD * DAY),
        open_one(None),
    ]
    found = figures(observed, NOW)
    assert [w.number for w in found.expected[:3]] == [1, 1, 0]
    assert len(found.expected) == AHEAD
    assert (found.later, found.undated, found.open, found.late, found.median_days) == (1, 1, 4, 1, None)


def test_charts_are_drawn_to_scale() -> None:
    chart = column_chart("a", "A", "of a", [(f"W{n}", n) for n in range(26)])
    assert [line[1] for line in chart.lines] == [0, 20, 40]
    assert chart.columns[20].height == PLOT / 2
    assert chart.columns[-1].label == "W25"
    assert sum(bool(c.label) for c in chart.columns) <= 6
    assert all(c.left >= 0 and c.left + c.width <= 100 for c in chart.columns)
    assert [line[1] for line in column_chart("a", "A", "", []).lines] == [0, 1, 2]
    bars = bar_chart("b", "B", "of b", [("x", 5.0, 10.0, "5 d"), ("y", 0.0, 0.0, "0 min")]).bars
    assert [(b.width, b.mark) for b in bars] == [(50.0, 100.0), (0.4, 0.0)]
    assert bar_chart("b", "B", "", []).bars == ()


@pytest.mark.parametrize(
    ("number", "words"), [(12.4, "12 d"), (2.46, "2.5 d"), (0.5, "12 h"), (0.01, "14 min"), (0.0, "0 min")]
)
def test_days_are_as_exact_as_anybody_needs(number: float, words: str) -> None:
    assert days(number) == words


@pytest.fixture
async def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """With a crowd in every state."""
    system = System()
    system.clock.advance((NOW - system.clock.now()).total_seconds())
    await crowd.put(crowd.crowd(60, NOW), system.onboardings, system.trail)
    return Api(monkeypatch, system=system)


async def test_the_api_says_what_anybody_computes_from_the_columns(api: Api) -> None:
    found = content(await api.get("figures?weeks=20"))
    text = (await api.get("onboardings", accept="text/csv")).get_body().decode()
    rows = [*csv.DictReader(io.StringIO(text))]
    done = [r for r in rows if r["State"] in ("completed", "drifted")]
    first = date.fromisoformat(found["completedByWeek"][0]["monday"])
    weeks = Counter(str(monday_of(datetime.fromisoformat(r["ClosedAt"]))) for r in done)
    assert sum(weeks.values()) > 5
    shown = {w["monday"]: w["number"] for w in found["completedByWeek"] if w["number"]}
    assert shown == {monday: number for monday, number in weeks.items() if date.fromisoformat(monday) >= first}
    text = (await api.get("onboardings?rows=steps", accept="text/csv")).get_body().decode()
    took = [
        int(r["Seconds"]) / 86400
        for r in csv.DictReader(io.StringIO(text))
        if r["Step"] == "operator-information" and r["StepState"] == "done" and r["Seconds"]
        and monday_of(datetime.fromisoformat(r["EndedAt"])) >= first
    ]  # fmt: skip
    (step,) = (s for s in found["steps"] if s["step"] == "operator-information")
    assert (step["number"], step["medianDays"]) == (len(took), round(median(took), 3))
    assert found["openCount"] == sum(r["State"] not in ("completed", "drifted", "cancelled") for r in rows)
    dated = sum(w["number"] for w in found["expectedByWeek"]) + found["expectedLater"]
    assert (dated, found["undated"]) == (
        sum(r["ExpectedAt"] != "" for r in rows),
        found["openCount"] - sum(r["ExpectedAt"] != "" for r in rows),
    )
    assert dated > 5


async def test_figures_are_of_what_the_filter_matches(api: Api) -> None:
    whole, lab = [content(await api.get(f"figures{q}")) for q in ("", "?environment=lab")]
    assert 0 < lab["openCount"] < whole["openCount"]
    tag = (await api.get("figures")).headers["ETag"]
    assert (await api.get("figures", if_none_match=tag)).status_code == 304
    for query, says in (
        ("weeks=0", "?weeks= is '0'; a number from 1 to 104"),
        ("weeks=²", "a number from 1 to 104"),
        ("state=tired", "tired"),
        ("week=3", "did you mean 'weeks'"),
    ):
        refused = await api.get(f"figures?{query}")
        assert (refused.status_code, says in content(refused)["detail"]) == (400, True), query


async def test_the_page_has_each_chart_with_words_and_its_table_beside_it(api: Api) -> None:
    page = (await api.get("charts?weeks=20&environment=production", accept="text/html")).get_body().decode()
    found = content(await api.get("figures?weeks=20&environment=production"))
    charts = re.findall(r'<svg class="chart[^>]*role="img" aria-labelledby="([^"]+)" aria-describedby="([^"]+)"', page)
    assert charts == [(f"{name}-title", f"{name}-desc") for name in ("completed", "steps", "expected")]
    for name in ("completed", "steps", "expected"):
        assert f'<title id="{name}-title">' in page
        assert re.search(rf'<desc id="{name}-desc">[^<]+</desc>', page)
    tables: dict[str, Any] = dict(re.findall(r'(?s)<caption class="hidden">([^<]+)</caption>(.*?)</table>', page))
    assert len(re.findall("<tr>", tables["Completed a week"])) == 1 + 20
    assert len(re.findall("<tr>", tables["Median days a step"])) == 1 + len(found["steps"])
    assert len(re.findall("<tr>", tables["Expected to be complete"])) == 1 + AHEAD + 1
    assert f"<dd>{found['completed']}</dd>" in page
    assert 'href="/api/export?environment=production&rows=steps"' in html.unescape(page)
    assert "style=" not in page


async def test_the_page_of_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(monkeypatch)
    page = (await api.get("charts", accept="text/html")).get_body().decode()
    assert "No step was done in these weeks." in page
    assert (await api.get("charts?weeks=many", accept="text/html")).status_code == 400


async def test_more_than_are_looked_at_is_said(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onboarding.http.figures.EXPORTED", 10)
    assert content(await api.get("figures"))["cut"] is True
    assert "There are more onboardings than" in (await api.get("charts", accept="text/html")).get_body().decode()
