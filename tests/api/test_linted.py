"""Redocly's linter says nothing against the served description; redocly.yaml argues what it is not asked."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.cloud import Cloud
from sandbox.setup.openapi_tools import OpenApiTools
from tests.api.engine import ROOT
from tests.support.description import description

CONFIG = Path(__file__).with_name("redocly.yaml")
ALONE = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
"""It calls nobody."""


def complaints(file: Path) -> list[tuple[str, str]]:
    """(rule, message) of whatever the linter says."""
    command = [*OpenApiTools(ROOT).command(), "lint", str(file), "--config", str(CONFIG), "--format", "json"]
    done = subprocess.run(
        command, cwd=file.parent, env={**os.environ, **ALONE}, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode in (0, 1), done.stderr
    said = json.loads(done.stdout)
    assert said["totals"]["ignored"] == 0
    return [(p["ruleId"], p["message"]) for p in said["problems"]]


def test_the_linter_has_nothing_to_say(cloud: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    file.write_bytes(httpx.get(f"{cloud.api}/api/openapi.json", timeout=30, trust_env=False).raise_for_status().content)
    assert complaints(file) == []


def broken(change: Callable[[Any], object]) -> Any:
    document = copy.deepcopy(description())
    change(document)
    return document


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda d: d["info"].pop("license"), "info-license"),
        (
            lambda d: d["components"]["schemas"]["CommunicationsGateway"]["properties"]["name"].update(
                pattern=r"^[^\"]+$"
            ),
            "no-invalid-media-type-examples",
        ),
        (lambda d: d["components"]["examples"]["requested"]["value"].pop("id"), "no-invalid-media-type-examples"),
        (lambda d: d["paths"]["/dashboard"]["get"]["responses"].pop("200"), "rule/an-operation-can-succeed"),
        (
            lambda d: [d["paths"]["/dashboard"]["get"]["responses"].pop(s) for s in ("400", "401", "403")],
            "rule/an-operation-can-be-refused",
        ),
        (lambda d: d["paths"]["/openapi.json"]["get"].pop("security"), "security-defined"),
    ],
)
def test_it_would_say_what_is_wrong(change: Callable[[Any], object], rule: str, tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(broken(change)), encoding="utf-8")
    assert {found for found, _ in complaints(file)} == {rule}
