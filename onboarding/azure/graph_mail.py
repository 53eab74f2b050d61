"""E-mail through Microsoft Graph's sendMail, as MIME: its JSON takes text or HTML, MIME takes both in one message.

Source: https://learn.microsoft.com/graph/outlook-send-mime-message: base64 of the whole message as text/plain.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from email import message_from_string, policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage

from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, refusal_problem
from onboarding.azure.graph_answers import Meaning, graph_problem, meaning
from onboarding.azure.graph_client import Ask, GraphClient
from onboarding.azure.refusals import GRAPH_REFUSALS, refused
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import AddresseesRefusedError, PersonMustActError

CRLF = "\r\n"
_ADDRESS = re.compile(r"""[^\s@<>()\[\]\\,;:"?]+@[\w.-]+""")
"""What needs no quotes in a header, and can be no encoded word (RFC 2047)."""
OF_RECIPIENTS = re.compile("recipient|SmtpAddress", re.IGNORECASE)
"""In Exchange's code or words for a message to an address that it does not take: nobody is sent it. Undocumented.

Seen is ErrorInvalidRecipients, whose words quote the address in double quotes, in single ones, or not at all. Source:
issues of microsoftgraph on GitHub, ruby-connect-rest-sample 15, msgraph-sdk-powershell 803, msgraph-sdk-dotnet 1891.
ErrorInvalidSmtpAddress is Exchange's code for an address that it can't parse."""
REFUSED = (400, 404, 422)
"""Statuses of it: not those of a missing permission, of throttling or of an outage."""
UNFIT = "it does not fit into a mail's header"


class GraphMail:
    """Sends as one mailbox, which Exchange's RBAC for Applications must allow."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    async def send_mail(
        self, sender: str, to: Sequence[str], subject: str, text: str, html: str, reply_to: str = ""
    ) -> None:
        """Hand one message to Exchange; it is accepted then, not delivered, and stands in Sent Items.

        `sender` is a mailbox's UPN or object id. Answers go to `reply_to`; empty: to the mailbox. Raises
        StepProblemError: AddresseesRefusedError when some of `to` are why nobody is sent it.
        """
        content = b64encode(mime(sender, to, subject, text, html, reply_to))
        call, answer = await self._client.send(
            Ask("POST", lambda g: g.users.by_user_id(sender).send_mail, text=content)
        )
        if _refuses_recipients(answer):
            raise _unresolved(call, answer, to)
        if meaning(answer) is Meaning.ABSENT:
            # A mailbox that isn't there is a setting to correct, not one to wait for.
            raise refused(call, answer, GRAPH_REFUSALS) or refusal_problem(call, answer)
        if not answer.ok:
            raise graph_problem(call, answer)


def mime(sender: str, to: Sequence[str], subject: str, text: str, html: str, reply_to: str = "") -> bytes:
    """The message as it goes over the wire: headers, and both parts as multipart/alternative.

    Raises AddresseesRefusedError for addresses that no header can hold, PersonMustActError for such a sender or
    subject.
    """
    unfit = [address for address in to if not _fits(address)]
    if unfit:
        raise AddresseesRefusedError(unfit, f"{UNFIT}.")
    if "@" in sender and not _fits(sender):
        raise _unsendable("the sender", "Correct ONBOARDING_MAIL_SENDER, and restart the function app.")
    if reply_to and not _fits(reply_to):
        raise _unsendable("the contact", "Correct ONBOARDING_OPERATOR_CONTACT, and restart the function app.")
    if not subject.isprintable():
        raise _unsendable("the subject", "Report this defect: a subject is made one line before.")
    try:
        finished = _finished(sender, to, subject, text, html, reply_to)
        _check(finished, sender, to, reply_to)
    except _OtherMessageError as error:
        raise AddresseesRefusedError(to, f"{UNFIT} ({error}).") from error
    except Exception as error:
        # Whatever the library stumbles over: of which address it was, only sending to each of them tells.
        raise AddresseesRefusedError(to, f"{UNFIT} ({type(error).__name__}).") from error
    return finished


def _finished(sender: str, to: Sequence[str], subject: str, text: str, html: str, reply_to: str) -> bytes:
    # Raw UTF-8 in headers (RFC 6532) is for the rare address that ASCII can't write.
    ascii_only = all(address.isascii() for address in (sender, *to, reply_to))
    message = EmailMessage(policy=policy.SMTP if ascii_only else policy.SMTPUTF8)
    if "@" in sender:
        message["From"] = _address(sender)
    message["To"] = [_address(address) for address in to]
    if reply_to:
        message["Reply-To"] = _address(reply_to)
    # Keeps out-of-office answers away (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return _subject(subject) + message.as_bytes()


class _OtherMessageError(Exception):
    """The finished message is not the one that was meant."""


def _check(finished: bytes, sender: str, to: Sequence[str], reply_to: str) -> None:
    """Raises _OtherMessageError unless what leaves has the headers and the people that were meant, and no others.

    Whatever the library that made it believes. Read by the older rules, which take a header as it is written.
    """
    message = message_from_string(finished.decode(), policy=policy.compat32)
    people = {
        "From": [sender] if "@" in sender else [],
        "Reply-To": [reply_to] if reply_to else [],
        "To": list(to),
    }
    written = {name: [a.strip() for v in message.get_all(name, []) for a in v.split(",")] for name in people}
    if written != people:
        raise _OtherMessageError(f"the finished message is from {written['From']} to {written['To']}")
    names = sorted(message.keys())
    meant = sorted(
        {"Auto-Submitted", "Content-Type", "MIME-Version", "Subject", "To"} | {n for n in people if people[n]}
    )
    parts = [part.get_content_type() for part in message.walk()]
    if names != meant or parts != ["multipart/alternative", "text/plain", "text/html"]:
        raise _OtherMessageError(
            f"the finished message has the headers {', '.join(names)} and the parts {', '.join(parts)}"
        )


def _subject(text: str) -> bytes:
    """The header line. The one that EmailMessage makes loses spaces of a long subject beyond ASCII."""
    return f"Subject: {Header(text, header_name='Subject').encode(linesep=CRLF)}{CRLF}".encode("ascii")


def _address(text: str) -> Address:
    """Not by parsing: the standard library's parser takes no local part beyond ASCII."""
    user, _, domain = text.rpartition("@")
    return Address(username=user, domain=domain)


def _fits(address: str) -> bool:
    """Whether it has a user, a domain that is a name, and nothing that an address can't have."""
    return bool(_ADDRESS.fullmatch(address)) and address.isprintable()


def _unsendable(what: str, advice: str) -> PersonMustActError:
    return PersonMustActError(
        ProblemCode.REFUSED, f"No e-mail was sent: {what} does not fit into a mail's header.", advice
    )


def _refuses_recipients(answer: MicrosoftAnswer) -> bool:
    return answer.status in REFUSED and OF_RECIPIENTS.search(answer.said) is not None


def _unresolved(call: MicrosoftCall, answer: MicrosoftAnswer, to: Sequence[str]) -> AddresseesRefusedError:
    """Of those that Exchange's message quotes, in whichever quotes; of all where it quotes none."""
    said = str(answer.error.get("message") or "").lower()
    quoted = [a for a in to if any(f"{quote}{a.lower()}{quote}" in said for quote in "'\"")]
    return AddresseesRefusedError(quoted or to, f"{call} answered {answer}.")
