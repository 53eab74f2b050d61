#!/usr/bin/env python3
"""Runs this project: `python3 dev.py up`, `python3 dev.py test`. Each does all its own set-up.

Standard library only, because it runs before anything is installed.
"""

from __future__ import annotations

import sys

# The one line that an older Python must get to, to be told why nothing else works.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"This needs Python 3.11 or newer; this is {sys.version.split()[0]} ({sys.executable}).")

import argparse
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from bench import options as measuring
from sandbox import options
from sandbox.package import options as packaging
from sandbox.setup import workspace
from sandbox.setup.adaptive_cards import AdaptiveCards
from sandbox.setup.axe import Axe
from sandbox.setup.kusto import Kusto
from sandbox.setup.npm import NodeModules
from sandbox.setup.openapi_tools import OpenApiTools
from sandbox.setup.problem import SetupError, from_os_error

ROOT = Path(__file__).resolve().parent
MADE = (
    ".sandbox",
    ".venv",
    *(f".{t}_cache" for t in ("pytest", "mypy", "ruff")),
    ".hypothesis",
    ".coverage",
    "dist",
    "htmlcov",
    "mutants",
)
MISLEADING = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__", "PYTHONDONTWRITEBYTECODE")
"""The last is set in many container images. Here it would have each of many processes compile the SDKs again."""
NO_TESTS = 5
"""pytest's exit status when it found none."""
NICE = 5
"""By how much layers that compute stand back behind those that wait, when they run side by side."""
LOOK_EVERY = 0.2
"""Seconds between two looks at layers that run side by side."""

Outcome = tuple[str, float]
"""What came of a layer, and how many seconds it took."""


@dataclass(frozen=True)
class Layer:
    """One layer of checks: a module of the virtual environment, and its arguments."""

    name: str
    command: tuple[str, ...]
    azurite: bool = False
    """Whether it needs Azurite."""
    browser: bool = False
    """Whether it needs a browser."""
    dns_server: bool = False
    """Whether it needs a real DNS server."""
    azure_cli: bool = False
    """Whether it needs the Azure CLI, which is big: on a person's machine it runs only when it is named."""
    modules: tuple[Callable[[Path], NodeModules], ...] = ()
    """The npm packages that it needs."""
    waits: bool = False
    """Whether most of it is waiting: such layers run beside those that compute."""
    whole: tuple[str, ...] = ()
    """Arguments that judge the layer as a whole; left out when a part of it is asked for."""

    @property
    def is_pytest(self) -> bool:
        return self.command[0] == "pytest"


def _tests(name: str, *more: str, azurite: bool = True, browser: bool = False) -> Layer:
    return Layer(name, ("pytest", f"tests/{name}", *more), azurite, browser)


LAYERS = (
    Layer("lint", ("ruff", "check", ".")),
    Layer("types", ("mypy", "-p", "onboarding", "-p", "sandbox", "-p", "onboard", "-m", "function_app", "-m", "dev")),
    # Every branch of the pure core is taken by some test of it.
    replace(_tests("unit", "-n", "2", azurite=False), whole=("--cov", "--cov-report=term")),
    # What goes to Azure: over what Bicep predicted; and by Bicep and PowerShell, where they are.
    replace(_tests("infra", "-n", "2", azurite=False), modules=(Kusto,)),
    _tests("simulation", "-n", "2", azurite=False),
    _tests("contract", "-n", "2", "--dist", "loadfile"),
    # Most of it is waiting for the Service Bus SDK to close its connections, which several can do at a time.
    replace(_tests("integration", "-n", "4", "--dist", "loadgroup"), dns_server=True, waits=True),
    # Half of a journey is waiting: three systems, each with whole files of tests.
    replace(_tests("journeys", "-n", "3", "--dist", "loadfile"), waits=True),
    # The host is killed at every point between two effects: two systems, with half of the points each, and a third
    # for what else goes away; whichever is free takes the next test.
    replace(_tests("chaos", "-n", "3", "--dist", "loadgroup"), waits=True),
    replace(_tests("api"), modules=(OpenApiTools,)),
    # An onboarding by hand, with the commands really run.
    replace(_tests("by_hand"), name="by-hand", azure_cli=True),
    replace(_tests("browser", "-n", "2", "--dist", "loadfile", browser=True), modules=(Axe, AdaptiveCards), waits=True),
)
SCREENSHOTS = "tests/browser/screenshots.py"
"""A test by its form, so that it has the fixtures; not one by its name, so that no layer runs it."""


def environment() -> dict[str, str]:
    """For what runs in the virtual environment: this repository's code, and no one else's."""
    mine = {k: v for k, v in os.environ.items() if k not in MISLEADING}
    return {**mine, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "VIRTUAL_ENV": str(ROOT / ".venv")}


