"""What an operator asks for: the body of `POST /api/onboardings`.

Field rules stand on the models; rules between fields stand in `request_rules`. Both are applied together, so
that a refused request names every reason at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from onboarding.core.email_address import EMAIL_PATTERN, email_problem
from onboarding.core.identifiers import GatewayId


class Environment(StrEnum):
    """A lab gateway has one region and half the test lines (article, Prerequisites)."""

    PRODUCTION = "production"
    LAB = "lab"


class Service(StrEnum):
    """The two services; the values are the request's names."""

    OPERATOR_CONNECT = "operatorConnect"
    TEAMS_PHONE_MOBILE = "teamsPhoneMobile"

    @property
    def platform(self) -> str:
        """Its name in the gateway resource's `properties.platforms` (swagger 2023-09-01)."""
        return self.value[0].upper() + self.value[1:]

    @property
    def label(self) -> str:
        """Its name in a sentence."""
        return {"operatorConnect": "Operator Connect", "teamsPhoneMobile": "Teams Phone Mobile"}[self.value]


class CallRouting(StrEnum):
    """How Teams Phone Mobile calls reach Microsoft Phone System (article, Prerequisites)."""

    INTEGRATED_MCP = "integratedMcp"
    ON_PREMISES_MCP = "onPremisesMcp"
    OTHER = "other"


REQUIRED_TEST_LINES: Mapping[Environment, int] = {Environment.PRODUCTION: 6, Environment.LAB: 3}
"""Service verification lines for each service (article, Prerequisites)."""

MAX_ADDRESSEES = 20


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


STORED: Mapping[str, bool] = {"stored": True}
"""Validation context of what was accepted earlier: numbering plans change, and it must stay readable for years."""


def _phone_number(number: str, info: ValidationInfo) -> str:
    problem = None if info.context is STORED else phone_number_problem(number)
    if problem:
        raise PydanticCustomError("phone_number", "{problem}", {"problem": problem})
    return number


def _email(address: str, info: ValidationInfo) -> str:
    problem = None if info.context is STORED else email_problem(address)
    if problem:
        raise PydanticCustomError("email_address", "{problem}", {"problem": problem})
    return address


PhoneNumber = Annotated[str, AfterValidator(_phone_number)]
Guid = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
ResourceName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9-]{3,24}$")]
ResourceGroup = Annotated[str, StringConstraints(pattern=r"^[-\w.()]{0,89}[-\w()]$")]
Email = Annotated[
    str,
    StringConstraints(pattern=r"^[^@\s<>\"',;]+@[^@\s<>\"',;]+\.[^@\s<>\"',;.]+$", max_length=254),
    AfterValidator(_email),
    Field(json_schema_extra={"pattern": EMAIL_PATTERN}),
]
UserName = Annotated[
    str,
    StringConstraints(
        pattern=r"^([^@\s/\\?#%'\"<>]+@[A-Za-z0-9.-]+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
        max_length=254,
    ),
]
DomainName = Annotated[
    str,
    StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", to_lower=True, max_length=253),
]


class Part(BaseModel):
    """A part of the request: camelCase in JSON, unknown fields refused, never changed."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        populate_by_name=False,
        str_strip_whitespace=False,
    )


class Gateway(Part):
    """The resource to onboard."""

    kind: Literal["communications-gateway"] = "communications-gateway"
    subscription_id: Guid
    resource_group: ResourceGroup
    name: ResourceName
    domain: DomainName | None = None
    """The field Domain of the resource's Properties page; found from the resource when left out."""

    @property
    def id(self) -> GatewayId:
        return GatewayId(self.subscription_id, self.resource_group, self.name)


class TestLine(Part):
    """A service verification line. Its number is never used for integration testing."""

    __test__ = False

    name: ResourceName
    phone_number: PhoneNumber


class ServiceSettings(Part):
    """What both services need. No test lines: the service was selected when the gateway was deployed."""

    test_lines: tuple[TestLine, ...] = ()
    integration_test_numbers: tuple[PhoneNumber, ...] = Field(min_length=1, max_length=100)


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


class OnboardingTeam(Part):
    """Microsoft's onboarding team, or the partner in its place."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    email: Email


class Addressees(Part):
    """Whom to tell."""

    emails: tuple[Email, ...] = Field(default=(), max_length=MAX_ADDRESSEES)
    teams: bool = True
    escalate_to: Email | None = None
    """Told once when a checkpoint stays open for too long."""


class Contacts(Part):
    """Who the onboarding team is, and whom to tell: what of a request can be changed later."""

    onboarding_team: OnboardingTeam
    notify: Addressees


class OnboardingRequest(Part):
    """One gateway's onboarding."""

    gateway: Gateway
    environment: Environment
    services: Services
    admin_user: UserName
    already_onboarded: bool = False
    onboarding_team: OnboardingTeam
    notify: Addressees = Addressees()

    @property
    def selected(self) -> tuple[Service, ...]:
        """The services asked for."""
        return tuple(s for s in Service if self.settings_of(s) is not None)

    def settings_of(self, service: Service) -> ServiceSettings | None:
        """What was asked for that service; None when it was not."""
        if service is Service.OPERATOR_CONNECT:
            return self.services.operator_connect
        return self.services.teams_phone_mobile

    @property
    def test_lines(self) -> tuple[TestLine, ...]:
        """The lines named, over all services."""
        return tuple(line for s in self.selected for line in self._lines(s))

    @property
    def preselected(self) -> tuple[Service, ...]:
        """The services selected when the gateway was deployed: those without test lines here."""
        return tuple(s for s in self.selected if not self._lines(s))

    @property
    def lines_required(self) -> int:
        """Automated lines for one service in this environment."""
        return REQUIRED_TEST_LINES[self.environment]

    def _lines(self, service: Service) -> tuple[TestLine, ...]:
        settings = self.settings_of(service)
        return settings.test_lines if settings else ()

    def to_json(self) -> dict[str, Any]:
        """As it was posted, defaults filled in."""
        return self.model_dump(mode="json", by_alias=True)


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """The field paths in which two requests differ; an empty list when they are the same."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            d
            for k in sorted(old.keys() | new.keys())
            for d in differences(old.get(k), new.get(k), f"{path}.{k}".lstrip("."))
        ]
    if isinstance(old, str) and isinstance(new, str) and path in _CASELESS:
        return [] if old.lower() == new.lower() else [path]
    return [] if old == new else [path]


_CASELESS = {"gateway.subscriptionId", "gateway.resourceGroup", "gateway.name", "adminUser"}
