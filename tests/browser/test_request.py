"""An onboarding is requested in the browser: by a form, as JSON, or many at once as a table; also without script."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from onboarding.core.request_csv import csv_of
from onboarding.kinds import read_request
from onboarding.pages.request_shown import asked_by
from sandbox.cloud import Cloud
from tests.browser.conftest import Still, Watch, base_of
from tests.browser.test_answers import barriers
from tests.browser.test_plans import SMALL, each_script, id_of, made_anew, of_its_own
from tests.browser.test_walk import FORM, IDS, PORTAL, confirm
from tests.support.people import Operator, Simulator
from tests.unit.test_request_fields import typed_of

Json = dict[str, Any]
DONE = ("Confirm that it is done",)
ACG, SBC = "communications-gateway", "session-border-controller"


def named(page: Page, name: str) -> Any:
    return page.locator(f'[name="{name}"]')


def fill(page: Page, body: Json, kind: str) -> None:
    """Fill the empty form in as a person would: part by part, row after row."""
    typed = typed_of(asked_by(kind), body)
    for name, value in typed.items():
        if not value:
            continue
        row = re.match(r"(.+)\[(\d+)\]\.", name)
        if row and named(page, name).count() == 0:
            page.locator(f'button[value="add {row[1]}"]').click()
            expect(named(page, name)).to_be_visible()
        field = named(page, name)
        if not field.is_visible():
            field.locator("xpath=ancestor::details[not(@open)]/summary").click()
        if field.evaluate("(it) => it.tagName") == "SELECT":
            field.select_option(value)
        elif field.get_attribute("type") == "checkbox":
            field.check()
        else:
            field.fill(value)


def fits(page: Page, axe: str, width: int = SMALL["viewport"]["width"]) -> None:
    """Nothing is wider than the screen, and nobody is kept out."""
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert barriers(page, axe) == []


@pytest.fixture
def sbc(living: Cloud, microsoft: Simulator, operator: Operator, request: pytest.FixtureRequest) -> Iterator[Json]:
    with of_its_own(living, microsoft, operator, f"ask-{zlib.crc32(request.node.name.encode())}") as made:
        yield made


def test_from_an_empty_form_to_completed_in_the_browser_alone(
    living: Cloud, gateway: Callable[..., Json], watch: Watch
) -> None:
    body = gateway()
    name = body["gateway"]["name"]
    page = watch(base_of(living)).open("/api/dashboard")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Request").click()
    page.get_by_role("link", name="Azure Communications Gateway").click()
    fill(page, body, ACG)
    page.get_by_role("button", name="Plan it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Plan for {name}")
    page.get_by_role("button", name="Start the onboarding").click()
    page.get_by_role("link", name="Open the onboarding").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    turns = ("The form was sent", "The form was returned", "The onboarding is confirmed")
    for title, buttons in ((FORM, turns), (PORTAL, DONE), (IDS, DONE)):
        page.get_by_role("region", name=title).get_by_role("link", name="What to do, and confirm").click()
        for button in buttons:
            confirm(page, f"“{title}”: done.", button)
        page.get_by_role("navigation", name="Where you are").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Completed", timeout=60_000)


@each_script
def test_a_form_is_put_right_where_it_is_wrong_and_nothing_typed_is_lost(
    living: Cloud, operator: Operator, watch: Watch, axe: str, sbc: Json, script: bool
) -> None:
    page = watch(base_of(living), refusals=True, java_script_enabled=script, **SMALL).open(
        f"/api/request/form?kind={SBC}"
    )
    fill(page, sbc, SBC)
    trunk = named(page, "gateway.trunks[1].fqdn")
    trunk.fill("sbc2.elsewhere.example")
    numbers = named(page, "services.operatorConnect.integrationTestNumbers")
    numbers.fill("+442079460790\n0790")
    page.get_by_role("button", name="Plan it").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was planned yet. 2 places are to be put right:")
    expect(trunk).to_have_attribute("aria-invalid", "true")
    expect(trunk).to_have_accessible_description(re.compile("FQDN is not below gateway.domain|FQDN is not below"))
    expect(numbers).to_have_accessible_description(re.compile("line 2, “0790” must be in E.164 form"))
    expect(numbers).to_have_value("+442079460790\n0790")
    expect(named(page, "adminUser")).to_have_value(sbc["adminUser"])
    if script:
        fits(page, axe)
    page.get_by_role("alert").get_by_role("link", name=re.compile("Integration test numbers")).click()
    if script:
        expect(numbers).to_be_focused()
    numbers.fill("+442079460790")
    trunk.fill(sbc["gateway"]["trunks"][1]["fqdn"])
    page.get_by_role("button", name="Check only").click()
    expect(page.get_by_role("status").filter(has_text="It would be taken as it is.")).to_be_visible()
    if script:
        fits(page, axe)
    page.get_by_role("button", name="Plan it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Plan for {sbc['gateway']['name']}")
    plan = operator.client.get(f"/plans/{page.url.rpartition('/')[2]}").json()
    assert read_request(plan["request"]) == read_request(sbc)


@each_script
def test_rows_come_and_go_where_the_reader_is(still: Still, watch: Watch, script: bool) -> None:
    page = watch(still.base, java_script_enabled=script, **SMALL).open(f"/api/request/form?kind={SBC}")
    named(page, "gateway.trunks[0].fqdn").fill("sbc1.contoso.example")
    page.get_by_role("button", name="Add one more of the trunks").click()
    second = named(page, "gateway.trunks[1].fqdn")
    expect(second).to_be_focused()
    expect(second).to_be_in_viewport()
    expect(named(page, "gateway.trunks[0].fqdn")).to_have_value("sbc1.contoso.example")
    second.fill("sbc2.contoso.example")
    page.get_by_role("button", name="Remove trunk 1").click()
    expect(second).to_have_count(0)
    expect(named(page, "gateway.trunks[0].fqdn")).to_have_value("sbc2.contoso.example")
    if script:
        # The page was not loaded anew.
        assert page.evaluate("performance.getEntriesByType('navigation').length") == 1
        assert page.url.endswith(f"/api/request/form?kind={SBC}")


def test_with_script_a_mistake_is_told_when_its_field_is_left(still: Still, watch: Watch) -> None:
    page = watch(still.base).open(f"/api/request/form?kind={SBC}")
    port = named(page, "gateway.trunks[0].port")
    port.fill("none")
    port.press("Tab")
    expect(port).to_have_accessible_description(re.compile("Port must be a whole number"))
    expect(page.locator("#news")).to_contain_text("Port must be a whole number")
    # Nobody is told of what they have not come to yet.
    expect(page.locator("form .error")).to_have_count(1)
    port.fill("5061")
    port.press("Tab")
    expect(page.locator("form .error")).to_have_count(0)
    expect(port).not_to_have_attribute("aria-invalid", "true")


def test_return_in_a_field_checks_and_adds_no_row(still: Still, watch: Watch) -> None:
    page = watch(still.base).open(f"/api/request/form?kind={SBC}")
    named(page, "gateway.name").fill("contoso-1")
    named(page, "gateway.name").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was planned yet.")
    expect(named(page, "gateway.name")).to_have_value("contoso-1")
    expect(named(page, "gateway.trunks[1].fqdn")).to_have_count(0)


@each_script
def test_a_closed_one_is_started_anew_with_changes(
    living: Cloud, operator: Operator, watch: Watch, sbc: Json, script: bool
) -> None:
    onboarding_id = operator.post(sbc).json()["id"]
    window = watch(base_of(living), refusals=True, java_script_enabled=script)
    page = window.open(f"/api/dashboard/{onboarding_id}")
    page.get_by_role("link", name="Copy and edit").click()
    page.get_by_role("button", name="Plan it").click()
    expect(page.get_by_role("alert")).to_contain_text("The gateway has an onboarding already")
    operator.client.post(f"/onboardings/{onboarding_id}/cancel", json={"reason": "Another admin user."})
    operator.until(onboarding_id, lambda r: bool(r["state"] == "cancelled"), confirm=False)
    window.go(page, f"/api/dashboard/{onboarding_id}")
    page.get_by_role("link", name="Start anew with changes").click()
    named(page, "notify.emails").fill("night@contoso.com")
    named(page, "notify.teams").uncheck()
    page.get_by_role("button", name="Plan it").click()
    made_anew(operator, page, script)
    page.get_by_role("button", name="Start the onboarding").click()
    made_anew(operator, page, script)
    expect(page.get_by_role("heading", name="The onboarding has started")).to_be_visible()
    record = operator.get(onboarding_id)
    notify = record["request"]["notify"]
    assert (record["run"], notify["emails"], notify["teams"]) == (2, ["night@contoso.com"], False)


@each_script
def test_json_is_pasted_or_uploaded(
    living: Cloud, watch: Watch, axe: str, sbc: Json, tmp_path: Path, script: bool
) -> None:
    window = watch(base_of(living), refusals=True, java_script_enabled=script, **SMALL)
    page = window.open("/api/request")
    page.get_by_label("Request (JSON)").fill("{")
    page.get_by_role("button", name="Check it, and open the form").click()
    expect(page.get_by_role("alert")).to_contain_text("The body is not JSON")
    expect(page.get_by_label("Request (JSON)")).to_have_value("{")
    if script:
        fits(page, axe)
    file = tmp_path / "request.json"
    file.write_text(json.dumps({**sbc, "adminUser": "nobody"}))
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Check it, and open the form").click()
    expect(named(page, "adminUser")).to_have_value("nobody")
    expect(named(page, "adminUser")).to_have_attribute("aria-invalid", "true")
    expect(named(page, "gateway.domain")).to_have_value(sbc["gateway"]["domain"])
    window.go(page, "/api/request")
    page.get_by_label("Request (JSON)").fill(json.dumps(sbc))
    page.get_by_role("button", name="Plan it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Plan for {sbc['gateway']['name']}")


@each_script
def test_a_table_is_put_right_and_started(
    living: Cloud, operator: Operator, watch: Watch, axe: str, sbc: Json, tmp_path: Path, script: bool
) -> None:
    other = json.loads(json.dumps(sbc).replace(sbc["gateway"]["name"], f"{sbc['gateway']['name']}-b"))
    text = csv_of(asked_by(SBC), [sbc, other], ";").decode("utf-8-sig")
    lost = text.replace('"=""+442079460702"""', "442079460702", 1)
    file = tmp_path / "requests.csv"
    file.write_text(lost, encoding="utf-8-sig")
    window = watch(base_of(living), refusals=True, java_script_enabled=script, **SMALL)
    page = window.open("/api/request/table")
    page.get_by_label("File (CSV)").set_input_files(file)
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_role("heading", name="2 requests: 1 wrong")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Excel takes it away")
    if script:
        fits(page, axe)
    page.get_by_label("Table (CSV)").fill(text)
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_role("heading", name="2 requests", exact=True)).to_be_visible()
    expect(page.get_by_role("checkbox", name=sbc["gateway"]["name"], exact=True)).to_be_checked()
    page.get_by_role("checkbox", name=other["gateway"]["name"]).uncheck()
    if script:
        fits(page, axe)
    page.get_by_role("button", name="Start those chosen, without a plan").click()
    expect(page.get_by_role("heading", name="2 requests: 1 taken")).to_be_visible()
    if script:
        fits(page, axe)
    page.get_by_role("link", name=f"Open it ({sbc['gateway']['name']})", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(sbc["gateway"]["name"])
    assert operator.client.get(f"/onboardings/{id_of(operator, other)}").status_code == 404


def test_a_template_is_downloaded(still: Still, watch: Watch) -> None:
    page = watch(still.base).open("/api/request/table")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="with semicolons for a session border controller").click()
    assert downloading.value.suggested_filename == f"requests-{SBC}.csv"
