"""The ways to people, in memory: what was sent stays here to be read."""

from __future__ import annotations

from collections.abc import Sequence

from onboarding.core.problems import AddresseesRefusedError
from onboarding.memory.faults import Faults
from onboarding.ports import Notification, OutgoingEvent, Ways


class MemoryNotifier:
    """A port `Notifier`. All ways are configured until a test says otherwise."""

    def __init__(self) -> None:
        self.mail_configured = True
        self.teams_configured = True
        self.mails: list[tuple[tuple[str, ...], Notification]] = []
        self.posts: list[Notification] = []
        self.events: list[OutgoingEvent] = []
        self.refused: set[str] = set()
        """Addresses for which an e-mail is refused whole."""
        self.faults = Faults()

    async def ways(self, to: Sequence[str]) -> Ways:
        """How it is configured."""
        return Ways(self.mail_configured, self.teams_configured)

    async def mail(self, to: Sequence[str], message: Notification) -> bool:
        """Send one e-mail to these addresses."""
        if not self.mail_configured or not to:
            return False
        self.faults.raise_next("mail")
        if refused := [address for address in to if address in self.refused]:
            raise AddresseesRefusedError(refused, "it is not resolved.")
        self.mails.append((tuple(to), message))
        return True

    async def teams(self, message: Notification) -> bool:
        """Post to the operator's own Teams channel."""
        if not self.teams_configured:
            return False
        self.faults.raise_next("teams")
        self.posts.append(message)
        return True

    async def event(self, event: OutgoingEvent) -> bool:
        """Hand an event to the operator's own program."""
        self.faults.raise_next("event")
        self.events.append(event)
        return True
