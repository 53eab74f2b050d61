"""The command line client alone, as a program of its own, from request to completed: each kind, on real components."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onboard.exits import ExitCode
from sandbox.cloud import Cloud
from tests.support.people import BOUND, Operator, Simulator, sample, with_sandboxs_trunks

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]


def onboard(cloud: Cloud, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command, as a shell does."""
    given = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "cli"),
        "PYTHONUTF8": "1",
        "ONBOARDING_URL": cloud.api,
    }
    return subprocess.run(
        [sys.executable, "-m", "onboard", *arguments],
        env=given,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=3 * BOUND,
        check=False,
    )


def done(cloud: Cloud, *arguments: str, stdin: str = "") -> str:
    """What a command put out that ended well."""
    ended = onboard(cloud, *arguments, stdin=stdin)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def to_its_end(cloud: Cloud, mine: str) -> subprocess.CompletedProcess[str]:
    """Watch, and confirm what waits for people, until nobody is waited for."""
    while True:
        watched = onboard(cloud, "watch", mine, "--until", "people", "--every", "1s", "--timeout", f"{BOUND:.0f}s")
        if watched.returncode != ExitCode.PEOPLE:
            return watched
        record = json.loads(done(cloud, "show", mine, "-o", "json"))
        for step in [s for s in record["steps"] if s["kind"] == "checkpoint" and s["state"] == "waiting"]:
            done(cloud, "confirm", mine, step["name"], "--note", "done")


# Each command is a process of its own, some twenty of them: on a busy machine that takes longer than other journeys.
@pytest.mark.timeout(480)
@pytest.mark.parametrize("name", ["own-sbc", "operator-connect"])
def test_each_kind_goes_from_plan_to_completed(
    cloud: Cloud, operator: Operator, microsoft: Simulator, tmp_path: Path, name: str
) -> None:
    body = json.dumps(with_sandboxs_trunks(sample(name), cloud.ports.trunks))
    markdown = tmp_path / "plan.md"
    planned = onboard(cloud, "plan", "-", "--markdown", str(markdown), "-o", "json", "--detailed-exitcode", stdin=body)
    assert planned.returncode == ExitCode.CHANGES, planned.stderr
    assert json.loads(planned.stdout)["checksum"] in markdown.read_text(encoding="utf-8")
    begun = done(
        cloud, "request", "-", "--again", "--plan-checksum", json.loads(planned.stdout)["checksum"], stdin=body
    )
    watched = to_its_end(cloud, begun.strip())
    assert watched.returncode == ExitCode.DONE, watched.stdout + watched.stderr
    assert "completed" in watched.stdout.splitlines()[-1]
    exported = [*csv.DictReader(io.StringIO(done(cloud, "export", "--steps")))]
    mine = [row for row in exported if row["onboarding"] == begun.strip()]
    assert {row["state"] for row in mine} <= {"done", "skipped"}
    assert len(mine) == len(operator.get(begun.strip())["steps"])


@pytest.mark.timeout(480)
def test_what_a_missing_permission_stopped_is_retried_by_its_code(
    cloud: Cloud, operator: Operator, microsoft: Simulator
) -> None:
    body = with_sandboxs_trunks(sample("own-sbc"), cloud.ports.trunks)
    body["gateway"]["domain"] = "by-command.contoso.example"
    for number, trunk in enumerate(body["gateway"]["trunks"], 1):
        trunk["fqdn"] = f"sbc{number}.by-command.contoso.example"
        microsoft.call("PUT", "/dns", {"name": trunk["fqdn"], "a": ["127.0.0.1"]})
    microsoft.fault(
        kind="status", status=403, service="graph", method="POST", path="/domains$", code="Authorization_RequestDenied",
        message="Insufficient privileges to complete the operation.", times=None,
    )  # fmt: skip
    mine = done(cloud, "request", "-", stdin=json.dumps(body)).strip()
    watch = ["watch", mine, "--until", "attention", "--every", "1s", "--timeout", f"{BOUND:.0f}s"]
    assert onboard(cloud, *watch).returncode == ExitCode.ATTENTION
    microsoft.call("DELETE", "/faults")
    report = json.loads(done(cloud, "retry", "--problem", "permission-missing", "--yes", "-o", "json"))
    assert [(r["onboarding"], r["step"], r["outcome"]) for r in report] == [(mine, "add-domain", "retried")]
    assert to_its_end(cloud, mine).returncode == ExitCode.DONE
