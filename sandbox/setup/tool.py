"""Running a tool of the set-up: its output goes to a log, and a failure becomes one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.setup.problem import SetupError, explained, from_os_error

LIVE_EVERY, TOLD_EVERY = 1.0, 15.0
"""Seconds between two signs of life: on a terminal, where each takes the place of the one before; and elsewhere."""
TAIL = 4096
"""Bytes of a log in which its last line is looked for."""

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
            status = _watched(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=folder,
                # For the lock of the set-up, the only open file that a child may have.
                close_fds=False,
                log=log,
            )
    except FileNotFoundError as error:
        raise SetupError(f"{doing} failed because {error.filename} is not on this machine.") from error
    except OSError as error:
        raise from_os_error(doing, error) from error
    if status != 0:
        raise explained(doing, log.read_text(encoding="utf-8", errors="replace"), log)
    say(f"    done in {time.monotonic() - started:.0f} s")


def _watched(command: Sequence[str], *, log: Path, **options: Any) -> int:
    """Run it to its end, and tell meanwhile that it lives: how long it has run, and the last that it said."""
    live = sys.stderr.isatty() and not quiet()
    started = time.monotonic()
    with subprocess.Popen(command, **options) as child:
        try:
            while True:
                try:
                    return child.wait(LIVE_EVERY if live else TOLD_EVERY)
                except subprocess.TimeoutExpired:
                    sign = f"    {time.monotonic() - started:.0f} s  {last_line(log)}".rstrip()
                if live:
                    _rewrite(sign)
                else:
                    say(sign)
        except BaseException:
            child.kill()
            raise
        finally:
            if live:
                _rewrite("")


def last_line(log: Path) -> str:
    """The last that a tool said."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            lines = file.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    said = next((line for line in reversed(lines) if line.strip()), "")
    return "".join(c for c in " ".join(said.split()) if c.isprintable())[:100]


def _rewrite(line: str) -> None:
    """In place of the line that stands last on the terminal."""
    width = shutil.get_terminal_size().columns - 1
    sys.stderr.write(f"\r{' ' * width}\r{line[:width]}")
    sys.stderr.flush()
