"""A person's text is text: whatever is typed into any field, nothing of it runs, and all of it is shown as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID
from sandbox.cloud import Cloud
from tests.browser.conftest import Watch, base_of, stands
from tests.browser.inbox import mailed_link
from tests.support.people import Operator, Simulator

Json = dict[str, Any]
MARKS = (
    "<script>window.__hacked=1</script>",
    '"><img src=x onerror="window.__hacked=2">',
    "javascript:window.__hacked=3",
    "{{7*7}}{% raw %}${7*7}",
    "' autofocus onfocus='window.__hacked=4",
    "</textarea></title><svg onload=window.__hacked=5>",
)
ALL = " ".join(MARKS)
TEAM_NAME = MARKS[0] + MARKS[1] + MARKS[3]
TEAM = "${7*7}@example.com"
ADMIN = "{{7*7}}&lt;b&gt;@contoso.com"


def look(page: Page, *shown: str) -> None:
    """The page runs nothing of it, has no link or field made of it, and shows these texts as they were typed."""
    assert page.evaluate("window.__hacked") is None, page.url
    for made in ("a[href^='javascript:' i]", "img[src='x']", "[onfocus]", "[onerror]", "svg[onload]"):
        expect(page.locator(made)).to_have_count(0)
    for text in shown:
        assert text in page.locator("main").evaluate("(main) => main.textContent"), (text, page.url)


@pytest.fixture
def hostile(microsoft: Simulator, requested: Callable[..., Json]) -> Json:
    """An onboarding in which every text is an attack."""
    microsoft.call("PUT", "/users", {"userPrincipalName": ADMIN, "id": "6d1f0c3e-0f0b-4a55-9a0c-2f4f6e1a7b90"})
    emails = ["{{7*7}}&lt@contoso.com"]
    return requested(
        stands("operator-information", "waiting"),
        adminUser=ADMIN,
        onboardingTeam={"name": TEAM_NAME, "email": TEAM},
        notify={"emails": emails, "teams": True, "escalateTo": emails[0]},
    )


def test_texts_of_a_request_and_of_people_stay_texts_on_every_page(
    living: Cloud, microsoft: Simulator, operator: Operator, hostile: Json, watch: Watch
) -> None:
    window = watch(base_of(living))
    page = window.open(f"/api/onboardings/{hostile['id']}/checkpoints/operator-information")
    look(page, TEAM_NAME)
    page.get_by_role("textbox", name="Note").fill(ALL)
    page.get_by_role("button", name="The form was sent").click()
    expect(page.get_by_role("button", name="The form was sent")).to_have_count(0)
    look(page, ALL)
    operator.confirm(hostile["id"], "operator-information")

    operator.until(hostile["id"], stands("portal-access", "waiting"), confirm=False)
    window.go(page, f"/api/onboardings/{hostile['id']}/checkpoints/portal-access")
    look(page, ADMIN)
    page.get_by_text("Report a problem").click()
    page.get_by_role("textbox", name="What is the problem?").fill(ALL)
    page.get_by_role("button", name="Report the problem").click()
    expect(page.get_by_role("button", name="Report the problem")).to_have_count(0)
    look(page, ALL)

    window.go(page, "/api/dashboard")
    look(page, MARKS[0])
    window.go(page, f"/api/dashboard/{hostile['id']}")
    look(page, ALL)

    page.get_by_text("Cancel the onboarding").first.click()
    page.get_by_role("textbox", name="Reason").fill(ALL)
    page.get_by_role("button", name="Cancel the onboarding").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cancelled")
    look(page, ALL)

    # What the list and the API say is data, and read as such by a browser too.
    for path in ("/api/onboardings", f"/api/onboardings/{hostile['id']}", f"/api/onboardings/{hostile['id']}/events"):
        answer = window.context.request.get(f"{window.base}{path}", headers={"accept": "text/html"})
        if "json" not in answer.headers["content-type"]:
            window.go(page, path)
            look(page)


def test_texts_stay_texts_on_a_page_behind_a_link(
    living: Cloud, microsoft: Simulator, hostile: Json, watch: Watch
) -> None:
    link = mailed_link(microsoft, TEAM, "/api/links#")
    look(watch(base_of(living)).open(link), TEAM_NAME)


def test_texts_of_a_request_stay_texts_where_it_is_started_anew_and_on_its_plan(
    living: Cloud, microsoft: Simulator, operator: Operator, hostile: Json, watch: Watch
) -> None:
    operator.client.post(f"/onboardings/{hostile['id']}/cancel", json={"reason": ALL}).raise_for_status()
    operator.until(hostile["id"], lambda r: bool(r["state"] == "cancelled"), confirm=False)
    window = watch(base_of(living), refusals=True)
    page = window.open(f"/api/request/form?from={hostile['id']}")
    look(page)
    name = page.locator("[name='onboardingTeam.name']")
    expect(name).to_have_value(TEAM_NAME)

    name.fill(ALL)
    page.locator("[name='notify.emails']").fill(ALL)
    page.locator("[name='services.operatorConnect.testLines[0].name']").fill(MARKS[1])
    page.get_by_role("button", name="Plan it").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was planned yet.")
    expect(name).to_have_value(ALL)
    expect(page.locator("[name='services.operatorConnect.testLines[0].name']")).to_have_value(MARKS[1])
    look(page, MARKS[0])

    # So that there is something to plan.
    microsoft.call("PUT", "/service-principals", {"appId": PROJECT_SYNERGY_APP_ID, "remove": True})
    window.go(page, f"/api/request/form?from={hostile['id']}")
    page.get_by_role("button", name="Plan it").click()
    expect(page.get_by_role("heading", name="Step by step")).to_be_visible()
    look(page, ADMIN)
    for shown in page.locator("details summary").all():
        shown.click()
    look(page, ADMIN)


def test_texts_of_json_and_of_a_table_stay_texts(living: Cloud, watch: Watch) -> None:
    window = watch(base_of(living), refusals=True)
    page = window.open("/api/request")
    for text in (ALL, json.dumps({"adminUser": ALL, MARKS[5]: MARKS[1], "gateway": {"name": MARKS[0]}})):
        page.get_by_role("textbox", name="Request (JSON)").fill(text)
        page.get_by_role("button", name="Check it, and open the form").click()
        expect(page.get_by_role("textbox", name="Request (JSON)")).to_have_value(text)
        look(page)
    window.go(page, "/api/request/table")
    for text in (ALL, f'gateway.name,adminUser\n"{MARKS[0]}","{MARKS[3]}"', f"{MARKS[0]};{MARKS[2]}\n"):
        page.get_by_role("textbox", name="Table (CSV)").fill(text)
        page.get_by_role("button", name="Check it").click()
        expect(page.get_by_role("textbox", name="Table (CSV)")).to_have_value(text)
        look(page, MARKS[0])


@pytest.mark.parametrize("mark", MARKS)
def test_texts_in_an_address_stay_texts(mark: str, living: Cloud, hostile: Json, watch: Watch) -> None:
    window = watch(base_of(living), refusals=True)
    page = window.open("/api/dashboard")
    page.get_by_role("searchbox").fill(mark)
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("searchbox")).to_have_value(mark)
    look(page)
    quoted = quote(mark, safe="")
    for path in (
        *(f"/api/dashboard?{field}={quoted}" for field in ("state", "subscription", "sort", "order", "next", "text")),
        f"/api/dashboard/{quoted}",
        f"/api/onboardings/{hostile['id']}/checkpoints/{quoted}",
        f"/api/onboardings/{quoted}/checkpoints/portal-access",
        f"/api/links/{quoted}",
    ):
        window.go(page, path)
        look(page)


def test_mail_and_the_sandboxs_own_pages_run_nothing(
    living: Cloud, microsoft: Simulator, operator: Operator, hostile: Json, browser: Browser
) -> None:
    operator.client.post(
        f"/onboardings/{hostile['id']}/checkpoints/operator-information", json={"note": ALL}
    ).raise_for_status()
    page = browser.new_page()
    for mail in microsoft.call("GET", "/mailbox"):
        content = mail.get("html") or mail["content"]
        page.set_content(content)
        assert page.evaluate("window.__hacked") is None, mail["subject"]
        expect(page.locator("script, img[src='x'], [onfocus], [onerror]")).to_have_count(0)
    for path in ("/mailbox", "/teams"):
        page.goto(f"{living.control}{path}")
        assert page.evaluate("window.__hacked") is None
    page.context.close()
