"""A message of the queue of dead letters, as Service Bus hands it over."""

from __future__ import annotations

import azure.functions as func

from onboarding.core.messages import DeadLetter, is_labelled_by_the_bus

REASON, DESCRIPTION = "DeadLetterReason", "DeadLetterErrorDescription"
"""Application properties that Service Bus adds (Microsoft Learn, "Overview of Service Bus dead-letter queues")."""
LONGEST = 300
"""Characters of Service Bus' own words that are kept."""


def dead_letter_of(message: func.ServiceBusMessage) -> DeadLetter:
    """The dead letter that was received. Of one that may have labelled itself, the body only."""
    if not is_labelled_by_the_bus(message.get_body()):
        return DeadLetter(message.get_body(), "", "", "")
    told = message.application_properties or {}
    words = [str(told[name])[:LONGEST] for name in (REASON, DESCRIPTION) if told.get(name)]
    return DeadLetter(
        message.get_body(), str(message.message_id), str(message.dead_letter_source or ""), ": ".join(words)
    )
