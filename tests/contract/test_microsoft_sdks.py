"""The genuine SDKs, unchanged, against the simulator."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import CredentialUnavailableError
from azure.identity.aio import ManagedIdentityCredential
from azure.mgmt.resource.resources.aio import ResourceManagementClient
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph_core import GraphClientFactory

from sandbox.microsoft import Microsoft
from tests.contract.conftest import GATEWAYS, PROJECT_SYNERGY, SUBSCRIPTION, VERSION

pytestmark = [
    pytest.mark.filterwarnings("ignore:GetQueryParameters is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This class is deprecated:DeprecationWarning"),
]
"""The Graph SDK's own, while it is imported."""


@pytest.fixture
async def credential(microsoft: Microsoft, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ManagedIdentityCredential]:
    for name, value in microsoft.environment.items():
        monkeypatch.setenv(name, value)
    async with ManagedIdentityCredential() as made:
        yield made


@pytest.fixture
async def resources(microsoft: Microsoft, credential: ManagedIdentityCredential) -> AsyncIterator[Any]:
    async with ResourceManagementClient(
        credential,
        SUBSCRIPTION,
        base_url=microsoft.arm_url,
        credential_scopes=["https://management.azure.com/.default"],
        connection_verify=str(microsoft.ca_file),
    ) as client:
        yield client.resources


@pytest.fixture
async def graph_client(
    microsoft: Microsoft, credential: ManagedIdentityCredential
) -> AsyncIterator[GraphServiceClient]:
    host = microsoft.graph_url.removeprefix("https://")
    auth = AzureIdentityAuthenticationProvider(
        credential, scopes=["https://graph.microsoft.com/.default"], allowed_hosts=[host, host.split(":")[0]]
    )
    context = ssl.create_default_context(cafile=str(microsoft.ca_file))
    # Closing the client closes only the SDK's wrapping of the transport.
    async with httpx.AsyncHTTPTransport(verify=context) as transport:
        http = httpx.AsyncClient(transport=transport)
        adapter = GraphRequestAdapter(auth, client=GraphClientFactory.create_with_default_middleware(client=http))
        adapter.base_url = microsoft.graph_url + "/v1.0"
        yield GraphServiceClient(request_adapter=adapter)


async def test_managed_identity(credential: ManagedIdentityCredential, microsoft: Microsoft) -> None:
    token = await credential.get_token("https://management.azure.com/.default")
    assert microsoft.world.tokens.object_id(f"Bearer {token.token}", ("https://management.azure.com",))


async def test_user_assigned_managed_identity(microsoft: Microsoft, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in microsoft.environment.items():
        monkeypatch.setenv(name, value)
    other = microsoft.world.identities.all[1]
    async with ManagedIdentityCredential(client_id=other.client_id) as credential:
        token = await credential.get_token("https://graph.microsoft.com/.default")
    assert (
        microsoft.world.tokens.object_id(f"Bearer {token.token}", ("https://graph.microsoft.com",)) == other.object_id
    )
    async with ManagedIdentityCredential(client_id="11111111-2222-4333-8444-555555555555") as credential:
        with pytest.raises((CredentialUnavailableError, HttpResponseError)):
            await credential.get_token("https://graph.microsoft.com/.default")


async def test_whole_resource_get_and_put(resources: Any, microsoft: Microsoft) -> None:
    gateway = await resources.get_by_id(f"{GATEWAYS}/contoso-acg", api_version=VERSION)
    gateway.properties["platforms"].append("OperatorConnect")
    poller = await resources.begin_create_or_update_by_id(
        f"{GATEWAYS}/contoso-acg", gateway, api_version=VERSION, polling_interval=0
    )
    done = await poller.result()
    assert done.properties["platforms"] == ["TeamsDirectRouting", "OperatorConnect"]
    assert done.identity.principal_id == gateway.identity.principal_id
    polls = [entry for entry in microsoft.world.journal.entries if "/operationStatuses/" in entry.url]
    assert polls, "the SDK followed Azure-AsyncOperation"
    assert microsoft.world.journal.violations == []


async def test_errors_reach_the_caller_as_arm_wrote_them(resources: Any) -> None:
    with pytest.raises(ResourceNotFoundError) as caught:
        await resources.get_by_id(f"{GATEWAYS}/absent-acg", api_version=VERSION)
    assert caught.value.error is not None
    assert caught.value.error.code == "ResourceNotFound"


async def test_a_retried_call_waits_as_long_as_it_was_told(resources: Any, microsoft: Microsoft) -> None:
    async with httpx.AsyncClient(base_url=microsoft.control_url) as control:
        await control.post("/faults", json={"kind": "status", "status": 429, "retryAfter": 1, "service": "arm"})
    gateway = await resources.get_by_id(f"{GATEWAYS}/contoso-acg", api_version=VERSION)
    assert gateway.name == "contoso-acg"
    assert [row.kind for row in microsoft.world.journal.violations] == []


async def test_request_builders_with_raw_bodies(graph_client: GraphServiceClient, microsoft: Microsoft) -> None:
    builder = graph_client.service_principals
    posted = RequestInformation(Method.POST, builder.url_template, builder.path_parameters)
    posted.set_stream_content(json.dumps({"appId": PROJECT_SYNERGY}).encode(), "application/json")
    made = json.loads(await graph_client.request_adapter.send_primitive_async(posted, "bytes", {}))
    asked = graph_client.service_principals_with_app_id(PROJECT_SYNERGY).to_get_request_information()
    found = json.loads(await graph_client.request_adapter.send_primitive_async(asked, "bytes", {}))
    assert found["id"] == made["id"]
    listed = builder.by_service_principal_id(made["id"]).app_role_assigned_to.to_get_request_information()
    rows = json.loads(await graph_client.request_adapter.send_primitive_async(listed, "bytes", {}))
    assert rows["value"] == []
    assert microsoft.world.journal.violations == []


async def test_models_too(graph_client: GraphServiceClient) -> None:
    domains = await graph_client.domains.get()
    assert domains is not None
    assert {domain.id for domain in domains.value or []} == {"contoso.com", "contoso.onmicrosoft.com"}
    with pytest.raises(ODataError) as caught:
        await graph_client.users.by_user_id("nobody@contoso.com").get()
    assert caught.value.error is not None
    assert caught.value.error.code == "Request_ResourceNotFound"
