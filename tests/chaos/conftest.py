"""One system for each process that runs tests of this layer."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.chaos.system import System, running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """SIGKILL, SIGSTOP: only here can a process be ended between two lines of its own."""
    if sys.platform == "win32":
        for item in items:
            if "/chaos/" in item.nodeid:
                item.add_marker(pytest.mark.skip(reason="Windows has no SIGKILL that a process can send to itself"))


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("chaos")) as system:
        yield system


@pytest.fixture
def system(whole: System) -> Iterator[System]:
    """The system with Microsoft as the seed has it; waits end when the test, as the world, ends them."""
    whole.forget()
    whole.new_tenant()
    yield whole
    whole.order()
    assert whole.microsoft.violations() == []
    whole.cloud.check()
