"""Turning telemetry on, when the settings name a destination. OpenTelemetry's SDK is imported here and nowhere else.

Nothing waits for a destination: exporters are made, and their libraries imported, by the threads that export. What
can't be delivered is dropped.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from onboarding.telemetry import logs, metrics, spans
from onboarding.telemetry.names import SCOPE, SERVICE
from onboarding.telemetry.redaction import secrets
from onboarding.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

AZURE, OTLP = "APPLICATIONINSIGHTS_CONNECTION_STRING", "OTEL_EXPORTER_OTLP_ENDPOINT"
"""Settings that name a destination; with both set, telemetry goes to both."""
DELAY_MS = 2000
"""Until a span or a log line is sent: what an instance that is killed can lose."""

QUIET = {
    # Microsoft's statistics of its exporter, and its remote configuration: calls home that nobody here asked for.
    # And a measurement with every batch of spans that only says who we are, which each span says too.
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED": "true",
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
}


def start() -> bool:
    """Redact logs from now on, and export when there is a destination. Returns whether there is one."""
    logs.install(secrets(os.environ))
    chosen = destinations(os.environ)
    if not chosen:
        return False
    try:
        _export(chosen)
    except Exception:
        # An application that can't tell of itself still does its work.
        logging.getLogger(logs.OURS).exception("telemetry could not be turned on; everything else works without it")
        return False
    return True


def destinations(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The settings that name one."""
    off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return () if off else tuple(name for name in (AZURE, OTLP) if environ.get(name, "").strip())


def _export(chosen: tuple[str, ...]) -> None:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider

    from onboarding.telemetry.exporters import DerivedIds, LateLogs, LateMetrics, LateSpans, OwnSpans

    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    # The exporters' libraries write whole URLs into logs, and a line for each export.
    for library in ("azure.core", "azure.monitor", "azure.identity", "urllib3"):
        logging.getLogger(library).setLevel(logging.WARNING)
    who = _resource()
    tracers = TracerProvider(resource=who, id_generator=DerivedIds())
    loggers = LoggerProvider(resource=who)
    readers = []
    for setting in chosen:
        tracers.add_span_processor(OwnSpans(LateSpans(setting), schedule_delay_millis=DELAY_MS))
        loggers.add_log_record_processor(BatchLogRecordProcessor(LateLogs(setting), schedule_delay_millis=DELAY_MS))
        readers.append(PeriodicExportingMetricReader(LateMetrics(setting)))
    # Each provider sends what it holds when the process stops (atexit). None is made OpenTelemetry's global one:
    # the spans that SDKs would make with it carry URLs, and with them people's names.
    spans.use_tracer(tracers.get_tracer(SCOPE))
    metrics.use_meter(MeterProvider(readers, resource=who).get_meter(SCOPE))
    logging.getLogger().addHandler(logs.ExportHandler(loggers))


def _resource() -> Resource:
    """Who tells: the function app and its instance. Not `Resource.create`, which searches all installed packages."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    known = {
        "service.name": os.environ.get("WEBSITE_SITE_NAME") or SERVICE,
        "service.version": VERSION,
        "service.instance.id": os.environ.get("WEBSITE_INSTANCE_ID") or f"{os.getpid()}",
    }
    return Resource(known).merge(OTELResourceDetector().detect())
