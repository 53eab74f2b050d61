"""`set-calling-profiles`: a calling profile holds the trunks, with emergency strings and test numbers.

Source: vendors' pages on calling profiles (AudioCodes, "Manage Calling Profiles"); Microsoft's are not public.
"""

from __future__ import annotations

from onboarding.core.answers import AnswerKind, Field
from onboarding.core.instructions import Instructions, Value
from onboarding.core.plan import DAY, Party, StepKind
from onboarding.core.record import Record
from onboarding.steps.definition import Definition
from onboarding.steps.operator_connect import PORTAL
from onboarding.steps.session_border_controller import trunk_values, trunks_of

USUAL_TRUNKS = 2
"""Of a calling profile: one takes over when the other fails. A request with fewer is warned of."""


def _instructions(record: Record) -> Instructions:
    regions = list(dict.fromkeys(trunk.region for trunk in trunks_of(record)))
    lines = (
        Value(f"Service verification number ({service.label})", line.phone_number)
        for service in record.request.selected
        for line in record.request.lines_of(service)
    )
    return Instructions(
        (
            "In the Operator Connect portal, make a calling profile, or open the one that is to have the trunks.",
            f"Put the trunks into it: at least {USUAL_TRUNKS}, and at least one for each region"
            f" ({', '.join(regions)}). All of them are in use at a time; when one fails, the others take over.",
            "Enter the emergency dial strings of the countries that it serves.",
            "Enter the test numbers: those for service verification, which are never given to users.",
            "Confirm this step.",
        ),
        values=(*trunk_values(record), *lines),
        pages=(Value("Operator Connect portal", PORTAL),),
        warning=record.request.words.warning,
    )


SET_CALLING_PROFILES = Definition(
    "set-calling-profiles",
    StepKind.CHECKPOINT,
    "Set up the calling profiles in the Operator Connect portal",
    "",
    Party.ADMIN_USER,
    confirmable=True,
    usual=DAY,
    instructions=_instructions,
    asks=(
        Field(
            "callingProfileIds",
            "Ids of the calling profiles",
            AnswerKind.GUID,
            many=True,
            hint="As the portal shows them. Each number that is uploaded later names its profile.",
        ),
    ),
)
