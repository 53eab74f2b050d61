"""The kind `session-border-controller`: an operator's own, or one that a vendor runs for it, certified by Microsoft.

There is no public article about its onboarding. What it shares with the retired gateway's is taken from that one's;
the rest is put together from Microsoft's pages on peering, Direct Routing and the portal, from those of vendors, and
from the first version of the retired gateway's article (2022), in which an operator brought an application of its own.
What could not be verified is a checkpoint or a setting: docs/adding-a-gateway-kind.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from onboarding.core import patterns
from onboarding.core.certificate_chain import CertificateChain
from onboarding.core.expected import NAME_COMPARED, ExpectedWords
from onboarding.core.parts import Guid, Part
from onboarding.core.plan import NewStep, Party
from onboarding.core.publishing import DnsPublishing, publishing_reasons
from onboarding.core.reasons import Reason, as_answered
from onboarding.core.request import Environment, Gateway, KindWords, OnboardingRequest, OnboardingTeam
from onboarding.kinds.trunks import MOST_TRUNKS, Trunk, TrunkDomain, trunk_reasons
from onboarding.outside_facts import outside_facts
from onboarding.steps import LIBRARY
from onboarding.steps.operator_connect import (
    ADMIN_ROLE,
    APPLICATION_ROLES,
    OTHER_APPLICATION_ROLES,
    PORTAL_APPLICATION_IDS,
)
from onboarding.steps.set_calling_profiles import USUAL_TRUNKS

SBC_KIND = "session-border-controller"
MOST_PEERINGS = 20

ONBOARDED_ALREADY_WITH_SBC = (
    "The request says that the operator is onboarded already: the agreement, Project Synergy, its Admin and the form"
    " were part of that."
)
NO_PEERINGS = (
    "The request names no peerings. Whether voice traffic comes over peering or the Internet is agreed with Microsoft."
)
KNOWN_ROLES = (*APPLICATION_ROLES, *OTHER_APPLICATION_ROLES)


class Hosting(StrEnum):
    """Who runs the session border controller."""

    OWN = "own"
    VENDOR = "vendor"


def _role(value: str) -> str:
    """As Project Synergy writes it: the article itself has `partnerSettings.Read` too."""
    known = {role.lower(): role for role in KNOWN_ROLES}
    if (role := known.get(value.lower())) is not None:
        return role
    if value.lower() == ADMIN_ROLE.lower():
        problem = "is for users alone, and never for an application"
    else:
        near = get_close_matches(value[:NAME_COMPARED].lower(), known, 1)
        meant = f"; did you mean '{known[near[0]]}'?" if near else f"; expected is one of {', '.join(KNOWN_ROLES)}"
        problem = f"is no role of Project Synergy that applications are given{meant}"
    raise PydanticCustomError("application_role", "{problem}", {"problem": problem})


ApplicationRole = Annotated[
    str,
    ExpectedWords(f"one of {', '.join(KNOWN_ROLES)}"),
    AfterValidator(_role),
    Field(json_schema_extra={"enum": list(KNOWN_ROLES)}),
]


class CallingApplication(Part):
    """The operator's own application, in its own tenant, that calls the Operator Connect API: also when a vendor has
    its credentials."""

    client_id: Guid
    """Of an app registration, or of a managed identity."""
    roles: tuple[ApplicationRole, ...] = Field(default=tuple(APPLICATION_ROLES), min_length=1, max_length=20)
    """Values of Project Synergy's roles that it is given; the seven of Microsoft's article when left out."""


class SessionBorderController(Gateway):
    """What is onboarded: one domain, and the trunks below it."""

    kind: Literal["session-border-controller"]
    """Your own session border controllers, or a vendor's for you."""
    name: Annotated[str, StringConstraints(pattern=patterns.RESOURCE_NAME)]
    """What you call it."""
    domain: TrunkDomain
    """The one that all trunks stand below. It is verified in your tenant."""
    trunks: tuple[Trunk, ...] = Field(min_length=1, max_length=MOST_TRUNKS)
    """Its trunks: two at least should be there."""
    hosting: Hosting = Hosting.OWN
    """Who runs it."""

    @property
    def key(self) -> str:
        return self.domain

    @property
    def onboarding_id(self) -> str:
        """Of the domain alone. This application is of one tenant, and a domain is verified in one tenant only, so the
        tenant adds nothing; and a domain is onboarded once, whatever it is called."""
        digest = hashlib.sha256(f"{SBC_KIND} {self.domain}".encode()).hexdigest()[:10]
        shown = self.domain.replace(".", "-")[:24].strip("-")
        return f"{shown}-{digest}"

    @property
    def place(self) -> tuple[tuple[str, str, str], ...]:
        run_by = "run by a vendor" if self.hosting is Hosting.VENDOR else "run by you"
        trunks = (("Trunk", f"{trunk.fqdn}:{trunk.port}", trunk.region) for trunk in self.trunks)
        return (("Domain", self.domain, run_by), *trunks)


