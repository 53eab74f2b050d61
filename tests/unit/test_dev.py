"""`dev.py`: its commands, before and around what they install."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import dev
from sandbox.setup.kusto import Kusto

ROOT = Path(dev.__file__).parent
CI_RUN = ROOT / ".ci" / "run"

needs_bash = pytest.mark.skipif(shutil.which("bash") is None or os.name == "nt", reason="there is no bash here")


def layer_of(folder: Path, name: str, content: str | None) -> dev.Layer:
    """A layer of tests in a repository of its own; without a content, an empty one."""
    tests = folder / "tests" / name
    tests.mkdir(parents=True)
    if content is not None:
        (tests / "test_it.py").write_text(content)
    return dev.Layer(name, ("pytest", f"tests/{name}"))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository without packages of its own: its tests run with this Python."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
    # Without the plugins that this project installs, which it has no use for, pytest starts at once.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev.workspace, "prepare", lambda root, azurite=True: Path(sys.executable))
    return tmp_path


def test_it_starts_on_a_python_without_any_package() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(ROOT)!r}); import dev; print('started')",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("started\n", "")


def test_an_older_python_is_told_which_one_is_needed() -> None:
    pretend = "import sys, runpy; sys.version_info = (3, 10, 13); runpy.run_path('dev.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", pretend], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("This needs Python 3.11 or newer; this is ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: command"),
        (["upp"], "invalid choice: 'upp'"),
        (["up", "--speed", "fast"], "'fast' is no length of time"),
        (["test", "untit"], "there is no layer untit; there are lint, types, unit,"),
        (["package", "--python", "3.9"], "invalid choice: '3.9' (choose from '3.11', '3.12', '3.13')"),
        (["bench", "--quikc"], "unrecognized arguments: --quikc"),
        (["clean", "everything"], "unrecognized arguments: everything"),
    ],
)
def test_a_wrong_command_is_refused_before_anything_is_installed(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev.workspace, "prepare", lambda *_, **__: pytest.fail("it began to install"))
    with pytest.raises(SystemExit) as refused:
        dev.main(arguments)
    assert refused.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("command", ["up", "test", "bench", "package", "lock", "screenshots", "snapshots", "clean"])
def test_help_installs_measures_and_takes_away_nothing(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("prepare", "prepare_locks"):
        monkeypatch.setattr(dev.workspace, name, lambda *_, **__: pytest.fail("it began to install"))
    with pytest.raises(SystemExit) as asked:
        dev.main([command, "--help"])
    assert asked.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: dev.py {command}")


def test_the_layers_of_the_issue_are_there_each_with_its_folder_of_tests() -> None:
    names = [layer.name for layer in dev.LAYERS]
    assert names[:3] == ["lint", "types", "unit"]
    assert {"integration", "contract", "journeys"} <= set(names)
    assert len(set(names)) == len(names)


def test_the_journeys_by_hand_run_when_they_are_named_and_on_a_build_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """They install the Azure CLI, 800 MB."""
    monkeypatch.delenv("CI", raising=False)
    assert [layer.name for layer in dev.LAYERS if not dev.runs_unasked(layer)] == ["by-hand"]
    monkeypatch.setenv("CI", "true")
    assert all(map(dev.runs_unasked, dev.LAYERS))


def test_a_layer_passes_fails_or_has_no_tests(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    layers = (
        layer_of(repository, "good", "def test_it():\n    assert True\n"),
        layer_of(repository, "bad", "def test_it():\n    assert False\n"),
        layer_of(repository, "empty", None),
        dev.Layer("missing", ("pytest", "tests/missing")),
    )
    outcomes = {layer.name: dev.run_layer(layer, Path(sys.executable), ["-q"])[0] for layer in layers}
    assert outcomes == {
        "good": "passed",
        "bad": "FAILED (exit status 1)",
        "empty": "FAILED (it has no tests)",
        "missing": "FAILED (it has no tests)",
    }
    assert "--- good" in capfd.readouterr().out


def test_a_layer_whose_npm_packages_are_missing_fails_in_one_sentence(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def prepare(root: Path, modules: Sequence[object]) -> None:
        if modules:
            raise dev.SetupError("Installing Kusto's language service failed because there is no network.")

    monkeypatch.setattr(dev.workspace, "prepare_modules", prepare)
    good = layer_of(repository, "good", "def test_it():\n    assert True\n")
    needy = replace(layer_of(repository, "needy", "def test_it():\n    assert True\n"), modules=(Kusto,))
    monkeypatch.setattr(dev, "LAYERS", (needy, good))
    assert dev.main(["test"]) == 1
    out = capfd.readouterr().out.splitlines()
    assert "Installing Kusto's language service failed because there is no network." in out
    assert [line.split()[:2] for line in out[-3:-1]] == [["needy", "FAILED"], ["good", "passed"]]


def test_one_failing_layer_fails_the_whole_and_the_summary_says_which(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    good = layer_of(repository, "good", "def test_it():\n    assert True\n")
    bad = layer_of(repository, "bad", "def test_it():\n    assert False\n")
    monkeypatch.setattr(dev, "LAYERS", (good, bad))
    assert dev.main(["test"]) == 1
    summary = capfd.readouterr().out.splitlines()[-3:]
    assert [line.split()[:2] for line in summary[:2]] == [["good", "passed"], ["bad", "FAILED"]]
    assert summary[2].startswith("together")
    assert all(line.endswith(" s") for line in summary)
    assert dev.main(["test", "good"]) == 0


MEETS = """
import os, pathlib, time

