"""Charts and the export, in a browser: with words for whoever does not see them, and a table beside each."""

from __future__ import annotations

import csv
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Still, Watch
from tests.browser.test_answers import barriers
from tests.browser.test_everybody import A4, too_wide

CHARTS = ("Completed a week", "Median days a step", "Expected to be complete")


def test_each_chart_has_words_and_a_table(still: Still, watch: Watch, axe: str) -> None:
    window = watch(still.base)
    page = window.open("/api/dashboard")
    page.get_by_role("link", name="Charts").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Charts")
    for name in CHARTS:
        chart = page.get_by_role("img", name=name)
        expect(chart).to_be_visible()
        expect(chart).to_have_accessible_description(re.compile(r"\w.*\."))
        expect(page.get_by_role("table", name=name)).to_be_visible()
    assert barriers(page, axe) == []
    page.emulate_media(color_scheme="dark")
    assert barriers(page, axe) == []


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
def test_they_are_of_what_is_chosen(still: Still, watch: Watch, script: bool) -> None:
    page = watch(still.base, java_script_enabled=script).open("/api/charts")
    whole = int(page.locator(".figures dd").first.inner_text())
    page.get_by_label("Environment").select_option("lab")
    page.get_by_label("Weeks back").fill("10")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Environment")).to_have_value("lab")
    expect(page.get_by_role("table", name="Completed a week").get_by_role("row")).to_have_count(11)
    assert 0 < int(page.locator(".figures dd").first.inner_text()) < whole


@pytest.mark.parametrize("width", [1280, 320])
def test_nothing_overlaps_or_scrolls_sideways(still: Still, watch: Watch, width: int) -> None:
    page = watch(still.base, viewport={"width": width, "height": 800}).open("/api/charts")
    assert too_wide(page, width) == []
    overlapping = page.evaluate(
        """() => [...document.querySelectorAll('svg.chart')].flatMap((svg) => {
          const boxes = [...svg.querySelectorAll('text')].map((t) => [t.textContent, t.getBoundingClientRect()]);
          return boxes.flatMap(([a, x], i) => boxes.slice(i + 1)
            .filter(([, y]) => x.left < y.right && y.left < x.right && x.top < y.bottom && y.top < x.bottom)
            .map(([b]) => `${a} / ${b}`));
        })"""
    )
    assert overlapping == []
    page.emulate_media(media="print")
    page.set_viewport_size({"width": A4, "height": 1000})
    assert too_wide(page, A4) == []


def test_the_export_holds_what_the_filter_matches(still: Still, watch: Watch) -> None:
    page = watch(still.base).open("/api/dashboard?state=completed")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Export").click()
    assert saved.value.suggested_filename.startswith("onboardings-")
    with open(saved.value.path(), encoding="utf-8-sig", newline="") as file:
        rows = [*csv.DictReader(file)]
    completed = {record.id for record in still.people if record.state == "completed"}
    assert {row["Id"] for row in rows} == completed
    assert {row["State"] for row in rows} == {"completed"}
