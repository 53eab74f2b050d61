"""Exporters that are made when there is something to export, by the thread that exports it.

Importing Application Insights' exporter takes longer than importing this whole application.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import Counter, Histogram
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from onboarding.telemetry import spans
from onboarding.telemetry.names import SCOPE

AZURE = "APPLICATIONINSIGHTS_CONNECTION_STRING"
AUTHENTICATION = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"
TIMEOUT = 5
"""Seconds for one export. A process that stops waits for the last one."""


class DerivedIds(RandomIdGenerator):
    """Ids for new spans: those that are given (a trace's root), else random ones."""

    def generate_trace_id(self) -> int:
        place = spans.given()
        return place.trace_id if place else super().generate_trace_id()

    def generate_span_id(self) -> int:
        place = spans.given()
        return place.span_id if place else super().generate_span_id()


class OwnSpans(BatchSpanProcessor):
    """Exports our own spans only."""

    def on_end(self, span: ReadableSpan) -> None:
        if span.instrumentation_scope is not None and span.instrumentation_scope.name == SCOPE:
            super().on_end(span)


class _Late:
    """An exporter that is made at its first use."""

    def __init__(self, setting: str, signal: str) -> None:
        self._setting, self._signal = setting, signal
        self._made: Any = None

    def get(self) -> Any:
        if self._made is None:
            self._made = (_azure if self._setting == AZURE else _otlp)(self._signal)
        return self._made

    def shutdown(self) -> None:
        if self._made is not None:
            self._made.shutdown()
            # Application Insights' exporters leave their connections open.
            client = getattr(self._made, "client", None)
            if client is not None:
                client.close()


class LateSpans(SpanExporter):
    """Of spans, to the destination that the setting names."""

    def __init__(self, setting: str) -> None:
        self._late = _Late(setting, "spans")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        exporter: SpanExporter = self._late.get()
        return exporter.export(spans)

    def shutdown(self) -> None:
        self._late.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class LateLogs(LogRecordExporter):
    """Of log lines."""

    def __init__(self, setting: str) -> None:
        self._late = _Late(setting, "logs")

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        exporter: LogRecordExporter = self._late.get()
        return exporter.export(batch)

    def shutdown(self) -> None:
        self._late.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class LateMetrics(MetricExporter):
    """Of metrics. Application Insights wants what was counted since the last time, others the whole."""

    def __init__(self, setting: str) -> None:
        delta: dict[type, AggregationTemporality] = {
            Counter: AggregationTemporality.DELTA,
            Histogram: AggregationTemporality.DELTA,
        }
        super().__init__(preferred_temporality=delta if setting == AZURE else {})
        self._late = _Late(setting, "metrics")

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        exporter: MetricExporter = self._late.get()
        return exporter.export(metrics_data, timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._late.shutdown()


def _azure(signal: str) -> Any:
    from azure.monitor.opentelemetry.exporter import (
        AzureMonitorLogExporter,
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )

    made = {
        "spans": AzureMonitorTraceExporter,
        "logs": AzureMonitorLogExporter,
        "metrics": AzureMonitorMetricExporter,
    }
    # Signs in by itself, as the setting AUTHENTICATION says (`Authorization=AAD;ClientId=…`). Nothing is kept on disk:
    # an instance's disk goes with it.
    return made[signal](
        connection_string=os.environ[AZURE],
        disable_offline_storage=True,
        timeout=TIMEOUT,
    )


def _otlp(signal: str) -> Any:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    made = {"spans": OTLPSpanExporter, "logs": OTLPLogExporter, "metrics": OTLPMetricExporter}
    return made[signal](timeout=TIMEOUT)
