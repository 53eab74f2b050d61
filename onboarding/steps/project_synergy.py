"""`add-project-synergy`: Microsoft's application Project Synergy is in the tenant.

Source: article, "Add the Project Synergy application to your Azure tenant".
"""

from __future__ import annotations

from onboarding.core.operator_connect import PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME
from onboarding.steps.base import Applied, Inspection, Work


class AddProjectSynergy:
    """Task `add-project-synergy`: the tenant has a service principal of Microsoft's application."""

    async def inspect(self, work: Work) -> Inspection:
        found = await work.world.directory.application(PROJECT_SYNERGY_APP_ID)
        if found is None:
            return Inspection(
                ("add the Project Synergy application",), "The tenant has no Project Synergy application."
            )
        return Inspection((), f"The tenant has it, as '{found.display_name}'.", {"project_synergy_id": found.id})

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        made = await work.world.directory.add_application(PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME)
        return Applied(f"Added Project Synergy as '{made.display_name}'.", {"project_synergy_id": made.id})
