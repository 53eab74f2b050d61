"""What goes wrong is seen: red on the dashboard, with what to do, and put right by a button."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, expect

from sandbox.cloud import Cloud
from tests.browser.conftest import Watch, base_of, stands
from tests.support.people import Operator, Simulator

Json = dict[str, Any]
FORM = "Return the onboarding team's form, and have their confirmation"


def is_red(shown: Locator) -> bool:
    """Whether its text is more red than anything else."""
    colour = str(shown.evaluate("(element) => getComputedStyle(element).color"))
    red, green, blue = (float(n) for n in re.findall(r"[\d.]+", colour)[:3])
    return red > 1.5 * green and red > 1.5 * blue


def test_a_reported_problem_is_red_on_the_dashboard_and_retried_by_a_button(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    window = watch(base_of(living))
    page = window.open(f"/api/onboardings/{record['id']}/checkpoints/operator-information")
    page.get_by_text("Report a problem").click()
    page.get_by_role("textbox", name="What is the problem?").fill("They never sent us a form.")
    page.get_by_role("button", name="Report the problem").click()
    expect(page.get_by_role("main")).to_contain_text("They never sent us a form.")

    window.go(page, "/api/dashboard")
    row = page.get_by_role("row").filter(has_text=record["gateway"]["name"])
    expect(row).to_contain_text("They never sent us a form.")
    badge = row.get_by_text("Needs attention", exact=True)
    expect(badge).to_be_visible()
    assert is_red(badge)

    row.get_by_role("link").first.click()
    stopped = page.get_by_role("region", name=FORM)
    expect(stopped).to_contain_text("They never sent us a form.")
    stopped.locator("summary", has_text="Retry").click()
    stopped.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("region", name=FORM).get_by_role("link", name="What to do, and confirm")).to_be_visible()
    state = next(s for s in operator.get(record["id"])["steps"] if s["name"] == "operator-information")
    assert (state["state"], state["problem"]) == ("waiting", None)


def test_a_dead_webhook_is_red_and_holds_nothing_up(
    living: Cloud, microsoft: Simulator, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    microsoft.fault(kind="status", service="teams", path=".*", status=404, times=None)
    record = requested(stands("operator-information", "waiting"))
    window = watch(base_of(living))
    page = window.open(f"/api/dashboard/{record['id']}")
    failed = page.get_by_role("region", name="Notices").get_by_text("Failed", exact=True)
    expect(failed.first).to_be_visible()
    assert is_red(failed.first)
    secret = living.settings["ONBOARDING_TEAMS_WEBHOOK_URL"].split("sig=")[1]
    assert secret not in page.content()
    assert operator.completed(record["id"])["state"] == "completed"


def test_an_onboarding_is_cancelled_with_a_reason_and_started_again(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    page = watch(base_of(living)).open(f"/api/dashboard/{record['id']}")
    page.get_by_text("Cancel the onboarding").first.click()
    button = page.get_by_role("button", name="Cancel the onboarding")
    button.click()
    assert operator.get(record["id"])["state"] != "cancelled", "it was cancelled without a reason"
    page.get_by_role("textbox", name="Reason").fill("The gateway is replaced.")
    button.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cancelled")
    expect(page.get_by_role("main")).to_contain_text("The gateway is replaced.")
    page.get_by_text("Start again").first.click()
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("Cancelled")
    assert operator.get(record["id"])["run"] == 2
