"""What holds for every layer."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import hypothesis
import pytest

# How long an example takes says something about the machine only.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

LOSES_CONNECTIONS = "loses_connections"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """azure-servicebus 7.15 leaves the socket of a connection open that the other side closed first.

    Its Connection.close sets the state to END on an error, and _disconnect then takes the transport for closed. Only
    tests that cut the SDK off, and say so by this marker, may leave sockets behind.
    """
    for item in items:
        if item.get_closest_marker(LOSES_CONNECTIONS):
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


@pytest.fixture(autouse=True)
def _collected(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collects what such a test left behind before the next one begins."""
    yield
    if request.node.get_closest_marker(LOSES_CONNECTIONS):
        gc.collect()
