"""What of a gateway is sent back to ARM, against Microsoft's own description."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from onboarding.azure.arm_body import READ_ONLY, writable

SPECS = Path(__file__).resolve().parents[1] / "contract" / "specs"
SWAGGER = json.loads((SPECS / "voiceservices-2023-09-01.bundled.json").read_text(encoding="utf-8"))


def resolved(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema and all that it is made of."""
    yield schema
    for part in [{"$ref": schema["$ref"]}] if "$ref" in schema else []:
        yield from resolved(SWAGGER["definitions"][part["$ref"].rpartition("/")[2]])
    for part in schema.get("allOf", []):
        yield from resolved(part)


def read_only(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Paths of what only Microsoft sets; nothing below such a path."""
    parts = list(resolved(schema))
    if any(part.get("readOnly") for part in parts):
        yield path
        return
    for part in parts:
        for name, child in part.get("properties", {}).items():
            yield from read_only(child, f"{path}.{name}".lstrip("."))
        for key in ("items", "additionalProperties"):
            if isinstance(part.get(key), dict):
                yield from read_only(part[key], f"{path}.*")


def test_the_list_is_what_microsoft_marks_read_only() -> None:
    assert set(READ_ONLY) == set(read_only({"$ref": "#/definitions/CommunicationsGateway"}))


def test_everything_else_stays_and_the_original_is_not_touched() -> None:
    body = {
        "id": "/subscriptions/…",
        "location": "uksouth",
        "brandNew": {"id": "stays"},
        "identity": {
            "type": "SystemAssigned, UserAssigned",
            "principalId": "p",
            "userAssignedIdentities": {"/a": {"principalId": "x", "clientId": "y"}},
        },
        "properties": {
            "status": "Complete",
            "platforms": ["OperatorConnect"],
            "futureSetting": [{"status": "stays"}],
            "apiBridge": {"configureApiBridge": "enabled", "endpointFqdns": ["x"]},
            "dnsDelegations": {"delegations": [{"domain": "d", "nameServers": ["n"]}]},
        },
    }
    before = copy.deepcopy(body)
    assert writable(body) == {
        "location": "uksouth",
        "brandNew": {"id": "stays"},
        "identity": {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {"/a": {}}},
        "properties": {
            "platforms": ["OperatorConnect"],
            "futureSetting": [{"status": "stays"}],
            "apiBridge": {"configureApiBridge": "enabled"},
            "dnsDelegations": {"delegations": [{"domain": "d"}]},
        },
    }
    assert body == before


def test_parts_left_out_or_null_do_no_harm() -> None:
    body = {"identity": None, "properties": {"dnsDelegations": {"delegations": None}, "apiBridge": None}}
    assert writable(body) == body
