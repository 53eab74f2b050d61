"""`programme-agreement`: the operator is in the programme: agreement, partner, specifications.

Source: azure-docs, articles/communications-gateway/onboarding.md and interoperability-operator-connect.md. Whom to
write to is published nowhere now; that is a contact of the request.
"""

from __future__ import annotations

from onboarding.core.answers import AnswerKind, Field
from onboarding.core.instructions import Instructions
from onboarding.core.plan import DAY, Party, StepKind
from onboarding.core.record import Record
from onboarding.steps.definition import Definition
from onboarding.steps.operator_connect import ASK_EVIDENCE, ONBOARDED_ALREADY


def _instructions(record: Record) -> Instructions:
    services = " and ".join(service.label for service in record.request.selected)
    team = record.request.onboarding_team.name
    return Instructions(
        (
            f"See that your company has signed Microsoft's agreement for {services}.",
            f"Agree with {team}, or another partner, on who guides the onboarding: with the retired gateway Microsoft"
            " did so without charge; since then it is arranged with Microsoft's sales or with a partner.",
            "Have the programme's specifications: network connectivity, operational excellence, the onboarding form and"
            " the test plan. They are given under non-disclosure, and say more than is public.",
            "See that your session border controller, with its software's major version, is on Microsoft's list of"
            f" certified ones; if in doubt, ask {team}.",
            "Confirm this step.",
        )
    )


PROGRAMME_AGREEMENT = Definition(
    "programme-agreement",
    StepKind.CHECKPOINT,
    "Have the programme's agreement, partner and specifications",
    "",
    Party.OPERATOR,
    confirmable=True,
    usual=14 * DAY,
    may_be_skipped_when=ONBOARDED_ALREADY,
    instructions=_instructions,
    asks=(
        Field(
            "agreedOn",
            "Date of the agreement",
            AnswerKind.DATE,
            hint="When the agreement was signed.",
            ahead=0,
        ),
        ASK_EVIDENCE,
    ),
)
