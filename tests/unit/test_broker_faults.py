"""What the local broker is told to do wrong."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from sandbox.servicebus import Faults
from sandbox.servicebus.faults import FaultsFile


def test_a_file_that_is_not_there_is_no_fault_and_one_that_appears_is_read(tmp_path: Path) -> None:
    told = FaultsFile(tmp_path / "faults.json")
    assert told.changed() is None
    (tmp_path / "faults.json").write_text('{"silent": true, "noSender": ["notices"]}', encoding="utf-8")
    assert told.changed() == Faults(silent=True, no_sender=("notices",))
    assert told.changed() is None


@pytest.mark.parametrize("end", ["", "{}", None], ids=["emptied", "an empty object", "deleted"])
def test_faults_end_when_the_file_says_nothing_any_more(tmp_path: Path, end: str | None) -> None:
    file = tmp_path / "faults.json"
    file.write_text('{"busy": true}', encoding="utf-8")
    told = FaultsFile(file)
    assert told.changed() == Faults(busy=True)
    if end is None:
        file.unlink()
    else:
        file.write_text(end, encoding="utf-8")
    assert told.changed() == Faults()


@pytest.mark.parametrize("text", ['{"busy": true', '{"bussy": true}', '{"idleSeconds": 0}'])
def test_what_can_not_be_used_changes_nothing_and_is_told(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    file = tmp_path / "faults.json"
    file.write_text(text, encoding="utf-8")
    assert FaultsFile(file).changed() is None
    assert "the faults stay as they were" in caplog.text
