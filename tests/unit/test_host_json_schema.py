"""Our host.json against the published schema: the real host takes a misspelt key without a word.

The schema is SchemaStore's (`tests/contract/specs/README.md` says which). Where it is silent, or open, what we use is
added here as data, with its source.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "tests" / "contract" / "specs" / "functions-host-json.schema.json"
SPAN = r"^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d$"
LEVELS = {"enum": ["Trace", "Debug", "Information", "Warning", "Error", "Critical", "None"]}

NEWER: Mapping[str, Mapping[str, Any]] = {
    # The schema of 2022 knows the extension's version 4 only. These are of version 5: SchemaStore's later definition
    # `version-2-ext-5` (SchemaStore/schemastore at 0345caa3, src/schemas/json/host.json), and ServiceBusOptions.cs of
    # Microsoft.Azure.WebJobs.Extensions.ServiceBus, which takes a number of at least 1 and of at least 0.
    "extensions.serviceBus.autoCompleteMessages": {"type": "boolean"},
    "extensions.serviceBus.maxAutoLockRenewalDuration": {"type": "string", "pattern": SPAN},
    "extensions.serviceBus.maxConcurrentCalls": {"type": "integer", "minimum": 1},
    "extensions.serviceBus.prefetchCount": {"type": "integer", "minimum": 0},
    # In none of SchemaStore's versions. Microsoft Learn, "Use OpenTelemetry with Azure Functions".
    "telemetryMode": {"enum": ["OpenTelemetry", "ApplicationInsights"]},
    "logging.OpenTelemetry": {
        "type": "object",
        "properties": {"logLevel": {"type": "object", "additionalProperties": LEVELS}},
    },
}
OLDER = ("messageHandlerOptions", "sessionHandlerOptions", "batchOptions")
"""Of the extension's version 4: without effect now, though the schema still has them."""


def schema() -> dict[str, Any]:
    """The definition for version 2.0 with what is newer, closed wherever it names properties."""
    published = json.loads(SCHEMA.read_text(encoding="utf-8-sig"))
    whole = {"definitions": published["definitions"], "$ref": "#/definitions/version-2"}
    for key, added in NEWER.items():
        *parents, name = key.split(".")
        place = whole["definitions"]["version-2"]
        for parent in parents:
            place = place["properties"][parent]
        place["properties"][name] = added
    bus = whole["definitions"]["version-2"]["properties"]["extensions"]["properties"]["serviceBus"]
    for name in OLDER:
        del bus["properties"][name]
    _close(whole)
    return whole


def _close(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _close(item)
    elif isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            node.setdefault("additionalProperties", False)
        for item in node.values():
            _close(item)


def ours() -> dict[str, Any]:
    return dict(json.loads((ROOT / "host.json").read_text(encoding="utf-8")))


def complaints(document: Any) -> list[str]:
    return [f"{'.'.join(map(str, e.path))}: {e.message}" for e in Draft4Validator(schema()).iter_errors(document)]


def keys(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every key, at whatever depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from keys(inner, (*path, key))


FREE = {("logging", "logLevel"), ("logging", "OpenTelemetry", "logLevel")}
"""Below these stand names of categories, which may be any."""
KEYS = [path for path in keys(ours()) if path[:-1] not in FREE]


def changed(path: tuple[str, ...], *, name: str | None = None, value: Any = None) -> dict[str, Any]:
    """Our host.json with that key under another name, or with another value."""
    document = copy.deepcopy(ours())
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    if name is None:
        place[path[-1]] = value
    else:
        place[name] = place.pop(path[-1])
    return document


def test_the_schema_is_one() -> None:
    Draft4Validator.check_schema(schema())


def test_ours_has_known_keys_with_values_of_their_kind_only() -> None:
    assert complaints(ours()) == []


@pytest.mark.parametrize("path", KEYS, ids=".".join)
def test_a_misspelt_key_would_be_seen(path: tuple[str, ...]) -> None:
    name = path[-1]
    for misspelt in (name + "s", name[:-1], name[0] + name, name.swapcase()):
        assert complaints(changed(path, name=misspelt)), misspelt


@pytest.mark.parametrize("path", list(keys(ours())), ids=".".join)
def test_a_value_of_the_wrong_kind_would_be_seen(path: tuple[str, ...]) -> None:
    """With one in Microsoft's host, functions answer 503 while its ping is 200."""
    for wrong in ([], 1.5, -7):
        assert complaints(changed(path, value=wrong)), wrong


def test_what_was_added_to_the_schema_is_used() -> None:
    used = {".".join(path) for path in keys(ours())}
    assert set(NEWER) <= used
