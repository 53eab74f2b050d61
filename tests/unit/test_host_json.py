"""host.json and the times of the rules: what must be longer than what, so that nothing runs twice or is cut off."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from onboarding.core.policy import Policy
from sandbox.functions_host.hostjson import HostConfig

ROOT = Path(__file__).parents[2]
WRITES = 60.0
"""Seconds that loading and writing the record may take before and after a step, with the SDK's own retries."""


def host() -> HostConfig:
    return HostConfig.load(ROOT / "host.json")


def document() -> dict[str, Any]:
    return dict(json.loads((ROOT / "host.json").read_text(encoding="utf-8")))


def test_a_step_is_broken_off_by_us_before_the_host_ends_the_process_around_it() -> None:
    timeout = host().function_timeout
    assert timeout is not None, "without a bound, a function that hangs is never ended"
    assert Policy().step_timeout + WRITES < timeout.total_seconds()


def test_a_step_is_broken_off_before_it_is_taken_for_dead_and_begun_again() -> None:
    assert Policy().step_timeout < Policy().lease


def test_a_dead_steps_lease_ends_before_the_host_would_have_ended_a_living_one() -> None:
    """The other way round, a step that the host cut off would stay untouched for longer than any step can run."""
    timeout = host().function_timeout
    assert timeout is not None
    assert Policy().lease < timeout.total_seconds()


def test_no_message_is_delivered_again_while_its_function_may_still_run() -> None:
    timeout = host().function_timeout
    assert timeout is not None
    assert host().max_lock_renewal >= timeout
    assert host().max_lock_renewal.total_seconds() >= max(Policy().lease, Policy().notice_lease)


def test_a_message_is_not_taken_before_there_is_room_for_it() -> None:
    """Prefetched, it would wait under a lock that nobody renews."""
    assert host().prefetch_count == 0


def test_every_lock_is_renewed_at_least_once_before_it_ends() -> None:
    """The queues' own lock is the shortest time until a crashed process's message comes again; a minute, not five."""
    config = json.loads((ROOT / "infra" / "servicebus" / "Config.json").read_text(encoding="utf-8"))
    queues = [q for n in config["UserConfig"]["Namespaces"] for q in n["Queues"]]
    durations = {q["Properties"]["LockDuration"] for q in queues}
    minutes = [int(m) for d in durations for m in re.findall(r"^PT(\d+)M$", d)]
    assert len(minutes) == len(durations)
    assert all(0 < m * 60 < Policy().lease for m in minutes)


def test_messages_are_settled_by_the_host() -> None:
    """Completed when the function returns, abandoned when it raises: the rules count on both."""
    assert document()["extensions"]["serviceBus"]["autoCompleteMessages"] is True


def test_nothing_that_is_logged_is_left_out_by_sampling() -> None:
    assert document()["logging"]["applicationInsights"]["samplingSettings"] == {"isEnabled": False}


def test_the_host_does_not_export_the_lines_that_the_application_exports_itself() -> None:
    assert document()["telemetryMode"] == "OpenTelemetry"
    assert document()["logging"]["OpenTelemetry"]["logLevel"] == {"Function.*.User": "None"}


def test_the_extensions_are_of_the_supported_bundle() -> None:
    bundle = document()["extensionBundle"]
    assert bundle == {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.0.0, 5.0.0)"}


def test_every_key_is_explained() -> None:
    text = (ROOT / "docs" / "packaging.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([\w.*]+)` \|", text, re.MULTILINE))
    assert set(_leaves(document(), "")) - {"version"} <= explained


def _leaves(value: Any, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [path]
    return [leaf for key, inner in value.items() for leaf in _leaves(inner, f"{path}.{key}".lstrip("."))]
