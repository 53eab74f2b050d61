"""`assign-application-roles`: whoever calls the Operator Connect API holds the roles of Project Synergy for that.

The gateway's own identity, with the article's seven roles; or the request's application, with the roles it names.
Whoever may request an onboarding could so give roles to any application. So somebody else says yes to that very one,
unless it is on the list of those permitted.

Source: article, "Set up application roles for Azure Communications Gateway".
"""

from __future__ import annotations

from collections.abc import Sequence

from onboarding.azure.calls import grant_call
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.core.proposal import Call, Change, ValueChange
from onboarding.core.record import Record
from onboarding.ports import Principal, RoleStanding, ServicePrincipal
from onboarding.steps.add_project_synergy import ProjectSynergyFound
from onboarding.steps.app_roles import expect_application, find_role, role_differences
from onboarding.steps.base import Applied, Consent, Inspection, Work, plural
from onboarding.steps.definition import Definition
from onboarding.steps.find_application import calling_application, whoever_calls
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID


class RolesFound(ProjectSynergyFound):
    """Of the roles, as this tenant has them."""

    role_differences: tuple[str, ...] = ()
    """App roles whose id in the tenant isn't the article's."""

    def remarks(self) -> tuple[str, tuple[str, ...]] | None:
        differ = self.role_differences
        return ("App roles whose id is not the article's", differ) if differ else None


class AssignApplicationRoles:
    """It holds these roles, and no other by us."""

    async def inspect(self, work: Work) -> Inspection:
        caller = await calling_application(work)
        principal_id, who = caller.id, work.request.words.caller
        standing = await work.world.directory.role_standing(
            Principal("servicePrincipals", principal_id), PROJECT_SYNERGY_APP_ID
        )
        application = expect_application(work, standing)
        if standing.principal_id is None:
            raise TryLaterError(
                ProblemCode.NOT_REPLICATED, f"Microsoft Entra does not show {who}'s identity {principal_id} yet."
            )
        roles = [find_role(application, value, for_users=False) for value in work.request.application_roles]
        missing = [role for role in roles if role.id not in standing.held]
        named = f"{caller.display_name} ({caller.app_id}, object id {caller.id})"
        given = [_giving(role.value, named, grant_call(application.id, principal_id, role.id)) for role in missing]
        return Inspection(
            tuple(given),
            f"{who[0].upper()}{who[1:]} holds {len(roles) - len(missing)} of {len(roles)} roles.",
            RolesFound(project_synergy_id=application.id, role_differences=role_differences(roles)),
            (application, principal_id, missing),
            _consent(work, caller, given),
            _surplus(work.request.application_roles, standing, named),
        )

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        application, principal_id, missing = inspection.seen
        await work.world.directory.assign_roles(application, principal_id, [role.id for role in missing])
        given = ", ".join(role.value for role in missing)
        return Applied(f"Gave {work.request.words.caller} {plural(len(missing), 'role')}: {given}.")


def _giving(role: str, who: str, call: Call | None = None) -> Change:
    value = ValueChange(what=f"{role} of {who}", before="not held", after="held")
    return Change(target=who, words=f"assign {role}", values=(value,), call=call, part=role)


def _surplus(wanted: Sequence[str], standing: RoleStanding, who: str) -> tuple[ValueChange, ...]:
    """Roles of Project Synergy that it holds and that the request does not name: somebody else gave them."""
    known = {value.lower() for value in wanted}
    offered = standing.application.app_roles if standing.application else ()
    more = [role for role in offered if role.id in standing.held and role.value.lower() not in known]
    return tuple(ValueChange(what=f"{role.value} of {who}", before="not held", after="held") for role in more)


def _foreseen(record: Record) -> tuple[Change, ...]:
    request = record.request
    return tuple(_giving(role, request.client_id or request.gateway.name) for role in request.application_roles)


def _consent(work: Work, caller: ServicePrincipal, given: Sequence[Change]) -> Consent | None:
    """Of the gateway's own identity Azure says whose it is; an application the request just names."""
    permitted = {client_id.lower() for client_id in work.world.permitted_applications}
    if work.request.client_id is None or not given or caller.app_id.lower() in permitted:
        return None
    return Consent(
        ProblemCode.APPLICATION_NOT_APPROVED,
        f"The request would give roles of Project Synergy to the application '{caller.display_name}' (application id"
        f" {caller.app_id}), which is not among those that this application may give them to by itself. Nothing was"
        " changed.",
        "Somebody with the role Onboarding.Approve, other than whoever requested it, approves the application on the"
        " onboarding's page, if it is the right one; if not, cancel it there. To have an application given its roles"
        " without this, add its application id to ONBOARDING_PERMITTED_APPLICATIONS and retry.",
        tuple(value for change in given for value in change.values),
    )


ASSIGN_APPLICATION_ROLES = Definition(
    "assign-application-roles",
    StepKind.TASK,
    "Give the gateway its application roles",
    "Set up application roles for Azure Communications Gateway",
    task=AssignApplicationRoles(),
    found=RolesFound,
    foreseen=_foreseen,
    shared_with=whoever_calls,
)
