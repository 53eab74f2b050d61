"""Which functions the app has, by its setting: one package, one app or two."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from onboarding.http.doors import DOORS
from onboarding.http.routes import ROUTES
from onboarding.settings import SettingsError
from onboarding.steps import QUEUES

FUNCTION_APP = Path(__file__).parents[2] / "function_app.py"
FRONT = {"timer"} | {route.name for route in ROUTES} | set(DOORS)
STEPS = {queue.replace("-", "_") for queue in QUEUES}


def registered() -> dict[str, str]:
    """Function name → kind of its trigger, of an app that starts now."""
    return {name: str(trigger["type"]) for name, trigger in triggers().items()}


def triggers() -> dict[str, dict[str, object]]:
    """Function name → its trigger's binding, as the host is told."""
    spec = importlib.util.spec_from_file_location("an_app", FUNCTION_APP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = {}
    for function in module.app.get_functions():
        bindings = [json.loads(binding) for binding in function.get_raw_bindings()]
        found[function.get_function_name()] = next(b for b in bindings if b["type"].endswith("Trigger"))
    return found


def test_no_queues_host_looks_into_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a text it would take the keys for what Service Bus said of the message."""
    monkeypatch.delenv("ONBOARDING_FUNCTIONS", raising=False)
    queues = {name: t for name, t in triggers().items() if t["type"] == "serviceBusTrigger"}
    assert set(queues) == STEPS
    assert {t.get("dataType") for t in queues.values()} == {"BINARY"}


@pytest.mark.parametrize(
    ("chosen", "names"), [("all", FRONT | STEPS), ("front", FRONT), ("steps", STEPS), (None, FRONT | STEPS)]
)
def test_the_setting_chooses_what_the_host_is_told(
    chosen: str | None, names: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ONBOARDING_FUNCTIONS", raising=False)
    if chosen is not None:
        monkeypatch.setenv("ONBOARDING_FUNCTIONS", chosen)
    assert set(registered()) == names


def test_nothing_that_http_reaches_is_in_the_app_that_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBOARDING_FUNCTIONS", "steps")
    assert set(registered().values()) == {"serviceBusTrigger"}
    monkeypatch.setenv("ONBOARDING_FUNCTIONS", "front")
    assert "serviceBusTrigger" not in set(registered().values())


def test_the_two_apps_together_are_the_whole_and_share_nothing() -> None:
    assert not FRONT & STEPS
    assert set(registered()) == FRONT | STEPS


def test_another_value_stops_the_app_at_its_start_and_names_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBOARDING_FUNCTIONS", "reader")
    with pytest.raises(SettingsError, match="'all', 'front' or 'steps'"):
        registered()
