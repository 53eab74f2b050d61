"""`python3 dev.py screenshots`: the pictures of the README. Not a layer of tests; it has their fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

from onboarding.core.record import OnboardingState, StepState
from tests.browser.conftest import Watch, still_cloud

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
A_DOZEN = 16
"""Onboardings: one for each way to stand."""
LARGEST = 200_000
"""Bytes of a picture: the repository keeps them all."""
SCREEN = {"viewport": {"width": 1280, "height": 800}}
TALL = {"viewport": {"width": 1280, "height": 1160}}
"""With the whole picture of the steps."""
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def test_write_the_screenshots(watch: Watch, tmp_path: Path) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with still_cloud(tmp_path, A_DOZEN) as still:
        ids = still.one(lambda r: not r.closed and r.step("add-application-ids").state is StepState.WAITING)
        stopped = still.one(lambda r: r.state is OnboardingState.NEEDS_ATTENTION)
        one, checkpoint = f"/api/dashboard/{ids.id}", f"/api/onboardings/{ids.id}/checkpoints/add-application-ids"
        for name, path, options, whole in (
            ("dashboard", "/api/dashboard", SCREEN, False),
            ("dashboard-dark", "/api/dashboard", {**SCREEN, "color_scheme": "dark"}, False),
            ("onboarding", one, TALL, False),
            ("onboarding-stopped", f"/api/dashboard/{stopped.id}", SCREEN, False),
            ("onboarding-dark", one, {**SCREEN, "color_scheme": "dark"}, False),
            ("checkpoint", checkpoint, SCREEN, True),
            ("phone-dashboard", "/api/dashboard", PHONE, False),
            ("phone-checkpoint", checkpoint, PHONE, True),
        ):
            page = watch(still.base, **options).open(path)
            file = FOLDER / f"{name}.png"
            page.screenshot(path=file, full_page=whole, animations="disabled")
            if name == "onboarding":
                times = page.get_by_role("region", name="Where the time went")
                times.screenshot(path=FOLDER / "onboarding-times.png", animations="disabled")
            if file.stat().st_size > LARGEST:
                pytest.fail(f"{file.name} has {file.stat().st_size} bytes; at most {LARGEST} were expected")
