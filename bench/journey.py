"""From POST to completed on real components: waits at zero, checkpoints confirmed as soon as they open."""

from __future__ import annotations

import copy
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sandbox.cloud import Cloud
from sandbox.ports import Ports

ROUNDS = 5
WAITING = 20
"""Gateways of one subscription that wait side by side."""
WATCHED = 10.0
"""Seconds over which their polls are counted."""
SAMPLE = Path(__file__).parents[1] / "samples" / "operator-connect.json"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Journey:
    """One onboarding."""

    seconds: float
    requests: Counter[str]
    """Requests over the wire by kind; a $batch counts as one."""


@dataclass(frozen=True, slots=True)
class Polls:
    """Looks at gateways that wait."""

    gateways: int
    looks: int
    """Looks taken, over all gateways."""
    arm_requests: int


def measure() -> tuple[list[Journey], Polls]:
    """Run the journeys one after another on one sandbox, then watch many gateways wait."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Cloud(Ports.free(), folder=Path(folder)) as cloud,
        httpx.Client(base_url=f"{cloud.api}/api", timeout=30, trust_env=False) as api,
        httpx.Client(base_url=cloud.control, timeout=30, trust_env=False) as control,
    ):
        # The first one also pays for importing the SDKs and for making the tables.
        journeys = [_journey(api, control, f"bench-{i}") for i in range(ROUNDS + 1)]
        return journeys, _polls(api, control)


def _request(control: httpx.Client, name: str) -> Json:
    control.put("/gateways", json={"name": name, "base": "production"}).raise_for_status()
    body: Json = copy.deepcopy(json.loads(SAMPLE.read_text(encoding="utf-8")))
    body["gateway"]["name"] = name
    return body


def _journey(api: httpx.Client, control: httpx.Client, name: str) -> Journey:
    control.post("/reset").raise_for_status()
    body = _request(control, name)
    began = time.perf_counter()
    record: Json = api.post("/onboardings", json=body).raise_for_status().json()
    while record["state"] != "completed":
        if record["state"] == "needs-attention" or time.perf_counter() - began > 120:
            raise RuntimeError(f"{name} stands at {record['state']}: {record['lastError']}")
        for step in record["steps"]:
            if step["kind"] == "checkpoint" and step["state"] == "waiting":
                api.post(f"/onboardings/{record['id']}/checkpoints/{step['name']}", json={})
        time.sleep(0.02)
        record = api.get(f"/onboardings/{record['id']}").raise_for_status().json()
    return Journey(time.perf_counter() - began, _count(control))


def _count(control: httpx.Client) -> Counter[str]:
    counted: Counter[str] = Counter()
    for service in ("arm", "graph"):
        for entry in control.get(f"/requests?service={service}").raise_for_status().json():
            if "batch" in entry:
                continue
            kind = "sendMail" if entry["url"].endswith("/sendMail") else "write" if entry["method"] != "GET" else "read"
            if entry["url"].endswith("/$batch"):
                kind = "batch"
            counted[f"{service} {kind}"] += 1
    return counted


def _polls(api: httpx.Client, control: httpx.Client) -> Polls:
    control.post("/reset").raise_for_status()
    control.put("/options", json={"provisioningSeconds": None}).raise_for_status()
    ids = [
        api.post("/onboardings", json=_request(control, f"wait-{i}")).raise_for_status().json()["id"]
        for i in range(WAITING)
    ]

    def looks() -> list[int]:
        records = [api.get(f"/onboardings/{i}").raise_for_status().json() for i in ids]
        return [s["attempts"] for r in records for s in r["steps"] if s["name"] == "provisioning-complete"]

    while not all(looks()):
        time.sleep(0.1)
    control.delete("/requests").raise_for_status()
    before = sum(looks())
    time.sleep(WATCHED)
    requests = len(control.get("/requests?service=arm").raise_for_status().json())
    taken = sum(looks()) - before
    for i in ids:
        api.post(f"/onboardings/{i}/cancel", json={"reason": "measured"})
    return Polls(WAITING, taken, requests)
