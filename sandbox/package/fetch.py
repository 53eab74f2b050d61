"""The libraries for the function app's Python, fetched by pip as wheels for Linux x86-64, on whatever machine."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from packaging.markers import Environment
from packaging.specifiers import SpecifierSet

from sandbox.package.libraries import Installed, closure
from sandbox.package.lock import locked
from sandbox.package.problem import PackageError
from sandbox.setup import stamp
from sandbox.setup.packages import Packages
from sandbox.setup.tool import run

PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
"""Wheels that the image of the Functions host (Debian 12, glibc 2.36) runs; pip takes the names literally."""


def fetched(root: Path, python: str, where: Environment) -> Installed:
    """What the requirements bring for that Python, in a folder below `.sandbox` that is kept for the next time.

    pip compares a requirement's markers with the Python that it runs in, not with `--python-version`
    (https://github.com/pypa/pip/issues/11664). So they are compared here, and pip gets the part of the lock that holds.

    Raises:
        SetupError: pip failed; so it does when a file's hash is not the lock's.
        PackageError: the lock does not name everything that is needed.
    """
    folder = root / ".sandbox" / "package" / python
    lock = root / "requirements.txt"
    wanted = {
        "python": python,
        "platforms": " ".join(PLATFORMS),
        "packages": stamp.fingerprint([lock]),
        "checked": "by hash",
    }
    note = folder.with_name(f"{python}.json")
    if stamp.read(note) == wanted:
        return Installed.at(folder)
    stamp.remove(note)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f"{python}.txt")
    pins = locked(lock, where)
    part.write_text("".join(f"{pin}\n" for pin in pins), encoding="utf-8")
    _pip(root, folder, python, part, len(pins))
    installed = Installed.at(folder)
    if missing := sorted(closure((pin.requirement for pin in pins), installed.requires, where)[1]):
        raise PackageError(f"Python {python} needs {', '.join(missing)}, which {lock.name} lacks: `dev.py lock`.")
    _refuse_others(installed, python)
    stamp.write(note, wanted)
    return installed


def _refuse_others(installed: Installed, python: str) -> None:
    refusing = [
        f"{name} {distribution.version} (Python {needed})"
        for name, distribution in sorted(installed.found.items())
        if (needed := distribution.metadata["Requires-Python"]) and f"{python}.0" not in SpecifierSet(needed)
    ]
    if refusing:
        raise PackageError(f"Not for Python {python}: {', '.join(refusing)}. Pin other versions in requirements.in.")


def _pip(root: Path, folder: Path, python: str, lock: Path, count: int) -> None:
    packages = Packages(root)
    run(
        [
            *(sys.executable, "-m", "pip", "install", "--no-deps", "--no-compile", "--only-binary=:all:"),
            "--require-hashes",
            # `pip install` compares Requires-Python with its own Python; `_refuse_others` does it with the right one.
            "--ignore-requires-python",
            *("--target", str(folder), "--implementation", "cp", "--python-version", python),
            *(option for platform in PLATFORMS for option in ("--platform", platform)),
            *("--progress-bar=off", "--retries=2"),
            *("-r", str(lock)),
        ],
        doing=f"Fetching {count} libraries for Python {python} on Linux x86-64",
        log=packages.logs / "package-pip.log",
        environment=packages.pip_environment(),
        folder=root,
        takes="about a minute",
    )
