"""What was measured, as one JSON file: each part with the day, the machine and the command."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.part import Json

PAGE, JSON, PLOTS = "performance.md", "performance.json", "performance"
"""Of the folder of results: the page, the numbers, and the folder of the plots."""


def read(folder: Path) -> Json:
    """Part → its result; nothing where nothing was measured yet. Raises ValueError for a file that is none of ours."""
    path = folder / JSON
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or not isinstance(found.get("parts"), dict):
        raise ValueError(f"{path} holds no results of the bench; move it away, and measure again")
    parts: Json = found["parts"]
    return parts


def result(measured: Json, *, quick: bool, seconds: float, command: str, version: str) -> Json:
    """One part's, as it is kept."""
    return {
        "day": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "version": version,
        "command": command,
        "quick": quick,
        "seconds": round(seconds, 1),
        "measured": measured,
    }


def write(folder: Path, parts: Mapping[str, Json]) -> None:
    """All of them, those of earlier runs too."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON).write_text(json.dumps({"parts": _short(parts)}, indent=1) + "\n", encoding="utf-8", newline="\n")


def machine() -> str:
    """In words."""
    memory = psutil.virtual_memory().total / 1e9
    made = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, {made}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _short(value: object) -> object:
    """Numbers to as many places as they mean something."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {name: _short(one) for name, one in value.items()}
    return [_short(one) for one in value] if isinstance(value, list | tuple) else value
