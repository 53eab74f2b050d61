"""`add-project-synergy`: Microsoft's application Project Synergy is in the tenant.

Source: article, "Add the Project Synergy application to your Azure tenant".
"""

from __future__ import annotations

from onboarding.azure.calls import add_application_call
from onboarding.azure.permissions import ADD_PROJECT_SYNERGY_COMMAND, ProjectSynergyBy
from onboarding.core.instructions import Value
from onboarding.core.parts import ObjectId
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.proposal import Change, ValueChange
from onboarding.steps.app_roles import expect_synergy_enabled
from onboarding.steps.base import Applied, Inspection, Work
from onboarding.steps.definition import Definition, Findings
from onboarding.steps.operator_connect import (
    ONBOARDED_ALREADY,
    PROJECT_SYNERGY_APP_ID,
    PROJECT_SYNERGY_DISPLAY_NAME,
)


class ProjectSynergyFound(Findings):
    """Microsoft's application in the tenant."""

    project_synergy_id: ObjectId | None = None
    """Object id of its service principal."""

    def values(self) -> tuple[Value, ...]:
        known = self.project_synergy_id
        return (Value("Object id of Project Synergy", known),) if known else ()


class AddProjectSynergy:
    """The tenant has a service principal of Microsoft's application: we add it, or an administrator has."""

    async def inspect(self, work: Work) -> Inspection:
        found = await work.world.directory.application(PROJECT_SYNERGY_APP_ID)
        if found is None and work.world.project_synergy_by is ProjectSynergyBy.ADMINISTRATOR:
            raise PersonMustActError(
                ProblemCode.PROJECT_SYNERGY_MISSING,
                f"The tenant has no Project Synergy application (app id {PROJECT_SYNERGY_APP_ID}), and this application"
                " may not add it (ONBOARDING_PROJECT_SYNERGY_BY is administrator).",
                f"As a Cloud Application Administrator of the tenant, run `{ADD_PROJECT_SYNERGY_COMMAND}` (or"
                " add-project-synergy.ps1 beside it) once, then retry this step in a minute.",
            )
        if found is None:
            return Inspection((_adding(),), "The tenant has no Project Synergy application.")
        expect_synergy_enabled(found)
        kept = ProjectSynergyFound(project_synergy_id=found.id)
        return Inspection((), f"The tenant has it, as '{found.display_name}'.", kept)

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        made = await work.world.directory.add_application(PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME)
        return Applied(
            f"Added Project Synergy as '{made.display_name}'.", ProjectSynergyFound(project_synergy_id=made.id)
        )


def _adding() -> Change:
    return Change(
        target=f"application {PROJECT_SYNERGY_DISPLAY_NAME}",
        words="add the Project Synergy application",
        values=(
            ValueChange(
                what=f"Service principal of Project Synergy (app id {PROJECT_SYNERGY_APP_ID})",
                before="not in the tenant",
                after=f"in the tenant, as '{PROJECT_SYNERGY_DISPLAY_NAME}'",
            ),
        ),
        call=add_application_call(PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME),
    )


ADD_PROJECT_SYNERGY = Definition(
    "add-project-synergy",
    StepKind.TASK,
    "Add the Project Synergy application",
    "Add the Project Synergy application to your Azure tenant",
    task=AddProjectSynergy(),
    found=ProjectSynergyFound,
    may_be_skipped_when=ONBOARDED_ALREADY,
    shared_with=lambda record: "all onboardings of this tenant, and whatever else it does with Operator Connect",
)
