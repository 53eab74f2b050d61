"""Requests to Table Storage, over azure.core's pipeline with the policies that they need: signing, and one retry.

azure-data-tables 12.7 takes four times the CPU for the same request: it describes itself to a tracer twice, has
thirteen policies (redirects, tracing, two for logs), takes each cell through a general serializer, and a transaction
through the library for mail. It still reads connection strings, and makes tables.
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
from uuid import uuid4

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
_INNER = re.compile(rb"^HTTP/1\.1 (\d{3})[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)", re.MULTILINE)
"""An answer within that of a transaction: its status and its body."""


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

        self._account, _, self._signed_by = client.url.partition("?")
        self._table = f"{self._account}/{client.table_name}"
        self._headers = {**_HEADERS, "x-ms-version": client.api_version}
        policies = [AsyncRetryPolicy(**retries), *_signing(client)]
        self._pipeline: AsyncPipelineClient[Any, Any] = AsyncPipelineClient(
            self._account, policies=policies, transport=transport
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
        sent = {**self._headers, "x-ms-date": formatdate(usegmt=True), **(headers or {})}
        body = None if entity is None else json.dumps(entity).encode()
        if body is not None:
            sent["Content-Type"] = _JSON
        asked = [f"{name}={quote(value, safe='')}" for name, value in (query or {}).items() if value is not None]
        return await self._sent(method, f"{self._table}{path}", asked, sent, body, read_timeout)

    async def replace_all(self, entities: Mapping[str, Mapping[str, Any]]) -> TableAnswer:
        """All of them or none, in one request: path → entity. The first that is refused is the answer.

        Source: Microsoft Learn, "Performing entity group transactions"; and the bytes that azure-data-tables sends.
        """
        batch, changes = f"batch_{uuid4()}", f"changeset_{uuid4()}"
        head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary"
        told = "".join(f"{name}: {value}\r\n" for name, value in {**self._headers, "Content-Type": _JSON}.items())
        parts = [f"--{batch}\r\nContent-Type: multipart/mixed; boundary={changes}\r\n"]
        for number, (path, entity) in enumerate(entities.items()):
            body = json.dumps(entity)
            line = f"PUT {self._table}{path} HTTP/1.1\r\n{told}Content-Length: {len(body)}"
            parts.append(f"--{changes}\r\n{head}\r\nContent-ID: {number}\r\n\r\n{line}\r\n\r\n{body}")
        content = "\r\n".join([*parts, f"--{changes}--\r\n", f"--{batch}--\r\n"]).encode()
        sent = {**self._headers, "x-ms-date": formatdate(usegmt=True)}
        sent["Content-Type"] = f"multipart/mixed; boundary={batch}"
        answer = await self._sent("POST", f"{self._account}/$batch", [], sent, content, None)
        refused = next((r for r in _INNER.finditer(answer.content) if not r[1].startswith(b"2")), None)
        return TableAnswer(int(refused[1]), {}, refused[2]) if answer.ok and refused else answer

    async def _sent(
        self,
        method: str,
        address: str,
        asked: list[str],
        headers: dict[str, str],
        body: bytes | None,
        read_timeout: float | None,
    ) -> TableAnswer:
        from azure.core.rest import HttpRequest

        asked = asked + ([self._signed_by] if self._signed_by else [])
        request = HttpRequest(method, "?".join(filter(None, (address, "&".join(asked)))), headers=headers, content=body)
        limits: dict[str, Any] = {} if read_timeout is None else {"read_timeout": read_timeout}
        answer = await self._pipeline.send_request(request, **limits)
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
