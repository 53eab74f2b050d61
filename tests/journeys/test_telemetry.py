"""The trace of an onboarding on real components, as Application Insights would get it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from onboarding.telemetry import ids
from sandbox.cloud import Cloud
from tests.support.people import BOUND, LOOK_EVERY, Operator, Simulator
from tests.support.steps import CHECKPOINTS, TASKS

Json = dict[str, Any]
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def telemetry(cloud: Cloud) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{cloud.control}/telemetry", trust_env=False, timeout=30) as client:
        yield client


def until(look: Callable[[], Any]) -> Any:
    """What was looked for, as soon as it is there: telemetry is sent a little later."""
    end = time.monotonic() + BOUND
    while not (found := look()):
        assert time.monotonic() < end, "it did not arrive"
        time.sleep(LOOK_EVERY)
    return found


def spans_of(telemetry: httpx.Client, onboarding_id: str) -> list[Json]:
    traces = telemetry.get("/traces", params={"onboarding": onboarding_id}).json()["traces"]
    return [span for trace in traces for span in trace["spans"]]


def finished(telemetry: httpx.Client, onboarding_id: str) -> list[Json]:
    """Every span, when the last one has arrived."""
    until(lambda: any(s["name"] == "notice completed" for s in spans_of(telemetry, onboarding_id)))
    return spans_of(telemetry, onboarding_id)


def test_one_trace_from_the_request_over_every_function_to_the_end(
    operator: Operator, gateway: Callable[..., Json], telemetry: httpx.Client
) -> None:
    answer = operator.client.post("/onboardings", json=gateway(), headers={"traceparent": CALLER})
    onboarding_id = answer.json()["id"]
    record = operator.completed(onboarding_id)
    assert record["state"] == "completed"

    spans = finished(telemetry, onboarding_id)
    trunk = ids.root_ids(onboarding_id, 1)
    assert {s["traceId"] for s in spans} == {f"{trunk.trace_id:032x}"}
    known = {s["spanId"] for s in spans}
    (top,) = [s for s in spans if s["parentId"] not in known]
    assert (top["name"], top["parentId"], top["spanId"]) == ("onboarding", "", f"{trunk.span_id:016x}")
    assert [link["traceId"] for link in top["links"]] == [CALLER[3:35]]

    attempts = {s["attributes"]["step"]: s for s in spans if s["name"].startswith("step ")}
    assert set(attempts) == {task.name for task in TASKS}
    assert {s["attributes"]["outcome"] for s in attempts.values()} == {"step-done"}
    assert {s["attributes"]["gateway"] for s in attempts.values()} == {record["gateway"]["name"]}
    confirmed = [s for s in spans if s["name"] == "confirmed"]
    assert {s["attributes"]["step"] for s in confirmed} == {c.name for c in CHECKPOINTS}
    # Waits end by the timer, which runs in a context of its own.
    waits = {s["attributes"].get("step") for s in spans if s["name"] == "step-done"}
    assert {"provisioning-complete", "txt-record-visible"} <= waits
    calls = [s["name"] for s in spans if s["kind"] == "client"]
    assert "POST /domains/{id}/verify" in calls
    assert "PUT Microsoft.VoiceServices/communicationsGateways/{gateway}" in calls


def test_a_step_hangs_on_what_made_it_due(
    operator: Operator, gateway: Callable[..., Json], telemetry: httpx.Client
) -> None:
    onboarding_id = operator.post(gateway()).json()["id"]
    operator.completed(onboarding_id)
    spans = {s["spanId"]: s for s in finished(telemetry, onboarding_id)}
    (second,) = [s for s in spans.values() if s["name"] == "step add-test-lines"]
    made_due = spans[second["parentId"]]
    assert (made_due["name"], made_due["attributes"]["step"]) == ("step-done", "enable-services")


def test_throttling_is_counted_and_the_attempts_of_the_step_can_be_told_apart(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json], telemetry: httpx.Client
) -> None:
    def throttled() -> float:
        found = telemetry.get("/metrics", params={"name": "onboarding.microsoft.throttled"}).json()["metrics"]
        return sum(m["value"] for m in found if m["attributes"] == {"service": "Azure Resource Manager"})

    before = throttled()
    microsoft.fault(kind="status", service="arm", path="communicationsGateways", status=429, retryAfter=1, times=1)
    onboarding_id = operator.post(gateway()).json()["id"]
    operator.completed(onboarding_id)
    spans = finished(telemetry, onboarding_id)
    attempts = [s for s in spans if s["name"] == "step enable-services"]
    told = [(s["attributes"]["attempt"], s["attributes"]["outcome"], s["status"]) for s in attempts]
    assert told == [(1, "step-postponed", "error"), (2, "step-done", "unset")]
    assert until(lambda: throttled() > before)


def test_open_steps_waits_and_passes_are_measured(
    operator: Operator, gateway: Callable[..., Json], telemetry: httpx.Client
) -> None:
    onboarding_id = operator.post(gateway()).json()["id"]
    operator.until(
        onboarding_id,
        lambda r: any(s["name"] == "operator-information" and s["state"] == "waiting" for s in r["steps"]),
        confirm=False,
    )

    def measured(name: str, **attributes: str) -> float:
        found = telemetry.get("/metrics", params={"name": name}).json()["metrics"]
        return sum(m["value"] for m in found if m["attributes"] == attributes)

    assert until(lambda: measured("onboarding.steps", state="waiting", step="operator-information") >= 1)
    assert until(lambda: measured("onboarding.wait.age", step="operator-information") > 0)
    assert measured("onboarding.timer.passes") > 0


def test_the_trace_can_be_read_by_people(
    operator: Operator, gateway: Callable[..., Json], telemetry: httpx.Client
) -> None:
    onboarding_id = operator.post(gateway()).json()["id"]
    operator.completed(onboarding_id)
    finished(telemetry, onboarding_id)
    lines = telemetry.get("/tree", params={"onboarding": onboarding_id}).text.splitlines()
    assert lines[0] == f"trace {ids.root_ids(onboarding_id, 1).trace_id:032x}"
    assert lines[1].endswith("  onboarding")
    assert sum("step verify-domain (attempt=1, outcome=step-done)" in line for line in lines) == 1
