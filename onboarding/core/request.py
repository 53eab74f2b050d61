"""What an operator asks for: the body of `POST /api/onboardings`, as far as it is the same for every kind of gateway.

Field rules stand on the models; rules between fields stand in `services` and with the kind. All are applied
together, so that a refused request names every reason at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from onboarding.core.parts import Email, Flag, Part, UserName
from onboarding.core.plan import NewStep
from onboarding.core.publishing import DnsPublishing
from onboarding.core.reasons import Reason
from onboarding.core.services import MOST_NUMBERS, PhoneNumber, Service, Services, ServiceSettings, TestLine

MAX_ADDRESSEES = 20


class Environment(StrEnum):
    """A lab gateway has one region and half the test lines (article, Prerequisites)."""

    PRODUCTION = "production"
    LAB = "lab"


class OnboardingTeam(Part):
    """Microsoft's onboarding team, or the partner in its place."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    email: Email


class Addressees(Part):
    """Whom to tell."""

    emails: tuple[Email, ...] = Field(default=(), max_length=MAX_ADDRESSEES)
    teams: Flag = True
    daily: Flag = False
    """Whether e-mail comes once a day, gathered in one, in place of single ones."""
    tell_admin_user: Flag = True
    """Whether the admin user is written to when a step waits for them."""
    escalate_to: Email | None = None
    """Told once when a checkpoint stays open for too long."""


class Contacts(Part):
    """Who the onboarding team is, and whom to tell: what of a request can be changed later."""

    onboarding_team: OnboardingTeam
    notify: Addressees


class Gateway(Part):
    """What is onboarded. Its kind says what else is known of it."""

    kind: str
    name: str

    @property
    def key(self) -> str:
        """What makes it this gateway and no other, such as its resource id; as people know it."""
        raise NotImplementedError

    @property
    def onboarding_id(self) -> str:
        """The same for the same gateway, however it is spelt. Safe as a table key and in a URL."""
        raise NotImplementedError

    @property
    def place(self) -> tuple[tuple[str, str, str], ...]:
        """Label, text and what is said beside it, of where it is: for its page."""
        return ()

    @property
    def subscription(self) -> str | None:
        """The Azure subscription that it is in, in lower case; None when it is in none."""
        return None


@dataclass(frozen=True, slots=True)
class KindWords:
    """What people read of a kind of gateway."""

    noun: str
    """In a sentence: `the … contoso-1`."""
    article: str
    """The title of Microsoft's article about its onboarding."""
    warning: str | None = None
    """Said wherever somebody works at Microsoft by hand: what must be left alone there."""
    afterwards: tuple[str, ...] = ()
    """What follows once all is connected, in order, without numbers."""
    afterwards_page: str | None = None
    """The address of a page about it."""
    caller: str = "the gateway"
    """Who calls the Operator Connect API, in a sentence."""


class OnboardingRequest(Part):
    """One gateway's onboarding. Each kind of gateway has its own; this is what all have.

    What a step must know that differs by kind is a property here: no step asks which kind it is.
    """

    words: ClassVar[KindWords]
    caseless: ClassVar[frozenset[str]] = frozenset({"adminUser"})
    """Field paths whose case means nothing."""

    gateway: Gateway
    environment: Environment | None = None
    services: Services
    insist_on_numbers: tuple[PhoneNumber, ...] = Field(default=(), max_length=MOST_NUMBERS)
    admin_user: UserName
    already_onboarded: Flag = False
    by_hand: Flag = False
    """Each change at Microsoft is made by a person, with commands that are shown; this application only looks."""
    onboarding_team: OnboardingTeam
    notify: Addressees = Addressees()

    @classmethod
    def between_fields(cls, body: Any) -> Iterator[Reason]:
        """Its own rules that need more than one field, over the raw body, so that they hold beside field errors."""
        yield from ()

    def plan(self) -> tuple[NewStep, ...]:
        """The steps of its onboarding."""
        raise NotImplementedError

    @property
    def publishing(self) -> DnsPublishing | None:
        """Who puts the domain's TXT record into DNS; None: the onboarding team, as for a domain of Microsoft's."""
        return None

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Label and text of what every message names."""
        services = " and ".join(service.label for service in self.selected)
        environment = (("Environment", self.environment.value),) if self.environment else ()
        return (("Gateway", self.gateway.name), *environment, ("Services", services))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its owner should look at, though it is taken; a sentence each. Derived, so that it is never stale."""
        return ()

    @property
    def domain_to_verify(self) -> str | None:
        """The domain that is to be the tenant's; None: the gateway's resource in Azure tells it."""
        return None

    @property
    def client_id(self) -> str | None:
        """Of the application that calls the Operator Connect API; None: the gateway's own identity does."""
        return None

    @property
    def application_roles(self) -> tuple[str, ...]:
        """Values of Project Synergy's roles that it is given."""
        raise NotImplementedError

    @property
    def txt_record_for(self) -> OnboardingTeam:
        """Who publishes the domain's TXT record, when this application does not."""
        return self.onboarding_team

    @property
    def selected(self) -> tuple[Service, ...]:
        """The services asked for."""
        return tuple(s for s in Service if self.settings_of(s) is not None)

    def settings_of(self, service: Service) -> ServiceSettings | None:
        """What was asked for that service; None when it was not."""
        if service is Service.OPERATOR_CONNECT:
            return self.services.operator_connect
        return self.services.teams_phone_mobile

    def lines_of(self, service: Service) -> tuple[TestLine, ...]:
        """The service verification lines named for it."""
        settings = self.settings_of(service)
        return settings.test_lines if settings else ()

    @property
    def test_lines(self) -> tuple[TestLine, ...]:
        """The same over all services."""
        return tuple(line for s in self.selected for line in self.lines_of(s))

    @property
    def trunk_addresses(self) -> tuple[tuple[str, int], ...]:
        """FQDN and port of each trunk of a session border controller; none for a gateway without."""
        return ()

    @property
    def certificate_text(self) -> str | None:
        """The certificates of these, as somebody gave them (`certificate_chain.CertificateChain`); None: nobody did."""
        return None

    @property
    def contacts(self) -> Contacts:
        """Whom it names. They were checked when they were accepted; what is valid may have changed since."""
        return Contacts.model_construct(onboarding_team=self.onboarding_team, notify=self.notify)

    def to_json(self) -> dict[str, Any]:
        """As it was posted, defaults filled in."""
        return self.model_dump(mode="json", by_alias=True)

    def differences(self, other: OnboardingRequest) -> list[str]:
        """The field paths in which two requests differ; an empty list when they are the same."""
        return differences(self.to_json(), other.to_json(), self.caseless)


def differences(old: Any, new: Any, caseless: frozenset[str] = frozenset(), path: str = "") -> list[str]:
    """The field paths in which two bodies differ, but for the case of some."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            d
            for k in sorted(old.keys() | new.keys())
            for d in differences(old.get(k), new.get(k), caseless, f"{path}.{k}".lstrip("."))
        ]
    if isinstance(old, str) and isinstance(new, str) and path in caseless:
        return [] if old.lower() == new.lower() else [path]
    return [] if old == new else [path]
