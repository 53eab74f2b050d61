"""Usable by everybody: by keyboard, with a screen reader, in the dark, on a phone, without script."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sandbox.cloud import Cloud
from tests.browser.conftest import Still, Watch, base_of, stands
from tests.browser.places import places
from tests.support.people import Operator

Json = dict[str, Any]
FORM = "Return the onboarding team's form, and have their confirmation"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
LOOK = {
    "light": "axe.run(document, {resultTypes: ['violations']})",
    # In the dark nothing but the colours is another.
    "dark": "axe.run(document, {resultTypes: ['violations'], runOnly: ['color-contrast', 'link-in-text-block']})",
}
MANY = 100
"""Presses of Tab within which everything on a page is reached."""


def tab_to(page: Page, role: str, name: str) -> None:
    """Press Tab until it has the focus."""
    wanted = page.get_by_role(role, name=name)  # type: ignore[arg-type]
    for _ in range(MANY):
        page.keyboard.press("Tab")
        if wanted.evaluate_all("(found) => found.includes(document.activeElement)"):
            return
    pytest.fail(f"{MANY} times Tab did not reach the {role} '{name}'")


def test_a_checkpoint_is_confirmed_by_keyboard_alone(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    page = watch(base_of(living)).open("/api/dashboard")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    tab_to(page, "link", record["gateway"]["name"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(record["gateway"]["name"])
    tab_to(page, "link", "What to do, and confirm")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="The form was sent")).to_be_visible()
    tab_to(page, "textbox", "Note")
    page.keyboard.type("typed, not clicked")
    tab_to(page, "button", "The form was sent")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="The form was sent")).to_have_count(0)
    step = next(s for s in operator.get(record["id"])["steps"] if s["name"] == "operator-information")
    assert (step["turns"][0]["state"], step["turns"][0]["note"]) == ("done", "typed, not clicked")


def test_where_the_focus_is_can_be_seen(still: Still, watch: Watch) -> None:
    page = watch(still.base).open("/api/dashboard")
    for role, name in (("searchbox", "Person"), ("button", "Filter")):
        tab_to(page, role, name)
        width = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style != "none"
        assert width >= 2, f"the outline of {role} {name} is {width} px"


def test_no_page_has_a_barrier_in_light_or_dark(still: Still, watch: Watch, axe: str) -> None:
    window = watch(still.base, refusals=True)
    page = window.context.new_page()
    found: list[str] = []
    for what, path in [*places(still).items(), ("refused", "")]:
        if what == "refused":
            window.context.add_cookies([{"name": "sandbox-user", "value": "nick.nobody", "url": still.base}])
        window.go(page, path or "/api/dashboard")
        # What is folded away is read too.
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
        page.evaluate(axe)
        for scheme in LOOK:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            result = page.evaluate(LOOK[scheme])
            found += [
                f"{what}, {scheme}: {v['impact']} {v['id']}: {v['nodes'][0]['failureSummary']} {v['nodes'][0]['html']}"
                for v in result["violations"]
                if v["impact"] in ("serious", "critical")
            ]
    assert found == [], json.dumps(found, indent=1)


@pytest.mark.parametrize("width", [390, 320], ids=["a phone", "a small one, or 400 %"])
def test_no_page_scrolls_sideways(still: Still, watch: Watch, width: int) -> None:
    window = watch(still.base, refusals=True, **{**PHONE, "viewport": {"width": width, "height": 844}})
    page = window.context.new_page()
    for what, path in places(still).items():
        window.go(page, path)
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
        assert too_wide(page, width) == [], what


TOO_WIDE = """(width) => {
  const whole = document.documentElement.scrollWidth;
  const out = [...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > width);
  const named = (e) => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 60)}`;
  const told = out.filter((e) => !e.closest('.scroller, pre, svg')).map(named);
  return whole <= width ? [] : [`${whole} px`, ...told];
}"""


def too_wide(page: Page, width: int) -> list[str]:
    """How wide a page is, and what makes it so; empty: it fits."""
    found: list[str] = page.evaluate(TOO_WIDE, width)
    return found


A4 = 718
"""CSS pixels between margins of a centimetre."""


def test_on_paper_a_page_is_whole_and_dated(still: Still, watch: Watch) -> None:
    window = watch(still.base, refusals=True, viewport={"width": A4, "height": 1000})
    page = window.context.new_page()
    page.emulate_media(media="print")
    for what, path in places(still).items():
        window.go(page, path)
        assert too_wide(page, A4) == [], what
        expect(page.get_by_role("contentinfo")).to_contain_text("UTC")
        expect(page.locator("main button:visible, main summary + form:visible")).to_have_count(0)
    window.go(page, f"/api/dashboard/{still.trunked['joining'].id}")
    expect(page.locator("#step-add-trunks")).to_be_visible()
    expect(page.locator("#trail li").last).to_be_visible()
    wide = "(graph) => graph.getBoundingClientRect().width"
    assert page.locator(".graph").evaluate(wide) <= A4
    window.go(page, f"/api/planned/{still.plans['ready'].id}")
    expect(page.locator("pre").first).to_contain_text("Invoke-MgGraphRequest")
    expect(page.locator("pre").first).to_be_visible()


def test_with_forced_colours_bars_and_legends_keep_theirs(still: Still, watch: Watch) -> None:
    window = watch(still.base, forced_colors="active")
    page = window.open(f"/api/dashboard/{still.trunked['wrong certificate'].id}")
    colour = "(all, name) => all.map((e) => getComputedStyle(e)[name])"
    legend = page.locator(".swatch").evaluate_all(colour, "backgroundColor")
    bars = page.locator(".timeline rect").evaluate_all(colour, "fill")
    assert len(set(legend)) == 3
    assert set(bars) <= set(legend)
    window.go(page, f"/api/planned/{still.plans['ready'].id}")
    badges = page.locator("#made .badge").evaluate_all(colour, "color")
    assert len(set(badges)) > 3


def test_on_a_phone_a_checkpoint_is_answered(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    page = watch(base_of(living), **PHONE).open("/api/dashboard")
    page.get_by_role("link", name=record["gateway"]["name"]).tap()
    page.get_by_role("region", name=FORM).get_by_role("link", name="What to do, and confirm").tap()
    page.get_by_role("button", name="The form was sent").tap()
    expect(page.get_by_role("button", name="The form was sent")).to_have_count(0)


def test_every_page_is_read_without_script(still: Still, watch: Watch) -> None:
    window = watch(still.base, refusals=True, java_script_enabled=False)
    page = window.context.new_page()
    for what, path in places(still).items():
        window.go(page, path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert len(page.get_by_role("main").inner_text()) > 60, what
    window.go(page, "/api/dashboard")
    page.locator("table.list tbody tr").first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Where the time went")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Copy"))).to_have_count(0)


def test_a_checkpoint_is_answered_without_script(
    living: Cloud, operator: Operator, requested: Callable[..., Json], watch: Watch
) -> None:
    record = requested(stands("operator-information", "waiting"))
    window = watch(base_of(living), java_script_enabled=False)
    page = window.open(f"/api/onboardings/{record['id']}/checkpoints/operator-information")
    page.get_by_role("button", name="The form was sent").click()
    expect(page.get_by_role("button", name="The form was sent")).to_have_count(0)
    step = next(s for s in operator.get(record["id"])["steps"] if s["name"] == "operator-information")
    assert step["turns"][0]["state"] == "done"


def test_the_dark_is_dark(still: Still, watch: Watch) -> None:
    brightness = "getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number)"
    light = watch(still.base, color_scheme="light").open("/api/dashboard").evaluate(brightness)
    dark = watch(still.base, color_scheme="dark").open("/api/dashboard").evaluate(brightness)
    assert min(light) > 200
    assert max(dark) < 80
