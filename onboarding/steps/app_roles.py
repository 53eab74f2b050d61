"""App roles of Project Synergy, found by value: the tenant's ids are the truth, the article's only a hint."""

from __future__ import annotations

from onboarding.core.events import APPLICATION
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, TryLaterError
from onboarding.core.record import StepState
from onboarding.ports import AppRole, RoleStanding, ServicePrincipal
from onboarding.steps.base import Work
from onboarding.steps.operator_connect import APPLICATION_ROLES, PROJECT_SYNERGY_APP_ID


def expect_application(work: Work, standing: RoleStanding) -> ServicePrincipal:
    """Project Synergy, or why it isn't there, or can't be used."""
    if standing.application is not None:
        expect_synergy_enabled(standing.application)
        return standing.application
    adding = work.record.of("add-project-synergy")
    skipped = adding is not None and adding.state is StepState.SKIPPED
    if adding and skipped and adding.ended_by not in (None, APPLICATION):
        raise PersonMustActError(
            ProblemCode.PROJECT_SYNERGY_MISSING,
            f"This tenant has no Project Synergy application (app id {PROJECT_SYNERGY_APP_ID}); the step"
            f" 'add-project-synergy', which adds it, was skipped by {adding.ended_by}.",
            "Reopen 'add-project-synergy'; or, if somebody added it by hand just now, retry this step in a minute.",
        )
    if skipped:
        raise PersonMustActError(
            ProblemCode.PROJECT_SYNERGY_MISSING,
            "The request says that the operator is onboarded already, but this tenant has no Project Synergy"
            f" application (app id {PROJECT_SYNERGY_APP_ID}).",
            "Check that this is the tenant that was onboarded. If the operator is not onboarded yet, cancel and post"
            ' the request with "alreadyOnboarded": false.',
        )
    raise TryLaterError(ProblemCode.NOT_REPLICATED, "Microsoft Entra does not show Project Synergy yet.")


def expect_synergy_enabled(application: ServicePrincipal) -> None:
    """Raises PersonMustActError when Project Synergy is switched off: nobody could sign in to it, roles or not."""
    expect_enabled(
        application.enabled,
        f"Project Synergy ('{application.display_name}', app id {PROJECT_SYNERGY_APP_ID})",
        f"Enterprise applications, {application.display_name}, Properties: 'Enabled for users to sign in?'",
    )


def expect_enabled(enabled: bool | None, who: str, where: str) -> None:
    """Raises PersonMustActError when it is known that an account is switched off."""
    if enabled is not False:
        return
    raise PersonMustActError(
        ProblemCode.ACCOUNT_DISABLED,
        f"{who} is disabled in Microsoft Entra (accountEnabled is false), so what needs it would fail later.",
        f"Find out who disabled it, and why. If it is to be used, enable it in the Microsoft Entra admin center"
        f" ({where}); then retry this step.",
    )


def find_role(application: ServicePrincipal, value: str, *, for_users: bool) -> AppRole:
    """The role with that value among those the application offers to users or to applications.

    Raises PersonMustActError when it offers none.
    """
    for role in application.app_roles:
        if (role.for_users if for_users else role.for_applications) and value.lower() in (
            role.value.lower(),
            role.display_name.lower(),
        ):
            return role
    offered = ", ".join(sorted(r.value for r in application.app_roles)) or "none"
    raise PersonMustActError(
        ProblemCode.ROLE_NOT_OFFERED,
        f"Project Synergy offers {'users' if for_users else 'applications'} no role '{value}' in this tenant;"
        f" its roles are: {offered}.",
        "Ask your onboarding team which role replaces it.",
    )


def role_differences(roles: list[AppRole]) -> tuple[str, ...]:
    """Roles whose id in the tenant isn't the article's. The tenant's is used; people may want to know."""
    article = {value.lower(): (value, role_id) for value, role_id in APPLICATION_ROLES.items()}
    return tuple(
        f"{role.value}: {role.id} in the tenant, {article[role.value.lower()][1]} in the article"
        for role in roles
        if role.value.lower() in article and article[role.value.lower()][1] != role.id.lower()
    )
