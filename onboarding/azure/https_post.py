"""One POST to an address that an operator has set: by HTTPS, to that host alone, following and repeating nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from onboarding.azure.answers import MicrosoftAnswer
from onboarding.azure.per_loop import PerLoop
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, TryLaterError

if TYPE_CHECKING:
    import ssl

    import httpx

    from onboarding.settings import Settings

POST_TIMEOUT = 20.0


class HttpsPost:
    """Posts. A URL may be a secret: it is in no exception, log line or repr of this class."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._transports: PerLoop[httpx.AsyncHTTPTransport] = PerLoop(self._transport, lambda t: t.aclose())

    async def send(
        self, url: str, body: bytes, headers: Mapping[str, str], *, whom: str, setting: str, advice: str
    ) -> MicrosoftAnswer:
        """The answer's status and headers. Raises TryLaterError, or PersonMustActError with the advice for what is no
        URL. `whom` is called so in what people read; `setting` has the URL.

        It goes to httpx's transport directly, because httpx's client logs the URL of each request.
        """
        import httpx

        try:
            request = httpx.Request(
                "POST",
                url,
                content=body,
                headers=dict(headers),
                extensions={"timeout": httpx.Timeout(POST_TIMEOUT).as_dict()},
            )
            response = await self._transports.get().handle_async_request(request)
            await response.aclose()
        except httpx.TimeoutException:
            raise TryLaterError(ProblemCode.TIMEOUT, f"{whom} gave no answer in time.") from None
        except httpx.HTTPError as error:
            # Its text may name more than the kind of the failure; the kind is enough.
            seen = f"{whom} could not be reached ({type(error).__name__})."
            raise TryLaterError(ProblemCode.NO_ANSWER, seen) from None
        except (httpx.InvalidURL, ValueError):
            raise PersonMustActError(
                ProblemCode.REFUSED, f"Nothing was sent: {setting} is not a URL.", advice
            ) from None
        return MicrosoftAnswer.of(response.status_code, response.headers.items(), b"")

    async def close(self) -> None:
        """Close the connections; the next post opens them again."""
        await self._transports.aclose()

    def _transport(self) -> httpx.AsyncHTTPTransport:
        import httpx

        return httpx.AsyncHTTPTransport(verify=self._trust())

    def _trust(self) -> ssl.SSLContext:
        from onboarding.azure.credential import trust

        return trust(self._settings)
