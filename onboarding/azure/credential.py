"""Signing in: a managed identity in Azure, a developer's own sign-in elsewhere; and whose certificates are trusted."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import math
import os
import ssl
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, MicrosoftService, shared_problem
from onboarding.azure.per_loop import PerLoop
from onboarding.azure.quotes import quoted
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError
from onboarding.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential
    from azure.core.exceptions import AzureError
    from azure.core.pipeline import PipelineRequest, PipelineResponse
    from azure.core.pipeline.policies import AsyncHTTPPolicy

Token = TypeVar("Token")
log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0
"""Seconds until a connection must stand."""
READ_TIMEOUT = 30.0
"""Seconds that an answer may keep silent."""
UNAUTHORIZED = 401
RENEWED_LATELY = 5.0
"""Seconds: tokens are forgotten no more often, however many calls are refused."""

ARM_AUDIENCE = "https://management.azure.com"
GRAPH_AUDIENCE = "https://graph.microsoft.com"
NATIONAL_CLOUDS = (
    "management.usgovcloudapi.net",
    "management.chinacloudapi.cn",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
)
"""Endpoints whose tokens are for the endpoint itself, in place of the public cloud's."""

_SIGN_IN = MicrosoftCall(MicrosoftService.ENTRA, "GET", "token of the application's identity")
_SIGN_IN_ADVICE = (
    "Check that the function app has a managed identity (`az functionapp identity show --name <app> --resource-group"
    " <group>`; `az functionapp identity assign` gives it one), and that AZURE_CLIENT_ID is its client id when it is a"
    " user-assigned one (left out for a system-assigned one); then retry the step."
)


def scope(endpoint: str, audience: str) -> str:
    """The scope of tokens for an endpoint: a national cloud's own, else `audience` (the public cloud's)."""
    host = (urlsplit(endpoint).hostname or "").lower()
    return f"https://{host}/.default" if host in NATIONAL_CLOUDS else f"{audience}/.default"


def trust(settings: Settings) -> ssl.SSLContext:
    """Trusts the system's and certifi's authorities, and the one in `settings.ca_file`. One for all that we call."""
    return _trusting(settings.ca_file)


@lru_cache(maxsize=1)
def _trusting(ca_file: str | None) -> ssl.SSLContext:
    # Kept, because reading some hundred certificates takes 30 ms, in which nothing else of the process goes on.
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


class _SignedIn:
    """A credential of azure-identity, which keeps its tokens until they expire: only another one forgets them."""

    def __init__(self, credential: Any) -> None:
        self.credential = credential
        self.turns: dict[tuple[str, ...], asyncio.Lock] = defaultdict(asyncio.Lock)
        self.failed: dict[tuple[str, ...], AzureError] = {}
        """Scopes → the error of the last asking, if it failed."""

    async def close(self) -> None:
        """When whoever asks for a token has it."""
        for turn in list(self.turns.values()):
            async with turn:
                pass
        await self.credential.close()


