"""Onboardings in flight while the application is upgraded, or taken back to an older version."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from onboarding.core.events import RetryRequested
from onboarding.core.messages import decode
from onboarding.core.record import SCHEMA_VERSION, OnboardingState, StepState
from onboarding.operations.backup_file import ONBOARDINGS, read_backup
from onboarding.ports import Row
from onboarding.rows import CLOSED, OPEN, UnreadableRowError, from_row, to_row
from onboarding.upgrade import rebuild_record as rebuild
from tests.support import requests
from tests.support.records import new
from tests.support.schema import FILE, schema
from tests.support.system import System, finished

ROWS = Path(__file__).with_name("rows")
FILES = sorted(ROWS.glob("*/*.jsonl"))
SEEN = {
    "requested": OnboardingState.RUNNING,
    "provisioning": OnboardingState.WAITING_FOR_MICROSOFT,
    "needs-attention": OnboardingState.NEEDS_ATTENTION,
    "tried-again": OnboardingState.RUNNING,
    "checkpoint": OnboardingState.WAITING_FOR_PEOPLE,
    "running": OnboardingState.RUNNING,
    "cancelled": OnboardingState.CANCELLED,
    "completed": OnboardingState.COMPLETED,
}
BEFORE_MICROSOFT_KNOWS = ("requested", "provisioning", "needs-attention")
"""Stages at which nothing is in the directory yet."""


def of(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


async def system_with(file: Path) -> tuple[System, Row]:
    """A system whose tables hold what an older version wrote, at a later time; and the onboarding's row."""
    header, rows = read_backup(file)
    system = System()
    if file.stem in BEFORE_MICROSOFT_KNOWS:
        asked = requests.parsed(requests.operator_connect())
        system.outside.deploy(asked)
        for line in asked.test_lines if file.stem == "provisioning" else ():
            system.outside.gateways.line(asked.gateway.id, line.name, line.phone_number)
    else:
        # Microsoft's side as it may be: all that the record speaks of is there, and more.
        done, _ = await finished(requests.parsed(requests.operator_connect()))
        system = System(outside=done.outside)
    system.clock.advance_to(header.at + timedelta(minutes=10))
    for table, row in rows:
        await (system.onboardings if table == ONBOARDINGS else system.trail).insert(row)
    return system, next(row for table, row in rows if table == ONBOARDINGS)


def test_there_are_rows_of_every_older_version_and_stage() -> None:
    assert {of(file) for file in FILES} == {f"{v}/{stage}" for v in range(1, SCHEMA_VERSION) for stage in SEEN}


@pytest.mark.parametrize("file", FILES, ids=of)
async def test_an_older_record_is_read_and_is_what_its_audit_trail_says(file: Path) -> None:
    system, row = await system_with(file)
    assert json.loads(row.columns["Rest"])["schemaVersion"] == int(file.parent.name)
    record = await system.record(row.key)
    assert record.state is SEEN[file.stem]
    assert (record.state, record.schema_version) == (row.columns["State"], SCHEMA_VERSION)
    assert rebuild(await system.events(row.key)) == record.model_copy(update={"tail": ()})


@pytest.mark.parametrize("file", FILES, ids=of)
async def test_an_older_onboarding_goes_on_to_its_end_and_its_audit_trail_stays_whole(file: Path) -> None:
    system, row = await system_with(file)
    before = await system.events(row.key)
    for body in json.loads(file.with_suffix(".messages.json").read_text(encoding="utf-8")):
        await system.engine.receive(decode(body))
    if file.stem == "needs-attention":
        await system.engine.happen(row.key, RetryRequested("add-test-lines", "ada"))
    if from_row(row).closed:
        await system.request(from_row(row).request, again=True)
    record = await system.run(row.key)
    assert record.state is OnboardingState.COMPLETED
    events = await system.events(row.key)
    assert events[: len(before)] == before
    assert [e.version for e in events] == list(range(1, record.version + 1))
    assert rebuild(events) == record.model_copy(update={"tail": ()})
    closed = await system.onboardings.get(CLOSED, row.key)
    assert closed is not None
    assert json.loads(closed.columns["Rest"])["schemaVersion"] == SCHEMA_VERSION


@pytest.mark.parametrize("file", [f for f in FILES if f.stem == "running"], ids=of)
async def test_a_step_that_an_older_version_held_is_begun_again_when_its_lease_is_over(file: Path) -> None:
    system, row = await system_with(file)
    await system.tick()
    step = (await system.record(row.key)).step("share-txt-record")
    assert (step.state, step.problem and step.problem.code) == (StepState.DUE, "attempt-lost")


@pytest.mark.parametrize("file", [f for f in FILES if f.stem == "running"], ids=of)
async def test_messages_of_an_older_version_start_what_they_were_sent_for(file: Path) -> None:
    system, row = await system_with(file)
    bodies = json.loads(file.with_suffix(".messages.json").read_text(encoding="utf-8"))
    for body in bodies:
        await system.engine.receive(decode(body))
    record = await system.record(row.key)
    assert {record.step(n).state for n in ("assign-admin-user", "assign-application-roles")} == {StepState.DONE}


# -- back to an older version ------------------------------------------------------------------------------------


def of_a_newer_version(row: Row, **more: Any) -> Row:
    rest = {**json.loads(row.columns["Rest"]), "schemaVersion": SCHEMA_VERSION + 1, **more}
    return replace(row, columns={**row.columns, "Rest": json.dumps(rest)})


@pytest.mark.parametrize("more", [{"escrow": {"until": "2027-01-01"}}, {"updatedAt": {"at": "sometimes"}}])
def test_a_row_of_a_newer_version_is_not_read_since_what_it_adds_would_be_lost(more: dict[str, Any]) -> None:
    row = of_a_newer_version(to_row(new().record, OPEN), **more)
    with pytest.raises(UnreadableRowError, match=f"schema version {SCHEMA_VERSION + 1}, which a newer version"):
        from_row(row)


async def test_an_older_version_beside_a_newer_one_leaves_its_rows_as_they_are() -> None:
    request = requests.parsed(requests.operator_connect())
    system = System()
    system.outside.deploy(request)
    record = (await system.request(request)).record
    row = await system.onboardings.get(OPEN, record.id)
    assert row is not None
    await system.onboardings.upsert([of_a_newer_version(row, escrow=True)])
    newer = await system.onboardings.get(OPEN, record.id)
    await system.tick(600)
    with pytest.raises(UnreadableRowError):
        await system.deliver()
    assert await system.onboardings.get(OPEN, record.id) == newer
    # The newer version is put back: nothing was lost but the message, which the timer sends again.
    await system.onboardings.upsert([replace(row, etag="")])
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED


# -- when the schema version must go up --------------------------------------------------------------------------


def test_what_a_row_holds_is_what_its_schema_version_says() -> None:
    assert schema() == FILE.read_text(encoding="utf-8"), (
        f"A row holds something else than {FILE.name} says. If an application with schema version {SCHEMA_VERSION} runs"
        " anywhere, raise SCHEMA_VERSION; else write the file anew: python -m tests.support.schema (docs/upgrade.md)."
    )
