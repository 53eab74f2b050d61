"""Who may do what, as the pages show it; the routes' roles one by one are the table in tests/unit."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from onboarding.core.record import OnboardingState, Record, StepState
from tests.browser.conftest import Still, Watch

QUIET = {"Switch", "Filter"}


def waits_for_portal(record: Record) -> bool:
    return not record.closed and record.step("portal-access").state is StepState.WAITING


def test_a_reader_sees_everything_and_no_button_that_does_something(still: Still, watch: Watch) -> None:
    record = still.one(waits_for_portal)
    window = watch(still.base, user="rita.reader", refusals=True)
    page = window.open(f"/api/dashboard/{record.id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(record.request.gateway.name)
    names = {b.inner_text() for b in page.get_by_role("button").all()}
    assert {n for n in names if n not in QUIET and not n.startswith("Copy")} == set()
    expect(page.get_by_role("heading", name="What you can do")).to_have_count(0)
    expect(page.get_by_text("Cancel the onboarding")).to_have_count(0)

    checkpoint = f"/api/onboardings/{record.id}/checkpoints/portal-access"
    window.go(page, checkpoint)
    expect(page.get_by_role("main")).to_contain_text("the role Onboarding.Approve is needed")
    expect(page.get_by_role("button", name="Confirm")).to_have_count(0)
    expect(page.get_by_text("Report a problem")).to_have_count(0)


@pytest.mark.parametrize("user", ["rita.reader", "sam.submitter", "nick.nobody"])
def test_without_the_role_a_post_is_refused_and_changes_nothing(user: str, still: Still, watch: Watch) -> None:
    record = still.one(waits_for_portal)
    window = watch(still.base, user=user)
    base = f"{still.base}/api/onboardings/{record.id}"
    asked = window.context.request
    before = asked.get(base, headers={"cookie": "sandbox-user=olga.operator"}).json()["version"]
    own = {"origin": still.base}
    for answer in (
        asked.post(f"{base}/checkpoints/portal-access", data={"note": "let me"}),
        asked.post(f"{base}/checkpoints/portal-access", form={"outcome": "confirm", "csrf": "x"}, headers=own),
        asked.post(f"{base}/cancel", data={"reason": "let me"}),
        asked.post(f"{base}/steps/provisioning-complete/retry"),
        asked.post(f"{still.base}/api/dashboard/{record.id}/actions", form={"action": "cancel", "csrf": "x"}),
    ):
        assert answer.status == 403, (answer.url, answer.text()[:300])
    after = asked.get(base, headers={"cookie": "sandbox-user=olga.operator"}).json()["version"]
    assert after == before


def test_an_approver_confirms_and_does_not_operate(still: Still, watch: Watch) -> None:
    record = still.one(waits_for_portal)
    window = watch(still.base, user="adam.approver")
    page = window.open(f"/api/onboardings/{record.id}/checkpoints/portal-access")
    expect(page.get_by_role("button", name="Confirm that it is done")).to_be_visible()
    window.go(page, f"/api/dashboard/{record.id}")
    expect(page.get_by_text("Cancel the onboarding")).to_have_count(0)
    stopped = still.one(lambda r: r.state is OnboardingState.NEEDS_ATTENTION)
    window.go(page, f"/api/dashboard/{stopped.id}")
    expect(page.locator("summary", has_text="Retry")).to_have_count(0)


def test_the_sandbox_lets_one_be_somebody_else_and_come_back(still: Still, watch: Watch) -> None:
    record = still.one(waits_for_portal)
    window = watch(still.base, refusals=True)
    page = window.open(f"/api/dashboard/{record.id}")
    chooser = page.get_by_label("Sandbox user")
    expect(chooser).to_have_value("olga.operator")
    expect(page.get_by_text("Cancel the onboarding").first).to_be_visible()
    for user, cancels in (("rita.reader", 0), ("nick.nobody", 0), ("olga.operator", 1)):
        chooser.select_option(user)
        page.get_by_role("button", name="Switch").click()
        expect(chooser).to_have_value(user)
        assert page.url == f"{still.base}/api/dashboard/{record.id}"
        expect(page.locator("summary", has_text="Cancel the onboarding")).to_have_count(cancels)


def test_a_form_from_another_site_is_refused(still: Still, watch: Watch) -> None:
    record = still.one(waits_for_portal)
    window = watch(still.base)
    page = window.open(f"/api/onboardings/{record.id}/checkpoints/portal-access")
    csrf = page.locator("form input[name=csrf]").last.get_attribute("value")
    assert csrf
    form: dict[str, str | float | bool] = {"outcome": "confirm", "note": "", "csrf": csrf}
    path = f"{still.base}/api/onboardings/{record.id}/checkpoints/portal-access"
    elsewhere = window.context.request.post(path, form=form, headers={"origin": "https://evil.example"})
    without = window.context.request.post(path, form={**form, "csrf": ""}, headers={"origin": still.base})
    assert (elsewhere.status, without.status) == (403, 403)
