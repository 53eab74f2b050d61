"""The two services that a gateway is onboarded for, and their numbers: the same for every kind of gateway."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from onboarding.core import patterns
from onboarding.core.parts import Part, is_stored

MOST_NUMBERS = 100
"""Of one sort in one service's settings; the article needs 3 or 6 test lines."""


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


@lru_cache(maxsize=1024)
def phone_number_problem(number: str) -> str | None:
    """Why this is no phone number in E.164 with its country code; None when it is one."""
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        return "must be in E.164 form: '+', country code and number, digits only, such as +442079460101"
    # phonenumbers loads its metadata at import: only a request that holds a number pays for it.
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return "must begin with a country code that exists"
    if not phonenumbers.is_valid_number(parsed):
        return "is not a number that can be in use in its country's numbering plan"
    return None


def _phone_number(number: str, info: ValidationInfo) -> str:
    problem = None if is_stored(info) else phone_number_problem(number)
    if problem:
        raise PydanticCustomError("phone_number", "{problem}", {"problem": problem})
    return number


PhoneNumber = Annotated[str, AfterValidator(_phone_number)]
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
    teams_phone_mobile: TeamsPhoneMobile | None = None
