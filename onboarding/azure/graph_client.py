"""Sending to Microsoft Graph: msgraph-sdk's request builders and sign-in, over an HTTP session of our own.

The SDK's models are left out: its first call through them imports over a thousand modules. So is how it sends
(kiota-http 1.16, over httpx), which takes three times the CPU for a call: seven handlers, of which none is needed here,
and spans that nobody sees. The builders' own way to send leads nowhere, so nothing goes past `_send` and its list.
"""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

from onboarding.azure.allowed import BATCH, Grants, check_graph
from onboarding.azure.answers import (
    MicrosoftAnswer,
    MicrosoftCall,
    MicrosoftService,
    gravest,
    no_answer,
    refusal_problem,
    shared_problem,
    unexpected_answer,
)
from onboarding.azure.cooldown import GRAPH_LIMIT, MAIL_LIMIT, Cooldown
from onboarding.azure.credential import (
    CONNECT_TIMEOUT,
    GRAPH_AUDIENCE,
    READ_TIMEOUT,
    UNAUTHORIZED,
    Credential,
    claims_of,
    scope,
    trust,
)
from onboarding.azure.graph_batch import Inner, batch_answers, batch_body
from onboarding.azure.http_session import USER_AGENT, http_session
from onboarding.azure.per_loop import PerLoop
from onboarding.azure.permissions import ChangesBy
from onboarding.core.patterns import GUID, fits
from onboarding.pauses import Pauses
from onboarding.ports import OwnPermissions
from onboarding.settings import Settings
from onboarding.telemetry.calls import calling, counted

if TYPE_CHECKING:
    import aiohttp
    from kiota_abstractions.authentication import AuthenticationProvider
    from kiota_abstractions.base_request_builder import BaseRequestBuilder
    from kiota_abstractions.request_information import RequestInformation
    from msgraph.graph_service_client import GraphServiceClient

log = logging.getLogger(__name__)

GRAPH_VERSION = "/v1.0"
_JSON = "application/json"
TEXT = "text/plain"
_BATCH = MicrosoftCall(MicrosoftService.GRAPH, "POST", BATCH)
_PARAMETERS = re.compile(r"\{\?[^}]*\}")
_NAMES = re.compile(r"\{[^+}][^}]*\}")

Build = Callable[["GraphServiceClient"], "BaseRequestBuilder"]
"""Picks a request builder: `lambda graph: graph.domains`."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to be made. `build` picks the SDK's request builder, which knows the path."""

    method: str
    build: Build
    select: tuple[str, ...] = ()
    body: Mapping[str, Any] | None = None
    after_previous: bool = False
    """In a batch: made only when the one before it succeeded."""
    text: bytes | None = None
    """Sent in place of `body`, as text/plain. Not in a batch, which takes JSON only."""


AnsweredCall = tuple[MicrosoftCall, MicrosoftAnswer]


class GraphSender(Protocol):
    """What the directory needs of it."""

    changes_by: ChangesBy

    async def send(self, ask: Ask, grants: Grants | None = None) -> AnsweredCall:
        """One request."""

    async def batch(self, asks: Sequence[Ask], grants: Grants | None = None) -> list[AnsweredCall]:
        """Several, answered in the order of asking. Raises StepProblemError as `GraphClient.batch`."""

    async def follow(self, call: MicrosoftCall, link: str) -> MicrosoftAnswer:
        """The next page."""

    async def own_permissions(self) -> OwnPermissions | None:
        """What the application's own token says of it; None when it can't be read."""


def expect_answers(answered: list[AnsweredCall]) -> list[AnsweredCall]:
    """These. Raises StepProblemError when any of them was throttled or met an outage; the longest wait counts."""
    problem = gravest(p for p in (shared_problem(call, answer) for call, answer in answered) if p)
    if problem:
        raise problem
    return answered


@dataclass(frozen=True, slots=True)
class _Connection:
    http: aiohttp.ClientSession
    signed_in: AuthenticationProvider
    graph: GraphServiceClient


