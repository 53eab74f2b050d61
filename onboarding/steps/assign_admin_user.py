"""`assign-admin-user`: the request's user holds the role Admin of Project Synergy.

Whoever may request an onboarding could so make anybody an Admin. So somebody else says yes to that very account, unless
the user is on the list of those permitted.

Source: article, "Assign an Admin user to the Project Synergy application".
"""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from onboarding.azure.calls import grant_call
from onboarding.azure.plain import one_line
from onboarding.core.email_address import email_problem
from onboarding.core.parts import ObjectId, kept_as
from onboarding.core.patterns import EMAIL
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.proposal import Call, Change, ValueChange
from onboarding.core.record import Record
from onboarding.ports import Principal, RoleStanding
from onboarding.steps.app_roles import expect_application, expect_enabled, find_role
from onboarding.steps.base import Applied, Consent, Inspection, Work
from onboarding.steps.definition import Definition, Findings
from onboarding.steps.operator_connect import ADMIN_ROLE, ONBOARDED_ALREADY, PROJECT_SYNERGY_APP_ID

PERSON_NAME_LENGTH = 100
"""Characters of a person's name that are kept."""


class AdminUserFound(Findings):
    """Who it is."""

    admin_user_id: ObjectId | None = None
    """Object id in the tenant."""
    admin_user_name: Annotated[str, StringConstraints(max_length=PERSON_NAME_LENGTH)] | None = None
    """As people know them."""
    admin_user_mail: Annotated[str, kept_as(EMAIL)] | None = None
    """Where they are written to."""


def admin_user_findings(record: Record) -> AdminUserFound:
    """What is known of the admin user."""
    step = record.of("assign-admin-user")
    return AdminUserFound.model_validate(step.found) if step else AdminUserFound()


class AssignAdminUser:
    """The request's user is found by user principal name or object id."""

    async def inspect(self, work: Work) -> Inspection:
        user = work.request.admin_user
        standing = await work.world.directory.role_standing(Principal("users", user), PROJECT_SYNERGY_APP_ID)
        application = expect_application(work, standing)
        if standing.principal_id is None:
            raise admin_user_unknown(work.request.admin_user)
        expect_enabled(
            standing.principal_enabled,
            f"The admin user of the request (object id {standing.principal_id})",
            WHERE_USERS_ARE_ENABLED,
        )
        role = find_role(application, ADMIN_ROLE, for_users=True)
        found = _found(standing)
        if role.id in standing.held:
            return Inspection((), "The admin user holds the role Admin.", found)
        granting = grant_call(application.id, standing.principal_id, role.id)
        given = _giving(work.request.admin_user, standing.principal_id, granting)
        return Inspection(
            (given,),
            "The admin user does not hold the role Admin.",
            found,
            (application, role, standing),
            _consent(work, standing.principal_id, given),
        )

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        application, role, standing = inspection.seen
        await work.world.directory.assign_roles(application, standing.principal_id, [role.id])
        return Applied("Gave the admin user the role Admin of Project Synergy.")


def _found(standing: RoleStanding) -> AdminUserFound:
    """An address that no e-mail can be sent to is none."""
    name = one_line(standing.name or "")[:PERSON_NAME_LENGTH].strip()
    mail = standing.mail if standing.mail and email_problem(standing.mail) is None else None
    return AdminUserFound(
        admin_user_id=standing.principal_id, admin_user_name=name or None, admin_user_mail=mail
    )


WHERE_USERS_ARE_ENABLED = "Users, this user, Properties: 'Account enabled'"


def admin_user_unknown(user: str) -> PersonMustActError:
    """The tenant has no such user."""
    return PersonMustActError(
        ProblemCode.ADMIN_USER_UNKNOWN,
        "The admin user of the request is no user of this tenant.",
        f"Create or invite {user}, or cancel and post the request with another adminUser (user principal name or"
        " object id); then retry this step.",
    )


def _giving(user: str, user_id: str | None = None, call: Call | None = None) -> Change:
    who = f"{user} (object id {user_id})" if user_id else user
    admin = ValueChange(what=who, before="no Admin", after="Admin of Project Synergy (Operator Connect)")
    return Change(target="the admin user", words="give the admin user the role Admin", values=(admin,), call=call)


def _foreseen(record: Record) -> tuple[Change, ...]:
    return (_giving(record.request.admin_user),)


def _consent(work: Work, user_id: str, given: Change) -> Consent | None:
    user = work.request.admin_user
    permitted = {name.lower() for name in work.world.permitted_admin_users}
    if permitted & {user.lower(), user_id.lower()}:
        return None
    return Consent(
        ProblemCode.ADMIN_USER_NOT_APPROVED,
        f"The request would make its admin user (object id {user_id}) an Admin of Project Synergy. That user is not"
        " among those whom this application may make one by itself. Nothing was changed.",
        "Somebody with the role Onboarding.Approve, other than whoever requested it, approves the user on the"
        " onboarding's page, if it is the right one; if not, cancel it there. To have a user made Admin without this,"
        " add them to ONBOARDING_PERMITTED_ADMIN_USERS and retry.",
        given.values,
    )


ASSIGN_ADMIN_USER = Definition(
    "assign-admin-user",
    StepKind.TASK,
    "Give the admin user the Admin role",
    "Assign an Admin user to the Project Synergy application",
    task=AssignAdminUser(),
    found=AdminUserFound,
    foreseen=_foreseen,
    may_be_skipped_when=ONBOARDED_ALREADY,
    shared_with=lambda record: "all onboardings of this tenant that name the same admin user",
)
