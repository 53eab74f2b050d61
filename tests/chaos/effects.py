"""Which calls of which port change something outside, and how a point is named after them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from onboarding.azure.gateway_resource import GatewayId
from onboarding.core.events import Effect, Nudge
from onboarding.core.messages import NOTICES_QUEUE, queue_of
from onboarding.index import DUE, WAITS
from onboarding.ports import Row
from tests.support.steps import TASKS


@dataclass(frozen=True)
class Described:
    """An effect's name; the onboarding it belongs to, where its arguments tell."""

    name: str
    onboarding: str | None = None


Describe = Callable[..., Described]

TRAIL_COPIED = "events.upsert"
LIMITED = frozenset(s.name for s in TASKS)
"""Functions whose attempts the record counts and limits."""


def subject(message: Effect) -> str:
    """The step, or the notice without its version: `checkpoint-opened:portal-access`."""
    return message.step if isinstance(message, Nudge) else message.subject.rpartition(":")[0]


def share_of(point: str, shares: int) -> int:
    """Which of so many shares a point belongs to: always the same one, whoever asks."""
    return crc32(point.encode()) % shares


def _written(verb: str) -> Describe:
    def describe(table: Any, row: Row) -> Described:
        trail = json.loads(row.columns.get("Tail", "[]"))
        what = f" {trail[-1]['what']}" if trail else ""
        step = f" {trail[-1]['step']}" if trail and trail[-1]["step"] else ""
        return Described(f"{table.name}.{verb}{what}{step}", row.key)

    return describe


def _upserted(table: Any, rows: Sequence[Row]) -> Described:
    if table.name == "events":
        return Described(TRAIL_COPIED, rows[0].partition)
    return Described(f"{table.name}.upsert {rows[0].partition}", _onboarding(rows[0].partition, rows[0].key))


def _deleted(table: Any, partition: str, key: str, etag: str | None = None) -> Described:
    return Described(f"{table.name}.delete {partition}", _onboarding(partition, key))


def _onboarding(partition: str, key: str) -> str:
    """Whose row it is: thin rows have it second in their key."""
    return key.split("|")[1] if partition in (DUE, WAITS) else key


def _published(bus: Any, nudge: Effect) -> Described:
    queue = queue_of(nudge)
    about = f" {subject(nudge)}" if queue == NOTICES_QUEUE else ""
    return Described(f"bus.publish {queue}{about}", nudge.onboarding_id)


def _gateway_put(gateways: Any, gateway: GatewayId, *rest: Any) -> Described:
    return Described("gateways.put", gateway.onboarding_id)


def _test_line_put(gateways: Any, gateway: GatewayId, line: Any, *rest: Any) -> Described:
    return Described(f"gateways.put_test_line {line.name}", gateway.onboarding_id)


def _named(name: str) -> Describe:
    return lambda port, *args, **kwargs: Described(name)


EFFECTS: Mapping[str, Mapping[str, Describe]] = {
    "AzureTable": {
        "insert": _written("insert"),
        "replace": _written("replace"),
        "upsert": _upserted,
        "delete": _deleted,
    },
    "ServiceBusPublisher": {"publish": _published},
    "ArmGateways": {"put": _gateway_put, "put_test_line": _test_line_put},
    "ArmDnsZones": {"add_txt": _named("dns_zones.add_txt")},
    "DnsUpdater": {"update_txt": _named("dns_updates.update_txt")},
    "GraphDirectory": {
        name: _named(f"directory.{name}") for name in ("add_application", "assign_roles", "add_domain", "verify_domain")
    },
    "AzureNotifier": {name: _named(f"notifier.{name}") for name in ("mail", "teams", "event")},
}
"""Class that the composition makes → method → how a call of it is described."""

READS: Mapping[str, frozenset[str]] = {
    "AzureTable": frozenset({"get", "rows", "page"}),
    "ServiceBusPublisher": frozenset(),
    "ArmGateways": frozenset({"get", "in_subscription", "test_lines", "own_actions"}),
    "ArmDnsZones": frozenset({"zone", "txt_set", "own_actions"}),
    "DnsUpdater": frozenset({"zone_at", "txt_at"}),
    "GraphDirectory": frozenset(
        {"application", "credentials", "service_principal", "role_standing", "domain", "own_permissions"}
    ),
    "AzureNotifier": frozenset({"ways"}),
}
"""The other methods of their ports: they leave no trace."""
