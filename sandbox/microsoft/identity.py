"""Managed identities: App Service's token endpoint, the tokens, and who may do what."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.microsoft.exchange import Answer, Request
from sandbox.microsoft.journal import Entry

LIFETIME = 24 * 3600
"""Seconds a managed identity's token is valid."""
API_VERSION = "2019-08-01"
ARM_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")
GRAPH_AUDIENCES = ("https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000")
OTHER_AUDIENCES = ("https://vault.azure.net", "https://storage.azure.com", "https://servicebus.azure.net")


@dataclass
class ManagedIdentity:
    """An identity of the function app: its ids, and what it has been granted."""

    name: str
    client_id: str
    object_id: str
    system_assigned: bool = False
    graph_permissions: set[str] = field(default_factory=set)
    """Application permissions granted in Entra. Read at each call, so that taking one away works at once."""
    azure_role: str | None = "Contributor"
    """Contributor, Reader or None, over every subscription."""
    mail_scope: set[str] = field(default_factory=set)
    """Senders allowed by Exchange's RBAC for Applications, which needs no Entra permission."""

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> ManagedIdentity:
        """From a seed."""
        return cls(
            name=values["name"],
            client_id=values["clientId"],
            object_id=values["objectId"],
            system_assigned=values.get("systemAssigned", False),
            graph_permissions=set(values.get("graph", [])),
            azure_role=values.get("azureRole", "Contributor"),
            mail_scope={sender.lower() for sender in values.get("mailScope", [])},
        )

    def json(self) -> dict[str, Any]:
        """As the control port shows it."""
        return {
            "name": self.name,
            "clientId": self.client_id,
            "objectId": self.object_id,
            "systemAssigned": self.system_assigned,
            "graph": sorted(self.graph_permissions),
            "azureRole": self.azure_role,
            "mailScope": sorted(self.mail_scope),
        }


class TokenRefusedError(Exception):
    """A bearer token that a service does not accept."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        """`missing`, `malformed`, `audience` or `expired`."""


@cache
def _signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Tokens:
    """Issues and checks tokens, signed with a key of this process."""

    def __init__(self, tenant: str) -> None:
        self._key = _signing_key()
        self._tenant = tenant
        self.issuer = f"https://sts.windows.net/{tenant}/"

    def roll_over(self) -> None:
        """Sign with another key: no token that was issued before is good any more."""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def issue(self, identity: ManagedIdentity, audience: str) -> tuple[str, int]:
        """A token for that audience, and when it expires (seconds since the epoch)."""
        now = int(time.time())
        claims = {
            "aud": audience,
            "iss": self.issuer,
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME,
            "appid": identity.client_id,
            "idtyp": "app",
            "oid": identity.object_id,
            "sub": identity.object_id,
            "tid": self._tenant,
            "uti": uuid.uuid4().hex[:22],
            "ver": "1.0",
        }
        if audience.rstrip("/") in GRAPH_AUDIENCES:
            claims["roles"] = sorted(identity.graph_permissions)
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": "sandbox"}), now + LIFETIME

    def object_id(self, authorization: str | None, audiences: tuple[str, ...]) -> str:
        """The `oid` of the bearer token. Raises TokenRefusedError."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenRefusedError("missing", "The 'Authorization' header is missing.")
        accepted = [form for audience in audiences for form in (audience, audience + "/")]
        try:
            claims = jwt.decode(
                token, self._key.public_key(), algorithms=["RS256"], audience=accepted, issuer=self.issuer
            )
        except jwt.ExpiredSignatureError as problem:
            raise TokenRefusedError("expired", "The access token has expired.") from problem
        except jwt.InvalidAudienceError as problem:
            seen = jwt.decode(token, options={"verify_signature": False}).get("aud")
            raise TokenRefusedError("audience", str(seen)) from problem
        except jwt.PyJWTError as problem:
            raise TokenRefusedError("malformed", str(problem)) from problem
        return str(claims["oid"])


class Identities:
    """The identities of the function app, found by client id, object id or as the system-assigned one; and people."""

    def __init__(self, tokens: Tokens, identities: list[ManagedIdentity]) -> None:
        self.tokens = tokens
        self.all = identities
        self.people: list[ManagedIdentity] = []
        """Who signs in with tools of their own (`sign_in.py`)."""

    def find(self, query: Mapping[str, str]) -> ManagedIdentity | None:
        """The one that a token request means."""
        client = query.get("client_id") or query.get("clientid")
        oid = query.get("principal_id") or query.get("object_id")
        for identity in self.all:
            if client and identity.client_id.lower() == client.lower():
                return identity
            if oid and identity.object_id.lower() == oid.lower():
                return identity
            if not client and not oid and identity.system_assigned:
                return identity
        return None

    def bearer(self, request: Request, audiences: tuple[str, ...], entry: Entry) -> ManagedIdentity:
        """Whose token came with the request, noted in its entry. Raises TokenRefusedError."""
        oid = self.tokens.object_id(request.headers.get("authorization"), audiences)
        for identity in (*self.all, *self.people):
            if identity.object_id == oid:
                entry.identity = identity.name
                return identity
        raise TokenRefusedError("malformed", f"No identity has object id {oid}.")


class IdentityEndpoint:
    """App Service's managed identity protocol: `GET /msi/token?api-version=2019-08-01&resource=…`."""

    name = "identity"

    def __init__(self, identities: Identities, header: str) -> None:
        self._identities = identities
        self._header = header

    async def answer(self, request: Request, entry: Entry) -> Answer:
        """A token, or App Service's error."""
        if request.path.rstrip("/") != "/msi/token" or request.method != "GET":
            return _error(404, f"No such path: {request.method} {request.path}. Use GET /msi/token.")
        if request.headers.get("x-identity-header") != self._header:
            return _error(401, "The X-IDENTITY-HEADER header is missing or not this app's IDENTITY_HEADER.")
        if request.query.get("api-version") != API_VERSION:
            return _error(400, f"Unsupported api-version {request.query.get('api-version')!r}; use {API_VERSION}.")
        resource = request.query.get("resource", "")
        if resource.rstrip("/") not in ARM_AUDIENCES + GRAPH_AUDIENCES + OTHER_AUDIENCES:
            return _error(400, f"AADSTS500011: The resource principal named {resource} was not found in the tenant.")
        identity = self._identities.find(request.query)
        if identity is None:
            return _error(
                400,
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
            )
        entry.identity = identity.name
        token, expires = self._identities.tokens.issue(identity, resource)
        return Answer(
            200,
            {
                "access_token": token,
                "client_id": identity.client_id,
                "expires_on": str(expires),
                "not_before": str(expires - LIFETIME),
                "resource": resource,
                "token_type": "Bearer",
            },
        )

    def refuse(self, request: Request, status: int, retry_after: float | None) -> Answer:
        """An injected error."""
        wait = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        return Answer(status, _error(status, "Injected fault.").body, wait)


def _error(status: int, message: str) -> Answer:
    moment = datetime.now(UTC).strftime("%d %b %Y %H:%M:%S")
    return Answer(
        status, {"statusCode": status, "message": message, "correlationId": str(uuid.uuid4()), "timestamp": moment}
    )
