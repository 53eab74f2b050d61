"""What every port `Notifier` does: run for the twin in memory and for the real ways."""

from __future__ import annotations

from typing import Protocol

import pytest

from onboarding.core.problems import AddresseesRefusedError
from onboarding.ports import Notification, Notifier

MESSAGE = Notification(
    title="contoso-acg: your turn",
    facts=(("Gateway", "contoso-acg"), ("Environment", "production")),
    why=("The checkpoint has been open for 3 days.",),
    link="http://localhost:7071/onboardings/contoso-acg-1",
    actions=("Sign in to the portal.", "Confirm this step."),
    values=(("Admin user", "voice.admin@contoso.com"),),
    warning="Do not change Calling Profiles with a CommsGw suffix.",
    told=("your Teams channel",),
)


class People(Protocol):
    """What reached them: the title of each message."""

    def mailed(self) -> list[tuple[tuple[str, ...], str]]:
        """(addresses, title) of each e-mail."""

    def posted(self) -> list[str]:
        """Title of each post."""

    def refuse(self, address: str) -> None:
        """From now on a mail to it is refused."""


class NotifierBehaviour:
    """Subclasses give fixtures `notifier` (both ways configured), `silent` (neither) and `people`."""

    async def test_a_mail_reaches_everyone_named(self, notifier: Notifier, people: People) -> None:
        assert await notifier.mail(("a@contoso.com", "b@contoso.com"), MESSAGE)
        assert people.mailed() == [(("a@contoso.com", "b@contoso.com"), MESSAGE.title)]
        assert people.posted() == []

    async def test_a_mail_to_a_refused_address_names_it_and_goes_to_nobody(
        self, notifier: Notifier, people: People
    ) -> None:
        people.refuse("b@contoso.com")
        with pytest.raises(AddresseesRefusedError, match=r"No e-mail was sent to b@contoso\.com: ") as caught:
            await notifier.mail(("a@contoso.com", "b@contoso.com"), MESSAGE)
        assert caught.value.addresses == ("b@contoso.com",)
        assert people.mailed() == []
        assert await notifier.mail(("a@contoso.com",), MESSAGE)

    async def test_a_mail_to_nobody_is_not_sent(self, notifier: Notifier, people: People) -> None:
        assert not await notifier.mail((), MESSAGE)
        assert people.mailed() == []

    async def test_a_post_reaches_the_channel(self, notifier: Notifier, people: People) -> None:
        assert await notifier.teams(MESSAGE)
        assert people.posted() == [MESSAGE.title]
        assert people.mailed() == []

    async def test_a_way_that_is_not_configured_tells_nobody(self, silent: Notifier, people: People) -> None:
        assert not await silent.mail(("a@contoso.com",), MESSAGE)
        assert not await silent.teams(MESSAGE)
        assert (people.mailed(), people.posted()) == ([], [])
