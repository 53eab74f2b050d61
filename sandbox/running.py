"""Which `dev.py up` runs in a folder: one at a time, named to the next one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.setup.workspace import take_lock

LOCK, FACTS = "up.lock", "up.json"


class OtherUpError(Exception):
    """Another one runs in this folder."""

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        pid = facts.get("pid")
        process = f"process {pid}, dashboard {facts.get('dashboard')}" if pid else "it is just starting or ending"
        end = f" or `kill -INT {pid}`" if pid and os.name != "nt" else ""
        super().__init__(
            f"`dev.py up` is running in {folder} already: {process}. Use that one; or end it first (Ctrl-C in its "
            f"terminal{end}); or start another one beside it with --free-ports --folder OTHER."
        )


@contextmanager
def only_one(folder: Path, dashboard: str) -> Iterator[None]:
    """Hold the folder, and say in it who does and where.

    The operating system lets go of the lock with the process, however that ends.

    Raises:
        OtherUpError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    facts = folder / FACTS
    with (folder / LOCK).open("ab") as lock:
        if not take_lock(lock):
            raise OtherUpError(folder, _read(facts))
        facts.write_text(json.dumps({"pid": os.getpid(), "dashboard": dashboard}), encoding="utf-8")
        try:
            yield
        finally:
            facts.unlink(missing_ok=True)


def _read(facts: Path) -> dict[str, Any]:
    try:
        found = json.loads(facts.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
