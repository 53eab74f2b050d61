"""What people outside the tenant read of a step: what is asked of them, politely, and nothing internal. Pure."""

from __future__ import annotations

from typing import assert_never

from onboarding.core.instructions import Instructions
from onboarding.core.notices import NoticeKind
from onboarding.core.record import Record, StepRecord
from onboarding.steps import definition_of

_ASKED = (NoticeKind.CHECKPOINT_OPENED, NoticeKind.REMINDER, NoticeKind.ESCALATION)
"""The occasions on which something is asked of them."""
_ANSWER = "Open the page below and confirm; if something stands in the way, report a problem there instead."
_ON_THE_PAGE = "Then confirm below, or tell us there what stands in the way."
_ONCE = "The page is for you alone: it works once, for this step only, so please do not forward the link."


def outside_title(kind: NoticeKind, record: Record, step: StepRecord | None) -> str:
    """The title."""
    gateway = record.request.gateway.name
    begin = {
        NoticeKind.CHECKPOINT_OPENED: f"{gateway}: we need your help",
        NoticeKind.REMINDER: f"{gateway}: a reminder, we need your help",
        NoticeKind.ESCALATION: f"{gateway}: a reminder, we need your help",
        NoticeKind.NEEDS_ATTENTION: f"{gateway}: a step is delayed",
        NoticeKind.LONG_WAIT: f"{gateway}: a step is delayed",
        NoticeKind.PAUSED: f"{gateway}: the onboarding is delayed",
        NoticeKind.PROBLEM_REPORTED: f"{gateway}: a step is delayed",
        NoticeKind.COMPLETED: f"{gateway} is connected",
        NoticeKind.CANCELLED: f"{gateway}: the onboarding has ended",
    }[kind]
    return f"{begin} — {definition_of(step).title}" if step else begin


def outside_why(kind: NoticeKind, record: Record, step: StepRecord | None) -> tuple[str, ...]:
    """Why they are told."""
    request = record.request
    services = " and ".join(service.label for service in request.selected)
    greeting = f"Dear {request.onboarding_team.name},"
    context = f"The operator of the {request.words.noun} {request.gateway.name} is connecting it to {services}."
    match kind:
        case NoticeKind.CHECKPOINT_OPENED:
            return greeting, f"{context} One step of it needs you, and you can do it now."
        case NoticeKind.REMINDER | NoticeKind.ESCALATION:
            return greeting, f"{context} One step of it still waits for you. Should it be done already, please say so."
        case NoticeKind.NEEDS_ATTENTION | NoticeKind.PROBLEM_REPORTED | NoticeKind.LONG_WAIT | NoticeKind.PAUSED:
            return greeting, f"{context} One step of it is delayed; the operator is looking after it."
        case NoticeKind.COMPLETED:
            return greeting, f"{context} All steps are done. Thank you for your help."
        case NoticeKind.CANCELLED:
            return greeting, f"{context} The operator has ended this onboarding before it was complete."
        case _ as never:
            assert_never(never)


def outside_actions(kind: NoticeKind, record: Record, step: StepRecord | None) -> tuple[str, ...]:
    """What is asked of them."""
    if step and kind in _ASKED:
        return (*definition_of(step).asks_outside, _ANSWER, _ONCE)
    if kind is NoticeKind.COMPLETED:
        return ("Please go on with the operator to prepare for live traffic.",)
    return ("Nothing is needed from you now. The operator will get in touch, should that change.",)


def outside_instructions(record: Record, step: StepRecord) -> Instructions:
    """What their page asks of them, in place of what the operator's people do."""
    return Instructions((*definition_of(step).asks_outside, _ON_THE_PAGE), definition_of(step).values_outside(record))


def outside_values(record: Record, step: StepRecord | None) -> tuple[tuple[str, str], ...]:
    """What they need to copy: the TXT record, at the steps that are about it."""
    return tuple((v.label, v.text) for v in definition_of(step).values_outside(record)) if step else ()
