"""docs/security.md names only what is there: settings, problem codes, roles, tests, commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onboarding.azure.permissions import TABLE
from onboarding.core.problem_codes import ProblemCode
from onboarding.settings import Settings
from onboarding.steps import LIBRARY

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
REPORT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
CODE = re.findall(r"`([^`]+)`", TEXT)
OF_THE_TEMPLATE = set(re.findall(r"\$\{(ONBOARDING_\w+)", (ROOT / "infra" / "main.parameters.json").read_text("utf-8")))


def test_every_setting_that_is_named_is_one() -> None:
    settings = {f"ONBOARDING_{name.upper()}" for name in Settings.model_fields}
    named = {text for text in CODE if text.startswith("ONBOARDING_")}
    assert named
    assert named <= settings | OF_THE_TEMPLATE


def test_every_test_that_is_named_is_there() -> None:
    named = {text for text in CODE if text.startswith("tests/")}
    assert len(named) > 15
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_every_step_problem_code_and_permission_that_is_named_is_one() -> None:
    known = {*LIBRARY, *ProblemCode, *(row["value"] for row in TABLE["permissions"])}
    named = {text for text in CODE if re.fullmatch(r"[a-z]+(-[a-z]+)+|[A-Z]\w+\.[\w.]+\.All", text)}
    assert named
    assert named <= known


@pytest.mark.parametrize("boundary", re.findall(r"^### (.+)$", TEXT, re.MULTILINE))
def test_each_boundary_says_what_stays_possible(boundary: str) -> None:
    told = TEXT.partition(f"### {boundary}\n")[2].partition("\n### ")[0].partition("\n## ")[0]
    assert "**What stays possible" in told or boundary == "On a laptop"


def test_how_to_report_a_hole_stands_at_the_top_and_leads_to_this_page() -> None:
    assert "**How to report a hole.**" in REPORT
    for target in re.findall(r"\]\(([^)]+)\)", REPORT):
        assert (ROOT / target).is_file(), target
    assert "(../SECURITY.md)" in TEXT
