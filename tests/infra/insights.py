"""From this application to its workspace: what really leaves the process, as Application Insights stores it.

The exporters are the application's own, over HTTP, to an endpoint that stands in for Application Insights'. What is
known of how it stores an item: Microsoft Learn, "Application Insights telemetry data model" and the tables' reference.
Not known is whether a measurement that is sent without `min` and `max` is stored with them; here they stay empty, so
that no query relies on them.
"""

from __future__ import annotations

import gzip
import json
import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider

from onboarding.telemetry import metrics, spans
from onboarding.telemetry.exporters import DerivedIds, LateMetrics, LateSpans, OwnSpans
from onboarding.telemetry.names import SCOPE
from onboarding.telemetry.setup import AZURE, QUIET
from tests.infra.workspace import Row, Workspace


@dataclass
class Insights:
    """Takes telemetry, and puts it into a workspace."""

    workspace: Workspace
    meters: MeterProvider
    tracers: TracerProvider
    items: list[Mapping[str, Any]]

    def store(self, at: datetime) -> None:
        """Everything told since the last time; it gets this time, which tests have in hand."""
        self.meters.force_flush()
        self.tracers.force_flush()
        for item in self.items:
            table, row = stored(item)
            self.workspace.add(table, {**row, "TimeGenerated": at})
        self.items.clear()


@contextmanager
def telling(workspace: Workspace) -> Iterator[Insights]:
    """Telemetry is on, and goes to the workspace."""
    items: list[Mapping[str, Any]] = []
    with _endpoint(items) as url, pytest.MonkeyPatch.context() as patch:
        for name, value in QUIET.items():
            patch.setenv(name, value)
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv(AZURE, f"InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint={url}")
        reader = PeriodicExportingMetricReader(LateMetrics(AZURE), export_interval_millis=math.inf)
        meters = MeterProvider([reader], shutdown_on_exit=False)
        tracers = TracerProvider(id_generator=DerivedIds(), shutdown_on_exit=False)
        tracers.add_span_processor(OwnSpans(LateSpans(AZURE)))
        metrics.use_meter(meters.get_meter(SCOPE))
        spans.use_tracer(tracers.get_tracer(SCOPE))
        try:
            yield Insights(workspace, meters, tracers, items)
        finally:
            metrics.use_meter(None)
            spans.use_tracer(None)
            meters.shutdown()
            tracers.shutdown()


def stored(item: Mapping[str, Any]) -> tuple[str, Row]:
    """The table that an item goes into, and its row there."""
    data, tags = item["data"]["baseData"], item["tags"]
    everywhere = {"AppRoleName": tags.get("ai.cloud.role"), "Properties": data.get("properties", {})}
    match item["data"]["baseType"]:
        case "MetricData":
            (metric,) = data["metrics"]
            numbers = {"Sum": metric["value"], "ItemCount": metric.get("count", 1)}
            bounds = {"Min": metric.get("min"), "Max": metric.get("max")}
            return "AppMetrics", {**everywhere, "Name": metric["name"], **numbers, **bounds}
        case "RemoteDependencyData":
            told = {"Name": data["name"], "Success": data["success"], "DurationMs": _milliseconds(data["duration"])}
            place = {"Id": data["id"], "OperationId": tags["ai.operation.id"], "ItemCount": 1}
            return "AppDependencies", {**everywhere, **told, **place}
        case other:
            raise AssertionError(f"the application is not known to send {other}")


def _milliseconds(duration: str) -> float:
    """`days.hours:minutes:seconds.fraction`"""
    days, rest = duration.split(".", 1)
    hours, minutes, seconds = rest.split(":")
    time = timedelta(days=int(days), hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    return time / timedelta(milliseconds=1)


@contextmanager
def _endpoint(items: list[Mapping[str, Any]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            taken = json.loads(body)
            items.extend(taken)
            answer = json.dumps({"itemsReceived": len(taken), "itemsAccepted": len(taken), "errors": []}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
