"""A message of a step beside the least that one could cost, and where the difference goes.

The floor is one read, one conditional update and one send, with the same SDK objects behind the same listener. The
product's own message is one of a chain of tasks whose Microsoft is in memory, so that only what is ours is measured.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from azure.servicebus import ServiceBusClient, ServiceBusMessage

from bench.hosted.app import hosting
from bench.hosted.floor import CHAIN, QUEUE, TABLE, body_and_id
from bench.hosted.product import GATEWAYS, gateway_names
from bench.hosted.tally import TALLY, tallied
from bench.operator import body_for
from bench.part import Bars, Grid, Json, Part, Shown, Target, ratio
from bench.usage import Tree
from onboarding.azure.service_bus import ServiceBusPublisher
from onboarding.azure.tables import AzureTable
from onboarding.core.decide import create, decide
from onboarding.core.events import Started, Succeeded
from onboarding.core.plan import NewStep
from onboarding.core.record import Record
from onboarding.kinds.communications_gateway import CommunicationsGatewayRequest
from onboarding.ports import Query, Row
from onboarding.records import Records
from onboarding.rows import OPEN, from_row, to_row
from onboarding.steps import LIBRARY
from sandbox import azurite
from sandbox.cloud import Cloud
from tests.support.system import System

TASKS = (
    "enable-services", "add-test-lines", "find-application-id", "add-project-synergy", "assign-admin-user",
    "assign-application-roles", "add-domain", "share-txt-record",
)  # fmt: skip
"""One after the other, each when the one before has ended."""
ALONE, AT_ONCE, LENGTH = 20, 50, 9
"""Chains one after another, chains at once, and messages of a chain."""
QUICK = (1, 4, 9)
ROUNDS = 5
LADDER = {"listener": (), "read": ("read",), "update": ("update",), "send": ("send",)}
"""What is done in a message, to price each of the three."""
PURE = ("the rules (decide)", "record → row", "row → record")
BOUND = 600.0
TURNS = 200
"""Of a pure function, to time it."""
Does = Sequence[str]


class Chained(CommunicationsGatewayRequest):
    """A request whose plan is the chain."""

    def plan(self) -> tuple[NewStep, ...]:
        before = ((), *((name,) for name in TASKS))
        return tuple(LIBRARY[name].planned(*needs) for name, needs in zip(TASKS, before, strict=False))


def run(quick: bool) -> Json:
    alone, at_once, length = QUICK if quick else (ALONE, AT_ONCE, LENGTH)
    rounds = 1 if quick else ROUNDS
    everything = ("read", "update", "send")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        gateways = (alone + at_once) * rounds
        with (
            Floor(folder / "floor") as floor,
            Product(folder / "product", gateways) as product,
            Product(folder / "untold", gateways, OTEL_SDK_DISABLED="true") as untold,
        ):
            # The first of each also pays for imports, connections and tables.
            floor.chains(2, length, everything)
            product.chains(2)
            untold.chains(2)
            found: dict[str, list[float]] = {
                key: [] for key in ("floorAlone", "floorAtOnce", "alone", "atOnce", "untold")
            }
            ladder: dict[str, list[float]] = {does: [] for does in LADDER}
            counted = product.counted()
            for _ in range(rounds):
                found["floorAlone"].append(floor.chains(1, alone * length, everything))
                found["alone"].append(product.one_after_another(alone))
                found["floorAtOnce"].append(floor.chains(at_once, length, everything))
                found["atOnce"].append(product.chains(at_once))
                found["untold"].append(untold.chains(at_once))
                for name, does in LADDER.items():
                    ladder[name].append(floor.chains(at_once, length, does))
            done = product.counted()
    messages = done["message"] - counted["message"]
    each = {what: (done[what] - counted[what]) / messages for what in done if what != "message"}
    return {
        "alone": alone, "atOnce": at_once, "length": length, "rounds": rounds, "cpu": found, "ladder": ladder,
        "each": each, "pure": {**_pure(), "inMemory": asyncio.run(_in_memory(at_once))},
    }  # fmt: skip


class _Hosted:
    """A cloud with one of the hosted apps."""

    def __init__(self, app: str, folder: Path, **overrides: str) -> None:
        self._tally = folder / "tally"
        self.cloud = hosting(app, folder, {TALLY: str(self._tally), **overrides})

    def counted(self) -> Mapping[str, int]:
        return tallied(self._tally)

    def __enter__(self) -> Any:
        self.cloud.__enter__()
        pid = self.cloud.pid("functions")
        assert pid is not None
        self._tree = Tree(pid)
        return self

    def __exit__(self, *ended: Any) -> None:
        self.cloud.__exit__(*ended)

    def _cpu(self, work: Callable[[], object], messages: int) -> float:
        """Milliseconds of CPU a message, until so many more have come."""
        before, goal = self._tree.cpu(), self.counted()["message"] + messages
        work()
        self._until(goal)
        return 1000 * (self._tree.cpu() - before) / messages

    def _until(self, messages: int) -> None:
        end = time.monotonic() + BOUND
        while self.counted()["message"] < messages:
            if time.monotonic() > end:
                raise RuntimeError(f"{messages - self.counted()['message']} messages have not come in {BOUND:.0f} s")
            self.cloud.check()
            time.sleep(0.02)


class Floor(_Hosted):
    def __init__(self, folder: Path) -> None:
        super().__init__("floor", folder)
        self._client = ServiceBusClient.from_connection_string(self.cloud.settings["ServiceBus"])
        self._sender = self._client.get_queue_sender(QUEUE)

    def __exit__(self, *ended: Any) -> None:
        self._sender.close()
        self._client.close()
        super().__exit__(*ended)

    def chains(self, count: int, length: int, does: Does) -> float:
        """So many chains at once; milliseconds of CPU a message."""
        run = uuid4().hex
        chains = [f"{run}-{number}" for number in range(count)]
        if "read" in does or "update" in does:
            asyncio.run(self._rows(chains))
        # A message that sends no other is sent from here.
        lefts = [length] if "send" in does else range(length, 0, -1)
        asked = [{"run": run, "chain": c, "left": left, "does": does} for left in lefts for c in chains]
        return self._cpu(lambda: self._send([body_and_id(one) for one in asked]), count * length)

    def _send(self, messages: Sequence[tuple[bytes, str]]) -> None:
        for start in range(0, len(messages), 100):
            part = messages[start : start + 100]
            self._sender.send_messages([ServiceBusMessage(body, message_id=name) for body, name in part])

    async def _rows(self, chains: Sequence[str]) -> None:
        """Of the size that a record's row has."""
        columns = to_row(_half_way(), OPEN).columns
        table = AzureTable(TABLE, connection_string=azurite.connection_string(self.cloud.ports))
        try:
            for chain in chains:
                await table.insert(Row(CHAIN, chain, columns))
        finally:
            await table.close()


