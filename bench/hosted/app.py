"""A sandbox whose Functions host runs an app of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from onboarding.core.policy import Policy
from sandbox.cloud import Cloud, standard_parts
from sandbox.options import ROOT
from sandbox.ports import Ports

NEVER = "0 0 0 1 1 *"
"""The timer would work beside what is measured."""
_USUAL = Policy()
AS_IN_AZURE = {
    "ONBOARDING_NUDGE_GRACE": f"{_USUAL.nudge_grace:g}",
    "ONBOARDING_STEP_TIMEOUT": f"{_USUAL.step_timeout:g}",
    "ONBOARDING_STEP_LEASE": f"{_USUAL.lease:g}",
    "ONBOARDING_NOTICE_LEASE": f"{_USUAL.notice_lease:g}",
}
"""Not the sandbox's few seconds, for people who watch: less than the clocks of hosts may differ by, so that each
transition would write another row of what is due (`onboarding/index.py`). Nothing here waits for them."""


def hosting(app: str, folder: Path, overrides: Mapping[str, str] | None = None) -> Cloud:
    """A cloud, not started yet, with `bench/hosted/<app>.py` as its function app."""
    place = folder / "app"
    place.mkdir(parents=True)
    (place / "function_app.py").write_text(f"from bench.hosted.{app} import app\n\n__all__ = ['app']\n")
    shutil.copy(ROOT / "host.json", place)
    ports = Ports.free()
    parts = standard_parts(ports, folder, provisioning=0.0, dns_delay=0.0, persist=False)
    return Cloud(
        ports,
        folder=folder,
        overrides={"ONBOARDING_TIMER_SCHEDULE": NEVER, **AS_IN_AZURE, **(overrides or {})},
        parts=[
            replace(p, command=[str(place) if c == str(ROOT) else c for c in p.command]) if p.name == "functions" else p
            for p in parts
        ],
    )
