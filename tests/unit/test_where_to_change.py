"""docs/where-to-change.md, followed: what is added stands in one place, and everything else has it from there.

A kind with steps of its own is added in test_kinds.py, a control in test_control_table.py; here the others are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import pytest

from onboarding import columns
from onboarding.columns import COLUMNS, Column, ColumnType, flat
from onboarding.core.notices import NoticeKind
from onboarding.core.record import Record
from onboarding.fence import WithdrawnError, fenced, ports_of
from onboarding.notices.occasions import OCCASIONS
from onboarding.ports import reads
from onboarding.rows import OPEN, from_row, to_row
from onboarding.steps.base import World
from tests.support import requests
from tests.support.records import new
from tests.support.system import System, later

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "where-to-change.md"
FOLLOWED = {
    "step": "tests/unit/test_kinds.py",
    "field": "tests/unit/test_answers_asked.py",
    "kind": "tests/unit/test_kinds.py",
    "control": "tests/unit/test_control_table.py",
    "column": "tests/unit/test_where_to_change.py",
    "notice": "tests/unit/test_where_to_change.py",
    "setting": "tests/unit/test_what_stands_once.py",
    "command": "tests/unit/test_cli.py",
    "write at Microsoft": "tests/unit/test_where_to_change.py",
}
"""What can be added → where it is."""


def test_each_row_of_the_page_is_followed_somewhere() -> None:
    rows = re.findall(r"^\| a \*\*(.+?)\*\*", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(FOLLOWED)
    assert all((ROOT / file).exists() for file in FOLLOWED.values())


def test_every_folder_and_file_of_the_package_is_named() -> None:
    named = set(re.findall(r"`(\w+(?:/|\.py))`", PAGE.read_text(encoding="utf-8")))
    elsewhere = {"telemetry/", "__init__.py", "app.py", "dead_letters.py", "notify.py", "ports.py"}
    elsewhere |= {"settings.py", "version.py"}
    there = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / "onboarding").iterdir()
        if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")
    }
    assert there - elsewhere <= named
    assert {name for name in named if not name.endswith("/")} <= there | {"settings.py", "ports.py"}


# -- a column ----------------------------------------------------------------------------------------------------


def test_a_column_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    mood = Column("Mood", ColumnType.STRING, "How it goes", lambda s: f"{s.ended} of {s.total}", listed=False)
    monkeypatch.setattr(columns, "COLUMNS", (*COLUMNS, mood))
    record: Record = new().record
    assert flat(record)["Mood"] == "0 of 14"
    assert to_row(record, OPEN).columns["Mood"] == "0 of 14"
    assert from_row(to_row(record, OPEN)) == record


# -- a notice ----------------------------------------------------------------------------------------------------


async def test_what_is_said_on_an_occasion_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    sung = replace(
        OCCASIONS[NoticeKind.CHECKPOINT_OPENED],
        title=lambda o: f"{o.gateway}: a song",
        actions=lambda o: ("Sing.", *o.instructions.actions),
        outside_title=lambda o: f"{o.gateway}: would you sing?",
    )
    monkeypatch.setitem(OCCASIONS, NoticeKind.CHECKPOINT_OPENED, sung)  # type: ignore[arg-type]
    request = requests.parsed(requests.operator_connect())
    system = System()
    system.outside.deploy(request)
    record = (await system.request(request)).record
    await later(system, record.id)
    title = "contoso-acg: a song — The onboarding team sends its form"
    mails = {to: message for to, message in system.outside.notifier.mails if message.title.startswith("contoso-acg")}
    assert mails["voice-ops@contoso.com",].title == title
    assert mails["voice-ops@contoso.com",].actions[0] == "Sing."
    assert mails["team@example.com",].title.startswith("contoso-acg: would you sing?")
    assert title in [message.title for message in system.outside.notifier.posts]


# -- a write at Microsoft ----------------------------------------------------------------------------------------


class Pigeons(Protocol):
    @reads
    async def resting(self) -> int:
        """How many."""

    async def release(self) -> None:
        """Let one fly."""


class Loft:
    released = 0

    async def resting(self) -> int:
        return 7

    async def release(self) -> None:
        self.released += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldWithPigeons(World):
    pigeons: Pigeons


async def test_a_write_of_a_port_is_fenced_by_itself() -> None:
    async def withdrawn() -> None:
        raise WithdrawnError("paused meanwhile")

    loft, twins = Loft(), System().outside.world
    ports = (getattr(twins, name) for name in ports_of(type(twins)))
    whole = WorldWithPigeons(*ports, pigeons=loft)
    world = fenced(whole, withdrawn)
    assert isinstance(world, WorldWithPigeons)
    assert await world.pigeons.resting() == 7
    with pytest.raises(WithdrawnError):
        await world.pigeons.release()
    assert loft.released == 0
