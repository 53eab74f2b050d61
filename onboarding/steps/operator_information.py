"""`operator-information`: the onboarding team has the operator's form, and confirms that it is onboarded.

Three turns: they send the form, the operator returns it, they confirm.

Source: article, "Provide additional information to your onboarding team".
"""

from __future__ import annotations

from onboarding.core.answers import AnswerKind, Field
from onboarding.core.instructions import Instructions
from onboarding.core.plan import DAY, Party, StepKind
from onboarding.core.record import Record
from onboarding.steps.definition import Definition, OutsideWords, TurnDefinition
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


def _form_comes(record: Record) -> Instructions:
    team = record.request.onboarding_team.name
    return Instructions(
        (
            f"Wait for {team} to send the form for additional information.",
            "When it is there, and they have not said so themselves, say that it was sent.",
        )
    )


def _form_goes_back(record: Record) -> Instructions:
    team = record.request.onboarding_team.name
    return Instructions((f"Complete the form and give it back to {team}.", "Say that it was returned."))


def _confirmation_comes(record: Record) -> Instructions:
    team = record.request.onboarding_team.name
    return Instructions(
        (f"Wait until {team} confirms that the onboarding process is complete.", "Confirm this step.")
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
    turns=(
        TurnDefinition(
            "form-sent",
            Party.ONBOARDING_TEAM,
            "The onboarding team sends its form",
            "The form was sent",
            _form_comes,
            OutsideWords(
                "send us the form for additional information",
                ("Please send us the form for additional information, if we do not have it yet.",),
                (
                    "We fill the form in and return it to you.",
                    "You then get another message, with another link, which asks you to confirm that we are onboarded.",
                ),
            ),
        ),
        TurnDefinition(
            "form-returned",
            Party.OPERATOR,
            "The form is filled in and returned to the onboarding team",
            "The form was returned",
            _form_goes_back,
        ),
        TurnDefinition(
            "onboarding-confirmed",
            Party.ONBOARDING_TEAM,
            "The onboarding team confirms the onboarding",
            "The onboarding is confirmed",
            _confirmation_comes,
            OutsideWords(
                "confirm that we are onboarded",
                (
                    "Please see that you have our form back, and that nothing in it is missing.",
                    "Please complete the onboarding process on your side.",
                ),
                ("We then go on in the Operator Connect portal by ourselves.",),
            ),
        ),
    ),
    outside=OutsideWords(
        "send us the form for additional information, and confirm that we are onboarded",
        (
            "Please send us the form for additional information, if we do not have it yet.",
            "When we have returned it, please complete the onboarding process on your side.",
        ),
    ),
)
