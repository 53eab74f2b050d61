"""A stamp says that a piece of set-up is complete, and of what. No stamp: it was never finished."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path


def fingerprint(files: Iterable[Path]) -> str:
    """One hash over the files' names and contents."""
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def read(path: Path) -> dict[str, str]:
    """The stamp's facts; empty when there is none, or none that can be read."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in facts.items()} if isinstance(facts, dict) else {}


def write(path: Path, facts: Mapping[str, str]) -> None:
    """Write the stamp whole or not at all."""
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(dict(facts), indent=2), encoding="utf-8")
    os.replace(unfinished, path)


def remove(path: Path) -> None:
    """Take the stamp away: what follows may be interrupted."""
    path.unlink(missing_ok=True)
