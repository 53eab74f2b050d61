"""E-mail through Microsoft Graph's sendMail, as MIME: its JSON takes text or HTML, MIME takes both in one message.

Source: https://learn.microsoft.com/graph/outlook-send-mime-message: base64 of the whole message as text/plain.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from email import message_from_string, policy
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage

from onboarding.azure.answers import refusal_problem
from onboarding.azure.graph_answers import Meaning, graph_problem, meaning
from onboarding.azure.graph_client import Ask, GraphClient
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError

CRLF = "\r\n"
_ADDRESS = re.compile(r"""[^\s@<>()\[\]\\,;:"?]+@[\w.-]+""")
"""What needs no quotes in a header, and can be no encoded word (RFC 2047)."""


class GraphMail:
    """Sends as one mailbox, which Exchange's RBAC for Applications must allow."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    async def send_mail(self, sender: str, to: Sequence[str], subject: str, text: str, html: str) -> None:
        """Hand one message to Exchange; it is accepted then, not delivered, and stands in Sent Items.

        `sender` is a mailbox's UPN or object id. Raises StepProblemError.
        """
        content = b64encode(mime(sender, to, subject, text, html))
        call, answer = await self._client.send(
            Ask("POST", lambda g: g.users.by_user_id(sender).send_mail, text=content)
        )
        if meaning(answer) is Meaning.ABSENT:
            # A mailbox that isn't there is a setting to correct, not one to wait for.
            raise refusal_problem(call, answer)
        if not answer.ok:
            raise graph_problem(call, answer)


def mime(sender: str, to: Sequence[str], subject: str, text: str, html: str) -> bytes:
    """The message as it goes over the wire: headers, and both parts as multipart/alternative.

    Raises PersonMustActError for an address or a subject that no header can hold.
    """
    # Raw UTF-8 in headers (RFC 6532) is for the rare address that ASCII can't write.
    ascii_only = all(address.isascii() for address in (sender, *to))
    message = EmailMessage(policy=policy.SMTP if ascii_only else policy.SMTPUTF8)
    try:
        if "@" in sender:
            message["From"] = _address(sender)
        message["To"] = [_address(address) for address in to]
        # Keeps out-of-office answers away (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        finished = _subject(subject) + message.as_bytes()
        _check(finished, sender, to)
    except (ValueError, LookupError, MessageError) as error:
        raise PersonMustActError(
            ProblemCode.REFUSED,
            f"No e-mail was sent: an address or the subject does not fit into a mail's header ({error}).",
            "Correct the addresses in the request's `notify` and `onboardingTeam`, and ONBOARDING_MAIL_SENDER.",
        ) from error
    return finished


def _check(finished: bytes, sender: str, to: Sequence[str]) -> None:
    """Raises ValueError unless what leaves has the headers and the people that were meant, and no others.

    Whatever the library that made it believes. Read by the older rules, which take a header as it is written.
    """
    message = message_from_string(finished.decode(), policy=policy.compat32)
    people = {"From": [sender] if "@" in sender else [], "To": list(to)}
    written = {name: [a.strip() for v in message.get_all(name, []) for a in v.split(",")] for name in people}
    if written != people:
        raise ValueError(f"the finished message is from {written['From']} to {written['To']}")
    names = sorted(message.keys())
    meant = sorted(
        {"Auto-Submitted", "Content-Type", "MIME-Version", "Subject", "To"} | {n for n in people if people[n]}
    )
    parts = [part.get_content_type() for part in message.walk()]
    if names != meant or parts != ["multipart/alternative", "text/plain", "text/html"]:
        raise ValueError(f"the finished message has the headers {', '.join(names)} and the parts {', '.join(parts)}")


def _subject(text: str) -> bytes:
    """The header line. The one that EmailMessage makes loses spaces of a long subject beyond ASCII."""
    if not text.isprintable():
        raise ValueError("the subject holds a line break or a control character")
    return f"Subject: {Header(text, header_name='Subject').encode(linesep=CRLF)}{CRLF}".encode("ascii")


def _address(text: str) -> Address:
    """Not by parsing: the standard library's parser takes no local part beyond ASCII."""
    if not _ADDRESS.fullmatch(text) or not text.isprintable():
        raise ValueError("an address has no user, no domain that is a name, or what an address can't have")
    user, _, domain = text.rpartition("@")
    return Address(username=user, domain=domain)
