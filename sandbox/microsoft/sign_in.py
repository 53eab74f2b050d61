"""Where a person's tools sign in: the Azure CLI with `az cloud register`, and whatever calls Graph as an administrator.

Not what the application uses: it has managed identities. Served beside Azure Resource Manager, whose description of the
cloud says where to sign in (Azure CLI, `az cloud register --endpoint-resource-manager`).
"""

from __future__ import annotations

from urllib.parse import parse_qs

from sandbox.microsoft.exchange import Answer, Request
from sandbox.microsoft.identity import ARM_AUDIENCES, GRAPH_AUDIENCES, LIFETIME, Identities
from sandbox.microsoft.journal import Entry

ENDPOINTS = "/metadata/endpoints"


class SignIn:
    """The authority of one tenant, for the people of the seed. Any secret is good."""

    def __init__(self, tenant: str, identities: Identities) -> None:
        self._tenant = tenant
        self._identities = identities

    def answer(self, request: Request, entry: Entry) -> Answer | None:
        """None: it is asked for something else."""
        if (request.method, request.path) == ("GET", ENDPOINTS):
            return Answer(200, self._cloud(request.origin))
        root, _, rest = request.path.strip("/").partition("/")
        if root.lower() != self._tenant.lower():
            return None
        if (request.method, rest) == ("GET", "v2.0/.well-known/openid-configuration"):
            return Answer(200, self._authority(request.origin))
        if (request.method, rest) == ("POST", "oauth2/v2.0/token"):
            return self._token(request, entry)
        return Answer(404, {"error": "invalid_request", "error_description": f"No such path: {request.path}."})

    def _cloud(self, origin: str) -> dict[str, object]:
        return {
            "name": "Sandbox",
            "authentication": {"loginEndpoint": origin, "audiences": [ARM_AUDIENCES[0]], "tenant": self._tenant},
            "resourceManager": origin,
            "graphAudience": GRAPH_AUDIENCES[0],
            "suffixes": {},
        }

    def _authority(self, origin: str) -> dict[str, str]:
        base = f"{origin}/{self._tenant}"
        return {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
        }

    def _token(self, request: Request, entry: Entry) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        who = next((p for p in self._identities.people if p.client_id == asked.get("client_id")), None)
        audience = asked.get("scope", "").removesuffix("/.default").rstrip("/")
        if who is None or asked.get("grant_type") != "client_credentials" or not asked.get("client_secret"):
            why = "AADSTS7000215: Invalid client, or no secret provided."
            return Answer(401, {"error": "invalid_client", "error_description": why})
        if audience not in ARM_AUDIENCES + GRAPH_AUDIENCES:
            why = f"AADSTS500011: The resource principal named {audience} was not found in the tenant."
            return Answer(400, {"error": "invalid_resource", "error_description": why})
        entry.identity = who.name
        token, _ = self._identities.tokens.issue(who, audience)
        return Answer(200, {"token_type": "Bearer", "expires_in": LIFETIME, "access_token": token})
