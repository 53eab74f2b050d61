"""The whole system on this machine, and an onboarding in it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from onboarding.kinds.examples import OPERATOR_CONNECT
from sandbox.cloud import Cloud
from sandbox.ports import Ports
from tests.api.engine import Engine
from tests.support.description import written


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud(Ports.free(), folder=tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    file = tmp_path_factory.mktemp("engine") / "openapi.json"
    file.write_bytes(written()[0])
    with Engine(file) as running:
        yield running


@pytest.fixture
def onboarding_id(cloud: Cloud) -> Iterator[str]:
    """One that is open when a test begins, so that not every path leads to 404."""
    with httpx.Client(base_url=f"{cloud.api}/api", timeout=30, trust_env=False) as client:
        answer = client.post("/onboardings", json=OPERATOR_CONNECT)
        if answer.json()["state"] in ("completed", "cancelled"):
            answer = client.post("/onboardings", json=OPERATOR_CONNECT, params={"again": "true"})
    assert answer.status_code in (200, 202), answer.text
    yield str(answer.json()["id"])
    cloud.check()
