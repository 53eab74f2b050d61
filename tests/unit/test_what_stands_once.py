"""Steps, queues, settings and routes stand once, as data; everything beside them must agree."""

from __future__ import annotations

import itertools
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import function_app
from onboarding.azure.permissions import NEEDED_BY, TABLE, rows
from onboarding.core.messages import DEAD_LETTERS_QUEUE
from onboarding.core.plan import StepKind
from onboarding.http.doors import DOORS
from onboarding.http.routes import ROUTES
from onboarding.settings import Settings
from onboarding.steps import LIBRARY, QUEUES
from tests.support import requests
from tests.support.records import after
from tests.support.steps import BY_NAME, STEPS

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "infra" / "servicebus" / "Config.json"


@cache
def bindings() -> dict[str, dict[str, Any]]:
    """Function name → its trigger, as the Functions host gets it."""
    triggers = {}
    for function in function_app.app.get_functions():
        raw = [json.loads(b) for b in function.get_raw_bindings()]
        triggers[function.get_function_name()] = next(b for b in raw if b["type"].lower().endswith("trigger"))
    return triggers


def document(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_graph_has_fourteen_steps_in_an_order_that_can_be_done() -> None:
    assert len(STEPS) == 14
    seen: set[str] = set()
    for step in STEPS:
        assert set(step.needs) <= seen, f"{step.name} needs what comes after it"
        seen.add(step.name)


def test_every_section_is_one_of_the_article() -> None:
    sections = {
        "Enable Operator Connect or Teams Phone Mobile support",
        "Add the Project Synergy application to your Azure tenant",
        "Assign an Admin user to the Project Synergy application",
        "Find the Application ID for your Azure Communication Gateway resource",
        "Set up application roles for Azure Communications Gateway",
        "Provide additional information to your onboarding team",
        "Test your Operator Connect portal access",
        "Add the Application IDs for Azure Communications Gateway to Operator Connect",
        "Register your deployment's domain name in Microsoft Entra",
    }
    assert {step.section for step in STEPS} == sections


def test_each_task_and_wait_has_its_code() -> None:
    for step in LIBRARY.values():
        assert (step.task is not None) == (step.kind is StepKind.TASK)
        assert (step.wait is not None) == (step.kind is StepKind.WAIT)


def test_the_queues_of_the_emulators_file_are_the_steps() -> None:
    namespaces = json.loads(CONFIG.read_text(encoding="utf-8"))["UserConfig"]["Namespaces"]
    queues = {q["Name"]: q["Properties"] for n in namespaces for q in n["Queues"]}
    assert set(queues) == set(QUEUES)
    letters = queues.pop(DEAD_LETTERS_QUEUE)
    assert all(q["RequiresDuplicateDetection"] for q in queues.values())
    assert {q["ForwardDeadLetteredMessagesTo"] for q in queues.values()} == {DEAD_LETTERS_QUEUE}
    # A message keeps its id when it is given up, and may be given up again: none of those may be dropped.
    assert (letters["RequiresDuplicateDetection"], letters["ForwardDeadLetteredMessagesTo"]) == (False, "")
    assert all(q["RequiresSession"] is False for q in queues.values())


def test_each_queue_has_one_function_named_like_it() -> None:
    queued = {name: t["queueName"] for name, t in bindings().items() if t["type"] == "serviceBusTrigger"}
    assert queued == {name.replace("-", "_"): name for name in QUEUES}
    assert {t["connection"] for t in bindings().values() if t["type"] == "serviceBusTrigger"} == {"ServiceBus"}


def test_the_timers_schedule_is_a_setting() -> None:
    assert bindings()["timer"]["schedule"] == "%ONBOARDING_TIMER_SCHEDULE%"


def test_every_route_is_documented() -> None:
    api = document("docs/api.md")
    routes = [t for name, t in bindings().items() if t["type"] == "httpTrigger" and name not in DOORS]
    assert len(routes) == len(ROUTES)
    for trigger in routes:
        for method in trigger["methods"]:
            assert f"`{method} /{trigger['route'].removeprefix('api/')}" in api
    assert "`/` and `/api` lead to the dashboard" in api


def setting_names() -> set[str]:
    names = set()
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        names.add(alias if isinstance(alias, str) else f"ONBOARDING_{name.upper()}")
    return names


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", document("docs/settings.md"), re.MULTILINE))
    assert set(rows) == setting_names()
    for name, field in Settings.model_fields.items():
        default = field.default
        if default in (None, "", (), {}) or name == "timer_schedule":
            continue
        shown = ",".join(default) if isinstance(default, tuple) else re.sub(r"\.0$", "", str(default))
        shown = shown.lower() if isinstance(default, bool) else shown
        alias = field.validation_alias
        assert rows[alias if isinstance(alias, str) else f"ONBOARDING_{name.upper()}"] == f"`{shown}`"


def test_the_sample_of_local_settings_names_settings_that_exist() -> None:
    values = set(json.loads(document("local.settings.sample.json"))["Values"])
    platform = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"}
    platform |= {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"}
    telemetry = {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_METRIC_EXPORT_INTERVAL"}
    in_azure_only = {"ServiceBus__fullyQualifiedNamespace", "Tables__tableServiceUri"}
    assert values - platform - telemetry == setting_names() - in_azure_only


@pytest.mark.parametrize(
    ("page", "body"),
    [
        ("README.md", requests.own_sbc(dns={"server": "corp"})),
        ("docs/adding-a-gateway-kind.md", requests.operator_connect()),
    ],
)
def test_the_picture_of_a_kind_shows_every_step_and_every_need(page: str, body: dict[str, Any]) -> None:
    picture = document(page).split("```mermaid")[1].split("```")[0]
    names = dict(re.findall(r"(\b[A-Z])(?:\[|\(\[|\{\{)([a-z-]+)", picture))
    plan = requests.parsed(body).plan()
    assert sorted(names.values()) == sorted(step.name for step in plan)
    drawn: set[tuple[str, str]] = set()
    for line in picture.splitlines():
        nodes = re.findall(r"(?:^|-->)\s*([A-Z])\b", line.strip())
        drawn |= {(names[a], names[b]) for a, b in itertools.pairwise(nodes)}
    assert drawn == {(need, step.name) for step in plan for need in step.plan.needs}


@pytest.mark.parametrize("step", [s.name for s in STEPS if s.confirmable])
def test_each_step_that_a_person_may_confirm_has_instructions(step: str) -> None:
    assert BY_NAME[step].instructions(after(step)).numbered[0].startswith("1. ")


def test_nothing_here_calls_what_microsoft_owns() -> None:
    """Calling profiles with the CommsGw suffix and trunks of .commsgw.azure.com: shown to people, never called."""
    for path in (ROOT / "onboarding" / "azure").rglob("*.py"):
        text = path.read_text(encoding="utf-8").lower()
        assert "callingprofile" not in text
        assert "operatorconnect.microsoft.com" not in text


def test_every_permission_is_documented() -> None:
    text = document("docs/permissions.md")
    assert sorted(re.findall(r"^\| `([A-Z]\w+\.[\w.]+)`", text, re.MULTILINE)) == sorted(
        row["value"] for row in TABLE["permissions"]
    )
    steps = {call["call"]: call["by"] for call in TABLE["calls"]}
    for who, needed in NEEDED_BY.items():
        for row in rows("permissions", who):
            line = next(x for x in text.splitlines() if x.startswith(f"| `{row['value']}`"))
            for call in (call for call, names in needed.items() if row["value"] in names):
                assert f"`{call}`" in line, f"{row['value']} is needed for {call}"
                assert all(f"`{by}`" in line for by in steps[call])
            if "projectSynergyBy" in row:
                assert f"`{row['projectSynergyBy']}`" in line
