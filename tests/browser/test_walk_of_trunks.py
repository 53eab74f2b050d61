"""A session border controller from its request to its end, by clicking: as the people do whom it waits for."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from sandbox.cloud import Cloud
from sandbox.microsoft.certificates import ensure
from sandbox.microsoft.issuer import Made, pem
from tests.browser.conftest import Watch, base_of, stands
from tests.browser.inbox import awaited, card_link, mailed_link
from tests.browser.test_controls import unfold
from tests.browser.test_links import other_than
from tests.browser.test_request import fill
from tests.support.people import Operator, Simulator, sample, with_sandboxs_trunks

Json = dict[str, Any]
ADMIN, CERTIFICATES = "Give the admin user the Admin role", "Check the certificates of the trunks"
EVIDENCE = "https://contoso.sharepoint.com/sites/voice/agreement"
PROFILES = ["0d1e2f3a-4b5c-4d6e-8f90-a1b2c3d4e5f6", "1e2f3a4b-5c6d-4e7f-8091-b2c3d4e5f607"]


def chain_for(living: Cloud, domain: str) -> str:
    """What the owner of the trunks would paste: their certificate, and the one above it."""
    below = ensure(living.folder / "certificates").authority()
    return pem([below.issue(Made(names=(f"*.{domain}",))), below.certificate])


def stop(page: Page, title: str) -> Locator:
    """The red box of a step that needs attention."""
    return page.get_by_role("region", name=title)


def confirm(page: Page, called: str = "Confirm that it is done", **answers: str) -> None:
    """Fill in what is asked for, by the labels, and confirm."""
    for label, value in answers.items():
        page.get_by_label(label.replace("_", " ")).fill(value)
    button = page.get_by_role("button", name=called)
    button.click()
    expect(button).to_have_count(0)


def test_a_session_border_controller_from_the_request_to_completed_by_clicking(
    living: Cloud, microsoft: Simulator, operator: Operator, watch: Watch
) -> None:
    body = with_sandboxs_trunks(sample("own-sbc"), living.ports.trunks)
    # Somebody whom the settings do not name, and trunks that show their certificate to Microsoft alone.
    body["adminUser"] = "another.user@contoso.com"
    body["gateway"]["name"] = "walked-sbc"
    microsoft.call("PUT", "/trunks", {"name": "*", "shows": "nothing"})
    window = watch(base_of(living))
    page = window.open("/api/request")
    page.get_by_role("link", name="Session border controller").click()
    fill(page, body, body["gateway"]["kind"])
    page.get_by_role("button", name="Plan it").click()
    page.get_by_role("button", name="Start the onboarding").click()
    page.get_by_role("link", name="Open the onboarding").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(body["gateway"]["name"])
    onboarding_id = page.url.rpartition("/")[2]
    for step in ("assign-admin-user", "check-certificate"):
        operator.until(onboarding_id, stands(step, "needs-attention"), confirm=False)
    name, team = body["gateway"]["name"], body["onboardingTeam"]["email"]

    # From the dashboard to what stopped: the certificates are given on the page, and Adam says yes to the admin user.
    window.go(page, "/api/dashboard")
    page.get_by_role("row").filter(has_text=name).get_by_role("link", name=name).click()
    form = unfold(page, "Give the certificates")
    form.get_by_role("textbox").fill(chain_for(living, body["gateway"]["domain"]))
    form.get_by_role("button", name="Give the certificates").click()
    expect(stop(page, CERTIFICATES)).to_have_count(0)
    expect(page.locator("summary", has_text="Approve the admin user")).to_have_count(0)
    his = watch(base_of(living), user="adam.approver").open(f"/api/dashboard/{onboarding_id}")
    unfold(his, "Approve the admin user").get_by_role("button", name="Approve the admin user").click()
    expect(stop(his, ADMIN)).to_have_count(0)

    # The agreement, from the page; Microsoft's roots, from the card in Teams.
    page.get_by_role("region", name="Have the programme's agreement").get_by_role("link").click()
    confirm(page, Date_of_the_agreement="2026-03-01", Link_to_evidence=EVIDENCE)
    expect(page.get_by_role("link", name=EVIDENCE)).to_have_attribute("href", EVIDENCE)
    window.go(page, card_link(microsoft, f"{onboarding_id}/checkpoints/trust-microsoft-roots"))
    confirm(page)

    # The onboarding team sends its form, gets it back, and confirms: by its links, without signing in.
    first = mailed_link(microsoft, team, "/api/links#")
    nick = watch(base_of(living), user="nick.nobody")
    theirs = nick.open(first)
    expect(theirs.get_by_role("main")).to_contain_text(name)
    confirm(theirs, "The form was sent")
    window.go(page, f"/api/onboardings/{onboarding_id}/checkpoints/operator-information")
    confirm(page, "The form was returned")
    second = awaited(lambda: other_than(first, mailed_link(microsoft, team, "/api/links#")), "the next link")
    nick.go(theirs, second)
    confirm(theirs, "The onboarding is confirmed", Date_of_the_confirmation="2026-03-05")
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Thank you")

    # What is left is done in the portal, each by the mail that asks for it.
    for step, answers in (
        ("portal-access", {"Operator_ID": "contoso-1"}),
        ("add-application-ids", {}),
        ("add-trunks", {}),
        ("set-calling-profiles", {"Ids_of_the_calling_profiles": "\n".join(PROFILES)}),
        ("trunks-validated", {"Date_of_the_validation": "2026-03-09"}),
    ):
        window.go(page, mailed_link(microsoft, "voice-ops@contoso.com", f"{onboarding_id}/checkpoints/{step}"))
        if step == "add-trunks":
            for trunk in body["gateway"]["trunks"]:
                expect(page.get_by_role("main")).to_contain_text(trunk["fqdn"])
        confirm(page, **answers)

    record = operator.completed(onboarding_id)
    assert record["state"] == "completed"
    given = {s["name"]: s["answers"] for s in record["steps"] if s["kind"] == "checkpoint" and s["answers"]}
    assert given == {
        "programme-agreement": {"agreedOn": "2026-03-01", "evidence": EVIDENCE},
        "operator-information": {"confirmedOn": "2026-03-05"},
        "portal-access": {"operatorId": "contoso-1"},
        "set-calling-profiles": {"callingProfileIds": PROFILES},
        "trunks-validated": {"validatedOn": "2026-03-09"},
    }
    window.go(page, f"/api/dashboard?text={name}")
    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text("Completed")
    row.get_by_role("link", name=name).click()
    expect(page.locator("#values")).to_contain_text("contoso-1")
