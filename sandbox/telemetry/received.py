"""The last spans, measurements and log lines that were exported, in memory and as JSON."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

Json = dict[str, Any]

KEPT = 20_000
"""Spans, and log lines: a few hundred onboardings."""


class Received:
    """What came. Measurements are kept by name and attributes: the latest counts."""

    def __init__(self) -> None:
        self.spans: deque[Json] = deque(maxlen=KEPT)
        self.logs: deque[Json] = deque(maxlen=KEPT)
        self._metrics: dict[tuple[str, str], Json] = {}

    def clear(self) -> None:
        """Forget everything."""
        self.spans.clear()
        self.logs.clear()
        self._metrics.clear()

    @property
    def metrics(self) -> list[Json]:
        """The latest measurement of each name and attributes."""
        return list(self._metrics.values())

    def take_traces(self, body: bytes) -> None:
        """`POST /v1/traces`. Raises ValueError (protobuf's DecodeError) for what is none."""
        for resource in _parsed(ExportTraceServiceRequest(), body).resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend({**_span(span), "scope": scope.scope.name} for span in scope.spans)

    def take_logs(self, body: bytes) -> None:
        """`POST /v1/logs`."""
        for resource in _parsed(ExportLogsServiceRequest(), body).resource_logs:
            for scope in resource.scope_logs:
                self.logs.extend({**_line(line), "logger": scope.scope.name} for line in scope.log_records)

    def take_metrics(self, body: bytes) -> None:
        """`POST /v1/metrics`."""
        for resource in _parsed(ExportMetricsServiceRequest(), body).resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in _points(metric):
                        key = (metric.name, str(sorted(point["attributes"].items())))
                        self._metrics[key] = {"name": metric.name, "unit": metric.unit, **point}

    def traces(self, onboarding: str | None = None) -> list[Json]:
        """Traces with their spans, oldest first; with `onboarding`, those that hold a span of it."""
        spans: dict[str, list[Json]] = {}
        for span in sorted(self.spans, key=lambda s: s["start"]):
            spans.setdefault(span["traceId"], []).append(span)
        return [
            {"traceId": trace, "spans": group}
            for trace, group in spans.items()
            if onboarding is None or any(s["attributes"].get("onboarding") == onboarding for s in group)
        ]

    def tree(self, onboarding: str | None = None) -> str:
        """The same for people: each span below its parent, with when it began and how long it took."""
        lines: list[str] = []
        for trace in self.traces(onboarding):
            lines.append(f"trace {trace['traceId']}")
            known = {span["spanId"] for span in trace["spans"]}
            tops = [span for span in trace["spans"] if span["parentId"] not in known]
            lines += _branches(tops, trace["spans"], depth=1)
        return "\n".join(lines) + "\n"


def _branches(spans: Iterable[Json], every: list[Json], depth: int) -> Iterable[str]:
    for span in spans:
        told = span["attributes"]
        note = ", ".join(f"{name}={told[name]}" for name in ("attempt", "outcome", "status") if name in told)
        began = span["start"][11:23]
        yield f"{began} {span['milliseconds']:>8.0f} ms {'  ' * depth}{span['name']}{f' ({note})' if note else ''}"
        yield from _branches((s for s in every if s["parentId"] == span["spanId"]), every, depth + 1)


def _parsed(message: Any, body: bytes) -> Any:
    message.ParseFromString(body)
    return message


def _span(span: Any) -> Json:
    return {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "parentId": span.parent_span_id.hex(),
        "name": span.name,
        "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        "start": _time(span.start_time_unix_nano),
        "milliseconds": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
        "status": Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_").lower(),
        "why": span.status.message,
        "attributes": _attributes(span.attributes),
        "events": [{"name": e.name, "attributes": _attributes(e.attributes)} for e in span.events],
        "links": [{"traceId": link.trace_id.hex(), "spanId": link.span_id.hex()} for link in span.links],
    }


def _line(line: Any) -> Json:
    return {
        "at": _time(line.time_unix_nano),
        "severity": line.severity_text,
        "body": _value(line.body),
        "attributes": _attributes(line.attributes),
        "traceId": line.trace_id.hex(),
        "spanId": line.span_id.hex(),
    }


def _points(metric: Any) -> Iterable[Json]:
    kind = metric.WhichOneof("data")
    for point in getattr(metric, kind).data_points:
        at = {"at": _time(point.time_unix_nano), "attributes": _attributes(point.attributes)}
        if kind == "histogram":
            yield {**at, "kind": kind, "count": point.count, "sum": point.sum}
        else:
            yield {**at, "kind": kind, "value": getattr(point, point.WhichOneof("value"))}


def _attributes(pairs: Iterable[Any]) -> Mapping[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None


def _time(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="milliseconds")
