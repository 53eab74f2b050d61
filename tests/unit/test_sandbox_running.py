"""One `dev.py up` a folder: the next one is told of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.running import FACTS, OtherUpError, only_one

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = "http://127.0.0.1:7071/api/dashboard"
HOLDER = f"""
import sys
from pathlib import Path
from sandbox.running import only_one
with only_one(Path(sys.argv[1]), "{DASHBOARD}"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_one_is_told_the_firsts_process_and_address_until_it_has_ended(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline().strip() == b"held"
        with pytest.raises(OtherUpError) as refused, only_one(tmp_path, "another"):
            pass
        said = str(refused.value)
        assert f"is running in {tmp_path} already: process {holder.pid}, dashboard {DASHBOARD}." in said
        assert "--free-ports --folder" in said
        assert (f"kill -INT {holder.pid}" in said) == (os.name != "nt")
        holder.kill()
    # Killed, it has left its facts.
    assert (tmp_path / FACTS).exists()
    with only_one(tmp_path, "another"):
        assert str(os.getpid()) in (tmp_path / FACTS).read_text()
    assert not (tmp_path / FACTS).exists()


def test_facts_that_cant_be_read_are_left_out(tmp_path: Path) -> None:
    with only_one(tmp_path, DASHBOARD):
        for content in ("{", "[]"):
            (tmp_path / FACTS).write_text(content)
            with pytest.raises(OtherUpError, match="it is just starting or ending"), only_one(tmp_path, "another"):
                pass
