"""Signing in: a managed identity in Azure, a developer's own sign-in elsewhere; and whose certificates are trusted."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, MicrosoftService, shared_problem
from onboarding.azure.per_loop import PerLoop
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError
from onboarding.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential
    from azure.core.exceptions import AzureError

CONNECT_TIMEOUT = 10.0
"""Seconds until a connection must stand."""
READ_TIMEOUT = 30.0
"""Seconds that an answer may keep silent."""

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
    """Trusts the system's and certifi's authorities, and the one in `settings.ca_file`."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if settings.ca_file:
        context.load_verify_locations(settings.ca_file)
    return context


class Credential:
    """An azure-identity credential whose failures are problems of the step. Give it to any Azure SDK client.

    Its methods are those of `azure.core.credentials_async.AsyncTokenCredential` and `AsyncSupportsTokenInfo`.
    """

    def __init__(self, settings: Settings) -> None:
        self._client_id = settings.client_id
        self._credential: PerLoop[Any] = PerLoop(self._make, lambda credential: credential.close())

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
        from azure.core.exceptions import AzureError

        credential: AsyncTokenCredential = self._credential.get()
        try:
            return await credential.get_token(*scopes, claims=claims, tenant_id=tenant_id, **options)
        except AzureError as error:
            raise _problem(error) from error

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """A token for these scopes, with what is known of it. Raises StepProblemError."""
        from azure.core.exceptions import AzureError

        credential: AsyncSupportsTokenInfo = self._credential.get()
        try:
            return await credential.get_token_info(*scopes, options=options or {})
        except AzureError as error:
            raise _problem(error) from error

    async def close(self) -> None:
        """Close this event loop's connections."""
        await self._credential.aclose()

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


def _problem(error: AzureError) -> StepProblemError:
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

    response = error.response if isinstance(error, HttpResponseError) else None
    if response is not None:
        headers: Mapping[str, str] = getattr(response, "headers", {})
        answer = MicrosoftAnswer(int(response.status_code or 0), {k.lower(): v for k, v in headers.items()})
        passing = shared_problem(_SIGN_IN, answer)
        if isinstance(passing, TryLaterError):
            return passing
    if isinstance(error, ClientAuthenticationError):
        # Only the first line: the rest of azure-identity's text is a list of everything it tried.
        said = str(error.message).strip().partition("\n")[0]
        return PersonMustActError(ProblemCode.SIGN_IN_FAILED, f"{_SIGN_IN}: {said}", _SIGN_IN_ADVICE)
    return TryLaterError(ProblemCode.NO_ANSWER, f"{_SIGN_IN}: no answer of the identity endpoint.")
