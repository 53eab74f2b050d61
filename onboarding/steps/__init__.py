"""What each step reads and makes true. `TASK_STEPS` and `WAIT_STEPS` are looked up by the step's name."""

from __future__ import annotations

from collections.abc import Mapping

from onboarding.steps.add_test_lines import AddTestLines
from onboarding.steps.admin_user import AssignAdminUser
from onboarding.steps.application_id import FindApplicationId
from onboarding.steps.application_roles import AssignApplicationRoles
from onboarding.steps.base import Task, Wait
from onboarding.steps.domain import AddDomain, VerifyDomain
from onboarding.steps.enable_services import EnableServices
from onboarding.steps.project_synergy import AddProjectSynergy
from onboarding.steps.provisioning_complete import ProvisioningComplete
from onboarding.steps.txt_record import ShareTxtRecord, TxtRecordVisible

TASK_STEPS: Mapping[str, Task] = {
    "enable-services": EnableServices(),
    "add-test-lines": AddTestLines(),
    "add-project-synergy": AddProjectSynergy(),
    "assign-admin-user": AssignAdminUser(),
    "find-application-id": FindApplicationId(),
    "assign-application-roles": AssignApplicationRoles(),
    "add-domain": AddDomain(),
    "share-txt-record": ShareTxtRecord(),
    "verify-domain": VerifyDomain(),
}

WAIT_STEPS: Mapping[str, Wait] = {
    "provisioning-complete": ProvisioningComplete(),
    "txt-record-visible": TxtRecordVisible(),
}
