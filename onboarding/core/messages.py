"""A queue message: which step or notice of which onboarding to look at, and the ticket that says whether it is news."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from onboarding.core.events import Effect, Nudge, NudgeNotice

CONTENT_TYPE = "application/json"
NOTICES_QUEUE = "notices"
DEAD_LETTERS_QUEUE = "dead-letters"
"""Where every other queue forwards the messages that Service Bus gives up."""
MESSAGE_ID_LENGTH = 128
"""Characters that Service Bus allows in a message id (Microsoft Learn, "Service Bus quotas")."""

_HASH_LENGTH = 32


class ForeignMessageError(ValueError):
    """A body that this application did not write: there is nothing to look at, however often it is delivered."""

    def __init__(self, seen: str, body: bytes | str) -> None:
        # Whoever wrote it may have put anything there, and this text ends up in logs: so the body isn't shown.
        super().__init__(
            f"The message is not one of this application's: {seen}; expected a JSON object with onboarding,"
            f" ticket and one of step and notice; its body has {len(body)}"
            f" {'bytes' if isinstance(body, bytes) else 'characters'}. Nothing is done; look who sends to the queue."
        )


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that Service Bus gave up, and why.

    A text is empty where Service Bus doesn't say, or the message may have said it itself.
    """

    body: bytes | str
    message_id: str
    queue: str
    """Where it was given up."""
    reason: str
    """Of Service Bus, such as `MaxDeliveryCountExceeded`, with its description."""


MessageText = Annotated[str, Field(min_length=1, max_length=512)]


class _Body(BaseModel):
    """The JSON of a message."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    onboarding: MessageText
    step: MessageText | None = None
    notice: MessageText | None = None
    ticket: Annotated[int, Field(ge=0)]


def encode(effect: Effect) -> bytes:
    """The body of the message that carries an effect."""
    if isinstance(effect, Nudge):
        body = _Body(onboarding=effect.onboarding_id, step=effect.step, ticket=effect.ticket)
    else:
        body = _Body(onboarding=effect.onboarding_id, notice=effect.notice, ticket=effect.ticket)
    return body.model_dump_json(exclude_none=True).encode()


def decode(body: bytes | str) -> Effect:
    """The effect that a body carries; its delay is over.

    Raises ForeignMessageError when nobody here wrote it.
    """
    try:
        read = _Body.model_validate_json(body)
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
        raise ForeignMessageError(reasons, body) from None
    if read.step is not None and read.notice is None:
        return Nudge(read.onboarding, read.step, read.ticket)
    if read.notice is not None and read.step is None:
        return NudgeNotice(read.onboarding, read.notice, read.ticket)
    raise ForeignMessageError("it names both a step and a notice, or neither", body)


def is_labelled_by_the_bus(body: bytes | str) -> bool:
    """Whether what the Functions host says of a message, beside its body, is what Service Bus said of it.

    The host puts each top-level key of a JSON object in the place of the label of that name, whatever its case:
    `MessageId`, `DeadLetterSource`, `ApplicationProperties` … (azure-functions-host, `Utility.ApplyBindingData`). So
    nothing beside a body is to be believed before it is known to have our keys only, or to be no object at all. The
    host's reader takes more for an object than is JSON (comments, quotes left out), but none without a brace.
    """
    try:
        read = from_json(body)
    except ValueError:
        read = None
    if isinstance(read, dict):
        return read.keys() <= _Body.model_fields.keys()
    return b"{" not in (body if isinstance(body, bytes) else body.encode("utf-8", "replace"))


def queue_of(effect: Effect) -> str:
    """The queue that an effect goes to."""
    return effect.queue if isinstance(effect, Nudge) else NOTICES_QUEUE


def message_id(effect: Effect) -> str:
    """The same for the same nudge, so that Service Bus drops one that is sent twice.

    `{onboarding}/{step or notice}/{ticket}`; what is too long for an id is hashed.
    """
    subject = effect.step if isinstance(effect, Nudge) else effect.notice
    whole = f"{effect.onboarding_id}/{subject}/{effect.ticket}"
    if len(whole) <= MESSAGE_ID_LENGTH:
        return whole
    short = f"{effect.onboarding_id}/{_hash(subject)}/{effect.ticket}"
    return short if len(short) <= MESSAGE_ID_LENGTH else _hash(whole)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]
