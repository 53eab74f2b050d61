"""`operator-information`: the onboarding team has the operator's form, and confirms that it is onboarded.

Source: article, "Provide additional information to your onboarding team".
"""

from __future__ import annotations

from onboarding.core.answers import AnswerKind, Field
from onboarding.core.instructions import Instructions
from onboarding.core.plan import DAY, Party, StepKind
from onboarding.core.record import Record
from onboarding.steps.definition import Definition
from onboarding.steps.operator_connect import ASK_EVIDENCE, ONBOARDED_ALREADY


def _instructions(record: Record) -> Instructions:
    team = record.request.onboarding_team.name
    return Instructions(
        (
            f"Wait for {team} to send the form for additional information.",
            "Complete the form and give it back to them.",
            "Wait until they confirm that the onboarding process is complete.",
            "Confirm this step.",
        )
    )


OPERATOR_INFORMATION = Definition(
    "operator-information",
    StepKind.CHECKPOINT,
    "Return the onboarding team's form, and have their confirmation",
    "Provide additional information to your onboarding team",
    Party.ONBOARDING_TEAM,
    confirmable=True,
    usual=3 * DAY,
    may_be_skipped_when=ONBOARDED_ALREADY,
    instructions=_instructions,
    asks=(
        Field(
            "confirmedOn",
            "Date of the confirmation",
            AnswerKind.DATE,
            hint="When the onboarding team confirmed that the onboarding process is complete.",
            ahead=0,
        ),
        ASK_EVIDENCE,
    ),
    asks_outside=(
        "Please send the operator the form for additional information, if they do not have it yet.",
        "When they have returned it and the onboarding process is complete on your side, please tell us so:",
    ),
)
