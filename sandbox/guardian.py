"""Stops the parts when the program that started them is gone, however it went: killed, crashed, closed.

`python -m sandbox.guardian` reads from stdin, a pipe from that program: `watch PID` and `forget PID`. The
pipe ends with the program, and what is still watched then is stopped. It works alike on every operating
system, and asks nothing of the parts (Azurite is not ours).
"""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from sandbox.processes import GRACE, own_group

if TYPE_CHECKING:
    import psutil  # type: ignore[import-untyped]


class Guardian:
    """The starting program's side."""

    def __init__(self) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "sandbox.guardian"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            **own_group(),
        )

    def watch(self, pid: int) -> None:
        """Stop that process when this program is gone."""
        self._say(f"watch {pid}")

    def forget(self, pid: int) -> None:
        """It was stopped."""
        self._say(f"forget {pid}")

    def close(self) -> None:
        """Nothing is left to watch."""
        if self._popen.stdin and not self._popen.stdin.closed:
            self._popen.stdin.close()
        self._popen.wait(2 * GRACE)

    def _say(self, line: str) -> None:
        if self._popen.stdin and self._popen.poll() is None:
            self._popen.stdin.write(f"{line}\n".encode())
            self._popen.stdin.flush()


def main() -> int:
    """Watch until stdin ends."""
    import psutil

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    watched: dict[int, psutil.Process] = {}
    for line in sys.stdin:
        verb, _, pid = line.strip().partition(" ")
        if verb == "watch" and psutil.pid_exists(int(pid)):
            # Holds the time it was created at: a later process with the same id is not taken for it.
            watched[int(pid)] = psutil.Process(int(pid))
        elif verb == "forget":
            watched.pop(int(pid), None)
    _stop([process for process in watched.values() if process.is_running()])
    return 0


def _stop(processes: list[psutil.Process]) -> None:
    import psutil

    family = list(processes)
    for process in processes:
        try:
            family += process.children(recursive=True)
        except psutil.Error:
            continue
    for process in processes:
        try:
            process.terminate()
        except psutil.Error:
            continue
    for process in psutil.wait_procs(family, GRACE)[1]:
        try:
            process.kill()
        except psutil.Error:
            continue


if __name__ == "__main__":
    sys.exit(main())
