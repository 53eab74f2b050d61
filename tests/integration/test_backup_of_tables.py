"""An operator's tools on Table Storage (Azurite), by their command line."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient

from onboarding.azure.tables import AzureTable
from onboarding.core.record import OnboardingState, Record
from onboarding.operations.__main__ import FAILED, WRONG, main
from onboarding.operations.backup_file import EVENTS, ONBOARDINGS
from onboarding.ports import Row
from onboarding.rows import OPEN
from tests.support import requests
from tests.support.system import System, finished

NAMES = ("contoso-acg", "another-acg")


@pytest.fixture
def store(azurite: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The connection string of a storage whose two tables nobody has used, told as the app is told."""
    empty(azurite)
    monkeypatch.setenv("Tables", azurite)
    return azurite


def empty(store: str) -> None:
    with TableServiceClient.from_connection_string(store) as service:
        for name in (ONBOARDINGS, EVENTS):
            table = service.get_table_client(name)
            service.create_table_if_not_exists(name)
            for entity in list(table.list_entities()):
                table.delete_entity(entity)


def on_tables(store: str, act: Callable[[System], Awaitable[object]]) -> object:
    """Let a system whose tables stand in that storage do something."""

    async def run() -> object:
        made = [AzureTable(name, connection_string=store) for name in (ONBOARDINGS, EVENTS)]
        try:
            return await act(System(onboardings=made[0], trail=made[1]))  # type: ignore[arg-type]
        finally:
            for table in made:
                await table.close()

    return asyncio.run(run())


async def fill(system: System) -> None:
    """One onboarding that has ended, one that waits for Microsoft, each with a trail in both places."""
    await finished(requests.parsed(named(NAMES[0])), system)
    request = requests.parsed(named(NAMES[1]))
    system.outside.deploy(request)
    await system.request(request)
    for _ in range(30):
        while await system.deliver():
            pass
        await system.tick(7200)


def named(name: str) -> dict[str, object]:
    body = requests.operator_connect()
    body["gateway"]["name"] = name
    return body


async def records(system: System) -> dict[str, Record]:
    ids = [requests.parsed(named(name)).gateway.id.onboarding_id for name in NAMES]
    return {key: await system.record(key) for key in ids}


async def trails(system: System) -> dict[str, list[object]]:
    return {key: list(await system.events(key)) for key in await records(system)}


def test_what_was_backed_up_is_put_back_and_goes_on(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on_tables(store, fill)
    before, told = on_tables(store, records), on_tables(store, trails)
    assert isinstance(before, dict)
    assert isinstance(told, dict)
    file = tmp_path / "backup.jsonl"

    assert main(["backup", str(file)]) == 0
    assert os.name != "posix" or stat.S_IMODE(file.stat().st_mode) == 0o600
    assert main(["check"]) == 0
    assert main(["check", str(file)]) == 0
    assert "2 onboardings" in capsys.readouterr().out
    assert main(["backup", str(file)]) == FAILED, "a backup is never written over another"

    assert main(["restore", str(file)]) == FAILED
    assert "Nothing was written" in capsys.readouterr().err
    assert on_tables(store, records) == before

    empty(store)
    assert main(["restore", str(file), "--actor", "olga"]) == 0
    assert main(["check"]) == 0
    after = on_tables(store, trails)
    assert isinstance(after, dict)
    for key, events in told.items():
        assert after[key][:-1] == events
        assert after[key][-1].actor == "olga"
    assert main(["restore", str(file), "--overwrite"]) == 0
    assert main(["check"]) == 0

    async def go_on(system: System) -> Record:
        request = requests.parsed(named(NAMES[1]))
        system.outside.deploy(request)
        for line in request.test_lines:
            system.outside.gateways.line(request.gateway.id, line.name, line.phone_number)
        system.clock.advance_to(before[request.gateway.id.onboarding_id].updated_at)
        return await system.run(request.gateway.id.onboarding_id)

    ended = on_tables(store, go_on)
    assert isinstance(ended, Record)
    assert ended.state is OnboardingState.COMPLETED
    assert main(["check"]) == 0


def test_a_check_of_real_tables_tells_what_is_wrong_by_its_exit_status(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    on_tables(store, fill)

    async def spoil(system: System) -> None:
        await system.onboardings.upsert([Row(OPEN, "spoilt-acg-0000000000", {"Gateway": "spoilt-acg"})])

    on_tables(store, spoil)
    assert main(["check"]) == WRONG
    said = capsys.readouterr().out
    assert "spoilt-acg-0000000000 can't be read: unexpected or missing: column" in said
    assert "3 onboardings" in said


def test_where_the_tables_are_must_be_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("Tables", raising=False)
    monkeypatch.delenv("Tables__tableServiceUri", raising=False)
    assert main(["check"]) == FAILED
    assert "Set Tables__tableServiceUri" in capsys.readouterr().err
