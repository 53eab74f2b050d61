"""`add-application-ids`: the ids of whoever calls the Operator Connect API stand in its portal.

Source: article, "Add the Application IDs for Azure Communications Gateway to Operator Connect"; for an application of
the operator's own, and the 403 without it, its version of 2022 (prepare-to-deploy).
"""

from __future__ import annotations

from onboarding.core.answers import in_one_text
from onboarding.core.instructions import Instructions, Value
from onboarding.core.plan import DAY, Party, StepKind
from onboarding.core.record import Record
from onboarding.steps.definition import Definition
from onboarding.steps.find_application_id import application_findings
from onboarding.steps.operator_connect import (
    ASK_OPERATOR_ID,
    AZURE_COMMUNICATIONS_GATEWAY_APP_ID,
    PORTAL_APPLICATION_IDS,
)


def _instructions(record: Record) -> Instructions:
    client_id = record.request.client_id
    return _of_gateway(record) if client_id is None else _of_application(record, client_id)


def _operator_id(record: Record) -> tuple[Value, ...]:
    """The page shows it too: whether it is the right operator's."""
    operator_id = record.answer(ASK_OPERATOR_ID.name)
    return (Value("Operator ID", in_one_text(operator_id)),) if operator_id else ()


def _of_application(record: Record, client_id: str) -> Instructions:
    return Instructions(
        (
            "Sign in to the Operator Connect portal and open Application Ids.",
            "Add a new Application Id: the one below, of your own application, and no other. Without it, the Operator"
            " Connect API answers your application with 403.",
            "Confirm this step.",
        ),
        values=(Value("Application Id of your application", client_id), *_operator_id(record)),
        pages=(Value("Application Ids in the portal", PORTAL_APPLICATION_IDS),),
        warning=record.request.words.warning,
    )


def _of_gateway(record: Record) -> Instructions:
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
            *_operator_id(record),
        ),
        pages=(Value("Application Ids in the portal", PORTAL_APPLICATION_IDS),),
        warning=record.request.words.warning,
    )


ADD_APPLICATION_IDS = Definition(
    "add-application-ids",
    StepKind.CHECKPOINT,
    "Enter the application ids in the Operator Connect portal",
    "Add the Application IDs for Azure Communications Gateway to Operator Connect",
    Party.ADMIN_USER,
    confirmable=True,
    usual=DAY,
    instructions=_instructions,
)
