"""What a checkpoint asks for: filled in, refused with each mistake at its field, corrected; on a small screen too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sandbox.cloud import Cloud
from tests.browser.conftest import Watch, base_of, stands
from tests.browser.test_everybody import LOOK
from tests.support.people import Operator

Json = dict[str, Any]
STEP = "operator-information"
SMALL = {"viewport": {"width": 320, "height": 640}}
EVIDENCE = "https://contoso.sharepoint.com/sites/voice/" + "a-long-name-" * 12


def answers(operator: Operator, record: Json) -> Json:
    found: Json = next(s for s in operator.get(record["id"])["steps"] if s["name"] == STEP)["answers"]
    return found


def barriers(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    return [v["id"] for look in LOOK.values() for v in page.evaluate(look)["violations"]]


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
def test_a_wrong_answer_is_put_right_where_it_stands(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch, axe: str, script: bool
) -> None:
    record = requested(stands(STEP, "waiting"))
    window = watch(base_of(living), refusals=True, java_script_enabled=script, **SMALL)
    for turn in ("form-sent", "form-returned"):
        operator.end_turn(record["id"], STEP, turn)
    page = window.open(f"/api/onboardings/{record['id']}/checkpoints/{STEP}")
    evidence = page.get_by_label("Link to evidence")
    evidence.fill(EVIDENCE.replace("https", "http"))
    page.get_by_label("Date of the confirmation").fill("2026-03-01")
    page.get_by_role("textbox", name="Note").fill("By mail.")
    page.get_by_role("button", name="The onboarding is confirmed").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was recorded yet.")
    expect(evidence).to_have_attribute("aria-invalid", "true")
    expect(evidence).to_have_accessible_description(
        "Link to evidence must be a link that begins with https://, such as https://contoso.sharepoint.com/evidence."
        " Such as the form or the mail, where your people can open it. Whoever reads the onboarding sees the link."
    )
    expect(page.get_by_label("Date of the confirmation")).to_have_value("2026-03-01")
    expect(page.get_by_role("textbox", name="Note")).to_have_value("By mail.")
    assert answers(operator, record) == {}
    if script:
        assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["viewport"]["width"]
        assert barriers(page, axe) == []
    page.get_by_role("alert").get_by_role("link", name="Link to evidence").click()
    expect(evidence).to_be_focused()
    evidence.fill(EVIDENCE)
    page.get_by_role("button", name="The onboarding is confirmed").click()
    expect(page.get_by_role("button", name="The onboarding is confirmed")).to_have_count(0)
    expect(page.get_by_role("link", name=EVIDENCE)).to_have_attribute("href", EVIDENCE)
    assert answers(operator, record) == {"confirmedOn": "2026-03-01", "evidence": EVIDENCE}
    if script:
        assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["viewport"]["width"]
        assert barriers(page, axe) == []


def test_an_operator_corrects_an_answer(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands(STEP, "waiting"))
    operator.confirm(record["id"], STEP)
    page = watch(base_of(living), **SMALL).open(f"/api/dashboard/{record['id']}")
    form = page.locator(f"#do-correct-answers-{STEP}")
    form.locator("summary").click()
    form.get_by_label("Date of the confirmation").fill("2026-03-01")
    form.get_by_label("Reason").fill("It was left out.")
    form.get_by_role("button", name="Correct the answers").click()
    expect(page.locator("#values")).to_contain_text("2026-03-01")
    assert answers(operator, record) == {"confirmedOn": "2026-03-01"}
    told = operator.events(record["id"])[-1]
    assert "answers-corrected" in [e["what"] for e in operator.events(record["id"])], told
