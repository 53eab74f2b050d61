"""What a cold start pays until its first work is done: a process each, as the deployed package is, with its bytecode.

Beside `imports.py`, which measures the import alone: here are a first token, a first Graph call, a first send, and the
first message of a steps app, each with the import before it, on Azurite, the broker and the simulated Microsoft.
"""

from __future__ import annotations

import copy
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sandbox.cloud import Cloud
from sandbox.ports import Ports
from sandbox.settings import inherited

ROUNDS = 7
ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "samples" / "operator-connect.json"

_BEGIN = """
import sys, time
# What developers have beside the app: with them, httpx would import its command line.
sys.modules["click"] = None
import azure.functions, asyncio, psutil
process = psutil.Process()
began = time.perf_counter()
import function_app
imported = time.perf_counter()
async def work():
"""
_END = """
asyncio.run(work())
done = time.perf_counter()
print("measured", imported - began, done - imported, process.memory_info().rss / 2**20)
"""
_ENGINE = "    from onboarding import app; engine = app.engine()"

WORK: Mapping[str, tuple[str, ...]] = {
    "import": ("    pass",),
    "first token": (
        "    from onboarding.azure.credential import Credential",
        "    from onboarding.settings import settings",
        "    await Credential(settings()).get_token('https://graph.microsoft.com/.default')",
    ),
    "first Graph call": (
        _ENGINE,
        "    from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID",
        "    await engine.world.directory.application(PROJECT_SYNERGY_APP_ID)",
    ),
    "first send": (
        "    from datetime import UTC, datetime",
        "    from onboarding.core.events import Nudge",
        _ENGINE,
        "    await engine.bus.publish([Nudge('bench-0123456789', 'add-domain', 1)], datetime.now(UTC))",
    ),
    "first message": (
        "    from onboarding.core.messages import decode",
        _ENGINE,
        "    await engine.receive(decode({message!r}))",
    ),
}
"""What is timed after `import function_app`, by name. `{message!r}`: the body of a message that nobody has received."""

_POST = """
import asyncio, json, sys
from onboarding import app
from onboarding.core.messages import encode
from onboarding.core.events import Nudge
from onboarding.kinds import read_request
record = asyncio.run(app.engine().request(read_request(json.load(sys.stdin)), "bench", again=False)).record
step = next(step for step in record.steps if step.ticket)
print("measured", encode(Nudge(record.id, step.name, step.ticket)).decode())
"""


@dataclass(frozen=True, slots=True)
class FirstWork:
    """Medians over the rounds; seconds beyond a process that has imported azure.functions alone."""

    work: str
    import_seconds: float
    work_seconds: float
    megabytes: float
    """Of the whole process, at the end."""


class Processes:
    """Starts processes of an app that have done nothing yet, on a cloud without a Functions host."""

    def __init__(self, cloud: Cloud, control: httpx.Client, bytecode: Path) -> None:
        self._control = control
        environment = {**inherited(os.environ), **cloud.settings, "PYTHONPYCACHEPREFIX": str(bytecode)}
        # Telemetry has threads of its own, whose turns would be counted to whatever is measured.
        environment.pop("OTEL_EXPORTER_OTLP_ENDPOINT")
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self._environment = {**environment, "ONBOARDING_FUNCTIONS": "steps"}
        self._posted = 0

    def measured(self, work: str, app: Path = ROOT) -> tuple[float, float, float]:
        """Seconds of the import, seconds of the work, MB at its end; of the app in that folder."""
        body = "\n".join(WORK[work])
        if "{message!r}" in body:
            body = body.format(message=self._message(app))
        seconds, then, megabytes = map(float, self._run(_BEGIN + body + _END, app).split())
        return seconds, then, megabytes

    def _message(self, app: Path) -> str:
        """Of an onboarding that was requested just now."""
        self._posted += 1
        name = f"cold-{self._posted}"
        self._control.put("/gateways", json={"name": name, "base": "production"}).raise_for_status()
        body: dict[str, Any] = copy.deepcopy(json.loads(SAMPLE.read_text(encoding="utf-8")))
        body["gateway"]["name"] = name
        return self._run(_POST, app, json.dumps(body))

    def _run(self, code: str, app: Path, given: str = "") -> str:
        """What the code prints behind the word `measured`."""
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=app, env=self._environment, input=given, capture_output=True, text=True
        )
        for line in done.stdout.splitlines():
            if line.startswith("measured "):
                return line.removeprefix("measured ")
        raise RuntimeError(f"nothing was measured:\n{done.stderr}")


@contextmanager
def processes() -> Iterator[Processes]:
    """With the cloud that they need."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Cloud(Ports.free(), folder=Path(folder), without=("functions",)) as cloud,
        httpx.Client(base_url=cloud.control, timeout=30, trust_env=False) as control,
    ):
        yield Processes(cloud, control, Path(folder) / "bytecode")


def first_work(rounds: int = ROUNDS) -> list[FirstWork]:
    """Each in processes of its own, in turn, so that a machine's drift touches all alike."""
    seen: dict[str, list[tuple[float, float, float]]] = {work: [] for work in WORK}
    with processes() as started:
        for _ in range(rounds + 1):
            for work, rows in seen.items():
                rows.append(started.measured(work))
    # The first round writes the bytecode.
    return [
        FirstWork(w, *(statistics.median(column) for column in zip(*rows[1:], strict=True))) for w, rows in seen.items()
    ]
