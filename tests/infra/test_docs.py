"""docs/deploy.md tells of everything that is deployed, and its sums are right."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.infra.predicted import CHOICES, snapshot

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
DOCUMENT = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
PARTS = ("Microsoft.Resources/resourceGroups", "Microsoft.Authorization/", "Microsoft.Insights/diagnosticSettings")
"""What costs nothing and is a part of something else."""


def test_every_resource_is_in_the_tables() -> None:
    kinds = {r["type"].partition("@")[0] for choice in CHOICES for r in snapshot(choice).resources}
    top = {kind for kind in kinds if kind.count("/") == 1 and not kind.startswith(PARTS)}
    assert len(top) > 15
    assert {kind for kind in top if f"`{kind}`" not in DOCUMENT} == set()


def test_what_can_be_chosen_is_in_the_table_with_its_default() -> None:
    rows = dict(re.findall(r"^\| (`[A-Z_`, ]+`) \| (.+?) \|", DOCUMENT, re.MULTILINE))
    told = {name: default for names, default in rows.items() for name in re.findall(r"\w+", names)}
    parameters = json.loads((INFRA / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    asked = dict(re.findall(r"\$\{([A-Z_]+)(?:=([^}]*))?\}", json.dumps(parameters)))
    assert set(told) == set(asked)
    for name, default in asked.items():
        if default:
            assert told[name] == f"`{default}`"


def test_every_alert_is_in_the_table() -> None:
    kinds = ("Microsoft.Insights/scheduledQueryRules", "Microsoft.Insights/metricAlerts")
    made = {r["name"].removeprefix("onboarding-") for kind in kinds for r in snapshot("plainest").of(kind)}
    table = DOCUMENT.partition("## Alerts")[2].partition("\n## ")[0]
    assert made == set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE))


def test_what_is_predicted_is_in_the_table_with_its_number() -> None:
    table = DOCUMENT.partition("**What is predicted**")[2].partition("\n## ")[0]
    told = {name: int(number) for name, number in re.findall(r"^\| `([a-z-]+)` \|.*\| (\d+) \|$", table, re.MULTILINE)}
    assert told == {choice: len(snapshot(choice).content["predictedResources"]) for choice in CHOICES}


def test_the_costs_add_up() -> None:
    table = DOCUMENT.partition("| resource | purpose |")[2].partition("The arithmetic")[0]
    rows = [
        [cell.strip(" *") for cell in line.split("|")[-3:-1]] for line in table.splitlines() if line.startswith("|")
    ]
    *costs, together = [tuple(map(float, row)) for row in rows if all(re.fullmatch(r"[\d.]+", cell) for cell in row)]
    assert len(costs) > 8
    assert tuple(round(sum(column), 2) for column in zip(*costs, strict=True)) == together


def test_the_arithmetic_of_the_costs_is_right() -> None:
    """Each `a × b … = c` of the page; units stand between the numbers."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", DOCUMENT.partition("The arithmetic")[2].partition("Ways to less")[0])
    text = re.sub(r" (?:s|GB|an hour|calls|messages \([^)]*\)|passes of[^:]*)(?=[ ,])", "", text.replace("\n ", ""))
    sums = re.findall(r"((?:\d[\d.]*)(?: [×/+] \d[\d.]*)+) = ([\d.]+\d)", text)
    assert len(sums) > 8
    for calculation, result in sums:
        value = eval(calculation.replace("×", "*"))  # numbers and operators only
        places = len(result.partition(".")[2])
        assert abs(value - float(result)) <= 0.51 * 10**-places, f"{calculation} = {value}, not {result}"
