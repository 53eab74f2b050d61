"""A queue message: which step, notice or plan of which onboarding to look at, up to which onboarding to look for drift,
or of which day to send the mail, and a ticket that tells if it is news."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from onboarding.core.events import Effect, LookForDrift, MakePlan, Nudge, NudgeNotice, SendDaily
from onboarding.core.patterns import MESSAGE_SUBJECT, ONBOARDING_ID

_Subject = Annotated[str, StringConstraints(pattern=MESSAGE_SUBJECT)]

CONTENT_TYPE = "application/json"
NOTICES_QUEUE = "notices"
PLANS_QUEUE = "plans"
DRIFT_QUEUE = "drift"
DEAD_LETTERS_QUEUE = "dead-letters"
"""Where every other queue forwards the messages that Service Bus gives up."""
MESSAGE_ID_LENGTH = 128
"""Characters that Service Bus allows in a message id (Microsoft Learn, "Service Bus quotas")."""

AGAIN = 99
"""How often coming too early is counted."""

_HASH_LENGTH = 32


class ForeignMessageError(ValueError):
    """A body that this application did not write: there is nothing to look at, however often it is delivered."""

    def __init__(self, seen: str, body: bytes | str) -> None:
        # Whoever wrote it may have put anything there, and this text ends up in logs: so the body isn't shown.
        super().__init__(
            f"The message is not one of this application's: {seen}; expected a JSON object of onboarding,"
            f" ticket and one of step, notice, plan, drift and daily, and nothing else; its body has {len(body)}"
            f" {'bytes' if isinstance(body, bytes) else 'characters'}. Nothing is done; look who sends to the queue."
        )


class DeadLetterReason(StrEnum):
    """Why Service Bus gives a message up, as it says itself (Microsoft Learn, "Service Bus dead-letter queues")."""

    DELIVERIES = "MaxDeliveryCountExceeded"
    EXPIRED = "TTLExpiredException"
    HEADER = "HeaderSizeExceeded"
    SESSION = "Session ID is null."
    HOPS = "MaxTransferHopCountExceeded"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that Service Bus gave up, and why. Of a foreign one nothing but its body is known."""

    body: bytes | str
    message_id: str = ""
    queue: str = ""
    """Where it was given up; empty: Service Bus didn't, somebody sent it to the queue of dead letters."""
    reason: DeadLetterReason | None = None
    """None: none that Service Bus has."""


class _Body(BaseModel):
    """The JSON of a message. Both ways: what is sent is understood."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    onboarding: Annotated[str, StringConstraints(pattern=ONBOARDING_ID)]
    step: _Subject | None = None
    notice: _Subject | None = None
    plan: _Subject | None = None
    drift: Annotated[str, StringConstraints(pattern=ONBOARDING_ID)] | None = None
    daily: _Subject | None = None
    ticket: Annotated[int, Field(ge=0, lt=2**63)]
    again: Annotated[int, Field(ge=0, le=AGAIN)] = 0


_KINDS: dict[type[Effect], str] = {
    Nudge: "step",
    NudgeNotice: "notice",
    MakePlan: "plan",
    LookForDrift: "drift",
    SendDaily: "daily",
}
"""The key of a message that names what it is about."""
_QUEUES: dict[type[Effect], str] = {
    NudgeNotice: NOTICES_QUEUE,
    MakePlan: PLANS_QUEUE,
    LookForDrift: DRIFT_QUEUE,
    SendDaily: NOTICES_QUEUE,
}


def kind_of_message(effect: Effect) -> str:
    """What it is about: `step`, `notice`, `plan`, `drift` or `daily`."""
    return _KINDS[type(effect)]


def encode(effect: Effect) -> bytes:
    """The body of the message that carries an effect."""
    about = {_KINDS[type(effect)]: effect.subject}
    body = _Body(onboarding=effect.onboarding_id, ticket=effect.ticket, again=min(effect.again, AGAIN), **about)
    return body.model_dump_json(exclude_defaults=True).encode()


def decode(body: bytes | str) -> Effect:
    """The effect that a body carries; its delay is over.

    Raises ForeignMessageError when nobody here wrote it.
    """
    try:
        read = _Body.model_validate_json(body)
    except ValidationError as error:
        raise ForeignMessageError("; ".join(_seen(error)), body) from None
    match (read.step, read.notice, read.plan, read.drift, read.daily):
        case (str() as step, None, None, None, None):
            return Nudge(read.onboarding, step, read.ticket, again=read.again)
        case (None, str() as notice, None, None, None):
            return NudgeNotice(read.onboarding, notice, read.ticket, again=read.again)
        case (None, None, str() as plan, None, None):
            return MakePlan(read.onboarding, plan, read.ticket, again=read.again)
        case (None, None, None, str() as last, None):
            return LookForDrift(read.onboarding, last, read.ticket, again=read.again)
        case (None, None, None, None, str() as day):
            return SendDaily(read.onboarding, day, read.ticket, again=read.again)
    raise ForeignMessageError("it names none of a step, a notice, a plan, drift and a day's mail, or several", body)


def is_ours(body: bytes | str) -> bool:
    """Whether this application wrote a body: before that is known, nothing that stands beside it is looked at.

    The Functions host puts each top-level key of a JSON object in the place of what Service Bus says under that name,
    whatever its case: `MessageId`, `DeadLetterSource`, `ApplicationProperties` … (azure-functions-host,
    `Utility.ApplyBindingData`). A body of ours has no such key.
    """
    try:
        decode(body)
    except ForeignMessageError:
        return False
    return True


def queue_of(effect: Effect) -> str:
    """The queue that an effect goes to."""
    return effect.queue if isinstance(effect, Nudge) else _QUEUES[type(effect)]


def message_id(effect: Effect) -> str:
    """The same for the same nudge, so that Service Bus drops one that is sent twice.

    `{onboarding}/{step or notice}/{ticket}`; what is too long for an id is hashed. One that came too early is not the
    same when it is to come again, nor is one that the timer sends besides.
    """
    subject = effect.subject
    ticket = f"{effect.ticket}/{effect.after:.3f}" if effect.again else f"{effect.ticket}"
    if effect.nudges:
        ticket += f"/n{effect.nudges}"
    whole = f"{effect.onboarding_id}/{subject}/{ticket}"
    if len(whole) <= MESSAGE_ID_LENGTH:
        return whole
    short = f"{effect.onboarding_id}/{_hash(subject)}/{ticket}"
    return short if len(short) <= MESSAGE_ID_LENGTH else _hash(whole)


def _seen(error: ValidationError) -> Iterator[str]:
    """What is wrong with which of our keys. Others are counted: their names are as foreign as what they hold."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    for each in found:
        if each["type"] != "extra_forbidden":
            yield f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}"
    if others := sum(each["type"] == "extra_forbidden" for each in found):
        yield f"{others} {'key' if others == 1 else 'keys'} that no message of it has"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]
