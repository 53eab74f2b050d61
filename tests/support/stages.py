"""Onboardings at several stages, written to files as the version that runs this writes them.

    PYTHONPATH=. python tests/support/stages.py FOLDER

Before a new schema version is made, this is run with the released code: see docs/upgrade.md.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from onboarding.core.events import CancelRequested, Started
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.core.record import SCHEMA_VERSION, Record, StepState
from onboarding.operations.backup_file import EVENTS, ONBOARDINGS, Header, Writer
from onboarding.ports import Query
from onboarding.rows import CLOSED, OPEN
from tests.support import requests
from tests.support.system import System

Stage = Callable[[System, Record], Awaitable[object]]


async def requested(system: System, record: Record) -> None:
    """Nothing has been delivered."""


async def provisioning(system: System, record: Record) -> None:
    """Microsoft has been provisioning for two days: a long audit trail, whose older part is in its table."""
    system.outside.gateways.resources[record.request.gateway.id.key]["properties"]["status"] = "ChangePending"
    await _until(system, record, "provisioning-complete", StepState.WAITING)
    system.outside.gateways.resources[record.request.gateway.id.key]["properties"]["status"] = "ChangePending"
    for _ in range(2 * 24):
        await system.tick(3600)


async def needs_attention(system: System, record: Record) -> None:
    """A test line has another number."""
    system.outside.gateways.line(record.request.gateway.id, "OC1", "+442079460999")
    await _until(system, record, "add-test-lines", StepState.NEEDS_ATTENTION)


async def tried_again(system: System, record: Record) -> None:
    """Microsoft asks for patience."""
    slow = TryLaterError(ProblemCode.THROTTLED, "429 Too Many Requests", 600)
    system.outside.directory.faults.add("add_domain", slow)
    await _until(system, record, "add-domain", StepState.DUE, lambda s: bool(s.problem))


async def checkpoint(system: System, record: Record) -> None:
    """The onboarding team has been asked for four days, and reminded."""
    await _until(system, record, "operator-information", StepState.WAITING)
    for _ in range(4 * 4):
        await system.tick(6 * 3600)
        await system.deliver()


async def running(system: System, record: Record) -> None:
    """A function is at `share-txt-record`, and its process ends there."""
    await _until(system, record, "share-txt-record", StepState.DUE)
    ticket = (await system.record(record.id)).step("share-txt-record").ticket
    await system.engine.happen(record.id, Started("share-txt-record", ticket))


async def cancelled(system: System, record: Record) -> None:
    await _until(system, record, "operator-information", StepState.WAITING)
    await system.engine.happen(record.id, CancelRequested("ada", "another gateway"))
    while await system.deliver():
        pass


async def completed(system: System, record: Record) -> None:
    await system.run(record.id)


STAGES: tuple[Stage, ...] = (
    requested,
    provisioning,
    needs_attention,
    tried_again,
    checkpoint,
    running,
    cancelled,
    completed,
)


async def _until(
    system: System, record: Record, step: str, state: StepState, so: Callable[..., bool] = lambda _: True
) -> None:
    for _ in range(200):
        if (now := (await system.record(record.id)).step(step)).state is state and so(now):
            return
        if not await _deliver_one(system):
            system.outside.settle()
            await system.tick()
    raise AssertionError(f"{step} was never {state}")


async def _deliver_one(system: System) -> bool:
    arrived = system.bus.take_due(system.clock.now())
    system.bus.waiting[:0] = arrived[1:]
    for message in arrived[:1]:
        await system.engine.receive(message.effect)
    return bool(arrived)


async def write(stage: Stage, folder: Path) -> None:
    """One file with the rows, and one with the messages on their way."""
    system = System()
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    record = (await system.request(request)).record
    await stage(system, record)
    name = stage.__name__.replace("_", "-")  # type: ignore[attr-defined]
    with (folder / f"{name}.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        writer = Writer(file.write, Header(SCHEMA_VERSION, system.clock.now()))
        for table, rows, partitions in (
            (ONBOARDINGS, system.onboardings, (OPEN, CLOSED)),
            (EVENTS, system.records._events, (record.id,)),
        ):
            for partition in partitions:
                async for row in rows.rows(Query(partition)):
                    writer.row(table, row)
        writer.end()
    bodies = [m.body.decode() for m in system.bus.waiting]
    (folder / f"{name}.messages.json").write_text(json.dumps(bodies, indent=1) + "\n", encoding="utf-8")


async def main(folder: Path) -> None:
    for stage in STAGES:
        await write(stage, folder)


if __name__ == "__main__":
    chosen = Path(sys.argv[1])
    chosen.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(chosen))
