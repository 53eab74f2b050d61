"""What azure-servicebus raises when Service Bus answers, and what people read of it."""

from __future__ import annotations

from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import Problem

SENDER_ROLE = "Azure Service Bus Data Sender"


def is_throttling(error: BaseException | None) -> bool:
    """Whether the namespace gets more than its share (error 50009)."""
    from azure.servicebus.exceptions import ServiceBusServerBusyError

    return isinstance(error, ServiceBusServerBusyError)


def is_refusal(error: BaseException) -> bool:
    """Whether the role is missing on the queue, or Service Bus does not take the token."""
    from azure.servicebus.exceptions import ServiceBusAuthenticationError, ServiceBusAuthorizationError

    return isinstance(error, ServiceBusAuthorizationError | ServiceBusAuthenticationError)


def is_answer(error: Exception) -> bool:
    """Whether Service Bus said no: it lives, and says the same to whoever asks again at once."""
    from azure.servicebus import exceptions as said

    answers = (
        said.MessageSizeExceededError,
        said.MessagingEntityDisabledError,
        said.MessagingEntityNotFoundError,
        said.ServiceBusQuotaExceededError,
    )
    return isinstance(error, answers) or is_throttling(error) or is_refusal(error)


def sender_role_missing(queue: str) -> Problem:
    """For the record of what waits for a message to that queue."""
    return Problem(
        code=ProblemCode.MESSAGES_NOT_PERMITTED,
        seen=f"Service Bus refuses this application's messages to the queue '{queue}': the identity of the app that"
        f" sends them lacks the role {SENDER_ROLE} there.",
        what_next=f"Give it that role (`azd provision` gives all of them): `az role assignment create --role"
        f' "{SENDER_ROLE}" --assignee-object-id <principal id of the app\'s identity> --assignee-principal-type'
        f" ServicePrincipal --scope <resource id of the Service Bus namespace>/queues/{queue}`. The message is sent"
        " again by itself. A new role takes some minutes.",
    )
