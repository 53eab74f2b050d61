"""A browser for the browser tests: the machine's Chromium, Chrome or Edge, else Debian's package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sandbox.setup.problem import SetupError
from sandbox.setup.tool import run

CHOICE = "CHROME_BIN"
"""Environment variable that names the browser to use, as other test tools have it."""
NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "chrome",
    "msedge",
)
ON_MACOS = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
ON_WINDOWS = (
    "Google/Chrome/Application/chrome.exe",
    "Chromium/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)
WANTED = "The browser tests need Chromium, Google Chrome or Microsoft Edge"
LOCKED = ("Could not get lock", "Unable to lock", "Unable to acquire the dpkg")
LOCK_BOUND = 300.0
"""Seconds to wait for another program that installs packages."""
LOCK_RETRY = 2.0


def find(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The browser to test with; None when there is none."""
    return next((path for path in _candidates(environ) if _runs(path)), None)


def prepare(logs: Path, packages_of_machine: Sequence[str] | None = None) -> Path:
    """The browser, installed where need be and possible.

    Args:
        logs: folder for apt's output.
        packages_of_machine: the command that apt-get is run with; found out when left out.

    Raises:
        SetupError: there is none, and none can be installed.
    """
    chosen = os.environ.get(CHOICE)
    if chosen and not _runs(Path(chosen)):
        raise SetupError(f"The browser tests need a browser, and {CHOICE} names {chosen}, which does not start.")
    browser = find()
    if browser:
        return browser
    apt = apt_get() if packages_of_machine is None else packages_of_machine
    if not apt:
        raise SetupError(
            f"{WANTED}, and there is none on this machine: install one of them{_how()}, or name one in {CHOICE}."
        )
    for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        _apt(apt, command, logs / f"setup-apt-{command[0]}.log")
    browser = find()
    if not browser:
        raise SetupError(
            f"{WANTED}; this system's package 'chromium' was installed, and there is still none that starts (on Ubuntu "
            f"it is a snap): install Google Chrome, or name one in {CHOICE}."
        )
    return browser


def apt_get() -> list[str]:
    """How to run apt-get with the rights to install; empty where that is not possible without a question."""
    if sys.platform != "linux" or not shutil.which("apt-get"):
        return []
    # Environment variables don't pass through sudo.
    command = ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get"]
    if os.geteuid() == 0:
        return command
    if not shutil.which("sudo"):
        return []
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n", *command] if asked.returncode == 0 else []


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get(CHOICE):
        yield Path(environ[CHOICE])
        return
    for name in NAMES:
        found = shutil.which(name)
        if found:
            yield Path(found)
    if sys.platform == "darwin":
        for folder in (Path("/Applications"), Path.home() / "Applications"):
            yield from (folder / name for name in ON_MACOS)
    if sys.platform == "win32":
        for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
            if environ.get(variable):
                yield from (Path(environ[variable]) / name for name in ON_WINDOWS)


def _runs(path: Path) -> bool:
    """Whether it is a browser, and not the stub that Ubuntu has in its place."""
    if not path.is_file():
        return False
    if sys.platform == "win32":
        # There `--version` opens a window.
        return True
    try:
        done = subprocess.run([str(path), "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _apt(apt: Sequence[str], arguments: Sequence[str], log: Path) -> None:
    """Run apt-get; while another program has its lock, again."""
    end = time.monotonic() + LOCK_BOUND
    while True:
        try:
            run(
                [*apt, "-o", f"DPkg::Lock::Timeout={LOCK_BOUND:.0f}", *arguments],
                doing="Installing Chromium" if arguments[0] == "install" else "Reading the list of system packages",
                log=log,
                environment=os.environ,
                folder=log.parent.parent,
                takes="about a minute" if arguments[0] == "install" else "",
            )
        except SetupError as problem:
            output = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
            # The lock of the package lists knows no waiting.
            if not any(text in output for text in LOCKED) or time.monotonic() > end:
                raise SetupError(
                    f"{WANTED}; there is none, and apt-get could not install one: {problem} Or install one yourself, "
                    f"and name it in {CHOICE}."
                ) from problem
            time.sleep(LOCK_RETRY)
        else:
            return


def _how() -> str:
    return " (on Debian, as root: apt-get install chromium)" if sys.platform == "linux" else ""
