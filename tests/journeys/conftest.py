"""The whole system on this machine, as `dev.py up` starts it, and an operator who uses it over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from sandbox.cloud import Cloud
from sandbox.ports import Ports
from tests.support.leaks import leaks
from tests.support.people import Json, Operator, Simulator, as_seeded, deploying


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud(Ports.free(), folder=tmp_path_factory.mktemp("cloud")) as running:
        yield running
    # After every journey of this session, also those that went wrong.
    log = (running.folder / "logs" / "functions.log").read_text(encoding="utf-8")
    assert leaks(log, running.settings) == []


@pytest.fixture
def microsoft(cloud: Cloud) -> Iterator[Simulator]:
    with as_seeded(cloud.control) as simulator:
        yield simulator


@pytest.fixture
def operator(cloud: Cloud, microsoft: Simulator) -> Iterator[Operator]:
    person = Operator(cloud.api)
    yield person
    person.close()
    cloud.check()


@pytest.fixture
def gateway(microsoft: Simulator, operator: Operator) -> Iterator[Callable[..., Json]]:
    """Makes a request for a gateway of its own."""
    with deploying(microsoft, operator) as make:
        yield make
