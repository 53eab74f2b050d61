"""Many at once, in a browser: ticked or filtered, seen before it is done, and told of after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sandbox.cloud import Cloud
from tests.browser.conftest import Still, Watch, base_of, stands
from tests.browser.test_answers import barriers
from tests.browser.test_everybody import tab_to, too_wide
from tests.support.people import Operator, Simulator

Json = dict[str, Any]
STEP = "add-project-synergy"
SMALL = {"viewport": {"width": 320, "height": 640}}
each_script = pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])


@pytest.fixture
def stopped(microsoft: Simulator, requested: Callable[..., Json]) -> list[Json]:
    """Onboardings that one missing permission has stopped; it is granted by now."""
    microsoft.fault(
        kind="status", status=403, service="graph", method="POST", path="/servicePrincipals$",
        code="Authorization_RequestDenied", message="Insufficient privileges to complete the operation.", times=None,
    )  # fmt: skip
    made = [requested(stands(STEP, "needs-attention")) for _ in range(3)]
    microsoft.call("DELETE", "/faults")
    return made


def unfold_many(page: Page, script: bool) -> None:
    """With script, a tick unfolds it."""
    if not script:
        page.get_by_text("Many at once", exact=True).click()
    expect(page.get_by_label("Which")).to_be_visible()


@each_script
def test_those_that_are_ticked_are_retried_after_a_look(
    living: Cloud, operator: Operator, stopped: list[Json], watch: Watch, axe: str, script: bool
) -> None:
    first, second, third = stopped
    page = watch(base_of(living), java_script_enabled=script, **SMALL).open("/api/dashboard?state=needs-attention")
    for one in (first, second):
        page.get_by_role("checkbox", name=f"Choose {one['gateway']['name']}").check()
    unfold_many(page, script)
    if script:
        expect(page.locator("[data-ticked]")).to_have_text("2 ticked.")
    page.get_by_role("button", name="Look what will be done").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Retry 2 steps?")
    look = page.get_by_role("table", name="What will be done to each")
    expect(look.get_by_role("row").filter(has_text="Will be retried")).to_have_count(2)
    assert operator.get(first["id"])["state"] == "needs-attention"
    if script:
        assert too_wide(page, SMALL["viewport"]["width"]) == []
        assert barriers(page, axe) == []
    page.get_by_role("textbox", name="One reason for all").fill("The role was granted.")
    page.get_by_role("button", name="Retry 2 steps").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Retried: what became of each")
    expect(page.get_by_role("main")).to_contain_text("2 retried.")
    if script:
        assert too_wide(page, SMALL["viewport"]["width"]) == []
        assert barriers(page, axe) == []
    for one in (first, second):
        operator.until(one["id"], stands(STEP, "done"), confirm=False)
    assert operator.get(third["id"])["state"] == "needs-attention"
    events = operator.client.get(f"/onboardings/{first['id']}/events").json()["events"]
    (asked,) = (event for event in events if event["what"] == "retry-requested")
    assert (asked["detail"], asked["actor"]) == ("The role was granted.", "olga.operator@contoso.com")


@each_script
def test_all_that_one_missing_permission_stopped_are_one_action(
    living: Cloud, operator: Operator, stopped: list[Json], watch: Watch, script: bool
) -> None:
    page = watch(base_of(living), java_script_enabled=script).open("/api/dashboard")
    page.get_by_text("Many at once", exact=True).click()
    page.get_by_label("Which").select_option(label="All open ones")
    page.get_by_label("Stopped with").select_option("permission-missing")
    page.get_by_role("button", name="Look what will be done").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Retry {len(stopped)} steps?")
    page.get_by_role("button", name=f"Retry {len(stopped)} steps").click()
    expect(page.get_by_role("main")).to_contain_text(f"{len(stopped)} retried.")
    for one in stopped:
        operator.until(one["id"], stands(STEP, "done"), confirm=False)


@each_script
def test_a_pause_asks_for_its_reason_and_refuses_in_words(
    living: Cloud, operator: Operator, stopped: list[Json], watch: Watch, axe: str, script: bool
) -> None:
    first, second, _ = stopped
    operator.client.post(f"/onboardings/{second['id']}/pause", json={"reason": "It is being rebuilt."})
    window = watch(base_of(living), refusals=True, java_script_enabled=script, **SMALL)
    page = window.open("/api/dashboard?state=needs-attention,paused")
    for one in (first, second):
        page.get_by_role("checkbox", name=f"Choose {one['gateway']['name']}").check()
    unfold_many(page, script)
    page.get_by_label("What", exact=True).select_option("pause")
    page.get_by_role("button", name="Look what will be done").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pause 1 onboarding?")
    refused = page.get_by_role("row").filter(has_text=second["gateway"]["name"])
    expect(refused).to_contain_text("paused already, by olga.operator@contoso.com (It is being rebuilt.)")
    reason = page.get_by_role("textbox", name="One reason for all")
    reason.fill("  ")
    page.get_by_role("button", name="Pause 1 onboarding").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed.")
    expect(reason).to_have_attribute("aria-invalid", "true")
    if script:
        assert barriers(page, axe) == []
    reason.fill("A change freeze.")
    page.get_by_role("button", name="Pause 1 onboarding").click()
    expect(page.get_by_role("main")).to_contain_text("1 paused.")
    assert operator.get(first["id"])["pause"]["because"] == "A change freeze."


def test_it_is_done_by_keyboard_alone(
    living: Cloud, operator: Operator, stopped: list[Json], watch: Watch
) -> None:
    name = stopped[0]["gateway"]["name"]
    page = watch(base_of(living)).open(f"/api/dashboard?state=needs-attention&text={name}")
    tab_to(page, "checkbox", f"Choose {name}")
    page.keyboard.press("Space")
    page.reload()
    tab_to(page, "checkbox", f"Choose {name}")
    page.keyboard.press("Space")
    for _ in range(10):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Look what will be done":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Retry 1 step?")
    tab_to(page, "button", "Retry 1 step")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_contain_text("1 retried.")


def test_a_tick_outlives_a_refresh_and_the_row_is_fresh(still: Still, watch: Watch) -> None:
    window = watch(still.base)
    page = window.context.new_page()
    page.clock.install()
    window.go(page, "/api/dashboard?state=needs-attention")
    box = page.locator(".pick").first
    box.check()
    row = page.locator("#onboardings tr").first
    row.evaluate("(row) => { row.cells[1].textContent = 'as it was' }")
    page.clock.fast_forward("01:00")
    expect(row).to_contain_text("Needs attention")
    expect(box).to_be_checked()


def test_whoever_reads_has_no_boxes(still: Still, watch: Watch) -> None:
    page = watch(still.base, user="rita.reader").open("/api/dashboard")
    expect(page.locator("#onboardings tr").first).to_be_visible()
    expect(page.locator(".pick")).to_have_count(0)
    expect(page.get_by_text("Many at once")).to_have_count(0)