SBC_WORDS = KindWords(
    noun="session border controller",
    article=(
        "Connect Azure Communications Gateway to Operator Connect or Teams Phone Mobile"
    ),
    warning=(
        "Leave Calling Profiles with a CommsGw suffix alone, and trunks whose FQDN ends with .commsgw.azure.com, should"
        " there be any: they are not of this session border controller, and Microsoft manages them."
    ),
    afterwards=(
        f"You: find your Operator ID at {PORTAL_APPLICATION_IDS}; give the onboarding team your company's name, the"
        " Operator ID and the id of your test tenant. They register the test tenant and confirm it.",
        "You, in the test tenant: add your company as operator, create licensed test users with emergency locations,"
        " upload the integration test numbers with your own calling profile, and assign them to the users.",
        "You, in your network: route calls between service verification numbers back to Microsoft, and route the"
        " integration test numbers like your customers'.",
        "You and the onboarding team: go through the integration test plan. You, or your vendor, change the session"
        " border controller.",
        "You: prove BFD where you peer, run the failover test, and validate emergency calls with the onboarding team.",
        "You: have your press release, landing page and logos approved by Microsoft Teams.",
        "You: agree with the onboarding team on how to reach Microsoft's support, and monitor your session border"
        " controller yourself.",
        "You: prove your API integration (consents, number upload, unassignment, release). After the launch the portal"
        " is not to be used for provisioning.",
        "The onboarding team: tests synthetically, for at least 7 days.",
        "The onboarding team: schedules the launch; ask at least 2 weeks ahead, for one of the month's dates.",
    ),
    afterwards_page=(
        "https://learn.microsoft.com/azure/communications-gateway/prepare-for-live-traffic-operator-connect"
    ),
    caller="the calling application",
)


