"""The simulated Microsoft in process, and clients whose every exchange is checked against the descriptions."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.microsoft import Microsoft
from tests.contract.described import arm_complaints, graph_complaints

SUBSCRIPTION = "6e1b5d2c-8f0a-4c3e-9d57-2a4b8c1f0e63"
PROVIDER = "providers/Microsoft.VoiceServices"
GATEWAYS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-voice/{PROVIDER}/communicationsGateways"
VERSION = "2023-09-01"
PROJECT_SYNERGY = "eb63d611-525e-4a31-abd7-0cb33f679599"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
async def microsoft(certificates: Path) -> AsyncIterator[Microsoft]:
    async with Microsoft(certificates=certificates) as running:
        yield running
        broken = [row.detail for row in running.world.journal.violations if row.kind == "answer-does-not-conform"]
        assert broken == [], "the simulator gave answers that break Microsoft's description"


async def token(microsoft: Microsoft, resource: str, **more: str) -> str:
    async with httpx.AsyncClient() as client:
        query = {"api-version": "2019-08-01", "resource": resource, **more}
        answer = await client.get(
            microsoft.identity_endpoint, params=query, headers={"X-IDENTITY-HEADER": microsoft.identity_header}
        )
    return answer.raise_for_status().json()["access_token"]


@dataclass
class Arm:
    """Calls ARM and checks every answer it describes."""

    client: httpx.AsyncClient

    async def call(
        self, method: str, path: str, body: Any = None, *, version: str | None = VERSION, **query: str
    ) -> httpx.Response:
        if version:
            query["api-version"] = version
        answer = await self.client.request(method, path, json=body, params=query or None)
        try:
            complaints = arm_complaints(method, path.split("?")[0], answer.status_code, _json(answer))
        except LookupError:
            complaints = []
        assert complaints == [], f"{method} {path} -> {answer.status_code}"
        return answer

    async def get(self, name: str = "contoso-acg") -> dict[str, Any]:
        answer = await self.call("GET", f"{GATEWAYS}/{name}")
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass
class Graph:
    """Calls Graph v1.0 and checks every answer against the description."""

    client: httpx.AsyncClient

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        answer = await self.client.request(method, path, json=body, headers=headers)
        bare = path.split("?")[0]
        try:
            complaints = graph_complaints(method, bare, answer.status_code, _json(answer))
        except LookupError:
            complaints = []
        assert complaints == [], f"{method} {path} -> {answer.status_code}"
        return answer

    async def add_project_synergy(self) -> dict[str, Any]:
        answer = await self.call(
            "POST", "/servicePrincipals", {"appId": PROJECT_SYNERGY, "displayName": "Operator Connect"}
        )
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture
async def arm(microsoft: Microsoft) -> AsyncIterator[Arm]:
    bearer = await token(microsoft, "https://management.azure.com")
    async with _client(microsoft, microsoft.arm_url, bearer) as client:
        yield Arm(client)


@pytest.fixture
async def graph(microsoft: Microsoft) -> AsyncIterator[Graph]:
    bearer = await token(microsoft, "https://graph.microsoft.com")
    async with _client(microsoft, microsoft.graph_url + "/v1.0", bearer) as client:
        yield Graph(client)


@pytest.fixture
async def control(microsoft: Microsoft) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=microsoft.control_url) as client:
        yield client


def _client(microsoft: Microsoft, base: str, bearer: str) -> httpx.AsyncClient:
    context = ssl.create_default_context(cafile=str(microsoft.ca_file))
    return httpx.AsyncClient(verify=context, base_url=base, headers={"Authorization": f"Bearer {bearer}"})


def _json(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    return answer.json() if "json" in answer.headers["Content-Type"] else int(answer.text)
