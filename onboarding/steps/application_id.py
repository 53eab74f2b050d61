"""`find-application-id`: the application id of the gateway's managed identity.

Source: article, "Find the Application ID for your Azure Communication Gateway resource".
"""

from __future__ import annotations

from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, TryLaterError
from onboarding.steps.base import Applied, Inspection, Work


class FindApplicationId:
    """Task `find-application-id`: of the gateway's managed identity.

    It is found by the identity's object id in ARM: display names are not unique. The name is only compared, as
    the article asks.
    """

    async def inspect(self, work: Work) -> Inspection:
        gateway = await work.gateway()
        if gateway.principal_id is None:
            raise PersonMustActError(
                ProblemCode.GATEWAY_WITHOUT_IDENTITY,
                "The gateway resource has no system-assigned managed identity (identity.principalId is empty).",
                "Turn on the system-assigned identity on the gateway's Identity page, then retry this step.",
            )
        found = await work.world.directory.service_principal(gateway.principal_id)
        if found is None:
            raise TryLaterError(
                ProblemCode.NOT_REPLICATED,
                f"Microsoft Entra does not show the gateway's identity {gateway.principal_id} yet.",
            )
        expected = work.request.gateway.name
        if found.display_name.lower() != expected.lower():
            raise PersonMustActError(
                ProblemCode.IDENTITY_NAME_DIFFERS,
                f"The gateway's identity is called '{found.display_name}' in Microsoft Entra; expected '{expected}'.",
                "Check that the resource is the one to onboard. If the identity is right, ask Microsoft's support why"
                " its name differs; then retry this step.",
            )
        return Inspection(
            (),
            f"The application id is {found.app_id}.",
            {"gateway_principal_id": gateway.principal_id, "application_id": found.app_id},
        )

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        raise AssertionError("a step that only reads has nothing to apply")
