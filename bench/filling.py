"""Many onboardings at one stage, written to a table as the product writes them.

One of them is lived through with the rules and the twins; the others are its row with other names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from bench.operator import body_for
from bench.zones import domain
from onboarding.core.plan import StepKind
from onboarding.core.record import Record, StepState
from onboarding.kinds import read_request
from onboarding.kinds.communications_gateway import CommunicationsGatewayRequest
from onboarding.memory import ManualClock
from onboarding.ports import Row
from onboarding.records import Records
from onboarding.rows import OPEN, from_row, to_row
from tests.support.system import System

AT_ONCE = 32
"""Onboardings written side by side."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose onboarding it is."""

    name: str
    subscription: str
    zone: int

    @property
    def domain(self) -> str:
        return domain(self.name, self.zone)

    @property
    def request(self) -> CommunicationsGatewayRequest:
        body = body_for(self.name)
        body["gateway"] |= {"subscriptionId": self.subscription, "domain": self.domain}
        request = read_request(body)
        assert isinstance(request, CommunicationsGatewayRequest)
        return request


def places(count: int, spread: int) -> list[Place]:
    """So many gateways, in so many subscriptions and zones."""
    return [Place(f"gateway-{n:06d}", str(UUID(int=n % spread + 1)), n % spread) for n in range(count)]


async def provisioning(place: Place, since: datetime) -> Record:
    """It waits for Microsoft since then."""
    return await _until(place, since, lambda record: _waits(record, "provisioning-complete"), complete=False)


async def txt_record(place: Place, since: datetime) -> Record:
    """It waits for its TXT record since then, and for the onboarding team."""
    return await _until(place, since, lambda record: _waits(record, "txt-record-visible"), complete=True)


async def closed(place: Place, since: datetime) -> Record:
    """It was completed then."""
    return await _until(place, since, lambda record: record.settled, complete=True, settle=True)


def _waits(record: Record, name: str) -> bool:
    moving = any(
        s.state in (StepState.DUE, StepState.RUNNING) for s in record.steps if s.plan.kind is StepKind.TASK
    ) or any(n.owed for n in record.notices)
    return record.step(name).state is StepState.WAITING and not moving


async def _until(
    place: Place, since: datetime, ended: Callable[[Record], bool], *, complete: bool, settle: bool = False
) -> Record:
    system = System(clock=ManualClock(since))
    request = place.request
    system.outside.deploy(request)
    gateway = system.outside.gateways.resources[request.gateway.id.key]
    gateway["properties"]["dnsDelegations"] = {"delegations": [{"domain": place.domain}]}
    record = (await system.request(request)).record
    for _ in range(60):
        while await system.deliver():
            pass
        record = await system.record(record.id)
        if ended(record):
            return record
        if complete:
            system.outside.gateways.complete(request.gateway.id)
        if settle:
            system.outside.settle()
            await system.confirm_open_checkpoints(record.id)
        await system.tick()
    raise AssertionError(f"{record.id} did not come to its stage; it is {record.state}")


def rows_like(record: Record, of: Place, others: Iterable[Place], partition: str = OPEN) -> Iterator[Row]:
    """The row of that record for each of the others."""
    row = to_row(record, partition)
    for other in others:
        names = [
            (record.id, other.request.gateway.onboarding_id),
            (of.domain, other.domain),
            (of.name, other.name),
            (of.subscription, other.subscription),
        ]
        columns = {column: _renamed(value, names) for column, value in row.columns.items()}
        yield Row(partition, names[0][1], columns, "written")


def _renamed(value: object, names: list[tuple[str, str]]) -> object:
    if isinstance(value, str):
        for old, new in names:
            value = value.replace(old, new)
    return value


async def put_like(record: Record, of: Place, others: Iterable[Place], records: Records) -> int:
    """Write such records, each as a new one; how many."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def put(row: Row) -> None:
        async with gate:
            await records.create(from_row(row))

    tasks = [asyncio.create_task(put(row)) for row in rows_like(record, of, others)]
    await asyncio.gather(*tasks)
    return len(tasks)


YESTERDAY = timedelta(days=1)
