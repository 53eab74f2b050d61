"""What a cold start pays before the first message: importing `function_app`, beside `azure.functions` alone."""

from __future__ import annotations

import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

_CODE = """
import psutil, time
began = time.perf_counter()
import {module}
seconds = time.perf_counter() - began
print(seconds, psutil.Process().memory_info().rss / 1024 / 1024)
"""


@dataclass(frozen=True, slots=True)
class Import:
    """Medians over the rounds."""

    module: str
    seconds: float
    megabytes: float


def measure(rounds: int) -> list[Import]:
    """Import each in a process of its own, in turn, so that a machine's drift touches both alike."""
    modules = ("azure.functions", "function_app")
    seen: dict[str, list[tuple[float, float]]] = {m: [] for m in modules}
    for _ in range(rounds + 1):
        for module in modules:
            out = subprocess.run(
                [sys.executable, "-c", _CODE.format(module=module)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            seconds, megabytes = map(float, out.split())
            seen[module].append((seconds, megabytes))
    # The first round warms the disk.
    return [
        Import(m, *(statistics.median(column) for column in zip(*rows[1:], strict=True))) for m, rows in seen.items()
    ]
