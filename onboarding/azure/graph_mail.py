"""E-mail through Microsoft Graph's sendMail."""

from __future__ import annotations

from collections.abc import Sequence

from onboarding.azure.answers import refused
from onboarding.azure.graph_answers import Meaning, graph_problem, meaning
from onboarding.azure.graph_client import Ask, GraphClient


class GraphMail:
    """Sends as one mailbox, which Exchange's RBAC for Applications must allow."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    async def send_mail(self, sender: str, to: Sequence[str], subject: str, text: str, html: str | None = None) -> None:
        """Hand one message to Exchange; it is accepted then, not delivered.

        `sender` is a mailbox's UPN or object id. Graph takes one kind of body, so `html` goes before `text`.
        Raises StepProblemError.
        """
        message = {
            "subject": subject,
            "body": {"contentType": "HTML" if html else "Text", "content": html or text},
            "toRecipients": [{"emailAddress": {"address": address}} for address in to],
        }
        body = {"message": message, "saveToSentItems": False}
        call, answer = await self._client.send(Ask("POST", lambda g: g.users.by_user_id(sender).send_mail, body=body))
        if meaning(answer) is Meaning.ABSENT:
            # A mailbox that isn't there is a setting to correct, not one to wait for.
            raise refused(call, answer)
        if not answer.ok:
            raise graph_problem(call, answer)
