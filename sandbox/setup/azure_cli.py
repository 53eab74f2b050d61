"""The Azure CLI, in a folder of its own: for the journeys by hand, which run the commands that a step shows.

Not in the virtual environment: it pins what the application has in other versions. About 800 MB, so that it is
installed only for who wants those journeys.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from sandbox.setup import stamp
from sandbox.setup.packages import PINS, Packages

LOCK = PINS / "azure-cli.txt"


class AzureCli:
    """That of one repository folder."""

    def __init__(self, packages: Packages) -> None:
        self._packages = packages
        self.folder = packages.root / ".sandbox" / "azure-cli"
        self.program = self.folder / "bin" / "az"
        self._stamp = self.folder / "ready.json"

    def wanted(self) -> dict[str, str]:
        """What a finished folder is stamped with."""
        version = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"
        return {"python": version, "packages": stamp.fingerprint([self._packages.root / LOCK])}

    def ready(self) -> bool:
        """Whether nothing is left to do."""
        return self.program.exists() and stamp.read(self._stamp) == self.wanted()

    def prepare(self) -> Path:
        """Install it where it is not there as the lock has it, and return the program.

        Raises:
            SetupError: pip failed.
        """
        if self.ready():
            return self.program
        shutil.rmtree(self.folder, ignore_errors=True)
        library = self.folder / "lib"
        lock = self._packages.root / LOCK
        self._packages.install(lock, "--target", str(library), what="the Azure CLI", takes="two minutes, 800 MB")
        self.program.parent.mkdir(parents=True)
        self.program.write_text(_script(library), encoding="utf-8")
        self.program.chmod(0o755)
        stamp.write(self._stamp, self.wanted())
        return self.program


def _script(library: Path) -> str:
    """By the Python that made the virtual environment, which has none of that environment's packages."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    paths = f"PYTHONPATH={shlex.quote(os.fspath(library))}"
    return f'#!/bin/sh\n{paths} exec {shlex.quote(base)} -sP -m azure.cli "$@"\n'
