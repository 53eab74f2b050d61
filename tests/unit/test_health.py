"""`GET /api/health`: ready, degraded or down, and why; to nobody in particular the state alone."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from onboarding.core.problems import StoreBusyError
from onboarding.http.health import DUE_LATE, PASS_LATE
from onboarding.memory import MemoryBus, MemoryTable
from onboarding.ports import Row
from onboarding.version import VERSION
from tests.support import requests
from tests.support.http import IN_AZURE, Api, content

ROOT = Path(__file__).parents[2]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(monkeypatch)


def states(answer: object) -> dict[str, str]:
    return {check["name"]: check["state"] for check in content(answer)["checks"]}  # type: ignore[arg-type]


async def test_it_is_ready_when_the_timer_passes(api: Api) -> None:
    await api.system.tick()
    answer = await api.get("health")
    assert answer.status_code == 200
    assert content(answer)["state"] == "ready"
    assert content(answer)["version"] == VERSION
    assert set(states(answer).values()) == {"ready"}


async def test_a_timer_that_stands_still_is_told_with_its_last_pass(api: Api) -> None:
    assert states(await api.get("health"))["timer"] == "degraded"
    await api.system.tick()
    api.system.clock.advance(PASS_LATE.total_seconds() + 1)
    answer = await api.get("health")
    assert (answer.status_code, content(answer)["state"], states(answer)["timer"]) == (200, "degraded", "degraded")


async def test_what_is_overdue_is_told(api: Api) -> None:
    await api.system.tick()
    request = requests.parsed(requests.operator_connect())
    api.system.outside.deploy(request)
    await api.system.request(request)
    first = await api.system.records.index.first_due()
    assert first is not None
    ahead = (first - api.system.clock.now()).total_seconds() + DUE_LATE.total_seconds() + 1
    api.system.clock.advance(ahead)
    assert states(await api.get("health"))["due"] == "degraded"


async def test_a_bus_that_failed_just_now_is_told(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.system.tick()
    monkeypatch.setattr(MemoryBus, "resting", 7.0)
    answer = await api.get("health")
    assert states(answer)["bus"] == "degraded"
    assert "7 s" in next(c["told"] for c in content(answer)["checks"] if c["name"] == "bus")


async def test_without_its_tables_it_is_down(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(self: MemoryTable, partition: str, key: str) -> Row | None:
        raise StoreBusyError("waits", "no answer from somewhere with a secret")

    monkeypatch.setattr(MemoryTable, "get", away)
    answer = await api.get("health")
    assert (answer.status_code, content(answer)["state"]) == (503, "down")
    assert "secret" not in answer.get_body().decode()


async def test_who_holds_no_role_gets_the_state_alone(api: Api) -> None:
    await api.system.tick()
    api.environment(IN_AZURE)
    answer = await api.get("health")
    assert content(answer) == {"state": "ready", "version": None, "checks": []}


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION
