"""The whole system on this machine, as `dev.py up` starts it, and an operator who uses it over HTTP."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.cloud import Cloud
from sandbox.ports import Ports
from tests.support import requests
from tests.support.people import Json, Operator, Simulator


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud(Ports.free(), folder=tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture
def microsoft(cloud: Cloud) -> Iterator[Simulator]:
    """Microsoft as the seed has it, and no breach of its rules at the end."""
    simulator = Simulator(cloud.control)
    simulator.call("POST", "/reset")
    yield simulator
    violations = simulator.violations()
    simulator.close()
    assert violations == []


@pytest.fixture
def operator(cloud: Cloud, microsoft: Simulator) -> Iterator[Operator]:
    person = Operator(cloud.api)
    yield person
    person.close()
    cloud.check()


_numbers = itertools.count(1)


@pytest.fixture
def gateway(microsoft: Simulator, operator: Operator) -> Iterator[Callable[..., Json]]:
    """Makes a request for a gateway of its own, deployed in the simulated Azure; cancelled at the end if open."""
    made: list[str] = []

    def make(body: Json | None = None, **properties: Any) -> Json:
        body = copy.deepcopy(body or requests.operator_connect())
        name = f"journey-{next(_numbers)}"
        body["gateway"]["name"] = name
        base = "lab" if body["environment"] == "lab" else "production"
        microsoft.call("PUT", "/gateways", {"name": name, "base": base, **properties})
        made.append(requests.parsed(body).gateway.id.onboarding_id)
        return body

    yield make
    for onboarding_id in made:
        operator.client.post(f"/onboardings/{onboarding_id}/cancel", json={"reason": "the test is over"})
