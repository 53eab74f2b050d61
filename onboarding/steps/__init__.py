"""The library of steps: what each does, and what people are told of it. Which an onboarding has, its plan says."""

from __future__ import annotations

from onboarding.core.messages import DEAD_LETTERS_QUEUE, DRIFT_QUEUE, NOTICES_QUEUE, PLANS_QUEUE
from onboarding.core.plan import StepKind
from onboarding.core.record import StepRecord
from onboarding.steps.add_application_ids import ADD_APPLICATION_IDS
from onboarding.steps.add_domain import ADD_DOMAIN
from onboarding.steps.add_project_synergy import ADD_PROJECT_SYNERGY
from onboarding.steps.add_test_lines import ADD_TEST_LINES
from onboarding.steps.add_trunks import ADD_TRUNKS
from onboarding.steps.assign_admin_user import ASSIGN_ADMIN_USER
from onboarding.steps.assign_application_roles import ASSIGN_APPLICATION_ROLES
from onboarding.steps.check_certificate import CHECK_CERTIFICATE
from onboarding.steps.definition import Definition
from onboarding.steps.enable_services import ENABLE_SERVICES
from onboarding.steps.find_application import FIND_APPLICATION
from onboarding.steps.find_application_id import FIND_APPLICATION_ID
from onboarding.steps.operator_information import OPERATOR_INFORMATION
from onboarding.steps.peering_ready import PEERING_READY
from onboarding.steps.portal_access import PORTAL_ACCESS
from onboarding.steps.programme_agreement import PROGRAMME_AGREEMENT
from onboarding.steps.provisioning_complete import PROVISIONING_COMPLETE
from onboarding.steps.publish_txt_record import PUBLISH_TXT_RECORD
from onboarding.steps.set_calling_profiles import SET_CALLING_PROFILES
from onboarding.steps.share_txt_record import SHARE_TXT_RECORD
from onboarding.steps.trunk_names_resolve import TRUNK_NAMES_RESOLVE
from onboarding.steps.trunks_validated import TRUNKS_VALIDATED
from onboarding.steps.trust_microsoft_roots import TRUST_MICROSOFT_ROOTS
from onboarding.steps.txt_record_visible import TXT_RECORD_VISIBLE
from onboarding.steps.unknown import unknown_step
from onboarding.steps.verify_domain import VERIFY_DOMAIN

LIBRARY: dict[str, Definition] = {
    definition.name: definition
    for definition in (
        ENABLE_SERVICES,
        ADD_TEST_LINES,
        PROVISIONING_COMPLETE,
        ADD_PROJECT_SYNERGY,
        ASSIGN_ADMIN_USER,
        FIND_APPLICATION_ID,
        FIND_APPLICATION,
        ASSIGN_APPLICATION_ROLES,
        PROGRAMME_AGREEMENT,
        OPERATOR_INFORMATION,
        PORTAL_ACCESS,
        ADD_APPLICATION_IDS,
        ADD_DOMAIN,
        PUBLISH_TXT_RECORD,
        SHARE_TXT_RECORD,
        TXT_RECORD_VISIBLE,
        VERIFY_DOMAIN,
        TRUNK_NAMES_RESOLVE,
        CHECK_CERTIFICATE,
        TRUST_MICROSOFT_ROOTS,
        PEERING_READY,
        ADD_TRUNKS,
        SET_CALLING_PROFILES,
        TRUNKS_VALIDATED,
    )
}
"""By name, in the order in which people read them."""

TASKS: tuple[Definition, ...] = tuple(d for d in LIBRARY.values() if d.kind is StepKind.TASK)
"""Each has a queue and a function, named like it."""
QUEUES: tuple[str, ...] = (*(task.name for task in TASKS), NOTICES_QUEUE, PLANS_QUEUE, DRIFT_QUEUE, DEAD_LETTERS_QUEUE)


def definition_of(step: StepRecord) -> Definition:
    """What a step of a record is; one that this version of the application does not know stands for itself."""
    return LIBRARY.get(step.plan.definition) or unknown_step(step.plan)
