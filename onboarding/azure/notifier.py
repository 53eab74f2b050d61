"""Telling people: e-mail through Microsoft Graph, and the operator's own Teams channel through a Workflows webhook."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from pydantic import SecretStr

from onboarding.azure.answers import MicrosoftAnswer
from onboarding.azure.cooldown import TEAMS_LIMIT, Cooldown
from onboarding.azure.mail_page import mail_html, mail_text, subject
from onboarding.azure.per_loop import PerLoop
from onboarding.azure.teams_card import teams_body
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import HeldUpError, PersonMustActError, StepProblemError, TryLaterError
from onboarding.hourly import HourlyLimit, HourlyLimitError
from onboarding.pauses import Pauses
from onboarding.ports import Notification, Ways
from onboarding.telemetry.calls import calling

if TYPE_CHECKING:
    import ssl

    import httpx

    from onboarding.settings import Settings

POST_TIMEOUT = 20.0
HTTPS_PORT, LAST_PORT = 443, 65535
_SETTING = "ONBOARDING_TEAMS_WEBHOOK_URL"
_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_WEBHOOK = re.compile(
    rf"https://(?P<host>{_LABEL}(\.{_LABEL})*\.?)(:(?P<port>[0-9]{{1,5}}))?(?P<rest>[/?][!-~]*)?", re.I | re.A
)
"""What every parser of URLs reads alike. They differ in what they drop (spaces, line breaks), in what may stand between
brackets and in what a backslash is: the host that is checked must be the one that is called."""


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
        self._settings = settings
        self._pause = Cooldown(TEAMS_LIMIT, pauses)
        self._transports: PerLoop[httpx.AsyncHTTPTransport] = PerLoop(self._transport, lambda t: t.aclose())

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
            answer = asked.answered(await self._post(url, teams_body(message)))
        await self._pause.heed(answer)
        if answer.ok:
            return True
        raise _refused(answer)

    async def close(self) -> None:
        """Close the connections; the next post opens them again."""
        await self._transports.aclose()

    async def _post(self, url: str, body: bytes) -> MicrosoftAnswer:
        """Send one request, following nothing and repeating nothing.

        It goes to httpx's transport directly, because httpx's client logs the URL of each request.
        """
        import httpx

        try:
            request = httpx.Request(
                "POST",
                url,
                content=body,
                headers={"Content-Type": "application/json"},
                extensions={"timeout": httpx.Timeout(POST_TIMEOUT).as_dict()},
            )
            response = await self._transports.get().handle_async_request(request)
            await response.aclose()
        except httpx.TimeoutException:
            raise TryLaterError(ProblemCode.TIMEOUT, "The Teams webhook gave no answer in time.") from None
        except httpx.HTTPError as error:
            # Its text may name more than the kind of the failure; the kind is enough.
            seen = f"The Teams webhook could not be reached ({type(error).__name__})."
            raise TryLaterError(ProblemCode.NO_ANSWER, seen) from None
        except (httpx.InvalidURL, ValueError):
            seen = f"Nothing was posted to Teams: {_SETTING} is not a URL."
            raise PersonMustActError(ProblemCode.REFUSED, seen, _advice()) from None
        return MicrosoftAnswer.of(response.status_code, response.headers.items(), b"")

    def _transport(self) -> httpx.AsyncHTTPTransport:
        import httpx

        return httpx.AsyncHTTPTransport(verify=self._trust())

    def _trust(self) -> ssl.SSLContext:
        from onboarding.azure.credential import trust

        return trust(self._settings)


def webhook_problem(url: str, hosts: Sequence[str]) -> str | None:
    """Why nothing may be posted to this URL, without the URL; None when it may be."""
    if not url.lower().startswith("https://"):
        return f"{_SETTING} does not begin with https://."
    if "@" in re.split(r"[/?#]", url[len("https://") :], maxsplit=1)[0]:
        return f"{_SETTING} holds a user name or password."
    parts = _WEBHOOK.fullmatch(url)
    if parts is None or not 0 < int(parts["port"] or HTTPS_PORT) <= LAST_PORT:
        return f"{_SETTING} is not a URL of a host that is a name."
    host = parts["host"].lower().removesuffix(".")
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
