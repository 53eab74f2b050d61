"""`assign-application-roles`: the gateway's identity holds the seven roles of Project Synergy.

Source: article, "Set up application roles for Azure Communications Gateway".
"""

from __future__ import annotations

from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.ports import Principal
from onboarding.steps.add_project_synergy import ProjectSynergyFound
from onboarding.steps.app_roles import expect_application, find_role, role_differences
from onboarding.steps.base import Applied, Inspection, Work, plural
from onboarding.steps.definition import Definition
from onboarding.steps.find_application_id import identity_of
from onboarding.steps.operator_connect import APPLICATION_ROLES, PROJECT_SYNERGY_APP_ID


class RolesFound(ProjectSynergyFound):
    """Of the roles, as this tenant has them."""

    role_differences: tuple[str, ...] = ()
    """App roles whose id in the tenant isn't the article's."""

    def remarks(self) -> tuple[str, tuple[str, ...]] | None:
        differ = self.role_differences
        return ("App roles whose id is not the article's", differ) if differ else None


class AssignApplicationRoles:
    """The gateway's identity holds the seven roles, and no other by us."""

    async def inspect(self, work: Work) -> Inspection:
        principal_id = (await identity_of(work)).id
        standing = await work.world.directory.role_standing(
            Principal("servicePrincipals", principal_id), PROJECT_SYNERGY_APP_ID
        )
        application = expect_application(work, standing)
        if standing.principal_id is None:
            raise TryLaterError(
                ProblemCode.NOT_REPLICATED, f"Microsoft Entra does not show the gateway's identity {principal_id} yet."
            )
        roles = [find_role(application, value, for_users=False) for value in APPLICATION_ROLES]
        missing = [role for role in roles if role.id not in standing.held]
        return Inspection(
            tuple(f"assign {role.value}" for role in missing),
            f"The gateway holds {len(roles) - len(missing)} of {len(roles)} roles.",
            RolesFound(project_synergy_id=application.id, role_differences=role_differences(roles)),
            (application, principal_id, missing),
        )

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        application, principal_id, missing = inspection.seen
        await work.world.directory.assign_roles(application, principal_id, [role.id for role in missing])
        return Applied(f"Gave the gateway {plural(len(missing), 'role')}: {', '.join(r.value for r in missing)}.")


ASSIGN_APPLICATION_ROLES = Definition(
    "assign-application-roles",
    StepKind.TASK,
    "Give the gateway its seven application roles",
    "Set up application roles for Azure Communications Gateway",
    task=AssignApplicationRoles(),
    found=RolesFound,
)
