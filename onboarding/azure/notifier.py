"""Telling people: e-mail through Microsoft Graph, and the operator's own Teams channel through a Workflows webhook.

And programs: through a webhook of the operator's own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from pydantic import SecretStr

from onboarding.azure.answers import MicrosoftAnswer
from onboarding.azure.cooldown import TEAMS_LIMIT, Cooldown
from onboarding.azure.events_webhook import EventsWebhook
from onboarding.azure.https_post import HttpsPost
from onboarding.azure.mail_page import mail_html, mail_text, subject
from onboarding.azure.teams_card import teams_body
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import HeldUpError, PersonMustActError, StepProblemError, TryLaterError
from onboarding.core.web_address import https_host
from onboarding.hourly import HourlyLimit, HourlyLimitError
from onboarding.pauses import Pauses
from onboarding.ports import Notification, OutgoingEvent, Ways
from onboarding.telemetry.calls import calling

if TYPE_CHECKING:
    from onboarding.settings import Settings

_SETTING = "ONBOARDING_TEAMS_WEBHOOK_URL"
_JSON = {"Content-Type": "application/json"}


class SendMail(Protocol):
    """Hands one message to Exchange; raises StepProblemError."""

    async def __call__(
        self, sender: str, to: Sequence[str], subject: str, text: str, html: str, reply_to: str = ""
    ) -> None:
        """Send it as the mailbox `sender`: plain text, and HTML that says the same. Answers go to `reply_to`."""


class AzureNotifier:
    """A port `Notifier`. The webhook's URL is a secret: it is in no exception, log line or repr of this class."""

    def __init__(
        self,
        settings: Settings,
        send_mail: SendMail,
        mails: HourlyLimit | None = None,
        pauses: Pauses | None = None,
    ) -> None:
        """`mails`: of addresses that are written to, one e-mail to three being three."""
        self._sender = settings.mail_sender
        self._send_mail = send_mail
        self._mails = mails
        self._url: SecretStr | None = settings.teams_webhook_url
        self._hosts = settings.teams_hosts
        self._post = HttpsPost(settings)
        self._pause = Cooldown(TEAMS_LIMIT, pauses)
        self._events = EventsWebhook(settings, self._post, pauses)

    async def ways(self, to: Sequence[str]) -> Ways:
        """How it is configured."""
        if self._url is None:
            return Ways(bool(self._sender), teams=False)
        wrong = webhook_problem(self._url.get_secret_value(), self._hosts) or ""
        return Ways(bool(self._sender), teams=not wrong, wrong=wrong)

    async def mail(self, to: Sequence[str], message: Notification) -> bool:
        """Send one e-mail to these addresses. Raises StepProblemError."""
        if not self._sender or not to:
            return False
        if self._mails:
            try:
                await self._mails.take(count=len(to))
            except HourlyLimitError as error:
                raise HeldUpError(
                    ProblemCode.HOURLY_LIMIT, f"No e-mail was sent. {error}", error.retry_after
                ) from None
        text, html = mail_text(message), mail_html(message)
        await self._send_mail(self._sender, to, subject(message), text, html, message.reply_to)
        return True

    async def teams(self, message: Notification) -> bool:
        """Post to the operator's own Teams channel; accepted is not yet shown. Raises StepProblemError."""
        if self._url is None:
            return False
        url = self._url.get_secret_value()
        problem = webhook_problem(url, self._hosts)
        if problem:
            raise PersonMustActError(ProblemCode.REFUSED, f"Nothing was posted to Teams: {problem}", _advice())
        await self._pause.check()
        with calling("Microsoft Teams", "POST webhook") as asked:
            answer = asked.answered(
                await self._post.send(
                    url, teams_body(message), _JSON, whom="The Teams webhook", setting=_SETTING, advice=_advice()
                )
            )
        await self._pause.heed(answer)
        if answer.ok:
            return True
        raise _refused(answer)

    async def event(self, event: OutgoingEvent) -> bool:
        """Hand it to the operator's own program. Raises StepProblemError."""
        return await self._events.send(event)

    async def close(self) -> None:
        """Close the connections; the next post opens them again."""
        await self._post.close()


def webhook_problem(url: str, hosts: Sequence[str]) -> str | None:
    """Why nothing may be posted to this URL, without the URL; None when it may be."""
    if not url.lower().startswith("https://"):
        return f"{_SETTING} does not begin with https://."
    if "@" in re.split(r"[/?#]", url[len("https://") :], maxsplit=1)[0]:
        return f"{_SETTING} holds a user name or password."
    host = https_host(url)
    if host is None:
        return f"{_SETTING} is not a URL of a host that is a name."
    if not any(_is_on(host, allowed.lower()) for allowed in hosts):
        return f"the host of {_SETTING} is none of {', '.join(hosts)} (ONBOARDING_TEAMS_HOSTS)."
    return None


def _is_on(host: str, allowed: str) -> bool:
    """A leading dot allows any host below, but not the domain itself."""
    return host.endswith(allowed) and host != allowed if allowed.startswith(".") else host == allowed != ""


def _advice() -> str:
    return (
        f"Copy the URL of the Teams workflow 'When a Teams webhook request is received' into {_SETTING} once more,"
        " and check ONBOARDING_TEAMS_HOSTS; then restart the function app."
    )


def _refused(answer: MicrosoftAnswer) -> StepProblemError:
    """What a status that isn't success means. The answer's own words are left out: they may repeat the URL."""
    seen = f"The Teams webhook answered {answer.status}."
    if answer.status in (408, 429) or answer.status >= 500:
        code = ProblemCode.THROTTLED if answer.status == 429 else ProblemCode.OUTAGE
        return TryLaterError(code, seen, answer.retry_after())
    return PersonMustActError(ProblemCode.REFUSED, seen, _advice())
