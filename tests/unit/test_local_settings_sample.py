"""local.settings.sample.json: copied, it runs against `dev.py up --without functions` on the usual ports."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import function_app
from onboarding.settings import Settings
from sandbox.ports import Ports
from sandbox.settings import settings as of_the_sandbox

ROOT = Path(__file__).parents[2]
OTHERWISE = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "Tables": "UseDevelopmentStorage=true",
    "ONBOARDING_CA_FILE": ".sandbox/certificates/ca.pem",
    # Its query is a key: written by `python -m sandbox.settings`, not by hand.
    "ONBOARDING_TEAMS_WEBHOOK_URL": "",
}
"""What the sandbox itself says in another way."""


def sample() -> dict[str, str]:
    document = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))
    assert document["IsEncrypted"] is False
    return dict(document["Values"])


def read(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> Settings:
    """As the app reads them: from the environment, in which nothing else speaks of it."""
    for field, info in Settings.model_fields.items():
        alias = info.validation_alias
        monkeypatch.delenv(alias if isinstance(alias, str) else f"ONBOARDING_{field.upper()}", raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return Settings()  # type: ignore[call-arg]


def test_every_value_is_a_text_as_the_core_tools_want_it() -> None:
    assert {type(value) for value in sample().values()} == {str}


def test_the_settings_class_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, sample())
    assert settings.policy
    assert settings.teams_webhook_url is None
    assert settings.client_id is None


def test_it_is_what_the_sandbox_sets() -> None:
    assert {**of_the_sandbox(Ports.default()), **OTHERWISE}.items() <= sample().items()


def test_what_the_sandbox_leaves_alone_has_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample that copied an old default would quietly keep it."""
    ours, theirs = sample(), {**of_the_sandbox(Ports.default()), **OTHERWISE}
    given = read(monkeypatch, ours)
    needed = {name: ours[name] for name in ("ServiceBus", "Tables")}
    default = read(monkeypatch, needed)
    for field, info in Settings.model_fields.items():
        alias = info.validation_alias
        name = alias if isinstance(alias, str) else f"ONBOARDING_{field.upper()}"
        if name not in theirs:
            assert getattr(given, field) == getattr(default, field), name


def test_it_has_every_setting_that_a_trigger_names() -> None:
    named = {function_app.CONNECTION, *re.findall(r"%(\w+)%", Path(function_app.__file__).read_text(encoding="utf-8"))}
    assert {"ONBOARDING_TIMER_SCHEDULE", "ServiceBus"} <= named <= set(sample())
