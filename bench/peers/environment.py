"""A peer's own virtual environment, made when it is first measured, from its own lock."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sandbox.options import FOLDER, ROOT
from sandbox.setup import pip, stamp
from sandbox.setup.tool import run
from sandbox.setup.workspace import alone

LOCKS = Path(__file__).parent
BY_HASH = ("--require-hashes", "--no-deps", "--only-binary=:all:")
"""No file whose hash is not in the lock, no package that a package asks for besides, and nothing that is built."""


def python_of(lock: str) -> Path:
    """The interpreter of the environment that has all of a lock; it is made, or made anew, when it has not.

    Raises SetupError.
    """
    folder = FOLDER / "bench" / lock
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready, wanted = folder / "ready.json", {"lock": stamp.fingerprint([LOCKS / f"{lock}.txt"])}
    if python.exists() and stamp.read(ready) == wanted:
        return python
    logs = FOLDER / "logs"
    with alone(FOLDER / "setup.lock"):
        run(
            # A virtual environment made from within another would break when that one goes.
            [getattr(sys, "_base_executable", None) or sys.executable, "-m", "venv", "--clear", str(folder)],
            doing=f"Making an environment for {lock}",
            log=logs / "bench-venv.log",
            environment=pip.environment(os.environ, []),
            folder=ROOT,
        )
        run(
            [str(python), "-m", "pip", "install", "--no-compile", *BY_HASH, "-r", str(LOCKS / f"{lock}.txt")],
            doing=f"Installing what {lock} needs",
            log=logs / "bench-pip.log",
            environment=pip.environment(os.environ, pip.listing(python, os.environ)),
            folder=ROOT,
            takes="about a minute",
        )
        stamp.write(ready, wanted)
    return python
