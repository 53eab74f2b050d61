"""``python -m tests.chaos.warm_host``: the Functions host again and again, as the platform runs it.

Starting Python, importing the SDKs, making validators and reading certificates takes longer than everything else
between two kills. So this process does that once, and each host is a fork of it: a process of its own, with a loop,
connections and an engine of its own, that is killed like any other. When one was killed, or has ended itself around a
function that reached functionTimeout, the next one follows, as a worker process of Microsoft's host would; the file
`restarts` counts them. When it is ordered so, three deaths end all, with exit status 0. The arguments are the host's.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from pydantic import BaseModel

from onboarding.azure.credential import trust
from onboarding.azure.service_bus import bus_authorities
from onboarding.settings import settings
from sandbox.functions_host.__main__ import main
from sandbox.functions_host.connections import listener_authorities
from sandbox.functions_host.host import ENDED_BY_TIMEOUT
from tests.chaos.crash_points import FOLDER, read_orders

DEATHS = 3
NEAR = 30 * 60.0
"""Seconds: of deaths that many, each within this time, Microsoft's host (4.1037) ends itself."""

SLOW = (
    "anyio._backends._asyncio",
    "azure.core.pipeline.transport._aiohttp",
    "h2.connection",
    "httpcore",
    "onboarding.app",
    "onboarding.dead_letters",
    "onboarding.http.api",
    "onboarding.http.entrance",
    "onboarding.http.routes",
    "onboarding.telemetry.exporters",
    "onboarding.telemetry.setup",
    "onboarding.timer",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk._logs.export",
    "opentelemetry.sdk.metrics.export",
    "opentelemetry.sdk.trace.export",
    "onboarding.pages.handlers",
    "email_validator",
    "phonenumbers",
    "azure.data.tables.aio",
    "azure.identity.aio",
    "azure.mgmt.resource.resources.aio",
    "azure.servicebus.aio",
    "dns.asyncquery",
    "kiota_authentication_azure.azure_identity_authentication_provider",
    "msgraph.graph_request_adapter",
    "msgraph.graph_service_client",
)


def warm_up() -> None:
    """Do what every process of the app comes to sooner or later, and what is the same in each."""
    for name in SLOW:
        import_module(name)
    trust(settings())
    bus_authorities()
    listener_authorities()
    for model in _below(BaseModel):
        if model.__module__.startswith("onboarding."):
            model.model_rebuild()
    # What is here stays as it is: the collector of a fork need not look at it, which would copy its memory.
    gc.collect()
    gc.freeze()


def _below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for kind in model.__subclasses__():
        yield kind
        yield from _below(kind)


def serve() -> int:
    """Run hosts until one ends by itself; its exit status."""
    warm_up()
    deaths: list[float] = []
    while True:
        child = os.fork()
        if child == 0:
            os._exit(main())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _frame, child=child: os.kill(child, number))
        _, status = os.waitpid(child, 0)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        if os.waitstatus_to_exitcode(status) not in (-signal.SIGKILL, ENDED_BY_TIMEOUT):
            return os.waitstatus_to_exitcode(status)
        folder, now = Path(os.environ[FOLDER]), time.monotonic()
        with (folder / "restarts").open("a", encoding="utf-8") as counted:
            counted.write(f"{child}\n")
        # Those of other tests before are none of this host's.
        counts = read_orders(folder).deaths_end_the_host
        deaths = [*(death for death in deaths if now - death < NEAR), now] if counts else []
        if len(deaths) >= DEATHS:
            return 0


if __name__ == "__main__":
    sys.exit(serve())
