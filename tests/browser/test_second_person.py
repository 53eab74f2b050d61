"""What a request would overwrite, and whom it would make Admin, shown to whoever is to say yes."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from sandbox.cloud import Cloud
from tests.browser.conftest import Watch, base_of, stands
from tests.browser.test_controls import unfold
from tests.browser.test_everybody import LOOK, PHONE
from tests.support.people import Operator, sample

SERVICES, ADMIN = "Enable the services on the gateway", "Give the admin user the Admin role"


def rows(page: Page, step: str) -> list[list[str]]:
    """What the table in the red box of a step says."""
    table = page.get_by_role("region", name=step).get_by_role("table", name="What would be changed")
    expect(table).to_be_visible()
    return [row.get_by_role("cell").all_inner_texts() for row in table.get_by_role("row").all()[1:]]


def test_a_change_is_applied_by_an_operator_and_the_admin_user_approved_by_somebody_else(
    living: Cloud, operator: Operator, watch: Watch, axe: str
) -> None:
    onboarding_id = operator.post(sample("second-person")).json()["id"]
    operator.until(onboarding_id, stands("enable-services", "needs-attention"), confirm=False)
    path = f"/api/dashboard/{onboarding_id}"
    page = watch(base_of(living)).open(path)
    assert rows(page, SERVICES) == [["+442079460698", "+442079460699"], ["off", "on"], ["on", "off"]]
    page.evaluate(axe)
    for scheme, look in LOOK.items():
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.evaluate(look)["violations"] == []
    small = watch(base_of(living), **PHONE).open(path)
    assert small.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    unfold(page, "Apply this change").get_by_role("button", name="Apply this change").click()

    operator.until(onboarding_id, stands("assign-admin-user", "needs-attention"), confirm=False)
    page.reload()
    assert rows(page, ADMIN)[0][0] == "no Admin"
    expect(page.locator("summary", has_text="Approve the admin user")).to_have_count(0)
    his = watch(base_of(living), user="adam.approver").open(path)
    unfold(his, "Approve the admin user").get_by_role("button", name="Approve the admin user").click()
    expect(his.get_by_role("region", name=ADMIN)).to_have_count(0)
    assert operator.completed(onboarding_id)["state"] == "completed"