class GraphClient:
    """Sends to Graph. Statuses are the caller's to judge; a lost answer is a TryLaterError."""

    def __init__(self, settings: Settings, credential: Credential, pauses: Pauses | None = None) -> None:
        self._settings = settings
        self.changes_by = settings.changes_by
        self._credential = credential
        self._base = settings.graph_endpoint + GRAPH_VERSION
        self._directory_pause = Cooldown(GRAPH_LIMIT, pauses)
        self._mail_pause = Cooldown(MAIL_LIMIT, pauses)
        self._connection: PerLoop[_Connection] = PerLoop(self._make, lambda connection: connection.http.close())

    async def send(self, ask: Ask, grants: Grants | None = None) -> AnsweredCall:
        """One request."""
        inner = self._inner(ask)
        return inner.call, await self._send(inner.call, inner.path, inner.body, grants, ask.text)

    async def batch(self, asks: Sequence[Ask], grants: Grants | None = None) -> list[AnsweredCall]:
        """Several in one `$batch`, answered in the order of asking.

        Raises StepProblemError when any of them was throttled or met an outage; the longest wait counts.
        """
        return expect_answers(await self.answers(asks, grants))

    async def answers(self, asks: Sequence[Ask], grants: Grants | None = None) -> list[AnsweredCall]:
        """The same, whatever came of each.

        When the token of any is refused, all are sent once more with a new one: what was done is found done.
        """
        signed_in = self._credential.in_use()
        pairs = await self._batch(asks, grants)
        if any(answer.status == UNAUTHORIZED for _, answer in pairs) and await self._credential.renew(signed_in):
            pairs = await self._batch(asks, grants)
        return pairs

    async def _batch(self, asks: Sequence[Ask], grants: Grants | None) -> list[AnsweredCall]:
        inners = [self._inner(ask) for ask in asks]
        outer = await self._send(_BATCH, BATCH, batch_body(inners), grants)
        if not outer.ok:
            raise shared_problem(_BATCH, outer) or refusal_problem(_BATCH, outer)
        pairs = list(zip([i.call for i in inners], batch_answers(_BATCH, inners, outer), strict=True))
        for call, answer in pairs:
            log.debug("in %s: %s -> %d", BATCH, call, answer.status)
            counted(call.service, call.operation, answer)
            await self._directory_pause.heed(answer)
        return pairs

    async def own_permissions(self) -> OwnPermissions | None:
        """What a new token for Graph says that its bearer may do; None: it does not say, or is none that can be read.

        Microsoft promises nothing of what is in a token for its own APIs ("Access tokens in the Microsoft identity
        platform"), so what can't be read is not known, and no error.
        """
        token = await self._credential.new_token(scope(self._settings.graph_endpoint, GRAPH_AUDIENCE))
        claims = claims_of(token)
        roles = claims.get("roles")
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
            return None
        app_id = claims.get("appid")
        known = isinstance(app_id, str) and fits(GUID, app_id)
        return OwnPermissions(frozenset(roles), app_id if known else self._settings.client_id)

    async def follow(self, call: MicrosoftCall, link: str) -> MicrosoftAnswer:
        """The next page. `call` is the one that gave the link."""
        if not link.lower().startswith(self._base.lower() + "/"):
            # Our token goes with the request, so it goes nowhere else.
            raise unexpected_answer(call, f"its next page is at {urlsplit(link).netloc}, not below {self._base}")
        return await self._send(call, link[len(self._base) :], None, None)

    async def aclose(self) -> None:
        """Close this event loop's connections."""
        await self._connection.aclose()

    def _make(self) -> _Connection:
        import httpx
        from kiota_authentication_azure.azure_identity_authentication_provider import (
            AzureIdentityAuthenticationProvider,
        )
        from msgraph.graph_request_adapter import GraphRequestAdapter
        from msgraph.graph_service_client import GraphServiceClient

        signed_in = AzureIdentityAuthenticationProvider(
            self._credential,
            scopes=[scope(self._settings.graph_endpoint, GRAPH_AUDIENCE)],
            allowed_hosts=[urlsplit(self._base).hostname or ""],
        )
        nowhere = httpx.AsyncClient(transport=httpx.AsyncBaseTransport(), trust_env=False)
        adapter = GraphRequestAdapter(signed_in, client=nowhere)
        adapter.base_url = self._base
        session = http_session(trust(self._settings), unpacks=True)
        return _Connection(session, signed_in, GraphServiceClient(request_adapter=adapter))

    def _inner(self, ask: Ask) -> Inner:
        builder = ask.build(self._connection.get().graph)
        template = _PARAMETERS.sub("", builder.url_template).removeprefix("{+baseurl}")
        request = _information(ask.method, builder.url_template, {**builder.path_parameters, "baseurl": ""})
        if ask.select:
            request.query_parameters["%24select"] = list(ask.select)
        # OData's `$select` stays readable in a batch, as the SDK's middleware makes it in a plain request.
        path = request.url.replace("%24select", "$select")
        call = MicrosoftCall(
            MicrosoftService.GRAPH,
            ask.method,
            unquote(_NAMES.sub("{id}", template)),
            by=self._settings.client_id,
            synergy_by=self._settings.project_synergy_by,
            changes_by=self._settings.changes_by,
        )
        return Inner(call, path, ask.body, ask.after_previous)

    async def _send(
        self,
        call: MicrosoftCall,
        path: str,
        body: Mapping[str, Any] | None,
        grants: Grants | None,
        text: bytes | None = None,
    ) -> MicrosoftAnswer:
        """Every request to Graph goes through here. One whose token is refused is made once more with a new one: it
        did nothing."""
        check_graph(call.method, path.partition("?")[0], body, grants)
        signed_in = self._credential.in_use()
        answer = await self._send_once(call, path, body, text)
        if answer.status == UNAUTHORIZED and await self._credential.renew(signed_in):
            answer = await self._send_once(call, path, body, text)
        return answer

    async def _send_once(
        self, call: MicrosoftCall, path: str, body: Mapping[str, Any] | None, text: bytes | None
    ) -> MicrosoftAnswer:
        pause = self._mail_pause if path.endswith("/sendMail") else self._directory_pause
        await pause.check()
        request = _information(call.method, None, {})
        request.url = self._base + path
        request.headers.try_add("Accept", _JSON)
        request.headers.try_add("User-Agent", USER_AGENT)
        request.headers.try_add("client-request-id", str(uuid.uuid4()))
        if text is not None:
            request.set_stream_content(text, TEXT)
        elif body is not None:
            request.set_stream_content(json.dumps(body).encode(), _JSON)
        started = time.perf_counter()
        with calling(call.service, call.operation) as asked:
            answer = asked.answered(await self._exchange(call, request))
        await pause.heed(answer)
        log.debug("%s -> %d in %.0f ms", call, answer.status, (time.perf_counter() - started) * 1000)
        return answer

    async def _exchange(self, call: MicrosoftCall, request: RequestInformation) -> MicrosoftAnswer:
        import aiohttp
        from yarl import URL

        connection = self._connection.get()
        await connection.signed_in.authenticate_request(request, {})
        try:
            async with connection.http.request(
                call.method,
                URL(request.url, encoded=True),
                headers=[(name, value) for name, values in request.headers.get_all().items() for value in values],
                data=request.content,
                skip_auto_headers=("Content-Type",),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT, sock_read=READ_TIMEOUT),
            ) as response:
                return MicrosoftAnswer.of(response.status, response.headers.items(), await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise no_answer(call, error, timeout=isinstance(error, TimeoutError)) from error


def _information(method: str, template: str | None, parameters: dict[str, Any]) -> RequestInformation:
    from kiota_abstractions.method import Method
    from kiota_abstractions.request_information import RequestInformation

    return RequestInformation(Method(method), template, parameters)
