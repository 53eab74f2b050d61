"""`add-trunks`: the trunks stand in the Operator Connect portal.

There is an API for it (TrunkManagement), whose calls are not public, so a person does it. Where in the portal is as
vendors describe it, and may have changed.
"""

from __future__ import annotations

from onboarding.core.instructions import Instructions, Value
from onboarding.core.plan import DAY, Party, StepKind
from onboarding.core.record import Record
from onboarding.steps.definition import Definition
from onboarding.steps.operator_connect import PORTAL
from onboarding.steps.session_border_controller import run_by_vendor, trunk_values


def _instructions(record: Record) -> Instructions:
    vendor = (
        ("If your vendor adds the trunks with its own software, have it use exactly these values, and confirm for it.",)
        if run_by_vendor(record)
        else ()
    )
    return Instructions(
        (
            "Sign in to the Operator Connect portal and open the trunks.",
            "Add each trunk below: the FQDN and the SIP port, as they stand here.",
            *vendor,
            "Confirm this step.",
        ),
        values=trunk_values(record),
        pages=(Value("Operator Connect portal", PORTAL),),
        warning=record.request.words.warning,
    )


ADD_TRUNKS = Definition(
    "add-trunks",
    StepKind.CHECKPOINT,
    "Add the trunks in the Operator Connect portal",
    "",
    Party.ADMIN_USER,
    confirmable=True,
    usual=DAY,
    instructions=_instructions,
)
