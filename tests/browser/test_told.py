"""A page tells what was requested, what an action did and what is next; what goes wrong has its advice beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from onboarding.core.record import OnboardingState
from sandbox.cloud import Cloud
from tests.browser.conftest import Still, Watch, base_of, stands
from tests.browser.places import places
from tests.browser.test_answers import barriers
from tests.browser.test_controls import unfold
from tests.browser.test_everybody import PHONE, too_wide
from tests.support.people import Operator, Simulator

Json = dict[str, Any]
TEAM, PORTAL, SYNERGY = "operator-information", "portal-access", "add-project-synergy"
SMALL = {"viewport": {"width": 320, "height": 640}}
NARROW = {**PHONE, **SMALL}


def fits_everybody(page: Page, axe: str) -> None:
    """No barrier, and nothing beyond a phone's edge."""
    assert barriers(page, axe) == []
    before = page.viewport_size
    assert before is not None
    page.set_viewport_size({"width": 320, "height": 640})
    assert too_wide(page, 320) == []
    page.set_viewport_size(before)


def step(record: Json, name: str) -> Json:
    found: Json = next(s for s in record["steps"] if s["name"] == name)
    return found


def test_what_was_requested_by_whom_and_who_is_told(still: Still, watch: Watch) -> None:
    record = still.trunked["joining"]
    page = watch(still.base).open(f"/api/dashboard/{record.id}")
    asked = page.get_by_role("region", name="What was requested")
    for said in (
        f"By {record.requested_by}",
        record.request.admin_user,
        record.request.onboarding_team.email,
        "Who is told",
        *(fqdn for fqdn, _ in record.request.trunk_addresses),
        *(line.phone_number for line in record.request.test_lines),
    ):
        expect(asked).to_contain_text(said)


def test_after_a_confirmation_it_says_what_changed_and_leads_to_the_next_one(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch, axe: str
) -> None:
    record = requested(stands(TEAM, "waiting"))
    for turn in ("form-sent", "form-returned"):
        operator.end_turn(record["id"], TEAM, turn)
    page = watch(base_of(living)).open(f"/api/onboardings/{record['id']}/checkpoints/{TEAM}")
    page.get_by_role("textbox", name="Note").fill("The form went back.")
    page.get_by_role("button", name="The onboarding is confirmed").click()
    told = page.get_by_role("status").filter(has_text="Done: confirmed")
    expect(told).to_contain_text("The form went back.")
    expect(told).to_contain_text("Waiting → Done")
    fits_everybody(page, axe)
    told.get_by_role("link", name="Sign in to the Operator Connect portal").click()
    expect(page).to_have_url(re.compile(f"/checkpoints/{PORTAL}$"))
    expect(page.get_by_role("button", name="Confirm that it is done")).to_be_visible()


def test_after_an_action_the_page_says_what_it_did_and_to_nobody_else(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch, axe: str
) -> None:
    record = requested(stands(TEAM, "waiting"))
    page = watch(base_of(living)).open(f"/api/dashboard/{record['id']}")
    form = unfold(page, "Change whom to tell")
    form.get_by_role("textbox", name="E-mail addresses").fill("night@contoso.com")
    form.get_by_role("button", name="Change whom to tell").click()
    told = page.get_by_role("status").filter(has_text="Done: contacts changed")
    expect(told).to_contain_text("Who is told: By e-mail: voice-ops@contoso.com → night@contoso.com")
    fits_everybody(page, axe)
    other = watch(base_of(living), user="rita.reader").open(page.url)
    expect(other.get_by_role("heading", level=1)).to_contain_text(record["gateway"]["name"])
    expect(other.locator("#changed")).to_have_count(0)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
def test_a_refused_form_stands_open_with_the_focus_on_what_is_wrong(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch, axe: str, script: bool
) -> None:
    record = requested(stands(TEAM, "waiting"))
    window = watch(base_of(living), refusals=True, java_script_enabled=script)
    page = window.open(f"/api/dashboard/{record['id']}")
    form = unfold(page, "Change whom to tell")
    form.get_by_role("textbox", name="Name").fill("A partner")
    form.get_by_role("textbox", name="E-mail addresses").fill("night@contoso.com\nnobody")
    form.get_by_role("button", name="Change whom to tell").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed.")
    form = page.locator("#do-change-contacts")
    wrong = form.get_by_role("textbox", name="E-mail addresses")
    expect(wrong).to_be_focused()
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_accessible_description(re.compile("“nobody”|is “nobody”"))
    expect(wrong).to_have_value("night@contoso.com\nnobody")
    expect(form.get_by_role("textbox", name="Name")).to_have_value("A partner")
    if script:
        fits_everybody(page, axe)
    wrong.fill("night@contoso.com")
    form.get_by_role("button", name="Change whom to tell").click()
    expect(page.locator("#changed")).to_contain_text("A partner")
    assert operator.get(record["id"])["request"]["notify"]["emails"] == ["night@contoso.com"]


