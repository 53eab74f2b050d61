"""One onboarding from its request to its end, by clicking: as the people do whom it waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from sandbox.cloud import Cloud
from tests.browser.conftest import Watch, base_of, stands
from tests.browser.inbox import card_link, mailed_link
from tests.support.people import Operator, Simulator

Json = dict[str, Any]
FORM = "Return the onboarding team's form, and have their confirmation"
PORTAL = "Sign in to the Operator Connect portal"
IDS = "Enter the application ids in the Operator Connect portal"


def confirm(page: Page, note: str, button: str = "Confirm that it is done") -> None:
    page.get_by_role("textbox", name="Note").fill(note)
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("button", name=button)).to_have_count(0)
    expect(page.get_by_role("main")).to_contain_text("olga.operator@contoso.com")
    expect(page.get_by_role("main")).to_contain_text(note)


def test_from_the_request_to_completed_by_clicking(
    living: Cloud, microsoft: Simulator, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    name, onboarding_id = record["gateway"]["name"], record["id"]
    window = watch(base_of(living))

    # From the dashboard, to the onboarding, to the checkpoint that it waits for.
    page = window.open("/api/dashboard")
    expect(page).to_have_title("Dashboard · Operator Connect onboarding")
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    page.get_by_role("region", name=FORM).get_by_role("link", name="What to do, and confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(FORM)
    # Three turns, each with its own end; what is asked for belongs to the last.
    confirm(page, "It came by post.", "The form was sent")
    expect(page.get_by_label("Date of the confirmation")).to_have_count(0)
    confirm(page, "Sealed.", "The form was returned")
    page.get_by_label("Date of the confirmation").fill("2026-03-01")
    confirm(page, "The form went back on Monday.", "The onboarding is confirmed")
    page.get_by_role("navigation", name="Where you are").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)

    # From the card in Teams.
    window.go(page, card_link(microsoft, f"{onboarding_id}/checkpoints/portal-access"))
    expect(page.get_by_role("heading", level=1)).to_have_text(PORTAL)
    expect(page.get_by_role("main")).to_contain_text("voice.admin@contoso.com")
    expect(page.get_by_role("main")).to_contain_text("CommsGw")
    confirm(page, "Signed in without trouble.")

    # From the mail.
    window.go(page, mailed_link(microsoft, "voice-ops@contoso.com", f"{onboarding_id}/checkpoints/add-application-ids"))
    expect(page.get_by_role("heading", level=1)).to_have_text(IDS)
    found = operator.get(onboarding_id)["findings"]["applicationId"]
    expect(page.get_by_role("main").get_by_text(found, exact=True)).to_be_visible()
    confirm(page, "Both are in the portal.")

    record = operator.completed(onboarding_id)
    assert record["state"] == "completed"
    ended = {s["name"]: (s["endedBy"], s["note"]) for s in record["steps"] if s["kind"] == "checkpoint"}
    assert ended == {
        "operator-information": ("olga.operator@contoso.com", "The form went back on Monday."),
        "portal-access": ("olga.operator@contoso.com", "Signed in without trouble."),
        "add-application-ids": ("olga.operator@contoso.com", "Both are in the portal."),
    }
    window.go(page, "/api/dashboard")
    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text("Completed")
    row.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Completed")


def test_an_open_page_shows_by_itself_what_happened_since(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    window = watch(base_of(living))
    page = window.context.new_page()
    page.clock.install()
    window.go(page, f"/api/dashboard/{record['id']}")
    expect(page.get_by_role("region", name=FORM)).to_be_visible()
    operator.confirm(record["id"], "operator-information", "from elsewhere")
    operator.until(record["id"], stands("portal-access", "waiting"), confirm=False)
    page.clock.fast_forward("01:00")
    expect(page.get_by_role("region", name=PORTAL)).to_be_visible()
    expect(page.get_by_role("region", name=FORM)).to_have_count(0)


def test_values_are_copied_by_a_button(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("txt-record-visible", "waiting"))
    page = watch(base_of(living), permissions=["clipboard-read", "clipboard-write"]).open(
        f"/api/onboardings/{record['id']}/checkpoints/txt-record-visible"
    )
    page.get_by_role("button", name="Copy Value").click()
    value = operator.get(record["id"])["findings"]["txtRecord"]["value"]
    assert page.evaluate("navigator.clipboard.readText()") == value
