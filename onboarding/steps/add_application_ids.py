"""`add-application-ids`: both application ids stand in the Operator Connect portal.

Source: article, "Add the Application IDs for Azure Communications Gateway to Operator Connect".
"""

from __future__ import annotations

from onboarding.core.answers import in_one_text
from onboarding.core.instructions import Instructions, Value
from onboarding.core.plan import Party, StepKind
from onboarding.core.record import Record
from onboarding.steps.definition import Definition
from onboarding.steps.find_application_id import application_findings
from onboarding.steps.operator_connect import (
    ASK_OPERATOR_ID,
    AZURE_COMMUNICATIONS_GATEWAY_APP_ID,
    PORTAL_APPLICATION_IDS,
)


def _instructions(record: Record) -> Instructions:
    operator_id = record.answer(ASK_OPERATOR_ID.name)
    return Instructions(
        (
            "Sign in to the Operator Connect portal and open Application Ids.",
            "Add a new Application Id: the one of the gateway.",
            "Add a second Application Id: the one of AzureCommunicationsGateway.",
            "Confirm this step.",
        ),
        values=(
            Value("Application Id of the gateway", application_findings(record).application_id or "not found yet"),
            Value("Application Id of AzureCommunicationsGateway", AZURE_COMMUNICATIONS_GATEWAY_APP_ID),
            # The page shows it too: whether it is the right operator's.
            *((Value("Operator ID", in_one_text(operator_id)),) if operator_id else ()),
        ),
        pages=(Value("Application Ids in the portal", PORTAL_APPLICATION_IDS),),
        warning=record.request.words.warning,
    )


ADD_APPLICATION_IDS = Definition(
    "add-application-ids",
    StepKind.CHECKPOINT,
    "Enter both application ids in the Operator Connect portal",
    "Add the Application IDs for Azure Communications Gateway to Operator Connect",
    Party.ADMIN_USER,
    confirmable=True,
    instructions=_instructions,
    asks_outside=(
        "Please help the operator's admin user, if they can't add the Application Ids in the Operator Connect portal.",
    ),
)
