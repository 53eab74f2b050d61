"""An operator who uses the system over HTTP, and the control port of the simulated Microsoft."""

from __future__ import annotations

import copy
import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.requester import with_trunks_at
from tests.support import requests

SAMPLES = Path(__file__).parents[2] / "samples"
BOUND = 40.0
"""Seconds that a journey may take on a busy machine; on a quiet one it takes three."""
LOOK_EVERY = 0.1

Json = dict[str, Any]


class Simulator:
    """The control port of the simulated Microsoft."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=20, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._client.request(method, path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def options(self, **values: Any) -> None:
        self.call("PUT", "/options", values)

    def fault(self, **fault: Any) -> None:
        self.call("POST", "/faults", fault)

    def state(self) -> Json:
        return dict(self.call("GET", "/state"))

    def gateway(self, name: str) -> Json:
        return next(g for g in self.state()["gateways"] if g["name"] == name)

    def requests(self, service: str) -> list[Json]:
        return list(self.call("GET", f"/requests?service={service}"))

    def writes(self) -> list[str]:
        """Every write at Microsoft, requests inside batches included: `POST /v1.0/domains`."""
        entries = self.requests("arm") + self.requests("graph")
        writes = [f"{e['method']} {httpx.URL(e['url']).path}" for e in entries if e["method"] not in ("GET", "HEAD")]
        return [w for w in writes if not w.endswith("/$batch")]

    def violations(self) -> list[Json]:
        return list(self.call("GET", "/violations"))


class Operator:
    """Posts, looks, confirms."""

    def __init__(self, api: str) -> None:
        self.client = httpx.Client(base_url=f"{api}/api", timeout=30, trust_env=False)

    def close(self) -> None:
        self.client.close()

    def post(self, body: Json, **params: str) -> httpx.Response:
        return self.client.post("/onboardings", json=body, params=params)

    def post_anew(self, body: Json) -> Json:
        """The onboarding that is begun, also where another journey has had one of that gateway."""
        first = self.post(body)
        answer = first if first.status_code == 202 else self.post(body, again="true")
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def get(self, onboarding_id: str) -> Json:
        answer = self.client.get(f"/onboardings/{onboarding_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def events(self, onboarding_id: str) -> list[Json]:
        return list(self.client.get(f"/onboardings/{onboarding_id}/events").json()["events"])

    def confirm(self, onboarding_id: str, step: str, note: str = "") -> httpx.Response:
        return self.client.post(f"/onboardings/{onboarding_id}/checkpoints/{step}", json={"note": note})

    def end_turn(self, onboarding_id: str, step: str, turn: str) -> httpx.Response:
        """Of a checkpoint that goes back and forth."""
        return self.client.post(f"/onboardings/{onboarding_id}/checkpoints/{step}", json={"turn": turn})

    def until(self, onboarding_id: str, wanted: Callable[[Json], bool], *, confirm: bool = True) -> Json:
        """The record as soon as it is as wanted; checkpoints that open on the way are confirmed."""
        end = time.monotonic() + BOUND
        while True:
            record = self.get(onboarding_id)
            if wanted(record):
                return record
            if time.monotonic() > end:
                shown = {s["name"]: (s["state"], s["detail"], s["problem"]) for s in record["steps"]}
                pytest.fail(f"after {BOUND} s still {record['state']}: {json.dumps(shown, indent=1)}")
            for step in record["steps"] if confirm else ():
                if step["kind"] == "checkpoint" and step["state"] == "waiting":
                    self.confirm(onboarding_id, step["name"], "done")
            time.sleep(LOOK_EVERY)

    def completed(self, onboarding_id: str) -> Json:
        return self.until(onboarding_id, lambda r: r["state"] in ("completed", "needs-attention", "cancelled"))


def sample(name: str) -> Json:
    """A request from the folder samples."""
    return dict(json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8")))


def with_sandboxs_trunks(body: Json, port: int) -> Json:
    """The same with its trunks at the port where this sandbox has them."""
    return dict(json.loads(with_trunks_at(json.dumps(body).encode(), port)))


@contextmanager
def as_seeded(control: str) -> Iterator[Simulator]:
    """Microsoft as the seed has it, and no breach of its rules at the end."""
    simulator = Simulator(control)
    simulator.call("POST", "/reset")
    yield simulator
    violations = simulator.violations()
    simulator.close()
    assert violations == [], violations


_numbers = itertools.count(1)


@contextmanager
def deploying(microsoft: Simulator, operator: Operator) -> Iterator[Callable[..., Json]]:
    """Makes requests, each for a gateway of its own in the simulated Azure; cancelled at the end if open."""
    made: list[str] = []

    def make(body: Json | None = None, **gateway: Any) -> Json:
        body = copy.deepcopy(body or requests.operator_connect())
        name = body["gateway"]["name"] = f"journey-{next(_numbers)}"
        base = "lab" if body["environment"] == "lab" else "production"
        microsoft.call("PUT", "/gateways", {"name": name, "base": base, **gateway})
        made.append(requests.parsed(body).gateway.onboarding_id)
        return body

    yield make
    for onboarding_id in made:
        operator.client.post(f"/onboardings/{onboarding_id}/cancel", json={"reason": "the test is over"})
