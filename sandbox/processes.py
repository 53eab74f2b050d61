"""The parts of the sandbox as child processes: started, awaited, stopped, killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GRACE = 8.0
"""Seconds that a part has to stop by itself before it is killed."""
SHOWN_LINES = 15

Facts = dict[str, Any]
Recogniser = Callable[[str], Facts | None]
"""Is given each line that a part prints; returns its facts with the line that makes it ready."""


class PartError(Exception):
    """A part of the sandbox did not start, or stopped by itself."""

    def __init__(self, title: str, what: str, log: Path, lines: Sequence[str]) -> None:
        shown = "\n".join(f"    {line}" for line in lines) or "    (it printed nothing)"
        super().__init__(f"{title[0].upper()}{title[1:]} {what}. The last lines of {log}:\n{shown}")


def ready_line() -> Recogniser:
    """Our own parts print `READY {json}`."""

    def recognise(line: str) -> Facts | None:
        if not line.startswith("READY "):
            return None
        facts: Facts = json.loads(line.removeprefix("READY "))
        return facts

    return recognise


@dataclass(frozen=True)
class Part:
    """What is known of a part before it runs."""

    name: str
    title: str
    """As in a sentence: `the Service Bus broker`."""
    command: Sequence[str]
    ports: tuple[str, ...]
    """The names of its ports."""
    recogniser: Callable[[], Recogniser] = field(default=ready_line)
    after: frozenset[str] = frozenset()
    """Parts that must be ready before this one is started."""


def own_group() -> dict[str, Any]:
    """Popen's arguments for a process group apart: Ctrl-C in the terminal is for us, who stop the parts in order."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


class Process:
    """One part, running or not. Its output, stdout and stderr, goes to its log."""

    def __init__(self, part: Part, *, log: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self.part = part
        self.log = log
        self.facts: Facts = {}
        self._folder = folder
        self._environment = dict(environment)
        self._popen: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._settled = threading.Event()
        self._ready = False

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._popen.pid if self.alive and self._popen else None

    @property
    def alive(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def start(self) -> None:
        """Start it; `wait_ready` says when it answers."""
        self._settled.clear()
        self._ready = False
        recognise = self.part.recogniser()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as errors:
            popen = subprocess.Popen(
                self.part.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=self._folder,
                env=self._environment,
                **own_group(),
            )
        self._popen = popen
        self._reader = threading.Thread(
            target=self._read, args=(popen, recognise), name=f"output of {self.part.name}", daemon=True
        )
        self._reader.start()

    def wait_ready(self, timeout: float) -> Facts:
        """Wait until it accepts connections, at most `timeout` seconds.

        Raises:
            PartError: it ended first, or took too long.
        """
        if not self._settled.wait(timeout):
            raise self._failed(f"was not ready within {timeout:.0f} s")
        if not self._ready:
            raise self.ended()
        return self.facts

    def ended(self) -> PartError:
        """That it ended by itself, for people."""
        status = self._popen.wait(GRACE) if self._popen else None
        if status is not None and status < 0:
            return self._failed(f"was ended by {signal.Signals(-status).name}")
        return self._failed(f"stopped with exit status {status}")

    def stop(self) -> None:
        """Ask it to stop; kill it when it hasn't within GRACE."""
        self.ask()
        self.wait_stopped()

    def ask(self) -> None:
        """Ask it to stop, and don't wait."""
        if self.alive and self._popen:
            with contextlib.suppress(ProcessLookupError):
                if sys.platform == "win32":
                    self._popen.send_signal(signal.CTRL_BREAK_EVENT)
                else:
                    self._popen.terminate()

    def wait_stopped(self) -> None:
        """Wait until it has stopped; kill it when it hasn't within GRACE."""
        if self._popen:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(GRACE)
            self.kill()

    def kill(self) -> None:
        """End it at once, with all that it started, as a crash would."""
        popen = self._popen
        if popen is None:
            return
        if sys.platform == "win32":
            popen.kill()
        else:
            # Also when it has ended: its own children may be left in the group.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()
        if self._reader:
            self._reader.join(GRACE)
        if popen.stdout:
            popen.stdout.close()
        self._popen = self._reader = None

    def last_lines(self) -> list[str]:
        """The end of its log."""
        try:
            return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LINES:]
        except OSError:
            return []

    def _failed(self, what: str) -> PartError:
        return PartError(self.part.title, what, self.log, self.last_lines())

    def _read(self, popen: subprocess.Popen[bytes], recognise: Recogniser) -> None:
        assert popen.stdout is not None
        with self.log.open("ab") as log, contextlib.suppress(ValueError, OSError):
            for raw in popen.stdout:
                log.write(raw)
                log.flush()
                if not self._ready:
                    facts = recognise(raw.decode("utf-8", errors="replace").strip())
                    if facts is not None:
                        self.facts, self._ready = facts, True
                        self._settled.set()
        self._settled.set()


def wait_until(condition: Callable[[], bool], timeout: float, every: float = 0.02) -> bool:
    """Look until the condition holds, at most `timeout` seconds; whether it came to hold."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True
