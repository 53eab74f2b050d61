"""What whoever is waited on reads of a step by a signed link: what is asked of them, politely, and what to expect.

People outside the tenant read nothing internal, and all of it from their side, in the operator's name. The admin user
is the operator's own: they read what the operator's people do. Pure.
"""

from __future__ import annotations

from datetime import datetime

from onboarding.core.instructions import Instructions
from onboarding.core.record import Record, StepRecord
from onboarding.notices.occasions import Occasion
from onboarding.ports import Sender
from onboarding.steps import definition_of
from onboarding.whom import whom

_ANSWER = "Then open your page below and say that it is done; if something stands in the way, report it there instead."
_ON_THE_PAGE = "Then say below that it is done, or tell us there what stands in the way."
_EASY = "Your page needs no account and no password, and takes a minute."
_REMINDED = "Until you have answered, we send you a reminder now and then."


def good_until_words(end: datetime) -> str:
    """Of a link: until when it is good, and for what."""
    return (
        f"The link is good until {end:%d %B %Y, %H:%M} UTC, for this one question and one answer. Whoever has it can"
        " answer in your place: please do not forward it."
    )


def in_whose_name(record: Record, sender: Sender) -> str:
    """Who connects what: the first that people outside need to know."""
    request = record.request
    services = " and ".join(service.label for service in request.selected)
    what = f"{request.words.noun} {request.gateway.name}"
    if sender.name:
        return f"{sender.name} is connecting its {what} to {services}."
    return f"The operator of the {what} is connecting it to {services}."


def whom_to_ask(sender: Sender) -> str:
    """Whom a question goes to, as the middle of a sentence."""
    if sender.name and sender.contact:
        return f"{sender.name} ({sender.contact})"
    return sender.name or sender.contact or "whoever sent you the link: the operator whose gateway is connected"


def outside_facts_of(record: Record, sender: Sender) -> tuple[tuple[str, str], ...]:
    """Label and text of what every message to them names."""
    told = (("From", sender.name), ("Contact", sender.contact))
    return (*((label, text) for label, text in told if text), *record.request.facts)


def outside_why(occasion: Occasion, record: Record, asked: str, sender: Sender) -> tuple[str, ...]:
    """Why they are told; `asked` is the name of whoever is."""
    return f"Dear {asked},", f"{in_whose_name(record, sender)} {occasion.outside_why}"


def yours_why(record: Record) -> tuple[str, ...]:
    """Why the admin user is told."""
    request = record.request
    services = " and ".join(service.label for service in request.selected)
    return (
        f"You are the admin user of this onboarding: the {request.words.noun} {request.gateway.name} is being connected"
        f" to {services}, and some steps of that are done with your account.",
    )


def outside_actions(occasion: Occasion, step: StepRecord | None) -> tuple[str, ...]:
    """What is asked of them."""
    asks = definition_of(step).outside_of(step).asks if step else ()
    if step and occasion.asks:
        return (*asks, _ANSWER)
    shown = (*definition_of(step).seen_outside(step), *asks) if step else ()
    return shown if occasion.shows and shown else occasion.outside_actions


def outside_expects(occasion: Occasion, step: StepRecord | None, sender: Sender) -> tuple[str, ...]:
    """What to expect, besides."""
    reply = (f"If anything is unclear, answer this message: that goes to {sender.contact}.",) if sender.contact else ()
    if step is None or not (occasion.asks or occasion.shows):
        return reply
    then = definition_of(step).outside_of(step).expects
    return (_EASY, *then, _REMINDED, *reply) if occasion.asks else (*then, *reply)


def please_of(step: StepRecord) -> str:
    """What the holder of a link is asked for, as the title of their page."""
    words = definition_of(step).outside_of(step).please
    return f"Please {words}" if words else definition_of(step).doing(step)


def outside_instructions(record: Record, step: StepRecord) -> Instructions:
    """What the page of a link asks of its holder."""
    definition = definition_of(step)
    if not whom(record, step).is_outside:
        return definition.instructions_at(record, step)
    return Instructions((*definition.outside_of(step).asks, _ON_THE_PAGE), definition.values_outside(record))


def outside_values(record: Record, step: StepRecord | None) -> tuple[tuple[str, str], ...]:
    """What they need to copy: the TXT record, at the steps that are about it."""
    return tuple((v.label, v.text) for v in definition_of(step).values_outside(record)) if step else ()
