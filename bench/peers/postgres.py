"""A PostgreSQL of the machine's own (Debian's package), on a folder and a port for one run.

It does not run as root, so a root user's server is run as `postgres`, or as `nobody`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.ports import HOST

PLACES = "/usr/lib/postgresql"
USER = "bench"


class MissingError(Exception):
    """What a peer needs is not on this machine."""


def programs() -> Path:
    """The folder of `initdb` and `pg_ctl`, the newest. Raises MissingError."""
    found = sorted(Path(PLACES).glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("pg_ctl")
    if not found and not on_path:
        raise MissingError("PostgreSQL is not on this machine: `apt-get install postgresql` as root, then again.")
    return found[-1].parent if found else Path(str(on_path)).resolve().parent


class Postgres:
    """Runs while the context is open. Its settings are Debian's own."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port = folder, port
        self._programs = programs()

    def url(self, database: str, driver: str) -> str:
        """For SQLAlchemy."""
        return f"postgresql+{driver}://{USER}@{HOST}:{self._port}/{database}"

    def create(self, database: str) -> None:
        """A new database."""
        self._run("createdb", "-h", HOST, "-p", str(self._port), "-U", USER, database)

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        if (account := _account()) and sys.platform != "win32":
            os.chown(self._folder, *account)
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", USER, "--auth=trust", "-E", "UTF8")
        options = f"-p {self._port} -h {HOST} -k {self._folder}"
        self._run("pg_ctl", "-D", data, "-w", "-l", str(self._folder / "log"), "-o", options, "start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        account = _account()
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            # A server that is started inherits a pipe, and it would stay open as long as the server runs.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=account[0] if account else None,
            group=account[1] if account else None,
            extra_groups=[] if account else None,
            check=False,
        )
        if done.returncode:
            raise MissingError(f"PostgreSQL's {program} ended with status {done.returncode} (in {self._folder}).")


def _account() -> tuple[int, int] | None:
    """User and group that it runs as; None: as this user."""
    if sys.platform == "win32" or os.getuid():
        return None
    import pwd

    names = {entry.pw_name: (entry.pw_uid, entry.pw_gid) for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]
