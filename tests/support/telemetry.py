"""Telemetry kept in memory, as an exporter would get it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from onboarding.telemetry import logs, metrics, spans
from onboarding.telemetry.exporters import DerivedIds
from onboarding.telemetry.ids import SpanIds
from onboarding.telemetry.names import SCOPE, Instrument


@dataclass
class Seen:
    """What was told."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [s for s in self.spans if s.name == name]

    def points(self, instrument: Instrument) -> dict[tuple[Any, ...], Any]:
        """Values of the instrument's attributes, in its order → the value; of a histogram: count and sum."""
        data = self.reader.get_metrics_data()
        found: dict[tuple[Any, ...], Any] = {}
        for resource in data.resource_metrics if data else ():
            for metric in (m for scope in resource.scope_metrics for m in scope.metrics if m.name == instrument.name):
                for point in metric.data.data_points:
                    key = tuple(point.attributes[name] for name in map(str, instrument.attributes))
                    found[key] = point.value if hasattr(point, "value") else (point.count, point.sum)
        return found


@contextmanager
def seen() -> Iterator[Seen]:
    """Telemetry is on, and kept."""
    kept = Seen()
    tracers = TracerProvider(id_generator=DerivedIds(), shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(kept.exporter))
    meters = MeterProvider([kept.reader], shutdown_on_exit=False)
    spans.use_tracer(tracers.get_tracer(SCOPE))
    metrics.use_meter(meters.get_meter(SCOPE))
    try:
        yield kept
    finally:
        spans.use_tracer(None)
        metrics.use_meter(None)
        tracers.shutdown()
        meters.shutdown()


@contextmanager
def redacting(*secrets: str) -> Iterator[None]:
    """Log lines are redacted meanwhile."""
    before = logging.getLogRecordFactory()
    logs.install(secrets)
    try:
        yield
    finally:
        logging.setLogRecordFactory(before)


def place(span: ReadableSpan) -> SpanIds:
    """Where a span is."""
    seen = span.get_span_context()
    assert seen is not None
    return SpanIds(seen.trace_id, seen.span_id)


def parent(span: ReadableSpan) -> SpanIds | None:
    """What it hangs on."""
    return SpanIds(span.parent.trace_id, span.parent.span_id) if span.parent else None


def traceparent(place: SpanIds) -> str:
    """As the header of W3C Trace Context has it, version 00, sampled."""
    return f"00-{place.trace_id:032x}-{place.span_id:016x}-01"
