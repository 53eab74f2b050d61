"""What people outside the tenant read of a step: what is asked of them, politely, and nothing internal. Pure."""

from __future__ import annotations

from onboarding.core.instructions import Instructions
from onboarding.core.record import Record, StepRecord
from onboarding.notices.occasions import Occasion
from onboarding.steps import definition_of

_ANSWER = "Open the page below and confirm; if something stands in the way, report a problem there instead."
_ON_THE_PAGE = "Then confirm below, or tell us there what stands in the way."
_ONCE = "The page is for you alone: it works once, for this step only, so please do not forward the link."


def outside_why(occasion: Occasion, record: Record, asked: str) -> tuple[str, ...]:
    """Why they are told; `asked` is the name of whoever is."""
    request = record.request
    services = " and ".join(service.label for service in request.selected)
    context = f"The operator of the {request.words.noun} {request.gateway.name} is connecting it to {services}."
    return f"Dear {asked},", f"{context} {occasion.outside_why}"


def outside_actions(occasion: Occasion, step: StepRecord | None) -> tuple[str, ...]:
    """What is asked of them."""
    if step and occasion.asks:
        return (*definition_of(step).asks_outside, _ANSWER, _ONCE)
    shown = (*definition_of(step).seen_outside(step), *definition_of(step).asks_outside) if step else ()
    return shown if occasion.shows and shown else occasion.outside_actions


def outside_instructions(record: Record, step: StepRecord) -> Instructions:
    """What their page asks of them, in place of what the operator's people do."""
    return Instructions((*definition_of(step).asks_outside, _ON_THE_PAGE), definition_of(step).values_outside(record))


def outside_values(record: Record, step: StepRecord | None) -> tuple[tuple[str, str], ...]:
    """What they need to copy: the TXT record, at the steps that are about it."""
    return tuple((v.label, v.text) for v in definition_of(step).values_outside(record)) if step else ()
