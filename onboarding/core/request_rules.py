"""Reading a request: every reason against it, collected, then raised once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from onboarding.core.patterns import IN_WORDS
from onboarding.core.request import REQUIRED_TEST_LINES, Contacts, Environment, OnboardingRequest, Service

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing wrong with a request."""

    field: str
    rule: str
    value: Any
    message: str

    def to_json(self) -> dict[str, Any]:
        return {"field": self.field, "rule": self.rule, "value": self.value, "message": self.message}


class InvalidRequestError(Exception):
    """The request breaks rules; `reasons` holds all of them, in the order of the fields."""

    def __init__(self, reasons: list[Reason]) -> None:
        self.reasons = reasons
        count = "1 reason" if len(reasons) == 1 else f"{len(reasons)} reasons"
        super().__init__(
            f"The request was refused for {count}: " + "; ".join(f"{r.field}: {r.message}" for r in reasons)
        )


def read_request(body: Any) -> OnboardingRequest:
    """Parsed JSON → the request.

    Raises InvalidRequestError with all reasons at once: those of single fields, and those between fields as far
    as the fields concerned can be read.
    """
    reasons: list[Reason] = []
    request: OnboardingRequest | None = None
    try:
        request = OnboardingRequest.model_validate(body, strict=False)
    except ValidationError as error:
        reasons += [_reason(e) for e in error.errors(include_url=False)]
    reasons += list(_between_fields(body))
    if reasons or request is None:
        raise InvalidRequestError(reasons)
    return request


def read_contacts(body: Any) -> Contacts:
    """Parsed JSON → the contacts that take the place of a request's. Raises InvalidRequestError with all reasons."""
    try:
        return Contacts.model_validate(body, strict=False)
    except ValidationError as error:
        raise InvalidRequestError([_reason(e) for e in error.errors(include_url=False)]) from None


_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request; check the spelling (names are camelCase)",
}


def _reason(error: Any) -> Reason:
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error["loc"]).lstrip(".") or "(body)"
    rule = str(error["type"])
    message = _MESSAGES.get(rule, error["msg"])
    if rule == "string_pattern_mismatch":
        message = f"must be {IN_WORDS[error['ctx']['pattern']]}"
    return Reason(path, rule, _shown(None if rule == "missing" else error.get("input")), message)


def _shown(value: Any) -> Any:
    """The offending value as it goes into the answer: whole when short, else its start."""
    if isinstance(value, str):
        return value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
    if value is None or isinstance(value, bool | int | float):
        return value
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _between_fields(body: Any) -> Iterator[Reason]:
    """Rules that need more than one field. They read the raw body, so that they hold beside field errors."""
    services = body.get("services") if isinstance(body, dict) else None
    if not isinstance(services, dict):
        return
    chosen = {s: services[s.value] for s in Service if isinstance(services.get(s.value), dict)}
    if not any(services.get(s.value) is not None for s in Service):
        yield Reason("services", "one_service", None, "must name operatorConnect, teamsPhoneMobile or both")
    yield from _line_counts(chosen, body.get("environment"))
    yield from _unique_names(chosen)
    yield from _unique_numbers(chosen)


def _line_counts(chosen: dict[Service, dict[str, Any]], environment: Any) -> Iterator[Reason]:
    if not isinstance(environment, str) or environment not in set(Environment):
        return
    required = REQUIRED_TEST_LINES[Environment(environment)]
    for service, settings in chosen.items():
        lines = settings.get("testLines")
        if isinstance(lines, list) and lines and len(lines) != required:
            yield Reason(
                f"services.{service}.testLines",
                "line_count",
                len(lines),
                f"has {len(lines)} lines; a {environment} gateway needs exactly {required} for {service.label}"
                " (or none, when the service was selected at deployment)",
            )


def _items(settings: dict[str, Any], key: str) -> list[tuple[int, Any]]:
    found = settings.get(key)
    return list(enumerate(found)) if isinstance(found, list) else []


def _lines(chosen: dict[Service, dict[str, Any]], key: str) -> Iterator[tuple[str, str]]:
    """(field path, text) of `key` in each test line."""
    for service, settings in chosen.items():
        for i, line in _items(settings, "testLines"):
            value = line.get(key) if isinstance(line, dict) else None
            if isinstance(value, str):
                yield f"services.{service}.testLines[{i}].{key}", value


def _unique_names(chosen: dict[Service, dict[str, Any]]) -> Iterator[Reason]:
    seen: dict[str, str] = {}
    for path, name in _lines(chosen, "name"):
        first = seen.setdefault(name.lower(), path)
        if first != path:
            yield Reason(path, "unique_name", _shown(name), f"is the name of {first} too; each test line needs its own")


def _unique_numbers(chosen: dict[Service, dict[str, Any]]) -> Iterator[Reason]:
    seen: dict[str, str] = {}
    for path, number in _lines(chosen, "phoneNumber"):
        first = seen.setdefault(number, path)
        if first != path:
            yield Reason(
                path,
                "unique_number",
                _shown(number),
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
                    _shown(number),
                    f"is the number of {first} too; a number for integration testing must not be added as a test line",
                )
            elif first != path:
                yield Reason(path, "unique_number", _shown(number), f"stands at {first} too")
