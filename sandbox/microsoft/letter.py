"""What sendMail is given, read from either of its two formats.

Source: https://learn.microsoft.com/graph/api/user-sendmail. `application/json` holds a message with one body, text or
HTML; `text/plain` holds the base64 of a MIME message, with its headers and all its parts.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

MIME_TYPE = "text/plain"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message before it is sent."""

    recipients: list[str]
    """Addresses of To, Cc and Bcc."""
    subject: str
    text: str
    html: str
    senders: tuple[str, ...] = ()
    """Addresses that the message itself names as From; none: the mailbox's own."""


def from_json(message: dict[str, Any]) -> Letter:
    """From a Graph message."""
    recipients = [
        (recipient.get("emailAddress") or {}).get("address") or ""
        for kind in ("toRecipients", "ccRecipients", "bccRecipients")
        for recipient in message.get(kind) or []
    ]
    body = message.get("body") or {}
    content = body.get("content") or ""
    is_html = str(body.get("contentType") or "").lower() == "html"
    return Letter(recipients, message.get("subject") or "", "" if is_html else content, content if is_html else "")


def from_mime(content: bytes) -> Letter:
    """From the base64 of a MIME message. Raises ValueError when it is no base64, or the message has no headers."""
    try:
        raw = base64.b64decode(content.strip(), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    message = BytesParser(EmailMessage, policy=policy.default).parsebytes(raw)
    if not message.keys():
        raise ValueError("no headers")
    return Letter(
        [address for name in ("To", "Cc", "Bcc") for address in _addresses(message, name)],
        _unicode(str(message["Subject"] or "")),
        _part(message, "plain"),
        _part(message, "html"),
        tuple(_addresses(message, "From")),
    )


def _addresses(message: EmailMessage, name: str) -> list[str]:
    return [_unicode(address.addr_spec) for header in message.get_all(name, []) for address in header.addresses]


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return part.get_content().replace("\r\n", "\n") if isinstance(part, EmailMessage) else ""


def _unicode(text: str) -> str:
    """Raw UTF-8 in a header (RFC 6532), which the parser leaves as escaped bytes."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
