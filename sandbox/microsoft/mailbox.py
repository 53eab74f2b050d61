"""The mail that was sent, as its recipients would find it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.microsoft.clock import Clock, timestamp


@dataclass(frozen=True, slots=True)
class Mail:
    """A delivered message."""

    time: str
    sender: str
    recipients: list[str]
    subject: str
    content_type: str
    content: str

    def json(self) -> dict[str, Any]:
        """As the control port shows it."""
        return {
            "time": self.time,
            "from": self.sender,
            "to": self.recipients,
            "subject": self.subject,
            "contentType": self.content_type,
            "content": self.content,
        }


@dataclass
class Mailbox:
    """All mail, oldest first. Each text that arrives is told to `heard`."""

    clock: Clock
    heard: Callable[[str, str], None]
    mails: list[Mail] = field(default_factory=list)

    def deliver(self, sender: str, recipients: list[str], message: dict[str, Any]) -> None:
        """Put a Graph message into the mailbox."""
        body = message.get("body") or {}
        mail = Mail(
            time=timestamp(self.clock.now()),
            sender=sender,
            recipients=recipients,
            subject=message.get("subject") or "",
            content_type=body.get("contentType") or "Text",
            content=body.get("content") or "",
        )
        self.mails.append(mail)
        self.heard("mailbox", f"{mail.subject}\n{mail.content}")
