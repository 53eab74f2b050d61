"""`portal-access`: the admin user can sign in to the Operator Connect portal.

Source: article, "Test your Operator Connect portal access".
"""

from __future__ import annotations

from onboarding.core.instructions import Instructions, Value
from onboarding.core.plan import DAY, Party, StepKind
from onboarding.core.record import Record
from onboarding.steps.definition import Definition
from onboarding.steps.operator_connect import ASK_OPERATOR_ID, PORTAL


def _instructions(record: Record) -> Instructions:
    return Instructions(
        (
            "Open the Operator Connect portal as the admin user.",
            "Check that you can sign in.",
            "Confirm this step.",
        ),
        values=(Value("Admin user", record.request.admin_user),),
        pages=(Value("Operator Connect portal", PORTAL),),
        warning=record.request.words.warning,
    )


PORTAL_ACCESS = Definition(
    "portal-access",
    StepKind.CHECKPOINT,
    "Sign in to the Operator Connect portal",
    "Test your Operator Connect portal access",
    Party.ADMIN_USER,
    confirmable=True,
    usual=DAY,
    instructions=_instructions,
    asks=(ASK_OPERATOR_ID,),
)
