"""Rules between the fields of a request's services. They read the raw body, so that they hold beside field errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onboarding.core.reasons import Reason, as_answered
from onboarding.core.services import MOST_NUMBERS, Service

Chosen = dict[Service, dict[str, Any]]
"""The services of a raw body that can be read."""


def chosen(body: Any) -> Chosen:
    """Of a raw body; empty when it has none."""
    services = body.get("services") if isinstance(body, dict) else None
    if not isinstance(services, dict):
        return {}
    return {s: services[s.value] for s in Service if isinstance(services.get(s.value), dict)}


def service_reasons(body: Any) -> Iterator[Reason]:
    """At least one service; names and numbers that are their own."""
    services = body.get("services") if isinstance(body, dict) else None
    if not isinstance(services, dict):
        return
    if not any(services.get(s.value) is not None for s in Service):
        yield Reason("services", "one_service", None, "must name operatorConnect, teamsPhoneMobile or both")
    asked = chosen(body)
    yield from _unique_names(asked)
    yield from _unique_numbers(asked)


def _items(settings: dict[str, Any], key: str) -> list[tuple[int, Any]]:
    found = settings.get(key)
    # One that is too long is refused as a whole.
    return list(enumerate(found)) if isinstance(found, list) and len(found) <= MOST_NUMBERS else []


def _lines(chosen: Chosen, key: str) -> Iterator[tuple[str, str]]:
    """(field path, text) of `key` in each test line."""
    for service, settings in chosen.items():
        for i, line in _items(settings, "testLines"):
            value = line.get(key) if isinstance(line, dict) else None
            if isinstance(value, str):
                yield f"services.{service}.testLines[{i}].{key}", value


def _unique_names(chosen: Chosen) -> Iterator[Reason]:
    seen: dict[str, str] = {}
    for path, name in _lines(chosen, "name"):
        first = seen.setdefault(name.lower(), path)
        if first != path:
            yield Reason(
                path, "unique_name", as_answered(name), f"is the name of {first} too; each test line needs its own"
            )


def _unique_numbers(chosen: Chosen) -> Iterator[Reason]:
    seen: dict[str, str] = {}
    for path, number in _lines(chosen, "phoneNumber"):
        first = seen.setdefault(number, path)
        if first != path:
            yield Reason(
                path,
                "unique_number",
                as_answered(number),
                f"is the number of {first} too; each test line needs its own",
            )
    lines = dict(seen)
    for service, settings in chosen.items():
        for i, number in _items(settings, "integrationTestNumbers"):
            path = f"services.{service}.integrationTestNumbers[{i}]"
            if not isinstance(number, str):
                continue
            first = seen.setdefault(number, path)
            if number in lines:
                yield Reason(
                    path,
                    "integration_number_is_no_test_line",
                    as_answered(number),
                    f"is the number of {first} too; a number for integration testing must not be added as a test line",
                )
            elif first != path:
                yield Reason(path, "unique_number", as_answered(number), f"stands at {first} too")