class SessionBorderControllerRequest(OnboardingRequest):
    """The onboarding of one domain with its trunks."""

    words: ClassVar[KindWords] = SBC_WORDS
    caseless: ClassVar[frozenset[str]] = OnboardingRequest.caseless | {"application.clientId"}

    gateway: SessionBorderController
    application: CallingApplication
    """Who calls the Operator Connect API."""
    peerings: tuple[Annotated[str, StringConstraints(pattern=patterns.PEERING_ID)], ...] = Field(
        default=(), max_length=MOST_PEERINGS
    )
    """Resource ids of Microsoft.Peering/peerings that voice traffic comes over; none: they are not looked at."""
    dns: DnsPublishing
    """Who publishes the TXT record that proves the domain."""
    certificate: CertificateChain | None = None
    """The certificates of the trunks, as PEM text; looked at over TLS when left out."""

    @classmethod
    def between_fields(cls, body: Any) -> Iterator[Reason]:
        """Names of trunks below the domain, each once; each role and each peering once."""
        asked = body if isinstance(body, dict) else {}
        yield from trunk_reasons(asked.get("gateway"))
        application = asked.get("application")
        roles = application.get("roles") if isinstance(application, dict) else None
        yield from _each_once(roles, "application.roles")
        yield from _each_once(asked.get("peerings"), "peerings")
        yield from publishing_reasons(asked.get("dns"), "dns")

    def plan(self) -> tuple[NewStep, ...]:
        """Applications, people, domain and network go side by side, and meet at `add-trunks`."""
        onboarded = ONBOARDED_ALREADY_WITH_SBC if self.already_onboarded else None
        told = "publish-txt-record" if self.dns.by_us else "share-txt-record"
        zone = Party.OPERATOR if self.dns.by_us else Party.DNS_OWNER
        runs_it = Party.VENDOR if self.gateway.hosting is Hosting.VENDOR else Party.OPERATOR

        def step(
            name: str, *needs: str, left_out_because: str | None = None, waits_on: Party | None = None
        ) -> NewStep:
            return LIBRARY[name].planned(*needs, left_out_because=left_out_because, waits_on=waits_on)

        return (
            step("find-application"),
            step("add-project-synergy", left_out_because=onboarded),
            step("assign-admin-user", "add-project-synergy", left_out_because=onboarded),
            step("assign-application-roles", "find-application", "add-project-synergy"),
            step("programme-agreement", left_out_because=onboarded),
            step("operator-information", "programme-agreement", "assign-admin-user", left_out_because=onboarded),
            step("portal-access", "operator-information", "assign-admin-user"),
            step("add-application-ids", "portal-access", "assign-application-roles"),
            step("add-domain"),
            step(told, "add-domain"),
            step("txt-record-visible", told, waits_on=zone),
            step("verify-domain", "txt-record-visible"),
            step("trunk-names-resolve", waits_on=runs_it),
            step("check-certificate", "trunk-names-resolve"),
            step("trust-microsoft-roots", waits_on=runs_it),
            step("peering-ready", left_out_because=None if self.peerings else NO_PEERINGS),
            step(
                "add-trunks",
                "portal-access",
                "verify-domain",
                "check-certificate",
                "trust-microsoft-roots",
                "peering-ready",
            ),
            step("set-calling-profiles", "add-trunks"),
            step("trunks-validated", "set-calling-profiles", "add-application-ids"),
        )

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        return (*super().facts, ("Domain", self.gateway.domain))

    @property
    def domain_to_verify(self) -> str | None:
        return self.gateway.domain

    @property
    def client_id(self) -> str | None:
        return self.application.client_id

    @property
    def application_roles(self) -> tuple[str, ...]:
        return self.application.roles

    @property
    def publishing(self) -> DnsPublishing | None:
        return self.dns

    @property
    def txt_record_for(self) -> OnboardingTeam:
        """The zone's owner; where this application publishes it, whoever looks after the zone is not known by name."""
        owner = self.dns.owner
        return OnboardingTeam.model_construct(name=owner.name, email=owner.email) if owner else self.onboarding_team

    @property
    def trunk_addresses(self) -> tuple[tuple[str, int], ...]:
        return tuple((trunk.fqdn, trunk.port) for trunk in self.gateway.trunks)

    @property
    def certificate_text(self) -> str | None:
        return self.certificate

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self._trunk_warnings(), *self._line_warnings())

    def _trunk_warnings(self) -> Iterator[str]:
        trunks = self.gateway.trunks
        regions = {trunk.region.strip().lower() for trunk in trunks}
        if len(trunks) < USUAL_TRUNKS:
            yield (
                f"The request names one trunk ({trunks[0].fqdn}). A calling profile needs at least {USUAL_TRUNKS}, so"
                " that calls go on when one fails. If there will be another, cancel, and post the request with both."
            )
        elif len(regions) == 1 and self.environment is not Environment.LAB:
            yield (
                f"All {len(trunks)} trunks are in one region ({trunks[0].region}). The programmes ask for two regions"
                " that are active side by side: agree with the onboarding team if there is but one."
            )

    def _line_warnings(self) -> Iterator[str]:
        facts = outside_facts()
        usual = facts.verification_lines_lab if self.environment is Environment.LAB else facts.verification_lines
        for service in self.selected:
            if usual and (count := len(self.lines_of(service))) != usual:
                yield (
                    f"The request names {count} service verification lines for {service.label}; {usual} are usual (the"
                    " retired gateway needed 6, and 3 in a lab): have the onboarding team confirm how many it wants."
                )


def _each_once(values: Any, path: str) -> Iterator[Reason]:
    seen: dict[str, str] = {}
    for i, value in enumerate(values if isinstance(values, list) and len(values) <= MOST_PEERINGS else []):
        if isinstance(value, str):
            first = seen.setdefault(value.lower(), f"{path}[{i}]")
            if first != f"{path}[{i}]":
                yield Reason(f"{path}[{i}]", "once", as_answered(value), f"stands at {first} too")
