"""A Table Storage for the adapters to talk to, on ports of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import azurite as azurite_part
from sandbox.cloud import Cloud
from sandbox.ports import Ports

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Azurite, empty and in memory; its connection string."""
    ports = Ports.free()
    folder = tmp_path_factory.mktemp("azurite")
    with Cloud(ports, folder=folder, parts=[azurite_part.part(ports, ROOT)]):
        yield azurite_part.connection_string(ports)
