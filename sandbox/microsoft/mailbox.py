"""The mail that was sent, as its recipients would find it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.microsoft.clock import Clock, timestamp
from sandbox.microsoft.letter import Letter


@dataclass(frozen=True, slots=True)
class Mail:
    """A delivered message."""

    time: str
    sender: str
    recipients: list[str]
    subject: str
    text: str
    """The plain text part; empty without one."""
    html: str
    """The HTML part; empty without one."""

    def json(self) -> dict[str, Any]:
        """As the control port shows it."""
        return {
            "time": self.time,
            "from": self.sender,
            "to": self.recipients,
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
        }


@dataclass
class Mailbox:
    """All mail, oldest first. Each text that arrives is told to `heard`."""

    clock: Clock
    heard: Callable[[str, str], None]
    mails: list[Mail] = field(default_factory=list)

    def deliver(self, sender: str, letter: Letter) -> None:
        """Put a letter into the mailbox."""
        mail = Mail(timestamp(self.clock.now()), sender, letter.recipients, letter.subject, letter.text, letter.html)
        self.mails.append(mail)
        self.heard("mailbox", "\n".join((mail.subject, mail.text, mail.html)))
