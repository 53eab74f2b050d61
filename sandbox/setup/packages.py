"""The virtual environment `.venv` and the packages in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sandbox.setup import compiler, pip, stamp
from sandbox.setup.problem import SetupError, from_os_error
from sandbox.setup.tool import run, say

PINS = Path("sandbox") / "setup" / "pins"
BUILD, COMPILER = PINS / "build.txt", PINS / "compiler.txt"
REQUIREMENTS = (BUILD, Path("requirements-dev.txt"))
"""Locks that make the environment, in this order; the second has all of requirements.txt too."""
BY_HASH = ("--require-hashes", "--no-deps", "--no-build-isolation")
"""pip installs no file whose hash is not in the lock: no package that a package asks for besides (a lock has them all;
looking for them, pip takes another version's extra for one without a hash), and none to build one with."""
PIP_OPTIONS = (*BY_HASH, "--no-compile", "--progress-bar=off", "--retries=2")


class Packages:
    """The packages of one repository folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.stamp = self.folder / "ready.json"
        self.logs = root / ".sandbox" / "logs"

    @property
    def python(self) -> Path:
        """The environment's interpreter; its place differs on Windows."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def wanted(self) -> dict[str, str]:
        """What a finished environment is stamped with."""
        return {
            "python": f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}",
            "packages": stamp.fingerprint(self.root / name for name in REQUIREMENTS),
            "checked": "by hash",
        }

    def ready(self) -> bool:
        """Whether nothing is left to do: two small files are read, no process is started."""
        return self.python.exists() and stamp.read(self.stamp) == self.wanted()

    def prepare(self) -> Path:
        """Make or bring up to date the environment, and return its interpreter.

        An environment without a stamp was interrupted: pip takes a package that it had half unpacked for
        installed, so it is made anew. So is one whose packages were installed before there were hashes: pip looks at
        no hash of what is there.

        Raises:
            SetupError: the machine lacks what it takes.
        """
        if self.ready():
            return self.python
        wanted, found = self.wanted(), stamp.read(self.stamp)
        try:
            stamp.remove(self.stamp)
        except OSError as error:
            raise from_os_error("Preparing the virtual environment", error) from error
        if not self.python.exists() or any(found.get(fact) != wanted[fact] for fact in ("python", "checked")):
            self._create()
        with compiler.available(self.root / ".sandbox" / "compiler", self._install_compiler) as variables:
            build, packages = (self.root / lock for lock in REQUIREMENTS)
            self.install(build, what="what packages are built with")
            self.install(packages, what="the packages", takes="about a minute", **variables)
        stamp.write(self.stamp, wanted)
        return self.python

    def have_python(self) -> None:
        """Make the environment where there is none, without any package but pip.

        Raises:
            SetupError: the machine lacks what it takes.
        """
        if not self.python.exists():
            self._create()

    def install(self, lock: Path, *options: str, what: str, takes: str = "", **variables: str) -> None:
        """Install what a lock names, with pip; `variables` are added to the environment that it runs in.

        Raises:
            SetupError: pip failed; so it does when a file's hash is not the lock's.
        """
        run(
            [str(self.python), "-m", "pip", "install", *PIP_OPTIONS, *options, "-r", str(lock)],
            doing=f"Installing {what}",
            log=self.logs / "setup-pip.log",
            environment={**self.pip_environment(), **variables},
            folder=self.root,
            takes=takes,
        )

    def pip_environment(self) -> dict[str, str]:
        """The variables that pip is run with here: what the user's configuration says of the network."""
        return pip.environment(os.environ, pip.listing(self.python, os.environ))

    def _install_compiler(self, folder: Path) -> None:
        what = "a C compiler (there is none on this machine)"
        self.install(self.root / COMPILER, "--target", str(folder), what=what)

    def _create(self) -> None:
        if self.folder.exists():
            say("The virtual environment .venv is unfinished, of another Python or without hashes: it is made anew.")
            if Path(sys.prefix).resolve() == self.folder.resolve():
                raise SetupError(
                    f"The virtual environment {self.folder} must be made anew, which its own Python can't do: run "
                    "dev.py with the Python that is installed on the machine (deactivate, then python3 dev.py)."
                )
        # A virtual environment made from within another would break when that one goes.
        base = getattr(sys, "_base_executable", None) or sys.executable
        run(
            [base, "-m", "venv", "--clear", str(self.folder)],
            doing="Making the virtual environment .venv",
            log=self.logs / "setup-venv.log",
            environment=pip.environment(os.environ, []),
            folder=self.root,
        )