def run_in_place(command: Sequence[str]) -> int:
    """Let a program take over: it has the terminal, and gets the signals that are meant for this one."""
    if os.name != "nt":
        sys.stdout.flush()
        os.execve(command[0], list(command), environment())  # noqa: S606
    # Windows has no such thing. Ctrl-C and Ctrl-Break reach the child as well, and it decides what they mean.
    for name in ("SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    return subprocess.call(list(command), env=environment())


def up(arguments: Sequence[str]) -> int:
    """The local cloud, and an onboarding in it."""
    options.parse(arguments)
    python = workspace.prepare(ROOT)
    workspace.prepare_modules(ROOT, (AdaptiveCards,))
    return run_in_place([str(python), "-P", "-m", "sandbox.up", *arguments])


def bench(arguments: Sequence[str]) -> int:
    """The measurements."""
    measuring.parser().parse_args(arguments)
    python = workspace.prepare(ROOT)
    return run_in_place([str(python), "-P", "-m", "bench", *arguments])


def test(arguments: Sequence[str]) -> int:
    """The checks, layer by layer."""
    names, extra = list(arguments), []
    if "--" in names:
        cut = names.index("--")
        names, extra = names[:cut], names[cut + 1 :]
    known = {layer.name: layer for layer in LAYERS}
    parser = argparse.ArgumentParser(
        prog="dev.py test",
        description="Runs the checks; all of them unless some are named. Arguments after -- go to pytest.",
        epilog=f"Layers: {', '.join(known)}.",
    )
    parser.add_argument("layers", nargs="*", metavar="layer", help="a layer to run")
    chosen = parser.parse_args(names).layers
    unknown = [name for name in chosen if name not in known]
    if unknown:
        parser.error(f"there is no layer {unknown[0]}; there are {', '.join(known)}")
    layers = [known[name] for name in dict.fromkeys(chosen)] or [each for each in LAYERS if runs_unasked(each)]
    python = workspace.prepare(ROOT, azurite=any(layer.azurite for layer in layers))
    started = time.monotonic()
    outcomes = run_layers(layers, python, extra)
    print()
    for layer in layers:
        outcome, seconds = outcomes[layer.name]
        print(f"{layer.name:<12} {outcome:<40} {seconds:7.1f} s")
    for layer in () if chosen else LAYERS:
        if layer not in layers:
            print(f"{layer.name:<12} left out: python3 dev.py test {layer.name} (installs the Azure CLI, 800 MB)")
    print(f"{'together':<12} {'':<40} {time.monotonic() - started:7.1f} s", flush=True)
    return 0 if all(outcome == "passed" for outcome, _ in outcomes.values()) else 1


def runs_unasked(layer: Layer) -> bool:
    """Whether it runs where no layers are named; on a build server all do."""
    return not layer.azure_cli or os.environ.get("CI", "").lower() in ("true", "1")


def run_layers(layers: Sequence[Layer], python: Path, extra: Sequence[str]) -> dict[str, Outcome]:
    """Run layers: those that mostly wait beside those that compute; what came of each."""
    lanes = [lane for waits in (False, True) if (lane := [layer for layer in layers if layer.waits is waits])]
    if len(lanes) < 2:
        return {layer.name: run_layer(layer, python, extra) for layer in layers}
    print("Some layers run side by side: what each says is shown when it has ended.", flush=True)
    outcomes: dict[str, Outcome] = {}
    with ExitStack() as ended:
        going = [ended.enter_context(closing(_one_by_one(lane, python, extra, outcomes))) for lane in lanes]
        while going := [lane for lane in going if next(lane, True) is None]:
            time.sleep(LOOK_EVERY)
    return outcomes


def _one_by_one(
    layers: Sequence[Layer], python: Path, extra: Sequence[str], outcomes: dict[str, Outcome]
) -> Generator[None, None, None]:
    """One lane; it goes on for as long as it is asked for the next. Not asked any more, it ends what it has begun."""
    for layer in layers:
        with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
            running = Running(layer, python, extra, output)
            try:
                while running.goes_on():
                    yield
            finally:
                outcomes[layer.name] = running.end()
            output.seek(0)
            shutil.copyfileobj(output.buffer, sys.stdout.buffer)
            sys.stdout.flush()


def run_layer(layer: Layer, python: Path, extra: Sequence[str]) -> Outcome:
    """Run one layer in the terminal; what came of it, and how many seconds it took."""
    running = Running(layer, python, extra)
    try:
        running.wait()
    finally:
        outcome = running.end()
    return outcome


class Running:
    """A layer that is being run. What it says goes to a file; without one, to the terminal."""

    def __init__(self, layer: Layer, python: Path, extra: Sequence[str], output: TextIO | None = None) -> None:
        """Begin it, with what it needs."""
        self._layer = layer
        self._process: subprocess.Popen[bytes] | None = None
        print(f"\n--- {layer.name}", file=output, flush=True)
        try:
            workspace.prepare_modules(ROOT, layer.modules)
            if layer.browser:
                workspace.prepare_browser(ROOT)
            if layer.azure_cli:
                workspace.prepare_azure_cli(ROOT)
            if layer.dns_server:
                workspace.prepare_dns_server(ROOT)
        except SetupError as problem:
            print(problem, file=output, flush=True)
            return
        command = [str(python), "-m", *layer.command, *(extra or layer.whole if layer.is_pytest else ())]
        self._started = time.monotonic()
        errors = None if output is None else subprocess.STDOUT
        # What computes takes what is left: the other lane's tests wait for programs that are to answer in time.
        after = output is not None and not layer.waits and hasattr(os, "nice")
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(),
            stdout=output,
            stderr=errors,
            preexec_fn=(lambda: os.nice(NICE)) if after else None,
        )

    def goes_on(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    def wait(self) -> None:
        """Until it has ended."""
        if self._process is not None:
            self._process.wait()

    def end(self) -> Outcome:
        """Have it ended; what came of it, and how many seconds it took."""
        if self._process is None:
            return "FAILED (what it needs is not here)", 0.0
        if self.goes_on():
            self._process.kill()
        status = self._process.wait()
        outcome = "passed" if status == 0 else f"FAILED (exit status {status})"
        if self._layer.is_pytest and (status == NO_TESTS or not (ROOT / self._layer.command[1]).is_dir()):
            outcome = "FAILED (it has no tests)"
        return outcome, time.monotonic() - self._started


def package(arguments: Sequence[str]) -> int:
    """What is deployed: a folder and a zip in dist/."""
    packaging.parse(arguments)
    python = workspace.prepare(ROOT, azurite=False)
    return run_in_place([str(python), "-P", "-m", "sandbox.package", *arguments])


def lock(arguments: Sequence[str]) -> int:
    """The requirements with the hashes of their files, from the *.in files."""
    parser = argparse.ArgumentParser(
        prog="dev.py lock", description="Writes requirements.txt and the other locks from the *.in files beside them."
    )
    parser.add_argument("--upgrade", action="store_true", help="take the newest of what no *.in file pins")
    upgrade = parser.parse_args(arguments).upgrade
    workspace.prepare_locks(ROOT, upgrade=upgrade)
    return 0


def screenshots(arguments: Sequence[str]) -> int:
    """The pictures of the README, into docs/screenshots."""
    parser = argparse.ArgumentParser(prog="dev.py screenshots", description="Writes docs/screenshots/*.png anew.")
    parser.parse_args(arguments)
    python = workspace.prepare(ROOT)
    workspace.prepare_browser(ROOT)
    return run_in_place([str(python), "-P", "-m", "pytest", SCREENSHOTS])


def snapshots(arguments: Sequence[str]) -> int:
    """What Bicep predicts of a deployment, into infra/snapshots."""
    parser = argparse.ArgumentParser(prog="dev.py snapshots", description="Has Bicep write infra/snapshots/*.json.")
    parser.parse_args(arguments)
    python = workspace.prepare(ROOT, azurite=False)
    return run_in_place([str(python), "-P", "-m", "tests.infra.snapshots"])


def mutate(arguments: Sequence[str]) -> int:
    """How many changed lines of the rules some test notices; `dev.py mutate results` lists those that none did."""
    python = workspace.prepare(ROOT, azurite=False)
    # The changed copies stand in the folder `mutants`: this folder must not be found before them.
    alone = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    return subprocess.call([str(python), "-m", "mutmut", *(arguments or ("run",))], cwd=ROOT, env=alone)


def clean(arguments: Sequence[str]) -> int:
    """Take away what the other commands made."""
    parser = argparse.ArgumentParser(prog="dev.py clean", description="Removes all that the other commands made.")
    parser.parse_args(arguments)
    for name in MADE:
        path = ROOT / name
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
    return 0


COMMANDS = {
    "up": up,
    "test": test,
    "bench": bench,
    "mutate": mutate,
    "package": package,
    "lock": lock,
    "screenshots": screenshots,
    "snapshots": snapshots,
    "clean": clean,
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; its exit status."""
    parser = argparse.ArgumentParser(
        prog="dev.py",
        description="Runs this project; each command does its own set-up.",
        epilog="  ".join(f"{name}: {command.__doc__}" for name, command in COMMANDS.items()),
    )
    parser.add_argument("command", choices=COMMANDS, help="see `dev.py <command> --help`")
    command = parser.parse_args(arguments[:1]).command
    try:
        return COMMANDS[command](arguments[1:])
    except SetupError as problem:
        print(problem, file=sys.stderr)
    except OSError as error:
        print(from_os_error(f"dev.py {command}", error), file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted; the next run goes on from here.", file=sys.stderr)
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
