"""Calls of the API inside the process: the real entrance and handlers, on the in-memory twins."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func
import pytest

from onboarding.http import routes as routes_module
from onboarding.http.call import Application, Route
from onboarding.http.entrance import entrance
from onboarding.settings import SET_IN_AZURE, Settings
from sandbox.functions_host.routes import RouteTable, Template
from tests.support.system import System

HOST = "https://onboarding.example.com"
IN_AZURE = {"WEBSITE_INSTANCE_ID": "1", "WEBSITE_AUTH_ENABLED": "True"}
ENTRA_ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"


def principal(*roles: str, name: str = "ada@contoso.com", provider: str = "aad", **more: Any) -> str:
    """An X-MS-CLIENT-PRINCIPAL as the platform writes it."""
    claims = [{"typ": "preferred_username", "val": name}, *({"typ": "roles", "val": role} for role in roles)]
    body = {"auth_typ": provider, "claims": claims, "name_typ": "name", "role_typ": ENTRA_ROLE, **more}
    return base64.b64encode(json.dumps(body).encode()).decode()


def app_settings(**values: Any) -> Settings:
    """Settings of an app whose own parts are in memory."""
    return Settings(ServiceBus="unused", Tables="unused", **values)


@dataclass
class Api:
    """The function app's HTTP side; routes are matched as the host does."""

    monkeypatch: pytest.MonkeyPatch
    system: System = field(default_factory=System)
    settings: Settings = field(default_factory=lambda: app_settings(sandbox_user="olga.operator"))

    def __post_init__(self) -> None:
        self.environment({})
        self.application = Application(lambda: self.system.engine, lambda: self.settings)
        routes = routes_module.ROUTES
        self._routes = RouteTable([(Template.parse(f"api/{r.path}"), frozenset({r.method}), r) for r in routes])

    def environment(self, values: Mapping[str, str]) -> None:
        """What the platform sets."""
        for name in (*SET_IN_AZURE, "WEBSITE_AUTH_ENABLED"):
            self.monkeypatch.delenv(name, raising=False)
        for name, value in values.items():
            self.monkeypatch.setenv(name, value)

    async def call(
        self, method: str, path: str, body: Any = None, *, route: Route | None = None, **headers: str
    ) -> func.HttpResponse:
        """Call a path below `/api/`; headers as keywords with underscores, a body that is no bytes as JSON."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        url = urlsplit(f"{HOST}/api/{path}")
        found = self._routes.find(method, url.path)
        assert found is not None, f"no route for {method} {path}"
        request = func.HttpRequest(
            method,
            url.geturl(),
            headers=sent,
            params=_joined(parse_qsl(url.query, keep_blank_values=True)),
            route_params=found[1],
            body=body or b"",
        )
        return await entrance(route or found[0], self.application)(request)

    async def get(self, path: str, **headers: str) -> func.HttpResponse:
        return await self.call("GET", path, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> func.HttpResponse:
        return await self.call("POST", path, body, **headers)

    async def put(self, path: str, body: Any = None, **headers: str) -> func.HttpResponse:
        return await self.call("PUT", path, body, **headers)


def content(answer: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(answer.get_body())


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """As the host gives a parameter that comes twice."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: ",".join(several) for name, several in values.items()}
