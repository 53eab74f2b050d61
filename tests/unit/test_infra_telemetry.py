"""The alerts and the workbook ask for telemetry that the application agrees to send (infra/telemetry.json)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from onboarding.core.record import StepState
from onboarding.telemetry.names import INSTRUMENTS, LOG_FIELDS

INFRA = Path(__file__).parents[2] / "infra"


def data(name: str) -> Any:
    return json.loads((INFRA / name).read_text(encoding="utf-8"))


def queries() -> dict[str, str]:
    """Every query over telemetry: the alerts' and the workbook's."""
    found = {p.name: p.read_text(encoding="utf-8") for p in (INFRA / "alerts").glob("*.kql")}
    for item in data("workbook/onboarding.json")["items"]:
        if item["type"] == 3:
            found[item["name"]] = item["content"]["query"]
    return found


@pytest.mark.parametrize("name", sorted(queries()))
def test_a_query_asks_for_telemetry_that_there_is(name: str) -> None:
    telemetry, query = data("telemetry.json"), queries()[name]
    asked = re.findall(r"'(onboarding\.[\w.]+)'", query)
    assert len(asked) == (1 if "AppMetrics" in query else 0)
    known = telemetry["metrics"][asked[0]]["dimensions"] if asked else telemetry["attributes"]
    assert set(re.findall(r"\bProperties(?:\.|\[')(\w+)", query)) <= set(known)


def test_the_application_sends_what_is_agreed() -> None:
    agreed = data("telemetry.json")
    sent = {i.name: (i.kind.value, i.unit, [*map(str, i.attributes)]) for i in INSTRUMENTS}
    metrics = {name: (m["kind"], m["unit"], m["dimensions"]) for name, m in agreed["metrics"].items()}
    assert metrics.items() <= sent.items()
    assert agreed["attributes"] == [*map(str, LOG_FIELDS)]


def test_every_metric_is_shown() -> None:
    shown = "\n".join(query for name, query in queries().items() if not name.endswith(".kql"))
    assert {name for name in data("telemetry.json")["metrics"] if f"'{name}'" not in shown} == set()


def test_every_query_of_an_alert_is_used() -> None:
    used = set(
        re.findall(r"\.\./alerts/([\w-]+\.kql)", (INFRA / "modules" / "alerts.bicep").read_text(encoding="utf-8"))
    )
    assert used == {p.name for p in (INFRA / "alerts").glob("*.kql")}


def test_the_alerts_know_the_states_and_times_of_the_application() -> None:
    assert f"'{StepState.NEEDS_ATTENTION}'" in queries()["needs-attention.kql"]
    assert f"> {14 * 86400}" in queries()["old-wait.kql"]


def test_the_workbook_asks_the_workspace_that_the_template_names() -> None:
    workbook = data("workbook/onboarding.json")
    assert workbook["fallbackResourceIds"] == ["{workspace-id}"]
    names = [item["name"] for item in workbook["items"]]
    assert len(set(names)) == len(names)
    for item in workbook["items"]:
        if item["type"] == 3:
            assert item["content"]["crossComponentResources"] == ["{workspace-id}"]
    assert "'{workspace-id}', workspaceId" in (INFRA / "modules" / "workbook.bicep").read_text(encoding="utf-8")
