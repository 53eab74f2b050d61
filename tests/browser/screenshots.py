"""`python3 dev.py screenshots`: the pictures in docs/screenshots. Not a layer of tests; it has their fixtures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Still, Watch, still_cloud
from tests.browser.small_png import smaller

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
A_FEW = 3
"""Onboardings of the first kind, beside the session border controllers."""
LARGEST = 100_000
"""Bytes of a picture: the repository keeps them all."""
MOST_URGENT = "/api/dashboard"
SCREEN = {"viewport": {"width": 1280, "height": 800}}
TALL = {"viewport": {"width": 1280, "height": 1160}}
"""With the whole picture of the steps."""
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DARK = {"color_scheme": "dark"}


def pictures(still: Still) -> dict[str, tuple[str, dict[str, Any], str]]:
    """Name → the path of the page, what it is looked at with, and which part of it: empty: the screen; `*`: all."""
    trunked = still.trunked
    first = next(r for r in still.people if not r.closed and r.id not in {one.id for one in trunked.values()})

    def page_of(what: str) -> str:
        return f"/api/dashboard/{trunked[what].id}"

    def checkpoint(what: str, step: str) -> str:
        return f"/api/onboardings/{trunked[what].id}/checkpoints/{step}"

    return {
        "dashboard": (MOST_URGENT, TALL, ""),
        "dashboard-dark": (MOST_URGENT, {**SCREEN, **DARK}, ""),
        "plan": (f"/api/planned/{still.plans['ready'].id}", TALL, ""),
        "onboarding": (page_of("joining"), TALL, ""),
        "onboarding-times": (page_of("joining"), SCREEN, "section:has(#times-title)"),
        "onboarding-stopped": (page_of("wrong certificate"), SCREEN, ""),
        "onboarding-first-kind": (f"/api/dashboard/{first.id}", TALL, ""),
        "by-hand": (page_of("by hand"), SCREEN, "section:has(#hand-add-project-synergy)"),
        "checkpoint": (checkpoint("joining", "add-trunks"), SCREEN, "*"),
        "phone-checkpoint": (checkpoint("profiles", "trunks-validated"), PHONE, "*"),
    }


def test_write_the_screenshots(watch: Watch, browser: Browser, tmp_path: Path) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with still_cloud(tmp_path, A_FEW) as still:
        wanted = pictures(still)
        for name, (path, options, part) in wanted.items():
            picture = smaller(browser, taken(watch(still.base, **options).open(path), part))
            (FOLDER / f"{name}.png").write_bytes(picture)
            if len(picture) > LARGEST:
                pytest.fail(f"{name}.png has {len(picture)} bytes; at most {LARGEST} were expected")
    for file in FOLDER.glob("*.png"):
        if file.stem not in wanted:
            file.unlink()


def taken(page: Page, part: str) -> bytes:
    """The picture, as the browser makes it."""
    if part in ("", "*"):
        picture = page.screenshot(full_page=part == "*", animations="disabled")
    else:
        picture = page.locator(part).screenshot(animations="disabled")
    # Else it would go on refreshing itself when the cloud is gone.
    page.close()
    return picture
