"""`find-application-id`: the application id of the gateway's managed identity.

Source: article, "Find the Application ID for your Azure Communication Gateway resource".
"""

from __future__ import annotations

from onboarding.core.instructions import Value
from onboarding.core.parts import ObjectId
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, TryLaterError
from onboarding.core.record import Record
from onboarding.ports import ServicePrincipal
from onboarding.steps.app_roles import expect_enabled
from onboarding.steps.base import Applied, Inspection, Work
from onboarding.steps.definition import Definition, Findings
from onboarding.steps.gateway_resource import gateway_of
from onboarding.steps.operator_connect import AZURE_COMMUNICATIONS_GATEWAY_APP_ID


class ApplicationFound(Findings):
    """The gateway's application."""

    gateway_principal_id: ObjectId | None = None
    """Object id of the gateway's managed identity, from ARM."""
    application_id: ObjectId | None = None
    """Of that identity: entered in the Operator Connect portal."""

    def values(self) -> tuple[Value, ...]:
        named = (
            ("Application id of the gateway", self.application_id),
            (
                "Application id of AzureCommunicationsGateway",
                self.application_id and AZURE_COMMUNICATIONS_GATEWAY_APP_ID,
            ),
            ("Object id of the gateway's identity", self.gateway_principal_id),
        )
        return tuple(Value(label, text) for label, text in named if text)


def application_findings(record: Record) -> ApplicationFound:
    """What is known of the gateway's application by now."""
    step = record.of("find-application-id")
    return ApplicationFound.model_validate(step.found if step else {})


async def identity_of(work: Work) -> ServicePrincipal:
    """The gateway's identity in Entra: the one that ARM names now, and that is called like the gateway.

    Raises PersonMustActError when the gateway has none, or it is called otherwise or is disabled; TryLaterError while
    Entra does not show it.
    """
    gateway = await gateway_of(work)
    if gateway.principal_id is None:
        raise PersonMustActError(
            ProblemCode.GATEWAY_WITHOUT_IDENTITY,
            "The gateway resource has no system-assigned managed identity (identity.principalId is empty).",
            "Turn on the system-assigned identity on the gateway's Identity page, then retry this step.",
        )
    identity = await work.world.directory.service_principal(gateway.principal_id)
    if identity is None:
        raise TryLaterError(
            ProblemCode.NOT_REPLICATED,
            f"Microsoft Entra does not show the gateway's identity {gateway.principal_id} yet.",
        )
    expected = work.request.gateway.name
    if identity.display_name.lower() != expected.lower():
        raise PersonMustActError(
            ProblemCode.IDENTITY_NAME_DIFFERS,
            f"The gateway's identity is called '{identity.display_name}' in Microsoft Entra; expected '{expected}'.",
            "Check that the resource is the one to onboard. If the identity is right, ask Microsoft's support why"
            " its name differs; then retry this step.",
        )
    expect_enabled(
        identity.enabled,
        f"The gateway's identity '{identity.display_name}' (object id {identity.id})",
        "Enterprise applications, Managed identities, this one, Properties: 'Enabled for users to sign in?'",
    )
    return identity


class FindApplicationId:
    """It is found by the identity's object id in ARM: display names are not unique. The name is only compared, as
    the article asks.
    """

    async def inspect(self, work: Work) -> Inspection:
        identity = await identity_of(work)
        return Inspection(
            (),
            f"The application id is {identity.app_id}.",
            ApplicationFound(gateway_principal_id=identity.id, application_id=identity.app_id),
        )

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        raise AssertionError("a step that only reads has nothing to apply")


FIND_APPLICATION_ID = Definition(
    "find-application-id",
    StepKind.TASK,
    "Find the gateway's application id",
    "Find the Application ID for your Azure Communication Gateway resource",
    task=FindApplicationId(),
    found=ApplicationFound,
    only_reads=True,
)
