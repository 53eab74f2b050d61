"""Kusto's language service: what it says of queries."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sandbox.setup.kusto import Kusto
from tests.infra import copied
from tests.infra.workspace import TABLES

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "kusto.js"


def problems(queries: Mapping[str, str]) -> dict[str, list[str]]:
    """Name → what is wrong with that query, by line; nothing, where it is right.

    Raises:
        SetupError: the service is not installed.
        RuntimeError: it did not do its work.
    """
    kusto = Kusto(ROOT)
    done = subprocess.run(
        [kusto.node(), str(PROGRAM), str(kusto.script)],
        input=json.dumps({"tables": {**TABLES, copied.NAME: copied.TABLE}, "queries": queries}),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{PROGRAM.name} ended with {done.returncode}: {done.stderr}")
    said = json.loads(done.stdout)
    return {name: [f"line {one['line']}: {one['what']} ({one['at']})" for one in said[name]] for name in queries}
