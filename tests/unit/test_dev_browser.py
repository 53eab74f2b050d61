"""The browser of the browser tests: found, installed, or asked for in one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import dev
from sandbox.setup import chromium
from sandbox.setup.problem import SetupError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="programs are shell scripts here")

Program = Callable[..., Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts a shell script onto a PATH on which there is nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv(chromium.CHOICE, raising=False)
    # A Mac's own browsers stand outside the PATH.
    monkeypatch.setattr(sys, "platform", "linux")

    def write(name: str, text: str = "echo Chromium 156") -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome", "microsoft-edge"])
def test_the_machines_browser_is_used(name: str, program: Program, tmp_path: Path) -> None:
    browser = program(name)
    assert chromium.prepare(tmp_path / "logs") == browser


def test_the_stub_of_a_snap_is_no_browser(program: Program) -> None:
    program("chromium-browser", "echo 'requires the chromium snap to be installed' >&2; exit 1")
    assert chromium.find() is None
    browser = program("google-chrome")
    assert chromium.find() == browser


def test_a_chosen_browser_comes_first_and_must_start(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("chromium")
    chosen = program("mine")
    monkeypatch.setenv(chromium.CHOICE, str(chosen))
    assert chromium.prepare(tmp_path / "logs") == chosen
    program("mine", "exit 1")
    with pytest.raises(SetupError, match=r"CHROME_BIN names .*/mine, which does not start"):
        chromium.prepare(tmp_path / "logs")


def test_it_is_installed_where_apt_may_be_used(program: Program, tmp_path: Path) -> None:
    body = f'for last; do :; done; if [ "$last" = chromium ]; then echo "#!/bin/sh" > {tmp_path}/bin/chromium'
    apt = program("apt-get", f'echo "$@" >> {tmp_path}/ran; {body}; /bin/chmod 755 {tmp_path}/bin/chromium; fi')
    assert chromium.prepare(tmp_path / "logs", [str(apt)]) == tmp_path / "bin" / "chromium"
    ran = (tmp_path / "ran").read_text().splitlines()
    assert [line.split(" ", 2)[2] for line in ran] == ["update", "install -y --no-install-recommends chromium"]


def test_another_program_that_installs_is_waited_for(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "LOCK_RETRY", 0.0)
    locked = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (apt-get)"
    again = f"if [ ! -e {tmp_path}/once ]; then : > {tmp_path}/once; echo '{locked}' >&2; exit 100; fi"
    apt = program("apt-get", f"{again}; echo '#!/bin/sh' > {tmp_path}/bin/chromium; /bin/chmod 755 {tmp_path}/bin/*")
    assert chromium.prepare(tmp_path / "logs", [str(apt)]) == tmp_path / "bin" / "chromium"


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        ("Temporary failure resolving 'deb.debian.org'; getaddrinfo", "can't be reached"),
        ("E: Unable to locate package chromium", "Unable to locate package chromium"),
    ],
)
def test_when_apt_fails_the_sentence_says_why_and_what_to_do(
    says: str, sentence: str, program: Program, tmp_path: Path
) -> None:
    apt = program("apt-get", f'echo "{says}"; exit 100')
    with pytest.raises(SetupError) as refused:
        chromium.prepare(tmp_path / "logs", [str(apt)])
    assert str(refused.value).startswith("The browser tests need Chromium, Google Chrome or Microsoft Edge; there is")
    assert sentence in str(refused.value)
    assert "name it in CHROME_BIN" in str(refused.value)


def test_what_apt_installs_must_be_a_browser(program: Program, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="there is still none that starts"):
        chromium.prepare(tmp_path / "logs", [str(program("apt-get", "exit 0"))])


def test_without_a_browser_the_layer_fails_in_one_sentence_and_the_others_run(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev.workspace, "prepare", lambda root, azurite=True: Path(sys.executable))
    browser = dev.Layer("browser", ("pytest", "tests/browser"), browser=True)
    other = dev.Layer("other", ("compileall", "-q", str(tmp_path / "bin")))
    monkeypatch.setattr(dev, "LAYERS", (browser, other))
    assert dev.main(["test"]) == 1
    out = capfd.readouterr().out.splitlines()
    sentence = next(line for line in out if "browser tests need" in line)
    assert "there is none on this machine: install one of them" in sentence
    summary = [line.split()[:2] for line in out[-3:-1]]
    assert summary == [["browser", "FAILED"], ["other", "passed"]]
