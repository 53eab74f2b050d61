"""The product's own functions, on the real table and bus, with Microsoft in memory: a message's own cost."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from bench.hosted.tally import note, noting
from bench.operator import body_for
from onboarding import app as composed
from onboarding.azure.service_bus import ServiceBusPublisher
from onboarding.azure.tables import AzureTable
from onboarding.core.events import Effect
from onboarding.core.messages import queue_of
from onboarding.engine import Engine
from onboarding.kinds import read_request
from onboarding.memory import MemoryWorld
from sandbox.options import ROOT

GATEWAYS = "BENCH_GATEWAYS"
"""The setting that says how many there are."""

_real = composed.engine


def gateway_names(count: int) -> list[str]:
    """Of the gateways that are deployed here."""
    return [f"chain-{number}" for number in range(count)]


@lru_cache(maxsize=1)
def _engine() -> Engine:
    world = MemoryWorld()
    for name in gateway_names(int(os.environ[GATEWAYS])):
        world.deploy(read_request(body_for(name)))  # type: ignore[arg-type]
    return replace(_real(), world=world.world)


def _install() -> None:
    table = {"get": "r", "page": "q", "replace": "u", "insert": "w", "upsert": "w", "delete": "w"}
    for kind, letters in ((AzureTable, table), (Engine, {"receive": "m"})):
        for name, letter in letters.items():
            setattr(kind, name, noting(letter, getattr(kind, name)))
    publish = ServiceBusPublisher.publish

    async def noted(bus: ServiceBusPublisher, effects: Sequence[Effect], now: datetime) -> None:
        for _ in {queue_of(effect) for effect in effects}:
            note("s")
        await publish(bus, effects, now)

    setattr(ServiceBusPublisher, "publish", noted)  # noqa: B010 - a method, which mypy lets nobody assign
    composed.engine = _engine


if GATEWAYS in os.environ:
    _install()
    # The host has given its app the product's own name.
    _spec = importlib.util.spec_from_file_location("product", ROOT / "function_app.py")
    assert _spec is not None
    assert _spec.loader is not None
    _product = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_product)
    app = _product.app
