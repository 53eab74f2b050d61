"""Signing in fails, and heals: refused tokens, and an identity endpoint that is not ready.

Bug report: one 401 (key rollover, expired token, an identity endpoint not ready after a deployment: 400, 403) stopped
a branch at its first attempt, and the cached token stayed, so that every onboarding stopped until a restart.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from azure.core.credentials import AccessTokenInfo, TokenRequestOptions
from azure.servicebus.exceptions import ServiceBusAuthorizationError

from onboarding.azure import tables
from onboarding.azure.circuit import Circuit
from onboarding.azure.credential import ARM_AUDIENCE, GRAPH_AUDIENCE, RENEWED_LATELY, Credential
from onboarding.azure.http_session import http_session
from onboarding.azure.service_bus import _Senders
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, TryLaterError
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME
from sandbox.microsoft import certificates
from tests.support.adapters import GATEWAY, Adapters, connected

DOMAIN = "abc123.commsgw.azure.com"
GRAPH_SCOPE = f"{GRAPH_AUDIENCE}/.default"


@pytest.fixture
async def microsoft(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Adapters]:
    async with connected(monkeypatch) as adapters:
        yield adapters


def tokens_asked_for(microsoft: Adapters) -> int:
    return len(microsoft.sent("identity"))


async def test_after_a_key_rollover_reads_and_writes_of_arm_and_graph_go_on_with_a_new_token(
    microsoft: Adapters,
) -> None:
    gateway = await microsoft.gateways.get(GATEWAY)
    assert gateway is not None
    assert await microsoft.directory.domain(DOMAIN) is None
    assert tokens_asked_for(microsoft) == 2
    microsoft.world.tokens.roll_over()
    await microsoft.gateways.put(GATEWAY, gateway.body)
    assert await microsoft.directory.add_application(PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME)
    assert tokens_asked_for(microsoft) == 4
    assert len([call for call in microsoft.writes("graph") if "servicePrincipals" in call]) == 1


async def test_a_write_that_is_refused_once_is_made_once(microsoft: Adapters) -> None:
    microsoft.fail(kind="status", status=401, service="graph", method="POST", path="/servicePrincipals$")
    added = await microsoft.directory.add_application(PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME)
    assert added.app_id == PROJECT_SYNERGY_APP_ID
    statuses = [e.status for e in microsoft.world.journal.select("graph") if e.method == "POST"]
    assert statuses == [401, 201]


@pytest.mark.parametrize("path", [r"/domains/[^/]+$", r"/\$batch$"])
async def test_a_token_refused_inside_a_batch_counts_as_well(microsoft: Adapters, path: str) -> None:
    microsoft.fail(kind="status", status=401, service="graph", path=path)
    assert await microsoft.directory.domain(DOMAIN) is None
    assert tokens_asked_for(microsoft) == 2
    assert microsoft.sent("graph") == ["POST /v1.0/$batch"] * 2


@pytest.mark.parametrize("service", ["arm", "graph"])
async def test_a_token_that_is_refused_again_is_tried_later_and_in_the_end_people_look_at_the_identity(
    microsoft: Adapters, service: str
) -> None:
    microsoft.fail(kind="status", status=401, service=service, times=None)
    with pytest.raises(TryLaterError) as caught:
        await (microsoft.gateways.get(GATEWAY) if service == "arm" else microsoft.directory.domain(DOMAIN))
    assert caught.value.code == ProblemCode.SIGN_IN_FAILED
    assert "AZURE_CLIENT_ID" in caught.value.in_the_end
    assert caught.value.problem.what_next == caught.value.what_next
    microsoft.world.faults.clear()
    assert await microsoft.gateways.get(GATEWAY) is not None


async def test_while_tokens_are_refused_a_process_does_not_ask_for_one_at_each_call(microsoft: Adapters) -> None:
    microsoft.fail(kind="status", status=401, service="graph", times=None)
    calls = [microsoft.directory.domain(DOMAIN) for _ in range(20)]
    problems = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(p) for p in problems} == {TryLaterError}
    for _ in range(5):
        with pytest.raises(TryLaterError):
            await microsoft.directory.domain(DOMAIN)
    assert tokens_asked_for(microsoft) == 2


async def test_tokens_are_forgotten_again_after_a_few_seconds_only(microsoft: Adapters) -> None:
    now = [100.0]
    credential = Credential(microsoft.settings, lambda: now[0])
    first = (await credential.get_token(GRAPH_SCOPE)).token
    old = credential.in_use()
    assert await credential.renew(old)
    second = (await credential.get_token(GRAPH_SCOPE)).token
    assert second != first
    assert await credential.renew(old), "another call has asked for a new one since"
    assert (await credential.get_token(GRAPH_SCOPE)).token == second
    now[0] += RENEWED_LATELY - 0.1
    assert not await credential.renew(credential.in_use())
    assert (await credential.get_token(GRAPH_SCOPE)).token == second
    now[0] += 0.1
    assert await credential.renew(credential.in_use())
    assert (await credential.get_token(GRAPH_SCOPE)).token not in (first, second)
    await credential.aclose()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 400}, ProblemCode.SIGN_IN_FAILED),
        ({"status": 403, "empty": True}, ProblemCode.SIGN_IN_FAILED),
        ({"status": 404}, ProblemCode.SIGN_IN_FAILED),
        ({"status": 500}, ProblemCode.OUTAGE),
        ({"status": 503, "empty": True}, ProblemCode.OUTAGE),
    ],
)
async def test_an_identity_endpoint_that_is_not_ready_is_tried_later(
    microsoft: Adapters, fault: dict[str, Any], code: ProblemCode
) -> None:
    microsoft.fail(kind="status", service="identity", times=None, **fault)
    for ask in (microsoft.gateways.get(GATEWAY), microsoft.directory.domain(DOMAIN)):
        with pytest.raises(TryLaterError) as caught:
            await ask
        assert caught.value.code == code
        assert "az functionapp identity show" in caught.value.in_the_end
    microsoft.world.faults.clear()
    assert await microsoft.gateways.get(GATEWAY) is not None
    assert await microsoft.directory.domain(DOMAIN) is None


async def test_an_identity_endpoint_that_does_not_answer_is_tried_later(microsoft: Adapters) -> None:
    microsoft.fail(kind="cut", service="identity", times=None)
    with pytest.raises(TryLaterError) as caught:
        await microsoft.directory.domain(DOMAIN)
    assert caught.value.code == ProblemCode.NO_ANSWER
    assert "managed identity" in caught.value.in_the_end


async def test_what_the_identity_endpoint_says_is_told(microsoft: Adapters) -> None:
    microsoft.world.identities.all.clear()
    with pytest.raises(TryLaterError) as caught:
        await microsoft.gateways.get(GATEWAY)
    assert "No User Assigned or Delegated Managed Identity found" in caught.value.seen


async def test_a_process_without_an_identity_endpoint_needs_a_person_at_once(
    microsoft: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    with pytest.raises(PersonMustActError) as caught:
        await microsoft.directory.domain(DOMAIN)
    assert caught.value.code == ProblemCode.SIGN_IN_FAILED


async def test_many_who_want_a_token_at_once_ask_once_and_share_what_comes_of_it(microsoft: Adapters) -> None:
    credential = Credential(microsoft.settings)
    microsoft.fail(kind="status", service="identity", status=400)
    failed = await asyncio.gather(*(credential.get_token(GRAPH_SCOPE) for _ in range(10)), return_exceptions=True)
    assert {type(problem) for problem in failed} == {TryLaterError}
    assert tokens_asked_for(microsoft) == 1
    given = await asyncio.gather(*(credential.get_token(GRAPH_SCOPE) for _ in range(10)))
    assert len({token.token for token in given}) == 1
    assert tokens_asked_for(microsoft) == 2
    await credential.aclose()


async def test_whoever_waits_for_a_token_has_it_though_another_forgets_all(microsoft: Adapters) -> None:
    credential = Credential(microsoft.settings)
    microsoft.fail(kind="delay", service="identity", seconds=0.05)
    asking = asyncio.create_task(credential.get_token(f"{ARM_AUDIENCE}/.default"))
    await asyncio.sleep(0)
    assert await credential.renew(credential.in_use())
    assert (await asking).token
    await credential.aclose()


CHALLENGE = (
    "Bearer authorization_uri=https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/oauth2/authorize"
    " resource_id=https://storage.azure.com"
)


async def test_a_token_that_table_storage_refuses_is_renewed_too(
    microsoft: Adapters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token is asked for again after the challenge of a 401: it is a new one, of the tenant that was named."""
    shown: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        shown.append(request.headers["Authorization"])
        if len(set(shown)) > 1:
            return web.json_response({"PartitionKey": "a", "RowKey": "b"})
        return web.Response(status=401, headers={"WWW-Authenticate": CHALLENGE})

    files = certificates.ensure(tmp_path)
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=files.server_context()).start()
    credential = Credential(microsoft.settings)
    tenants: list[str | None] = []
    get_token_info = credential.get_token_info

    async def noted(*scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        tenants.append((options or {}).get("tenant_id"))
        return await get_token_info(*scopes, options=options)

    monkeypatch.setattr(credential, "get_token_info", noted)
    trusting = ssl.create_default_context(cafile=str(files.ca))
    monkeypatch.setattr(tables, "http_session", lambda: http_session(trusting))
    endpoint = f"https://127.0.0.1:{runner.addresses[0][1]}/account"
    table = tables.AzureTable("t", endpoint=endpoint, credential=credential)
    found = await table.get("a", "b")
    assert found is not None
    assert found.key == "b"
    assert len(shown) == len(set(shown)) == 2
    assert tenants == [None, "72f988bf-86f1-41af-91ab-2d7cd011db47"]
    await table.close()
    await credential.aclose()
    await runner.cleanup()


class _OneSender:
    """Stands for Service Bus' client: the sandbox's broker takes any token, so it can't refuse one."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.sent: list[Any] = []

    def get_queue_sender(self, queue: str) -> _OneSender:
        return self

    async def create_message_batch(self) -> None:
        """Opens nothing."""

    async def send_messages(self, messages: Any, **options: float) -> None:
        if self.failures:
            self.failures -= 1
            raise ServiceBusAuthorizationError(message="401")
        self.sent.append(messages)

    async def close(self) -> None:
        """Closes nothing."""


async def test_a_token_that_service_bus_refuses_is_renewed_too(microsoft: Adapters) -> None:
    credential = Credential(microsoft.settings)
    bus = _OneSender(failures=1)
    senders = _Senders(bus, Circuit(10), credential)  # type: ignore[arg-type]
    before = credential.in_use()
    await senders.begin("notices", ["a nudge"])  # type: ignore[list-item]
    assert bus.sent == ["a nudge"]
    assert credential.in_use() is not before
    bus.failures = 1
    with pytest.raises(ServiceBusAuthorizationError):
        await senders.begin("notices", ["another"])  # type: ignore[list-item]
    await senders.close()
    await credential.aclose()
