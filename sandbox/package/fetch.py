"""The libraries for the function app's Python, fetched by pip as wheels for Linux x86-64, on whatever machine."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from packaging.markers import Environment
from packaging.specifiers import SpecifierSet

from sandbox.package.libraries import Installed, closure, pins, read
from sandbox.package.problem import PackageError
from sandbox.setup import stamp
from sandbox.setup.packages import Packages
from sandbox.setup.tool import run

PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
"""Wheels that the image of the Functions host (Debian 12, glibc 2.36) runs; pip takes the names literally."""
ROUNDS = 4


def fetched(root: Path, python: str, where: Environment, here: Installed) -> Installed:
    """What the requirements bring for that Python, in a folder below `.sandbox` that is kept for the next time.

    pip compares a requirement's markers with the Python that it runs in, not with `--python-version`
    (https://github.com/pypa/pip/issues/11664). So what is needed is found out here, and pip gets names and versions.

    Raises:
        SetupError: pip failed.
        PackageError: the pins do not name everything that is needed.
    """
    folder = root / ".sandbox" / "package" / python
    files = [root / name for name in ("requirements.txt", "constraints.txt")]
    wanted = {"python": python, "platforms": " ".join(PLATFORMS), "packages": stamp.fingerprint(files)}
    note = folder.with_name(f"{python}.json")
    if stamp.read(note) == wanted:
        return Installed.at(folder)
    stamp.remove(note)
    shutil.rmtree(folder, ignore_errors=True)
    roots, versions = read(files[0], where), pins(files[1], where)
    # Most needs are the same on both Pythons. What differs is seen in what was fetched, and fetched too.
    missing, _ = closure(roots, here.requires, where)
    for _ in range(ROUNDS):
        if unpinned := sorted(missing - set(versions)):
            raise PackageError(
                f"Python {python} needs {', '.join(unpinned)}, which constraints.txt does not pin: add the versions."
            )
        _pip(root, folder, python, [f"{name}=={versions[name]}" for name in sorted(missing)])
        installed = Installed.at(folder)
        _, missing = closure(roots, installed.requires, where)
        if not missing:
            _refuse_others(installed, python)
            stamp.write(note, wanted)
            return installed
    raise PackageError(f"pip did not install {', '.join(sorted(missing))} into {folder}, though it was told to.")


def _refuse_others(installed: Installed, python: str) -> None:
    refusing = [
        f"{name} {distribution.version} (Python {needed})"
        for name, distribution in sorted(installed.found.items())
        if (needed := distribution.metadata["Requires-Python"]) and f"{python}.0" not in SpecifierSet(needed)
    ]
    if refusing:
        raise PackageError(f"Not for Python {python}: {', '.join(refusing)}. Pin other versions in constraints.txt.")


def _pip(root: Path, folder: Path, python: str, requirements: list[str]) -> None:
    packages = Packages(root)
    run(
        [
            *(sys.executable, "-m", "pip", "install", "--no-deps", "--no-compile", "--only-binary=:all:"),
            # `pip install` compares Requires-Python with its own Python; `_refuse_others` does it with the right one.
            "--ignore-requires-python",
            *("--target", str(folder), "--implementation", "cp", "--python-version", python),
            *(option for platform in PLATFORMS for option in ("--platform", platform)),
            *("--progress-bar=off", "--retries=2"),
            *requirements,
        ],
        doing=f"Fetching {len(requirements)} libraries for Python {python} on Linux x86-64",
        log=packages.logs / "package-pip.log",
        environment=packages.pip_environment(),
        folder=root,
        takes="about a minute",
    )
