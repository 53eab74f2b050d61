"""Running a tool of the set-up: its output goes to a log, and a failure becomes one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sandbox.setup.problem import SetupError, explained, from_os_error

Say = Callable[[str], None]
"""Tells the user what goes on."""


def quiet() -> bool:
    """On a build server, progress only fills the log."""
    return os.environ.get("CI", "").lower() in ("true", "1")


def say(line: str) -> None:
    """One line of progress, on stderr."""
    if not quiet():
        print(line, file=sys.stderr, flush=True)


def run(
    command: Sequence[str],
    *,
    doing: str,
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    takes: str = "",
) -> None:
    """Run a tool to its end.

    Raises:
        SetupError: it could not be started, or it failed.
    """
    say(f"{doing}{f' ({takes})' if takes else ''} ...")
    started = time.monotonic()
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=folder,
                check=False,
                # For the lock of the set-up, the only open file that a child may have.
                close_fds=False,
            )
    except FileNotFoundError as error:
        raise SetupError(f"{doing} failed because {error.filename} is not on this machine.") from error
    except OSError as error:
        raise from_os_error(doing, error) from error
    if done.returncode != 0:
        raise explained(doing, log.read_text(encoding="utf-8", errors="replace"), log)
    say(f"    done in {time.monotonic() - started:.0f} s")
