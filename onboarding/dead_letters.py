"""A message of the queue of dead letters, as Service Bus hands it over."""

from __future__ import annotations

import azure.functions as func

from onboarding.core.messages import DeadLetter, DeadLetterReason, is_ours

REASON = "DeadLetterReason"
"""Application property that Service Bus adds (Microsoft Learn, "Overview of Service Bus dead-letter queues")."""


def dead_letter_of(message: func.ServiceBusMessage) -> DeadLetter:
    """The dead letter that was received. Of a foreign one, the body only."""
    body = message.get_body()
    if not is_ours(body):
        return DeadLetter(body)
    return DeadLetter(
        body,
        str(message.message_id),
        str(message.dead_letter_source or ""),
        _known((message.application_properties or {}).get(REASON)),
    )


def _known(reason: object) -> DeadLetterReason | None:
    return next((known for known in DeadLetterReason if known == reason), None)
