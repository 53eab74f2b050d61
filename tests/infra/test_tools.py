"""What the layer does where Azure's programs are missing, old, broken, or without a network: it says so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.bicep import GRAPH_TYPES, prepare, unreachable
from tests.infra.predicted import ROOT
from tests.infra.tools import LeftOutError, find, version

posix = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")
OFFLINE = (
    "infra/main.bicep(236,21) : Error BCP104: The referenced module has errors.\n"
    "infra/modules/registration.bicep(7,11) : Error BCP192: Unable to restore the artifact with reference"
    ' "br:example.com/extensions/microsoftgraph/v1.0:1.0.0": Retry failed after 4 tries. (Name or service not known'
    " (example.com:443))"
)
WRONG_REFERENCE = (
    "infra/modules/registration.bicep(7,11) : Error BCP192: Unable to restore the artifact with reference"
    ' "br:example.com/extensions/microsoftgraph/v1.0:9.9.9": The artifact does not exist in the registry.'
)
MISTAKE = 'infra/modules/vault.bicep(8,1) : Error BCP057: The name "tag" does not exist in the current context.'


def stand_in(folder: Path, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "bicep"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


@posix
def test_a_program_is_found_on_the_path_and_where_azure_cli_and_azd_put_theirs(tmp_path: Path) -> None:
    nowhere = r"there is no bicep: neither on the PATH nor in .*\.azure.bin nor in .*\.azd.bin"
    with pytest.raises(LeftOutError, match=nowhere):
        find("bicep", {"PATH": str(tmp_path)}, tmp_path)
    of_azd = stand_in(tmp_path / ".azd" / "bin", "true")
    assert find("bicep", {"PATH": ""}, tmp_path) == str(of_azd)
    of_cli = stand_in(tmp_path / ".azure" / "bin", "true")
    assert find("bicep", {"PATH": ""}, tmp_path) == str(of_cli)
    moved = stand_in(tmp_path / "moved" / "bin", "true")
    assert find("bicep", {"PATH": "", "AZURE_CONFIG_DIR": str(tmp_path / "moved")}, tmp_path) == str(moved)
    on_the_path = stand_in(tmp_path / "path", "true")
    assert find("bicep", {"PATH": str(tmp_path / "path")}, tmp_path) == str(on_the_path)


@posix
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo Bicep CLI version 0.30.3", r"is 0\.30\.3; 0\.49\.2 or newer is needed"),
        ("echo cannot execute >&2; exit 126", r"does not start \(exit status 126\): cannot execute"),
        ("echo hello", r"does not start \(exit status 0\): hello"),
    ],
)
def test_a_program_that_does_not_serve_is_left_out(tmp_path: Path, script: str, said: str) -> None:
    with pytest.raises(LeftOutError, match=said):
        version(str(stand_in(tmp_path, script)), (0, 49, 2))


@posix
def test_a_newer_program_serves(tmp_path: Path) -> None:
    assert version(str(stand_in(tmp_path, "echo 'Bicep CLI version 1.2.3 (abc)'")), (0, 49, 2)) == "1.2.3"


def test_no_network_is_told_apart_from_a_mistake() -> None:
    assert (unreachable(OFFLINE) or "").startswith("Unable to restore the artifact with reference")
    for said in (WRONG_REFERENCE, MISTAKE, ""):
        assert unreachable(said) is None


@posix
def test_without_a_network_what_bicep_says_is_no_verdict_and_a_mistake_is_one(tmp_path: Path) -> None:
    for told, expected in ((OFFLINE, None), (WRONG_REFERENCE, "9.9.9"), (MISTAKE, "BCP057")):
        folder = tmp_path / str(len(told))
        answer = folder / "answer"
        program = stand_in(folder, f'[ "$1" = --version ] && echo 0.49.2 && exit; cat {answer} >&2; exit 1')
        answer.write_text(told, encoding="utf-8")
        bicep = prepare(folder / "copy", {}, lambda _, program=program: str(program))
        if expected is None:
            with pytest.raises(LeftOutError, match="types could not be fetched, and BICEP_GRAPH_TYPES names none"):
                bicep.build()
        else:
            assert expected in bicep.build()


@posix
def test_types_that_are_not_where_they_are_said_to_be_are_no_reason_to_pass(tmp_path: Path) -> None:
    program = stand_in(tmp_path, "echo 0.49.2")
    with pytest.raises(FileNotFoundError, match=r"BICEP_GRAPH_TYPES names .*nowhere\.tgz, and there is no such file"):
        prepare(tmp_path / "copy", {GRAPH_TYPES: str(tmp_path / "nowhere.tgz")}, lambda _: str(program))


def test_without_azures_programs_the_layer_passes_and_says_what_it_left_out(tmp_path: Path) -> None:
    bare = {"PATH": str(tmp_path), "HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    names = ("tests/infra/test_bicep.py", "tests/infra/test_powershell.py")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *names],
        cwd=ROOT, env=bare, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    left_out = done.stdout.partition(" LEFT OUT ")[2]
    assert re.search(r"^\d+ tests: Bicep was not asked, so .*there is no bicep", left_out, re.MULTILINE)
    assert re.search(r"^\d+ tests: the PowerShell scripts are not run: there is no pwsh", left_out, re.MULTILINE)