def test_a_reported_problem_is_retried_where_it_was_reported(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch, axe: str
) -> None:
    record = requested(stands(TEAM, "waiting"))
    page = watch(base_of(living)).open(f"/api/onboardings/{record['id']}/checkpoints/{TEAM}")
    page.get_by_text("Report a problem").click()
    page.get_by_role("textbox", name="What is the problem?").fill("They never sent us a form.")
    page.get_by_role("button", name="Report the problem").click()
    note = page.get_by_role("note").filter(has_text="They never sent us a form.")
    expect(note).to_contain_text("when it is put right, retry the step: the checkpoint opens again.")
    fits_everybody(page, axe)
    note.locator("summary", has_text="Retry").click()
    note.get_by_role("button", name="Retry").click()
    expect(page).to_have_url(re.compile(f"/checkpoints/{TEAM}\\?done="))
    expect(page.locator("#changed")).to_contain_text("Needs attention → Waiting")
    expect(page.locator("input[name=outcome]")).not_to_have_count(0)
    assert step(operator.get(record["id"]), TEAM)["problem"] is None


def test_a_step_that_is_tried_again_says_why_and_until_when(
    living: Cloud, microsoft: Simulator, operator: Operator, requested: Callable[..., Json], watch: Watch, axe: str
) -> None:
    microsoft.fault(kind="status", service="graph", method="POST", path="/servicePrincipals$", status=503, times=None)
    record = requested(lambda r: bool(step(r, SYNERGY)["problem"]))
    page = watch(base_of(living)).open(f"/api/dashboard/{record['id']}")
    told = page.get_by_role("region", name="Add the Project Synergy application: retrying")
    expect(told).to_contain_text("answered 503")
    expect(told).to_contain_text(re.compile(r"and on until (\d+ \w+ \d{4}, )?\d\d:\d\d UTC at the latest\."))
    fits_everybody(page, axe)


def test_a_command_is_copied_whole(
    living: Cloud, microsoft: Simulator, operator: Operator, requested: Callable[..., Json], watch: Watch, axe: str
) -> None:
    refused = {"status": 403, "code": "Authorization_RequestDenied", "times": None}
    microsoft.fault(kind="status", service="graph", method="POST", path="/servicePrincipals$", **refused)
    record = requested(stands(SYNERGY, "needs-attention"))
    page = watch(base_of(living), permissions=["clipboard-read", "clipboard-write"]).open(
        f"/api/dashboard/{record['id']}"
    )
    stopped = page.get_by_role("region", name="Add the Project Synergy application", exact=True)
    stopped.get_by_role("button", name="Copy the command").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("infra/permissions/grant.sh --identity ")
    assert copied in step(operator.get(record["id"]), SYNERGY)["problem"]["whatNext"]
    fits_everybody(page, axe)


def test_a_cancelled_one_tells_what_it_made_from_what_was_there(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch, axe: str
) -> None:
    record = requested(stands(TEAM, "waiting"))
    operator.client.post(f"/onboardings/{record['id']}/cancel", json={"reason": "The gateway is replaced."})
    operator.until(record["id"], lambda r: r["state"] == "cancelled", confirm=False)
    page = watch(base_of(living)).open(f"/api/dashboard/{record['id']}")
    told = page.get_by_role("region", name="What is there at Microsoft, and stays")
    expect(told.get_by_role("heading", name="Made by this onboarding", exact=True)).to_be_visible()
    expect(told.get_by_role("heading", name="Was there already", exact=True)).to_be_visible()
    expect(told).to_contain_text("Shared with all onboardings of this tenant")
    fits_everybody(page, axe)


SIDEWAYS = """() => [...document.querySelectorAll('body *')]
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(e).overflowX))
  .map((e) => `${e.tagName}.${e.className}`)"""


def test_on_a_small_phone_no_part_of_a_page_scrolls_sideways_either(still: Still, watch: Watch) -> None:
    window = watch(still.base, refusals=True, **NARROW)
    page = window.context.new_page()
    for what, path in places(still).items():
        window.go(page, path)
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
        assert page.evaluate(SIDEWAYS) == [], what
    window.go(page, f"/api/dashboard/{still.trunked['joining'].id}")
    expect(page.locator("#step-add-trunks")).to_be_visible()


def test_on_paper_a_page_names_its_address_on_a4(still: Still, watch: Watch) -> None:
    window = watch(still.base)
    page = window.context.new_page()
    for path in ("/api/dashboard?state=paused", f"/api/dashboard/{still.trunked['joining'].id}"):
        window.go(page, path)
        expect(page.locator(".on-paper")).to_be_hidden()
        page.emulate_media(media="print")
        expect(page.locator(".on-paper")).to_have_text(f"This page: {still.base}{path}")
        paper = page.pdf(prefer_css_page_size=True)
        sizes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
        assert {(round(float(w)), round(float(h))) for w, h in sizes} == {(595, 842)}
        page.emulate_media(media="screen")


CONTRASTS = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((m, n) => n - m);
    return (x + 0.05) / (y + 0.05);
  };
  return [...document.querySelectorAll('.graph .box')].flatMap((box) => {
    const ground = getComputedStyle(box.querySelector('.shape')).fill;
    return [...box.querySelectorAll('text')].map((t) => contrast(getComputedStyle(t).fill, ground));
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_with_forced_colours_what_stands_in_the_picture_can_be_read(still: Still, watch: Watch, scheme: str) -> None:
    window = watch(still.base, forced_colors="active", color_scheme=scheme)
    stopped = still.one(lambda r: r.state is OnboardingState.NEEDS_ATTENTION)
    for record in (still.trunked["joining"], stopped):
        page = window.open(f"/api/dashboard/{record.id}")
        assert min(page.evaluate(CONTRASTS)) >= 4.5
        tones = page.locator(".legend.picture .icon").evaluate_all("(all) => all.map((e) => getComputedStyle(e).color)")
        assert len(set(tones)) >= 4