class Credential:
    """An azure-identity credential whose failures are problems of the step. Give it to any Azure SDK client.

    Its methods are those of `azure.core.credentials_async.AsyncTokenCredential` and `AsyncSupportsTokenInfo`.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._client_id = settings.client_id
        self._clock = clock
        self._renewed_at = -math.inf
        self._signed_in: PerLoop[_SignedIn] = PerLoop(lambda: _SignedIn(self._make()), _SignedIn.close)

    def in_use(self) -> object:
        """What signs in now. Take it before a call, to tell `renew` of which tokens one was refused."""
        return self._signed_in.get()

    async def renew(self, refused: object) -> bool:
        """Microsoft answered 401: the next token is a new one. Whether it is, so that the call is worth a repeat.

        It is not when tokens were renewed within the last RENEWED_LATELY seconds: then another new one is as good.
        Source: azure-identity 1.27 has no call for it; each credential object has a cache of its own.
        """
        if self._signed_in.get() is not refused:
            return True
        if self._clock() - self._renewed_at < RENEWED_LATELY:
            return False
        self._renewed_at = self._clock()
        log.warning("Microsoft refused a token of this application (401): another one is asked for.")
        await self._signed_in.aclose()
        return True

    def _make(self) -> AsyncTokenCredential:
        from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

        # One quick retry: a longer outage is waited for by the step, where people see it.
        limits: dict[str, Any] = {
            "connection_timeout": CONNECT_TIMEOUT,
            "read_timeout": READ_TIMEOUT,
            "retry_total": 1,
            "retry_connect": 1,
            "retry_read": 0,
            "retry_status": 0,
        }
        if os.environ.get("IDENTITY_ENDPOINT"):
            return ManagedIdentityCredential(client_id=self._client_id, **limits)
        return DefaultAzureCredential(managed_identity_client_id=self._client_id, **limits)

    async def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, **options: Any
    ) -> AccessToken:
        """A token for these scopes. Raises StepProblemError."""

        async def ask(credential: AsyncTokenCredential) -> AccessToken:
            return await credential.get_token(*scopes, claims=claims, tenant_id=tenant_id, **options)

        return await self._ask(scopes, ask, challenged=bool(claims or tenant_id))

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """A token for these scopes, with what is known of it. Raises StepProblemError."""
        chosen: TokenRequestOptions = options or {}

        async def ask(credential: AsyncSupportsTokenInfo) -> AccessTokenInfo:
            return await credential.get_token_info(*scopes, options=chosen)

        return await self._ask(scopes, ask, challenged=bool(chosen.get("claims") or chosen.get("tenant_id")))

    async def _ask(self, scopes: tuple[str, ...], ask: Callable[[Any], Awaitable[Token]], *, challenged: bool) -> Token:
        """One at a time for the same scopes: whoever waited meanwhile has the same token, or the same failure.

        `challenged`: an SDK asks again after a 401 (Table Storage's policy does so itself, naming the tenant).
        """
        from azure.core.exceptions import AzureError

        if challenged:
            await self.renew(self.in_use())
        signed_in = self._signed_in.get()
        known = signed_in.failed.get(scopes)
        async with signed_in.turns[scopes]:
            failure = signed_in.failed.pop(scopes, None)
            if failure is not None and failure is not known:
                signed_in.failed[scopes] = failure
                raise _problem(failure) from failure
            try:
                return await ask(signed_in.credential)
            except AzureError as error:
                signed_in.failed[scopes] = error
                raise _problem(error) from error

    async def new_token(self, token_scope: str) -> str:
        """A token that this process has not kept: it says what was granted meanwhile. Raises StepProblemError.

        The identity endpoint may have kept it all the same, for up to a day (Microsoft Learn, "Managed identities ...
        frequently asked questions": tokens are cached), as for the calls of a process that was started just now.
        """
        from azure.core.exceptions import AzureError

        credential = self._make()
        try:
            return (await credential.get_token(token_scope)).token
        except AzureError as error:
            raise _problem(error) from error
        finally:
            await credential.close()

    async def close(self) -> None:
        """Close this event loop's connections."""
        await self._signed_in.aclose()

    aclose = close

    async def __aenter__(self) -> Credential:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self.close()


def claims_of(token: str) -> Mapping[str, Any]:
    """What a token says, unverified: it is our own, and nothing is let in by it. Empty: it is none that can be read."""
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def renewing(credential: Credential) -> AsyncHTTPPolicy[Any, Any]:
    """Stands first in an Azure SDK's pipeline: a call that is answered 401 is made once more, with a new token.

    A write too: what was refused so was not done.
    """
    from azure.core.pipeline.policies import AsyncHTTPPolicy

    class Renewing(AsyncHTTPPolicy[Any, Any]):
        async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
            signed_in = credential.in_use()
            response = await self.next.send(request)
            if response.http_response.status_code == UNAUTHORIZED and await credential.renew(signed_in):
                response = await self.next.send(request)
            return response

    return Renewing()


def _problem(error: AzureError) -> StepProblemError:
    """Later, whatever the identity endpoint said: after a deployment it is not ready for minutes, and says so by 400,
    403, 404 or 5xx (https://github.com/Azure/azure-functions-host/issues/8623), like a setting that is wrong.

    A process that has no such endpoint never gets one: App Service names it when it starts the process.
    """
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

    response = error.response if isinstance(error, HttpResponseError) else None
    if response is not None:
        headers: Mapping[str, str] = getattr(response, "headers", {})
        answer = MicrosoftAnswer(int(response.status_code or 0), {k.lower(): v for k, v in headers.items()})
        passing = shared_problem(_SIGN_IN, answer)
        if passing is not None and passing.code in (ProblemCode.THROTTLED, ProblemCode.TIMEOUT, ProblemCode.OUTAGE):
            return TryLaterError(passing.code, passing.seen, answer.retry_after(), in_the_end=_SIGN_IN_ADVICE)
    if not isinstance(error, ClientAuthenticationError):
        seen = f"{_SIGN_IN}: no answer of the identity endpoint."
        return TryLaterError(ProblemCode.NO_ANSWER, seen, in_the_end=_SIGN_IN_ADVICE)
    # Only the first line: the rest of azure-identity's text is a list of everything it tried.
    said = str(error.message).strip().partition("\n")[0]
    seen = f"{_SIGN_IN}{f' answered {response.status_code}' if response is not None else ''}: {quoted(said)}"
    if os.environ.get("IDENTITY_ENDPOINT"):
        return TryLaterError(ProblemCode.SIGN_IN_FAILED, seen, in_the_end=_SIGN_IN_ADVICE)
    return PersonMustActError(ProblemCode.SIGN_IN_FAILED, seen, _SIGN_IN_ADVICE)
