"""The kind `communications-gateway`: Microsoft's own, Azure Communications Gateway, which it retired in 2026.

Source: article "Connect Azure Communications Gateway to Operator Connect or Teams Phone Mobile" and its Prerequisites;
what follows: https://learn.microsoft.com/azure/communications-gateway/prepare-for-live-traffic-operator-connect
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import StringConstraints

from onboarding.azure.gateway_resource import GatewayId
from onboarding.core import patterns
from onboarding.core.parts import DomainName, Guid
from onboarding.core.plan import NewStep
from onboarding.core.reasons import Reason
from onboarding.core.request import Environment, Gateway, KindWords, OnboardingRequest
from onboarding.core.services import Service, chosen
from onboarding.steps import LIBRARY
from onboarding.steps.operator_connect import APPLICATION_ROLES, PORTAL_APPLICATION_IDS

KIND = "communications-gateway"

REQUIRED_TEST_LINES: Mapping[Environment, int] = {Environment.PRODUCTION: 6, Environment.LAB: 3}
"""Service verification lines for each service (article, Prerequisites)."""

ALREADY_ONBOARDED = (
    "The request says that the operator is onboarded already: the article lets such an operator go on at"
    " 'Find the Application ID'."
)

WORDS = KindWords(
    noun="Azure Communications Gateway",
    article="Connect Azure Communications Gateway to Operator Connect or Teams Phone Mobile",
    warning=(
        "Do not change Calling Profiles with a CommsGw suffix, nor trunks whose FQDN ends with .commsgw.azure.com:"
        " Microsoft manages them, and editing them is likely to break your gateway's service."
    ),
    afterwards=(
        f"You: find your Operator ID at {PORTAL_APPLICATION_IDS}; give the onboarding team your company's name, the"
        " Operator ID and the id of your test tenant. They register the test tenant and confirm it.",
        "You, in the test tenant: add your company as operator, create licensed test users with emergency locations,"
        " upload the integration test numbers, and assign them to the users.",
        "You, in your network: route calls between service verification numbers back through the gateway, and route the"
        " integration test numbers like your customers'.",
        "You and the onboarding team: go through the integration test plan. They change the gateway, you change your"
        " own devices.",
        "You: prove BFD, run the failover test, and validate emergency calls with the onboarding team.",
        "You: have your press release, landing page and logos approved by Microsoft Teams.",
        "You: raise a support ticket as a test, and learn to monitor the gateway.",
        "You: prove your API integration (with the Provisioning API it is automatic).",
        "The onboarding team: tests synthetically, for at least 7 days.",
        "The onboarding team: schedules the launch; ask at least 2 weeks ahead, for one of the month's dates.",
    ),
    afterwards_page=(
        "https://learn.microsoft.com/azure/communications-gateway/prepare-for-live-traffic-operator-connect"
    ),
)


class CommunicationsGateway(Gateway):
    """The resource to onboard."""

    kind: Literal["communications-gateway"] = "communications-gateway"
    """Azure Communications Gateway."""
    subscription_id: Guid
    resource_group: Annotated[str, StringConstraints(pattern=patterns.RESOURCE_GROUP)]
    name: Annotated[str, StringConstraints(pattern=patterns.RESOURCE_NAME)]
    """Of the resource."""
    domain: DomainName | None = None
    """The field Domain of the resource's Properties page; found from the resource when left out."""

    @property
    def id(self) -> GatewayId:
        return GatewayId(self.subscription_id, self.resource_group, self.name)

    @property
    def key(self) -> str:
        return self.id.arm_id

    @property
    def onboarding_id(self) -> str:
        return self.id.onboarding_id

    @property
    def place(self) -> tuple[tuple[str, str, str], ...]:
        return (("Resource group", self.resource_group, f"subscription {self.subscription_id}"),)

    @property
    def subscription(self) -> str | None:
        return self.subscription_id.lower()


class CommunicationsGatewayRequest(OnboardingRequest):
    """One gateway's onboarding."""

    words: ClassVar[KindWords] = WORDS
    caseless: ClassVar[frozenset[str]] = OnboardingRequest.caseless | {
        "gateway.subscriptionId",
        "gateway.resourceGroup",
        "gateway.name",
    }

    gateway: CommunicationsGateway
    environment: Environment

    @classmethod
    def between_fields(cls, body: Any) -> Iterator[Reason]:
        """Each service has as many lines as its environment needs, or none."""
        environment = body.get("environment") if isinstance(body, dict) else None
        if not isinstance(environment, str) or environment not in set(Environment):
            return
        required = REQUIRED_TEST_LINES[Environment(environment)]
        for service, settings in chosen(body).items():
            lines = settings.get("testLines")
            if isinstance(lines, list) and lines and len(lines) != required:
                yield Reason(
                    f"services.{service}.testLines",
                    "line_count",
                    len(lines),
                    f"has {len(lines)} lines; a {environment} gateway needs exactly {required} for {service.label}"
                    " (or none, when the service was selected at deployment)",
                )

    def plan(self) -> tuple[NewStep, ...]:
        """The article's steps. Branches run side by side, so the sum of the waits becomes the longest of them."""
        onboarded = ALREADY_ONBOARDED if self.already_onboarded else None

        def step(name: str, *needs: str, left_out_because: str | None = None) -> NewStep:
            return LIBRARY[name].planned(*needs, left_out_because=left_out_because)

        return (
            step("enable-services"),
            step("add-test-lines", "enable-services"),
            step("provisioning-complete", "add-test-lines"),
            step("add-project-synergy", "provisioning-complete", left_out_because=onboarded),
            step("assign-admin-user", "add-project-synergy", left_out_because=onboarded),
            step("find-application-id", "provisioning-complete"),
            step("assign-application-roles", "add-project-synergy", "find-application-id"),
            step("operator-information", "assign-admin-user", left_out_because=onboarded),
            step("portal-access", "operator-information", "assign-admin-user"),
            step("add-application-ids", "portal-access", "assign-application-roles"),
            step("add-domain", "provisioning-complete"),
            step("share-txt-record", "add-domain"),
            step("txt-record-visible", "share-txt-record"),
            step("verify-domain", "txt-record-visible"),
        )

    @property
    def application_roles(self) -> tuple[str, ...]:
        return tuple(APPLICATION_ROLES)

    @property
    def preselected(self) -> tuple[Service, ...]:
        """The services selected when the gateway was deployed: those without test lines here."""
        return tuple(s for s in self.selected if not self.lines_of(s))

    @property
    def lines_required(self) -> int:
        """Automated lines for one service in this environment."""
        return REQUIRED_TEST_LINES[self.environment]