class Product(_Hosted):
    def __init__(self, folder: Path, gateways: int, **overrides: str) -> None:
        super().__init__("product", folder, **{GATEWAYS: str(gateways + 2), **overrides})
        self._left = gateway_names(gateways + 2)

    def one_after_another(self, count: int) -> float:
        """Milliseconds of CPU a message."""
        return sum(self.chains(1) for _ in range(count)) / count

    def chains(self, count: int) -> float:
        """So many onboardings at once; milliseconds of CPU a message. Raises RuntimeError when one does not end."""
        names = [self._left.pop() for _ in range(count)]
        before = self._tree.cpu()
        messages = self.counted()["message"]
        asyncio.run(_post_and_wait(self.cloud, names))
        return 1000 * (self._tree.cpu() - before) / (self.counted()["message"] - messages)


async def _post_and_wait(cloud: Cloud, names: Sequence[str]) -> None:
    connection = azurite.connection_string(cloud.ports)
    onboardings, events = (AzureTable(name, connection_string=connection) for name in ("onboardings", "events"))
    bus = ServiceBusPublisher(connection_string=cloud.settings["ServiceBus"])
    records = Records(onboardings, events)
    try:
        ids = set()
        for name in names:
            decision = create(_chained(name), "bench", datetime.now(UTC))
            await records.create(decision.record)
            await bus.publish(decision.effects, datetime.now(UTC))
            ids.add(decision.record.id)
        end = time.monotonic() + BOUND
        while ids:
            open_ones = {row.key: row async for row in onboardings.rows(Query(OPEN, columns=("State",)))}
            ids &= open_ones.keys()
            stuck = [i for i in ids if open_ones[i].columns["State"] == "needs-attention"]
            if stuck or time.monotonic() > end:
                raise RuntimeError(f"{len(ids)} onboardings of the chain have not ended, {len(stuck)} need attention")
            await asyncio.sleep(0.02)
    finally:
        await bus.close()
        await onboardings.close()
        await events.close()


def _chained(name: str) -> Chained:
    return Chained.model_validate(body_for(name))


