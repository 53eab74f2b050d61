"""An operator's controls, by clicking: pause and resume, skip, reopen, other people; with script and without."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from onboarding.core.record import OnboardingState, StepState
from sandbox.cloud import Cloud
from tests.browser.conftest import Still, Watch, base_of, stands
from tests.browser.test_everybody import PHONE, tab_to
from tests.support.people import Operator, Simulator

Json = dict[str, Any]
WAIT, FORM = "provisioning-complete", "operator-information"
FORM_TITLE = "Return the onboarding team's form, and have their confirmation"
A_MINUTE = "01:00"


def unfold(page: Page, label: str) -> Locator:
    """Open an action; its form."""
    action = page.locator("details.action").filter(has=page.locator("summary", has_text=label))
    action.locator("summary").click()
    return action.locator("form")


def step(record: Json, name: str) -> Json:
    return next(s for s in record["steps"] if s["name"] == name)


@pytest.fixture
def provisioning(microsoft: Simulator, requested: Callable[..., Json]) -> Json:
    """An onboarding whose gateway is never provisioned."""
    microsoft.options(provisioningSeconds=None)
    return requested(stands(WAIT, "waiting"))


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
def test_it_is_paused_with_a_reason_and_resumed_in_one_press(
    script: bool, living: Cloud, operator: Operator, provisioning: Json, watch: Watch
) -> None:
    page = watch(base_of(living), java_script_enabled=script).open(f"/api/dashboard/{provisioning['id']}")
    form = unfold(page, "Pause")
    form.get_by_role("button", name="Pause").click()
    assert operator.get(provisioning["id"])["pause"] is None, "it was paused without a reason"
    form.get_by_role("textbox", name="Reason").fill("The network is frozen until Monday.")
    form.get_by_role("button", name="Pause").click()
    banner = page.get_by_role("region", name=re.compile("^Paused for"))
    expect(banner).to_contain_text("olga.operator@contoso.com")
    expect(banner).to_contain_text("“The network is frozen until Monday.”")
    expect(banner).to_contain_text("reminded of it in 7 days")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Paused")
    expect(page.locator("summary", has_text="Check now")).to_have_count(0)
    banner.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("Paused")
    expect(page.locator("summary", has_text="Check now")).to_have_count(1)
    assert operator.get(provisioning["id"])["pause"] is None


def test_a_step_is_skipped_by_what_the_article_says(
    living: Cloud, operator: Operator, provisioning: Json, watch: Watch
) -> None:
    page = watch(base_of(living)).open(f"/api/dashboard/{provisioning['id']}")
    form = unfold(page, "Skip a step")
    chosen = form.get_by_role("combobox", name="Step")
    expect(chosen).to_have_value(WAIT)
    form.get_by_role("textbox", name="Reason").fill("Selected when it was deployed.")
    form.get_by_role("button", name="Skip a step").click()
    expect(page.get_by_role("region", name=FORM_TITLE)).to_be_visible()
    skipped = step(operator.get(provisioning["id"]), WAIT)
    assert (skipped["state"], skipped["skippedBecause"]) == ("skipped", "Selected when it was deployed.")


def test_a_step_that_the_article_asks_for_is_skipped_by_insisting_and_reopened(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands(FORM, "waiting"))
    operator.confirm(record["id"], FORM)
    operator.until(record["id"], stands("portal-access", "waiting"), confirm=False)
    page = watch(base_of(living)).open(f"/api/dashboard/{record['id']}")
    form = unfold(page, "Skip a step")
    form.get_by_role("combobox", name="Step").select_option("portal-access")
    form.get_by_role("textbox", name="Reason").fill("Signed in at the supplier's.")
    form.get_by_role("button", name="Skip a step").click()
    assert step(operator.get(record["id"]), "portal-access")["state"] == "waiting", "nobody insisted"
    form.get_by_role("checkbox", name="I insist").check()
    form.get_by_role("button", name="Skip a step").click()
    expect(page.locator("#step-portal-access")).to_contain_text("Signed in at the supplier's.")

    form = unfold(page, "Reopen a step")
    form.get_by_role("combobox", name="Step").select_option("portal-access")
    form.get_by_role("textbox", name="Reason").fill("They can't sign in after all.")
    form.get_by_role("button", name="Reopen a step").click()
    region = page.get_by_role("region", name="Sign in to the Operator Connect portal")
    expect(region.get_by_role("link", name="What to do, and confirm")).to_be_visible()
    events = [e for e in operator.events(record["id"]) if e["step"] == "portal-access"]
    assert [(e["what"], e["actor"]) for e in events if e["what"] in ("skipped", "reopened")] == [
        ("skipped", "olga.operator@contoso.com"),
        ("reopened", "olga.operator@contoso.com"),
    ]


def test_other_people_are_told(living: Cloud, operator: Operator, provisioning: Json, watch: Watch) -> None:
    page = watch(base_of(living)).open(f"/api/dashboard/{provisioning['id']}")
    form = unfold(page, "Change whom to tell")
    addressees = form.get_by_role("textbox", name="E-mail addresses")
    expect(form.get_by_role("textbox", name="Name")).to_have_value("Microsoft onboarding")
    expect(addressees).to_have_value("voice-ops@contoso.com")
    expect(form.get_by_role("checkbox", name="Tell the Teams channel")).to_be_checked()
    form.get_by_role("textbox", name="Name").fill("A partner")
    form.get_by_role("textbox", name="E-mail address", exact=True).fill("partner@example.com")
    addressees.fill("night@contoso.com\nday@contoso.com")
    form.get_by_role("checkbox", name="Tell the Teams channel").uncheck()
    form.get_by_role("textbox", name="Told once").fill("head@contoso.com")
    form.get_by_role("button", name="Change whom to tell").click()
    expect(page.locator("#trail")).to_contain_text("contacts changed")
    request = operator.get(provisioning["id"])["request"]
    assert request["onboardingTeam"] == {"name": "A partner", "email": "partner@example.com"}
    assert request["notify"] == {
        "emails": ["night@contoso.com", "day@contoso.com"],
        "teams": False,
        "daily": False,
        "tellAdminUser": True,
        "escalateTo": "head@contoso.com",
    }


def test_it_is_paused_by_keyboard_alone(living: Cloud, operator: Operator, provisioning: Json, watch: Watch) -> None:
    page = watch(base_of(living)).open(f"/api/dashboard/{provisioning['id']}")
    summary = page.locator("#do-pause summary")
    for _ in range(60):
        page.keyboard.press("Tab")
        if summary.evaluate("(it) => it === document.activeElement"):
            break
    page.keyboard.press("Enter")
    tab_to(page, "textbox", "Reason")
    page.keyboard.type("typed, not clicked")
    tab_to(page, "button", "Pause")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    tab_to(page, "button", "Resume")
    assert operator.get(provisioning["id"])["pause"]["because"] == "typed, not clicked"
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Resume")).to_have_count(0)


def test_on_a_phone_a_pause_is_seen_and_ended(still: Still, watch: Watch) -> None:
    paused = still.one(lambda r: r.state is OnboardingState.PAUSED and r.pause is not None)
    page = watch(still.base, **PHONE).open(f"/api/dashboard/{paused.id}")
    button = page.get_by_role("button", name="Resume")
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390
    assert box["height"] >= 40, "it is too small for a thumb"


def test_what_is_half_filled_in_survives_a_refresh(still: Still, watch: Watch) -> None:
    record = still.one(lambda r: not r.closed and r.step(FORM).state is StepState.WAITING)
    window = watch(still.base)
    page = window.context.new_page()
    page.clock.install()
    for label, change, name in (
        ("Skip a step", lambda form: form.get_by_role("checkbox", name="I insist").check(), "a tick"),
        ("Skip a step", lambda form: form.get_by_role("combobox").select_option("portal-access"), "a choice"),
        ("Change whom to tell", lambda form: form.get_by_role("checkbox", name="Teams").uncheck(), "a tick taken away"),
    ):
        window.go(page, f"/api/dashboard/{record.id}")
        form = unfold(page, label)
        page.evaluate("document.querySelector('#actions').dataset.mine = 'yes'")
        change(form)
        page.evaluate("document.activeElement.blur()")
        refreshed = page.locator("[data-refreshed]").inner_text()
        page.clock.fast_forward(A_MINUTE)
        page.wait_for_function("(was) => document.querySelector('[data-refreshed]').innerText !== was", arg=refreshed)
        assert page.evaluate("document.querySelector('#actions').dataset.mine") == "yes", name


def test_what_can_be_done_appears_when_a_cancel_is_through(still: Still, watch: Watch) -> None:
    ending = still.one(lambda r: r.state is OnboardingState.CANCELLING)
    ended = still.one(lambda r: r.state is OnboardingState.CANCELLED)
    window = watch(still.base)
    page = window.context.new_page()
    page.clock.install()
    window.go(page, f"/api/dashboard/{ending.id}")
    assert page.get_by_text("Start again").count() == 0
    # As if its last function had come back: what is asked for next is a page of one that is cancelled.
    there = f"{still.base}/api/dashboard/{ended.id}"
    page.route(f"**/api/dashboard/{ending.id}", lambda route: route.fulfill(response=route.fetch(url=there)))
    page.clock.fast_forward(A_MINUTE)
    expect(page.get_by_text("Start again").first).to_be_visible()
