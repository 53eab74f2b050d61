"""`trunks-validated`: Microsoft has validated the trunks of the calling profiles.

Vendors' software reads that state by the Operator Connect API (`validation` of a calling profile), whose calls are not
public: so a person looks at the portal.
"""

from __future__ import annotations

from onboarding.core.answers import AnswerKind, Field
from onboarding.core.instructions import Instructions, Value
from onboarding.core.plan import DAY, Party, StepKind
from onboarding.core.record import Record
from onboarding.steps.definition import Definition
from onboarding.steps.operator_connect import ASK_EVIDENCE, PORTAL
from onboarding.steps.session_border_controller import who_runs_it


def _instructions(record: Record) -> Instructions:
    return Instructions(
        (
            "In the Operator Connect portal, open the calling profile and look at its validation.",
            f"If it fails, go through it with {who_runs_it(record)} and with {record.request.onboarding_team.name}: the"
            " certificate, the root certificates, the firewall and the peering come first.",
            "Confirm this step when the portal shows that it has passed for every service.",
        ),
        pages=(Value("Operator Connect portal", PORTAL),),
        warning=record.request.words.warning,
    )


TRUNKS_VALIDATED = Definition(
    "trunks-validated",
    StepKind.CHECKPOINT,
    "Have the trunks validated by Microsoft",
    "",
    Party.MICROSOFT,
    confirmable=True,
    usual=3 * DAY,
    instructions=_instructions,
    asks=(
        Field(
            "validatedOn",
            "Date of the validation",
            AnswerKind.DATE,
            hint="When the portal showed that it has passed for every service.",
            ahead=0,
        ),
        ASK_EVIDENCE,
    ),
)