def _half_way() -> Record:
    """A record with half of the chain behind it."""
    now = datetime.now(UTC)
    record = create(_chained("half-way"), "bench", now).record
    for name in TASKS[: len(TASKS) // 2]:
        record = decide(record, Started(name, record.step(name).ticket), now).record
        record = decide(record, Succeeded(name, record.step(name).ticket, "It is so."), now).record
    return record


def _pure() -> Json:
    """Milliseconds of CPU of what has no I/O: once each."""
    record, now = _half_way(), datetime.now(UTC)
    name = TASKS[len(TASKS) // 2]
    started = Started(name, record.step(name).ticket)
    row = to_row(record, OPEN)
    work: Mapping[str, Callable[[], object]] = {
        "decide": lambda: decide(record, started, now),
        "to_row": lambda: to_row(record, OPEN),
        "from_row": lambda: from_row(row),
    }
    size = len(json.dumps(row.columns, default=str))
    return {name: _milliseconds(call) for name, call in work.items()} | {"rowBytes": size}


async def _in_memory(count: int) -> float:
    """Milliseconds of CPU of a message where table and bus are in memory too: rules, rows, engine and steps."""
    system, messages = System(), 0
    requests = [_chained(f"chain-{number}") for number in range(count)]
    for request in requests:
        system.outside.deploy(request)
        await system.request(request)
    began = time.thread_time()
    while delivered := await system.deliver():
        messages += delivered
    return 1000 * (time.thread_time() - began) / messages


def _milliseconds(call: Callable[[], object]) -> float:
    call()
    began = time.thread_time()
    for _ in range(TURNS):
        call()
    return 1000 * (time.thread_time() - began) / TURNS


def costs(measured: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Where a message's CPU goes, many at once: what, how often a message, milliseconds of it in a message."""
    ladder = {name: _median(found) for name, found in measured["ladder"].items()}
    prices = {name: max(0.0, ladder[name] - ladder["listener"]) for name in ("read", "update", "send")}
    each, pure = measured["each"], measured["pure"]
    writes = each["update"] + each["other write"]
    rows = [
        ("the listener: receive, settle, call the function", 1.0, ladder["listener"]),
        ("reads of a row", each["read"] + each["query"], prices["read"] * (each["read"] + each["query"])),
        ("conditional updates", each["update"], prices["update"] * each["update"]),
        ("other writes", each["other write"], prices["update"] * each["other write"]),
        ("sends", each["send"], prices["send"] * each["send"]),
        (PURE[0], writes, pure["decide"] * writes),
        (PURE[1], writes, pure["to_row"] * writes),
        (PURE[2], each["read"], pure["from_row"] * each["read"]),
    ]
    beyond = pure["inMemory"] - sum(cost for what, _, cost in rows if what in PURE)
    whole = _median(measured["cpu"]["atOnce"])
    rows += [
        ("engine and steps, beside rules and rows", 1.0, beyond),
        ("telemetry", 1.0, whole - _median(measured["cpu"]["untold"])),
    ]
    return [*rows, ("the rest", 1.0, whole - sum(cost for _, _, cost in rows))]


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def show(measured: Mapping[str, Any]) -> Shown:
    cpu = {name: _median(found) for name, found in measured["cpu"].items()}
    alone, at_once = ratio(cpu["alone"], cpu["floorAlone"]), ratio(cpu["atOnce"], cpu["floorAtOnce"])
    many = f"{measured['atOnce']} at once"
    return Shown(
        how=(
            "Milliseconds of CPU of the Functions host for one message. The floor is one read, one conditional update"
            f" and one send, of a row as large as a record's ({measured['pure']['rowBytes']} bytes), with the same SDK"
            " objects behind the same listener. A step's message goes through the product's own functions, table and"
            f" bus, in a chain of {len(TASKS)} tasks and the notice at its end, with Microsoft in memory; reads and"
            f" writes that it does are counted. Medians of {measured['rounds']} rounds of {measured['alone']} chains"
            f" one after another and {measured['atOnce']} at once. The prices of read, update and send are those of"
            " messages that do nothing else; rules and rows are timed alone, engine and steps with table and bus in"
            " memory too, and telemetry is what a host without it needs less."
        ),
        grids=(
            Grid(
                ("CPU of a message, ms", "floor", "a step's", "ratio"),
                (("alone", cpu["floorAlone"], cpu["alone"], alone), (many, cpu["floorAtOnce"], cpu["atOnce"], at_once)),
            ),
            Grid(("where it goes, " + many, "times a message", "ms"), costs(measured)),
        ),
        plots=(
            Bars(
                "message", f"CPU of a message, {many}", "ms", tuple((w, max(0.0, ms)) for w, _, ms in costs(measured))
            ),
        ),
        targets=(
            Target("CPU of a message / floor, alone", alone, at_most=2.0),
            Target(f"CPU of a message / floor, {many}", at_once, at_most=2.0),
        ),
    )


PART = Part("message", "A message and its floor", "6 minutes", run, show)
