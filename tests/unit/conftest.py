"""Which tests of this layer say nothing of the core's coverage: tracing would double their time."""

from __future__ import annotations

from pathlib import Path

import pytest

ELSEWHERE = frozenset(
    f"test_{name}"
    for name in (
        "access",
        "dev",
        "dev_setup",
        "imports",
        "infra_telemetry",
        "listing",
        "mail_page",
        "notice_words",
        "operations",
        "package",
        "pages_controls",
        "pages_forms",
        "pages_geometry",
        "pages_shown",
        "pages_trail",
        "python_versions",
        "sandbox_ports",
        "sandbox_processes",
        "sandbox_requester",
        "teams_card",
        "telemetry_spans",
    )
)
"""They are about other folders: a branch of the core that only one of these takes counts as not taken."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Their tests run untraced."""
    missing = [name for name in ELSEWHERE if not Path(__file__).with_name(f"{name}.py").exists()]
    assert missing == [], "named here, and not there any more"
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.stem in ELSEWHERE:
            item.add_marker("no_cover")
