"""The whole set-up of one repository folder, by one process at a time."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sandbox.setup import bind, chromium, locks
from sandbox.setup.azure_cli import AzureCli
from sandbox.setup.azurite import Azurite
from sandbox.setup.npm import NodeModules
from sandbox.setup.packages import Packages
from sandbox.setup.problem import from_os_error
from sandbox.setup.tool import say

LOCK_RETRY = 0.2
"""Seconds between two looks at a lock that another process holds."""


def prepare(root: Path, *, azurite: bool = True) -> Path:
    """Do what is left of the set-up, and return the virtual environment's interpreter.

    Raises:
        SetupError: the machine lacks what it takes.
    """
    packages, storage = Packages(root), Azurite(root)
    if packages.ready() and (not azurite or storage.ready()):
        return packages.python
    started = time.monotonic()
    try:
        with alone(root / ".sandbox" / "setup.lock"):
            packages.prepare()
            if azurite:
                storage.prepare(packages)
    except OSError as error:
        raise from_os_error("The set-up", error) from error
    say(f"Set up in {time.monotonic() - started:.0f} s.")
    return packages.python


def prepare_browser(root: Path) -> None:
    """A browser, for the tests that need one.

    Raises:
        SetupError: the machine lacks what it takes.
    """
    if chromium.find():
        return
    try:
        with alone(root / ".sandbox" / "setup.lock"):
            chromium.prepare(Packages(root).logs)
    except OSError as error:
        raise from_os_error("The set-up of the browser tests", error) from error


def prepare_dns_server(root: Path) -> None:
    """A real DNS server, for the tests that need one.

    Raises:
        SetupError: the machine lacks what it takes.
    """
    if bind.find(root):
        return
    try:
        with alone(root / ".sandbox" / "setup.lock"):
            bind.prepare(root, Packages(root).logs)
    except OSError as error:
        raise from_os_error("The set-up of the DNS tests", error) from error


def prepare_azure_cli(root: Path) -> None:
    """The Azure CLI, for the tests that run commands with it.

    Raises:
        SetupError: the machine lacks what it takes.
    """
    cli = AzureCli(Packages(root))
    if cli.ready():
        return
    try:
        with alone(root / ".sandbox" / "setup.lock"):
            cli.prepare()
    except OSError as error:
        raise from_os_error("The set-up of the Azure CLI", error) from error


def prepare_locks(root: Path, *, upgrade: bool) -> None:
    """The locks of the requirements, written anew (`locks.write`).

    Raises:
        SetupError: the machine lacks what it takes, or no versions fit together.
    """
    try:
        with alone(root / ".sandbox" / "setup.lock"):
            packages = Packages(root)
            packages.have_python()
            locks.write(packages, upgrade=upgrade)
    except OSError as error:
        raise from_os_error("Writing the locks", error) from error


def prepare_modules(root: Path, modules: Iterable[Callable[[Path], NodeModules]]) -> None:
    """Folders of npm packages that some tests need besides.

    Raises:
        SetupError: the machine lacks what it takes.
    """
    left = [one for one in (kind(root) for kind in modules) if not one.ready()]
    if not left:
        return
    packages = Packages(root)
    try:
        with alone(root / ".sandbox" / "setup.lock"):
            for one in left:
                one.prepare(packages)
    except OSError as error:
        raise from_os_error("The set-up of npm packages", error) from error


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a lock that the operating system lets go of with the process, however that ends.

    The tools that it runs hold it too (not on Windows): where the process was killed, pip goes on by itself, and
    the next set-up must not take the folder away beneath it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        os.set_inheritable(file.fileno(), True)
        waited = False
        while not take_lock(file):
            if not waited:
                say("Another set-up of this folder is running: waiting for it ...")
            waited = True
            time.sleep(LOCK_RETRY)
        yield


def take_lock(file: BinaryIO) -> bool:
    """Hold a file, as long as it is open; whether nobody else does."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
