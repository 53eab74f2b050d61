"""What the layer left out is said at its end, in a section that no option hides."""

from __future__ import annotations

import pytest

from tests.infra.predicted import CHOICES, Snapshot, snapshot


@pytest.fixture(params=CHOICES)
def predicted(request: pytest.FixtureRequest) -> Snapshot:
    """Each deployment in turn."""
    return snapshot(request.param)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out, and why: a layer that passes without Azure's tools has not asked them."""
    left_out: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        left_out[reason] = left_out.get(reason, 0) + 1
    if left_out:
        terminalreporter.section("LEFT OUT")
        for reason, times in left_out.items():
            terminalreporter.line(f"{times} tests: {reason}")
