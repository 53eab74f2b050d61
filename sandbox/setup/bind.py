"""A real DNS server for the tests: BIND of the Debian package, unpacked beside the clone; else one of the machine's.

Unpacked and not installed: an installed one starts a DNS server on the machine at once, and runs under an AppArmor
profile that keeps it from every configuration but its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.setup.chromium import apt_get
from sandbox.setup.problem import SetupError
from sandbox.setup.tool import run

NAMED_CHOICE = "NAMED_BIN"
"""Environment variable that names the program to use."""
BESIDE_THE_PATH = ("/usr/sbin", "/usr/local/sbin")
"""Where systems have it, and only an administrator's PATH leads."""
FOLDER = Path(".sandbox") / "bind9"
NEEDED = "The integration tests need the DNS server BIND (named)"


@dataclass(frozen=True, slots=True)
class NamedProgram:
    """The program, and what it needs in its environment."""

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether it starts at all, with the libraries that it needs."""
        try:
            done = subprocess.run(
                [self.path, "-V"], capture_output=True, timeout=30, check=False, env={**os.environ, **self.environment}
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0


def find(root: Path, environ: Mapping[str, str] = os.environ) -> NamedProgram | None:
    """The program that the tests use; None when there is none."""
    if environ.get(NAMED_CHOICE):
        chosen = NamedProgram(Path(environ[NAMED_CHOICE]))
        return chosen if chosen.runs else None
    places = [_unpacked(root / FOLDER)]
    beside = shutil.which("named", path=os.pathsep.join((environ.get("PATH", ""), *BESIDE_THE_PATH)))
    if beside:
        places.append(NamedProgram(Path(beside)))
    return next((place for place in places if place.path.is_file() and place.runs), None)


def prepare(root: Path, logs: Path) -> NamedProgram:
    """The program, fetched and unpacked where need be and possible.

    Raises:
        SetupError: there is none, and none can be had.
    """
    there = find(root)
    if there:
        return there
    if os.environ.get(NAMED_CHOICE):
        raise SetupError(f"{NEEDED}, and {NAMED_CHOICE} names {os.environ[NAMED_CHOICE]}, which does not start.")
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise SetupError(
            f"{NEEDED}, and there is none on this machine: install it (on macOS: brew install bind), or name its"
            f" program in {NAMED_CHOICE}."
        )
    try:
        _fetch(root / FOLDER, logs)
    except SetupError as problem:
        raise SetupError(f"{NEEDED}; there is none, and apt-get could not fetch it: {problem}") from problem
    made = find(root)
    if made is None:
        raise SetupError(f"{NEEDED}; it was unpacked into {root / FOLDER}, and does not start there.")
    return made


def _unpacked(folder: Path) -> NamedProgram:
    libraries = sorted({str(file.parent) for file in folder.glob("usr/lib/**/lib*.so*")})
    return NamedProgram(folder / "usr" / "sbin" / "named", {"LD_LIBRARY_PATH": os.pathsep.join(libraries)})


def _fetch(folder: Path, logs: Path) -> None:
    """Have apt-get fetch the package, and those that it needs and the machine lacks, by apt's own signatures."""
    packages = folder / "packages"
    shutil.rmtree(folder, ignore_errors=True)
    (packages / "partial").mkdir(parents=True)
    if rights := apt_get():
        # A list of packages that is old names files that are gone. Whoever may not read it anew tries the old one.
        _run([*rights, "update"], "Reading the list of system packages", logs / "setup-apt-update.log", folder)
    options = ["-o", f"Dir::Cache::archives={packages}/", "-o", "Debug::NoLocking=1", "-y", "--no-install-recommends"]
    fetch = ["apt-get", *options, "--download-only", "install", "bind9"]
    _run(fetch, "Fetching the DNS server BIND", logs / "setup-apt-bind9.log", folder)
    for package in sorted(packages.glob("*.deb")):
        unpack = ["dpkg-deb", "-x", str(package), str(folder)]
        _run(unpack, f"Unpacking {package.name}", logs / "setup-dpkg.log", folder)


def _run(command: list[str], doing: str, log: Path, folder: Path) -> None:
    run(command, doing=doing, log=log, environment={**os.environ, "LC_ALL": "C"}, folder=folder)
