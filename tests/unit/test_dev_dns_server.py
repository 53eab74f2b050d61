"""The DNS server of the tests: found, fetched, or asked for in one sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import dev
from sandbox.setup import bind
from sandbox.setup.problem import SetupError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="programs are shell scripts here")
Script = Callable[..., Path]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Puts a shell script onto a PATH on which there is nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv(bind.NAMED_CHOICE, raising=False)
    monkeypatch.setattr(bind, "BESIDE_THE_PATH", ())
    monkeypatch.setattr(bind, "apt_get", list)

    def write(name: str, text: str = "echo BIND 9", folder: Path = folder) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    return write


def test_the_machines_server_is_used(script: Script, tmp_path: Path) -> None:
    named = script("named")
    assert bind.prepare(tmp_path, tmp_path / "logs").path == named


def test_one_that_was_unpacked_comes_first_with_its_libraries(script: Script, tmp_path: Path) -> None:
    script("named")
    folder = tmp_path / bind.FOLDER
    libraries = folder / "usr" / "lib" / "x86_64-linux-gnu"
    libraries.mkdir(parents=True)
    (libraries / "libisc-9.18.so").touch()
    mine = script("named", f'[ "$LD_LIBRARY_PATH" = {libraries} ]', folder / "usr" / "sbin")
    assert bind.prepare(tmp_path, tmp_path / "logs").path == mine


def test_a_chosen_one_must_start(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script("named")
    monkeypatch.setenv(bind.NAMED_CHOICE, str(script("mine", "exit 1")))
    with pytest.raises(SetupError, match=r"NAMED_BIN names .*mine, which does not start"):
        bind.prepare(tmp_path, tmp_path / "logs")
    monkeypatch.setenv(bind.NAMED_CHOICE, str(script("mine")))
    assert bind.prepare(tmp_path, tmp_path / "logs").path.name == "mine"


def test_it_is_fetched_and_unpacked_and_nothing_is_installed(script: Script, tmp_path: Path) -> None:
    sbin = tmp_path / bind.FOLDER / "usr" / "sbin"
    script("apt-get", f'echo "$@" >> {tmp_path}/ran; : > {tmp_path / bind.FOLDER}/packages/bind9.deb')
    unpacked = f"/bin/mkdir -p {sbin}; echo '#!/bin/sh' > {sbin}/named; /bin/chmod 755 {sbin}/named"
    script("dpkg-deb", f'echo dpkg-deb "$@" >> {tmp_path}/ran; {unpacked}')
    assert bind.prepare(tmp_path, tmp_path / "logs").path == sbin / "named"
    fetched, extracted = (tmp_path / "ran").read_text(encoding="utf-8").splitlines()
    assert "--download-only install bind9" in fetched
    assert extracted.startswith("dpkg-deb -x ")


def test_a_list_of_packages_is_read_anew_by_whoever_may(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt = script("apt-get", f'echo "$@" >> {tmp_path}/ran')
    script("dpkg-deb")
    monkeypatch.setattr(bind, "apt_get", lambda: [str(apt)])
    with pytest.raises(SetupError, match=r"was unpacked into .*, and does not start there"):
        bind.prepare(tmp_path, tmp_path / "logs")
    assert (tmp_path / "ran").read_text(encoding="utf-8").splitlines()[0] == "update"


def test_where_it_cannot_be_fetched_it_is_asked_for(script: Script, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"need the DNS server BIND .* or name its program in NAMED_BIN"):
        bind.prepare(tmp_path, tmp_path / "logs")
    script("apt-get", "echo 'E: Unable to locate package bind9' >&2; exit 100")
    script("dpkg-deb")
    with pytest.raises(SetupError, match=r"apt-get could not fetch it: .*Unable to locate package bind9"):
        bind.prepare(tmp_path, tmp_path / "logs")


def test_the_integration_tests_ask_for_it() -> None:
    assert [layer.name for layer in dev.LAYERS if layer.dns_server] == ["integration"]