def test_it():
    here = pathlib.Path(__file__).parents[1]
    (here / "{me}.there").touch()
    end = time.monotonic() + 60
    while not (here / "{other}.there").exists():
        assert time.monotonic() < end, "{me} was alone"
        time.sleep(0.02)
    print("{me} met {other}, after the others by", os.nice(0) if hasattr(os, "nice") else 0)
    {then}
"""


def test_layers_that_wait_run_beside_those_that_compute_and_what_each_says_is_shown_whole(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    computes = layer_of(repository, "computes", MEETS.format(me="computes", other="waits", then="assert False"))
    waits = layer_of(repository, "waits", MEETS.format(me="waits", other="computes", then="pass"))
    monkeypatch.setattr(dev, "LAYERS", (computes, replace(waits, waits=True)))
    assert dev.main(["test", "--", "-s"]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[-3:-1]] == [["computes", "FAILED"], ["waits", "passed"]]
    places = sorted(lines.index(f"--- {name}") for name in ("computes", "waits"))
    for begin, end in ((places[0], places[1]), (places[1], len(lines) - 3)):
        said = "\n".join(lines[begin:end])
        mine, others = ("computes", "waits") if "computes" in lines[begin] else ("waits", "computes")
        assert f"{mine} met" in said
        assert f"{others} met" not in said
        assert ("1 failed" if mine == "computes" else "1 passed") in said
        if hasattr(os, "nice"):
            assert f"by {os.nice(0) + (dev.NICE if mine == 'computes' else 0)}" in said


def test_an_interrupt_ends_the_layers_that_run_side_by_side(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    hangs = "def test_it():\n    import time\n\n    time.sleep(600)\n"
    computes, waits = (layer_of(repository, name, hangs) for name in ("computes", "waits"))
    begun: list[subprocess.Popen[bytes]] = []

    class Begun(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            begun.append(self)

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(dev, "LAYERS", (computes, replace(waits, waits=True)))
    monkeypatch.setattr(dev.subprocess, "Popen", Begun)
    monkeypatch.setattr(dev.time, "sleep", interrupted)
    assert dev.main(["test"]) == 130
    assert [process.poll() is not None for process in begun] == [True, True]
    assert "Interrupted" in capfd.readouterr().err


def test_arguments_after_two_dashes_go_to_pytest(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = layer_of(repository, "both", "def test_one():\n    assert True\n\ndef test_two():\n    assert False\n")
    monkeypatch.setattr(dev, "LAYERS", (both,))
    assert dev.main(["test", "both", "--", "-k", "one", "-q"]) == 0
    assert dev.main(["test", "--", "-k", "two", "-q"]) == 1


def test_azurite_is_not_installed_for_layers_that_need_none(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def prepare(root: Path, *, azurite: bool) -> Path:
        asked.append(azurite)
        return Path(sys.executable)

    monkeypatch.setattr(dev.workspace, "prepare", prepare)
    monkeypatch.setattr(dev, "run_layers", lambda layers, *_: {layer.name: ("passed", 0.0) for layer in layers})
    for layers in (["lint", "types", "unit"], ["unit", "integration"], []):
        assert dev.main(["test", *layers]) == 0
    assert asked == [False, True, True]


def test_a_layer_whose_npm_packages_can_not_be_had_fails_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def prepare(root: Path, modules: object) -> None:
        assert modules == (dev.OpenApiTools,)
        raise dev.SetupError("Installing the tools failed because there is no network.")

    monkeypatch.setattr(dev.workspace, "prepare_modules", prepare)
    (layer,) = (layer for layer in dev.LAYERS if layer.name == "api")
    assert dev.run_layer(layer, Path("never run"), []) == ("FAILED (what it needs is not here)", 0.0)
    assert capsys.readouterr().out == "\n--- api\nInstalling the tools failed because there is no network.\n"


def test_a_situation_of_the_machine_is_one_sentence_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def prepare(root: Path, *, azurite: bool = True) -> Path:
        raise dev.SetupError("Installing the packages failed because there is no network.")

    monkeypatch.setattr(dev.workspace, "prepare", prepare)
    assert dev.main(["test"]) == 1
    assert capsys.readouterr().err == "Installing the packages failed because there is no network.\n"


def test_clean_removes_what_was_made_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    for name in dev.MADE:
        (tmp_path / name / "deep").mkdir(parents=True)
    (tmp_path / "dev.py").write_text("")
    assert dev.main(["clean"]) == 0
    assert dev.main(["clean"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["dev.py"]


@dataclass(frozen=True)
class BuildServer:
    """A clone with a `dev.py`, and beside it perhaps the tools: each says that it ran, and ends as it is told."""

    clone: Path

    @property
    def program(self) -> Path:
        """What the script calls after the tests, where it looks for it."""
        script = CI_RUN.read_text()
        folder, name = (
            re.search(r"^tools=(\S+)$", script, re.MULTILINE),
            re.search(r'^"\$tools/([\w-]+)"', script, re.MULTILINE),
        )
        assert folder is not None
        assert name is not None
        return Path(os.path.normpath(self.clone / folder[1])) / name[1]

    def run(self, tests: int, tools: int | None) -> subprocess.CompletedProcess[str]:
        (self.clone / ".ci").mkdir(parents=True)
        shutil.copy(CI_RUN, self.clone / ".ci" / "run")
        script = "import os; print('tests', os.environ.get('BICEP_GRAPH_TYPES'), flush=True); raise SystemExit({})"
        (self.clone / "dev.py").write_text(script.format(tests))
        if tools is not None:
            self.program.parent.mkdir(parents=True)
            self.program.write_text(f"#!/bin/sh\necho tools over $1: $(command -v {self.program.name})\nexit {tools}\n")
            self.program.chmod(0o755)
        # A build server runs this test too: what it put on the PATH is not what this script puts there.
        path = [
            folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / self.program.name).exists()
        ]
        alone = {name: value for name, value in os.environ.items() if name != "BICEP_GRAPH_TYPES"}
        alone["PATH"] = os.pathsep.join(path)
        return subprocess.run(
            ["bash", str(self.clone / ".ci" / "run")], env=alone, capture_output=True, text=True, check=False
        )


@needs_bash
@pytest.mark.parametrize(("tests", "tools", "status"), [(0, 0, 0), (3, 0, 3), (0, 1, 1), (3, 1, 1)])
def test_the_build_server_is_red_when_the_tests_or_azures_tools_are(
    tmp_path: Path, tests: int, tools: int, status: int
) -> None:
    server = BuildServer(tmp_path / "clone")
    done = server.run(tests, tools)
    assert done.returncode == status
    of_tests, of_tools = done.stdout.splitlines()
    assert of_tests.startswith(f"tests {server.program.parent}{os.sep}")
    assert of_tools == f"tools over .: {server.program}"


@needs_bash
@pytest.mark.parametrize("tests", [0, 3])
def test_a_build_server_without_azures_tools_says_so_and_runs_what_a_developer_runs(tmp_path: Path, tests: int) -> None:
    done = BuildServer(tmp_path / "clone").run(tests, None)
    assert done.returncode == tests
    said, ran = done.stdout.splitlines()
    assert said.startswith("There is no ")
    assert "is not looked at by Azure's own tools" in said
    assert ran == "tests None"


def test_the_build_server_can_start_its_script() -> None:
    assert CI_RUN.read_text().startswith("#!/usr/bin/env bash\n")
    assert os.name == "nt" or os.access(CI_RUN, os.X_OK)
