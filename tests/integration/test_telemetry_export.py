"""What really leaves the process: to an OTLP receiver, to Application Insights' protocol, and to nobody at all."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from onboarding.telemetry import ids
from sandbox.microsoft.server import Microsoft

ROOT = Path(__file__).parents[2]
DEAD = "http://127.0.0.1:9"
STOPS_WITHIN = 20.0
"""Seconds, on a busy machine, of a process whose telemetry nobody takes."""

PROCESS = """
import asyncio, logging
logging.basicConfig(level=logging.WARNING)
from onboarding.telemetry.setup import start
turned_on = start()
from tests.support import requests
from tests.support.system import finished
from onboarding.telemetry.triggers import ticked
with ticked():
    asyncio.run(finished(requests.parsed(requests.operator_connect())))
logging.getLogger("onboarding").error("told to voice.admin@contoso.com")
print(turned_on)
"""


async def run(**settings: str) -> tuple[str, str, float]:
    """An onboarding in a process of its own, which then ends; what it printed, what it logged, how long it took."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "APPLICATIONINSIGHTS_"))}
    environment = {**clean, "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1", **settings}
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, cwd=ROOT, env=environment, stdout=-1, stderr=-1
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode().strip(), err.decode(), time.monotonic() - began


async def test_a_process_that_ends_has_sent_everything() -> None:
    async with Microsoft() as microsoft:
        turned_on, _, _ = await run(OTEL_EXPORTER_OTLP_ENDPOINT=microsoft.control_url)
        async with httpx.AsyncClient(base_url=microsoft.control_url, trust_env=False) as control:
            traces = (await control.get("/telemetry/traces")).json()["traces"]
            metrics = (await control.get("/telemetry/metrics")).json()["metrics"]
            logs = (await control.get("/telemetry/logs")).json()["logs"]
            unknown = await control.post("/v1/profiles", content=b"")
            wrong = await control.post("/v1/traces", content=b"no protobuf")
    assert turned_on == "True"
    (trace,) = [t for t in traces if any(s["name"] == "onboarding" for s in t["spans"])]
    assert {"onboarding", "step verify-domain", "notice completed"} <= {s["name"] for s in trace["spans"]}
    assert {m["name"] for m in metrics} >= {"onboarding.timer.passes", "onboarding.step.duration", "onboarding.notices"}
    assert [line["body"] for line in logs] == ["told to [address]"]
    assert (unknown.status_code, wrong.status_code) == (404, 400)


async def test_a_destination_that_is_down_disturbs_nothing_and_keeps_no_process_from_ending() -> None:
    turned_on, logged, took = await run(OTEL_EXPORTER_OTLP_ENDPOINT=DEAD)
    assert turned_on == "True"
    assert "Failed to export" in logged
    assert took < STOPS_WITHIN


@pytest.mark.parametrize("settings", [{}, {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": DEAD}])
async def test_without_a_destination_nothing_is_sent_and_logs_are_redacted_all_the_same(
    settings: dict[str, str],
) -> None:
    turned_on, logged, _ = await run(**settings)
    assert turned_on == "False"
    assert "told to [address]" in logged
    assert "export" not in logged


class Insights:
    """The ingestion endpoint of Application Insights, which takes everything."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []

    async def track(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("content-encoding") == "gzip" and body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        items = json.loads(body)
        self.items += items
        return web.json_response({"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []})

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [item for item in self.items if item["data"]["baseType"] == kind]


@pytest.fixture
async def insights(unused_tcp_port_factory: Callable[[], int]) -> AsyncIterator[tuple[Insights, str]]:
    taken = Insights()
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/{version}/track", taken.track)
    runner = web.AppRunner(app)
    await runner.setup()
    port = unused_tcp_port_factory()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield taken, f"http://127.0.0.1:{port}"
    await runner.cleanup()


async def test_application_insights_gets_spans_metrics_and_lines(
    insights: tuple[Insights, str], tmp_path: Path
) -> None:
    taken, url = insights
    connection = f"InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint={url}"
    turned_on, logged, _ = await run(
        APPLICATIONINSIGHTS_CONNECTION_STRING=connection, WEBSITE_SITE_NAME="contoso-onboarding", TMPDIR=str(tmp_path)
    )
    assert turned_on == "True", logged
    told = {r["data"]["baseData"]["name"]: r for r in taken.of("RemoteDependencyData")}
    assert {"onboarding", "step enable-services", "step-done", "notice completed"} <= set(told)
    assert taken.of("RequestData") == [], "those are the Functions host's"
    onboarding_id = told["onboarding"]["data"]["baseData"]["properties"]["onboarding"]
    trace_id = f"{ids.root_ids(onboarding_id, 1).trace_id:032x}"
    assert {r["tags"]["ai.operation.id"] for r in told.values()} == {trace_id}
    assert {r["tags"]["ai.cloud.role"] for r in told.values()} == {"contoso-onboarding"}
    named = {m["data"]["baseData"]["metrics"][0]["name"] for m in taken.of("MetricData")}
    assert {"onboarding.timer.passes", "onboarding.step.duration", "onboarding.notices"} <= named
    assert "told to [address]" in [m["data"]["baseData"]["message"] for m in taken.of("MessageData")]
    # Nothing of the exporter's own, and nothing kept on the instance's disk.
    assert not [name for name in named if not name.startswith("onboarding.")]
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - one folder of a test
    assert "11111111-2222" not in logged
