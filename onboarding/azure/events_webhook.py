"""Hands events to a program of the operator's: one webhook, signed, and only where the settings say.

Source: CloudEvents "HTTP 1.1 Web Hooks for Event Delivery" 1.0.2: POST by HTTPS, no redirect is followed, 410 means
that nothing more is to be sent, 429 names when to come again. Its handshake against abuse (section 4) is for senders
whom anybody may give an address; here an administrator sets the one there is.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from onboarding.azure.answers import MicrosoftAnswer
from onboarding.azure.cooldown import EVENTS_LIMIT, Cooldown
from onboarding.azure.https_post import HttpsPost
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError
from onboarding.core.webhook_signature import signed_headers
from onboarding.notices.event import CLOUDEVENTS_JSON
from onboarding.pauses import Pauses
from onboarding.ports import OutgoingEvent
from onboarding.settings import Settings
from onboarding.telemetry.calls import calling

_WHOM = "The webhook for events"
_ADVICE = (
    "Look whether the receiver takes events at ONBOARDING_EVENTS_URL with the secret of ONBOARDING_EVENTS_SECRET"
    " (docs/events.md); it is tried again by itself, and `replay` tries it at once."
)
_GONE = 410
_LATER = frozenset({408, 425, 429})


class EventsWebhook:
    """The one receiver, if there is one."""

    def __init__(
        self,
        settings: Settings,
        post: HttpsPost,
        pauses: Pauses | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = settings.events_url
        self._secrets = settings.events_secrets
        self._authorization = settings.events_authorization
        self._post = post
        self._pause = Cooldown(EVENTS_LIMIT, pauses)
        self._clock = clock

    async def send(self, event: OutgoingEvent) -> bool:
        """False: there is none. Raises StepProblemError."""
        if self._url is None:
            return False
        await self._pause.check()
        headers = {
            "Content-Type": f"{CLOUDEVENTS_JSON}; charset=utf-8",
            **signed_headers(event.id, int(self._clock()), event.body, self._secrets),
        }
        if self._authorization is not None:
            headers["Authorization"] = self._authorization.get_secret_value()
        with calling("webhook", "POST event") as asked:
            answer = asked.answered(
                await self._post.send(
                    self._url, event.body, headers, whom=_WHOM, setting="ONBOARDING_EVENTS_URL", advice=_ADVICE
                )
            )
        await self._pause.heed(answer)
        if answer.ok:
            return True
        raise _not_taken(answer)


def _not_taken(answer: MicrosoftAnswer) -> StepProblemError:
    """What a status that isn't success means. The answer's own words are left out: anybody may have written them."""
    seen = f"{_WHOM} answered {answer.status}."
    if answer.status in _LATER or answer.status >= 500:
        code = ProblemCode.THROTTLED if answer.status == 429 else ProblemCode.OUTAGE
        return TryLaterError(code, seen, answer.retry_after())
    if answer.status == _GONE:
        seen += " It wants no more events: empty ONBOARDING_EVENTS_URL, or name the one that is there now."
    elif 300 <= answer.status < 400:
        seen += " No redirect is followed: the address itself must take events."
    return PersonMustActError(ProblemCode.REFUSED, seen, _ADVICE)
