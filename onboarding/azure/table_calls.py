"""Requests to Table Storage, over azure.core's pipeline with the policies that they need: signing, and one retry.

azure-data-tables 12.7 takes four times the CPU for the same request: it describes itself to a tracer twice, has
thirteen policies (redirects, tracing, two for logs), and takes each cell through a general serializer. What is rare
(making a table, a transaction) goes through it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from onboarding.azure.http_session import USER_AGENT

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.pipeline import PipelineRequest, PipelineResponse
    from azure.core.pipeline.policies import AsyncHTTPPolicy, SansIOHTTPPolicy
    from azure.data.tables.aio import TableClient

STORAGE_SCOPE = "https://storage.azure.com/.default"
"""Of tokens for Storage, in every cloud (Microsoft Learn, "Authorize with Microsoft Entra ID")."""
_JSON = "application/json"
_HEADERS = {
    "DataServiceVersion": "3.0",
    "Accept": f"{_JSON};odata=minimalmetadata",
    "User-Agent": USER_AGENT,
}
_TENANT = re.compile(r"authorization(?:_uri)?=\"?https://[^/\s\",]+/([^/\s\",?]+)")


@dataclass(frozen=True, slots=True)
class TableAnswer:
    """A status, headers (whatever their case) and the body."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def ok(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    @property
    def json(self) -> Mapping[str, Any]:
        """The body as an object; empty when it is none."""
        try:
            body = json.loads(self.content)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}

    @property
    def code(self) -> str:
        """Table Storage's own code of an error; empty when it gave none."""
        told = self.headers.get("x-ms-error-code")
        error = self.json.get("odata.error")
        return str(told or (error.get("code") if isinstance(error, dict) else "") or "")[:60]

    @property
    def etag(self) -> str:
        """Of the row that was written."""
        return self.headers["ETag"]


class TableCalls:
    """Sends for one table of an account, by the account's transport."""

    def __init__(self, client: TableClient, transport: Any, retries: Mapping[str, int]) -> None:
        """`client` knows where the account is and how to sign; both use `transport`, and neither closes it."""
        from azure.core import AsyncPipelineClient
        from azure.core.pipeline.policies import AsyncRetryPolicy

        account, _, self._signed_by = client.url.partition("?")
        self._table = f"{account}/{client.table_name}"
        self._headers = {**_HEADERS, "x-ms-version": client.api_version}
        policies = [AsyncRetryPolicy(**retries), *_signing(client)]
        self._pipeline: AsyncPipelineClient[Any, Any] = AsyncPipelineClient(
            account, policies=policies, transport=transport
        )

    async def send(
        self,
        method: str,
        path: str = "",
        *,
        query: Mapping[str, str | None] | None = None,
        entity: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        read_timeout: float | None = None,
    ) -> TableAnswer:
        """One request, to what `path` says of the table. Raises azure.core's errors when there is no answer."""
        from azure.core.rest import HttpRequest

        sent = {**self._headers, "x-ms-date": formatdate(usegmt=True), **(headers or {})}
        body = None
        if entity is not None:
            sent["Content-Type"] = _JSON
            body = json.dumps(entity).encode()
        asked = [f"{name}={quote(value, safe='')}" for name, value in (query or {}).items() if value is not None]
        asked += [self._signed_by] if self._signed_by else []
        address = f"{self._table}{path}{'?' if asked else ''}{'&'.join(asked)}"
        limits: dict[str, Any] = {} if read_timeout is None else {"read_timeout": read_timeout}
        answer = await self._pipeline.send_request(HttpRequest(method, address, headers=sent, content=body), **limits)
        return TableAnswer(answer.status_code, answer.headers, answer.content)


def _signing(client: TableClient) -> list[AsyncHTTPPolicy[Any, Any] | SansIOHTTPPolicy[Any, Any]]:
    """What signs requests; nothing where the address itself is signed."""
    from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
    from azure.core.pipeline.policies import AzureSasCredentialPolicy

    credential = client.credential
    if isinstance(credential, AzureNamedKeyCredential):
        return [_by_key(credential)]
    if isinstance(credential, AzureSasCredential):
        return [AzureSasCredentialPolicy(credential)]
    return [_by_token(credential)] if credential else []


def _by_key(credential: AzureNamedKeyCredential) -> AsyncHTTPPolicy[Any, Any]:
    """Source: Microsoft Learn, "Authorize with Shared Key", "Table service (Shared Key authorization)"."""
    from azure.core.pipeline.policies import AsyncHTTPPolicy
    from yarl import URL

    class SignedByKey(AsyncHTTPPolicy[Any, Any]):
        async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
            sent = request.http_request
            name, key = credential.named_key
            # As the transport will write it.
            resource = f"/{name}{URL(sent.url).raw_path}"
            told = (sent.method, "", sent.headers.get("Content-Type", ""), sent.headers["x-ms-date"], resource)
            digest = hmac.digest(base64.b64decode(key), "\n".join(told).encode(), hashlib.sha256)
            sent.headers["Authorization"] = f"SharedKey {name}:{base64.b64encode(digest).decode()}"
            return await self.next.send(request)

    return SignedByKey()


def _by_token(credential: AsyncTokenCredential) -> AsyncHTTPPolicy[Any, Any]:
    """A token of the tenant that Storage names when it refuses one."""
    from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy

    class SignedByToken(AsyncBearerTokenCredentialPolicy[Any, Any]):
        async def on_challenge(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> bool:
            tenant = _TENANT.search(response.http_response.headers.get("WWW-Authenticate", ""))
            if tenant is None:
                return bool(await super().on_challenge(request, response))
            await self.authorize_request(request, STORAGE_SCOPE, tenant_id=tenant[1])
            return True

    return SignedByToken(credential, STORAGE_SCOPE)
