"""The two services that a gateway is onboarded for, and their numbers: the same for every kind of gateway.

The rules between their fields read the raw body, so that they hold beside field errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from onboarding.core import patterns
from onboarding.core.expected import ExpectedWords
from onboarding.core.parts import Part, is_stored
from onboarding.core.phone_numbers import EXAMPLE, canonical, is_known, number_problem
from onboarding.core.reasons import Reason, as_answered

MOST_NUMBERS = 100
"""Of one sort in one service's settings; the article needs 3 or 6 test lines."""
INSIST = "insistOnNumbers"
"""The field of a request that names numbers which are right though unknown here."""


class Service(StrEnum):
    """The two services; the values are the request's names."""

    OPERATOR_CONNECT = "operatorConnect"
    TEAMS_PHONE_MOBILE = "teamsPhoneMobile"

    @property
    def label(self) -> str:
        """Its name in a sentence."""
        return {"operatorConnect": "Operator Connect", "teamsPhoneMobile": "Teams Phone Mobile"}[self.value]


class CallRouting(StrEnum):
    """How Teams Phone Mobile calls reach Microsoft Phone System (article, Prerequisites)."""

    INTEGRATED_MCP = "integratedMcp"
    ON_PREMISES_MCP = "onPremisesMcp"
    OTHER = "other"


def _phone_number(number: str, info: ValidationInfo) -> str:
    if is_stored(info) and patterns.fits(patterns.PHONE_NUMBER, number):
        return number
    problem = number_problem(number)
    if problem:
        raise PydanticCustomError("phone_number", "{problem}", {"problem": problem})
    return number


PhoneNumber = Annotated[
    str, ExpectedWords(f"a phone number in E.164 form, such as {EXAMPLE}"), AfterValidator(_phone_number)
]
LineName = Annotated[str, StringConstraints(pattern=patterns.RESOURCE_NAME)]


class TestLine(Part):
    """A service verification line. Its number is never used for integration testing."""

    __test__ = False

    name: LineName
    phone_number: PhoneNumber


class ServiceSettings(Part):
    """What both services need. No test lines: the service was selected when the gateway was deployed."""

    test_lines: tuple[TestLine, ...] = Field(default=(), max_length=MOST_NUMBERS)
    integration_test_numbers: tuple[PhoneNumber, ...] = Field(min_length=1, max_length=MOST_NUMBERS)


class OperatorConnect(ServiceSettings):
    """Operator Connect."""


class TeamsPhoneMobile(ServiceSettings):
    """Teams Phone Mobile, with what native dialers and call routing need."""

    voicemail_pilot_number: PhoneNumber
    call_routing: CallRouting


class Services(Part):
    """One service or both."""

    operator_connect: OperatorConnect | None = None
    """What Operator Connect needs; left out: it is not wanted."""
    teams_phone_mobile: TeamsPhoneMobile | None = None
    """What Teams Phone Mobile needs; left out: it is not wanted."""


# -- rules between fields ----------------------------------------------------------------------------------------

Chosen = dict[Service, dict[str, Any]]
"""The services of a raw body that can be read."""


def chosen(body: Any) -> Chosen:
    """Of a raw body; empty when it has none."""
    services = body.get("services") if isinstance(body, dict) else None
    if not isinstance(services, dict):
        return {}
    return {s: services[s.value] for s in Service if isinstance(services.get(s.value), dict)}


def service_reasons(body: Any) -> Iterator[Reason]:
    """At least one service; names and numbers that are their own; numbers that are known, or insisted on."""
    services = body.get("services") if isinstance(body, dict) else None
    if not isinstance(services, dict):
        return
    if not any(services.get(s.value) is not None for s in Service):
        yield Reason("services", "one_service", None, "must name operatorConnect, teamsPhoneMobile or both")
    asked = chosen(body)
    yield from _unique_names(asked)
    yield from _unique_numbers(asked)
    yield from _known_numbers(asked, _items(body, INSIST))


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
    """Compared as numbers, not as texts."""
    seen: dict[str, str] = {}
    for path, number in _lines(chosen, "phoneNumber"):
        first = seen.setdefault(canonical(number), path)
        if first != path:
            yield Reason(
                path,
                "unique_number",
                as_answered(number),
                f"is the number of {first} too; each test line needs its own",
            )
    lines = dict(seen)
    for path, number in _integration_numbers(chosen):
        first = seen.setdefault(canonical(number), path)
        if canonical(number) in lines:
            yield Reason(
                path,
                "integration_number_is_no_test_line",
                as_answered(number),
                f"is the number of {first} too; a number for integration testing must not be added as a test line",
            )
        elif first != path:
            yield Reason(path, "unique_number", as_answered(number), f"stands at {first} too")


def _integration_numbers(chosen: Chosen) -> Iterator[tuple[str, str]]:
    """(field path, number)."""
    for service, settings in chosen.items():
        for i, number in _items(settings, "integrationTestNumbers"):
            if isinstance(number, str):
                yield f"services.{service}.integrationTestNumbers[{i}]", number


def _known_numbers(chosen: Chosen, insisted: list[tuple[int, Any]]) -> Iterator[Reason]:
    """A number that no numbering plan here knows is taken only from whoever insists on it, number by number."""
    voicemail = {f"services.{s}.voicemailPilotNumber": its.get("voicemailPilotNumber") for s, its in chosen.items()}
    asked = {
        **dict(_lines(chosen, "phoneNumber")),
        **dict(_integration_numbers(chosen)),
        **{path: number for path, number in voicemail.items() if isinstance(number, str)},
    }
    numbers = dict.fromkeys(canonical(number) for number in asked.values())
    named = {canonical(number): i for i, number in insisted if isinstance(number, str)}
    for path, number in asked.items():
        if number_problem(number) is None and not is_known(number) and number not in named:
            yield Reason(
                path,
                "unknown_number",
                as_answered(number),
                "is not a number that can be in use in its country's numbering plan as it is known here, which may be"
                f' older than its area code; if it is right, insist on it: "{INSIST}": ["{number}"]',
            )
    for number, i in named.items():
        if chosen and number not in numbers:
            yield Reason(
                f"{INSIST}[{i}]",
                "insisted_number",
                as_answered(insisted[i][1]),
                "is no number of the request; a number of a test line, for integration testing or of voicemail was"
                f" expected, such as {next(iter(numbers), EXAMPLE)}",
            )
