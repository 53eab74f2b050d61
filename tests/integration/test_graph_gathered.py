"""Reads at Graph that come at about the same time share a request, and none suffers for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from onboarding.azure.credential import Credential
from onboarding.azure.graph import GraphDirectory
from onboarding.azure.graph_client import GraphClient
from onboarding.azure.graph_gathered import GatheredGraph
from onboarding.core.problems import TryLaterError
from onboarding.ports import Principal
from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME
from tests.support.adapters import Adapters, connected

ADMIN = Principal("users", "voice.admin@contoso.com")


@pytest.fixture
async def microsoft(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Adapters]:
    async with connected(monkeypatch) as adapters:
        yield adapters
        assert adapters.violations() == []


@pytest.fixture
async def together(microsoft: Adapters) -> AsyncIterator[GraphDirectory]:
    credential = Credential(microsoft.settings)
    client = GraphClient(microsoft.settings, credential)
    yield GraphDirectory(GatheredGraph(client))
    await client.aclose()
    await credential.aclose()


async def test_they_answer_as_each_by_itself(microsoft: Adapters, together: GraphDirectory) -> None:
    added = await together.add_application(PROJECT_SYNERGY_APP_ID, PROJECT_SYNERGY_DISPLAY_NAME)
    before = len(microsoft.sent("graph"))
    names = [f"gone-{number}.example.com" for number in range(3)]
    application, standing, *domains = await asyncio.gather(
        together.application(PROJECT_SYNERGY_APP_ID),
        together.role_standing(ADMIN, PROJECT_SYNERGY_APP_ID),
        *(together.domain(name) for name in names),
    )
    assert application == added
    assert standing == await microsoft.directory.role_standing(ADMIN, PROJECT_SYNERGY_APP_ID)
    assert domains == [None] * 3
    assert [request.endswith("/$batch") for request in microsoft.sent("graph")[before:-1]] == [True]


async def test_what_does_not_fit_into_one_goes_into_another(microsoft: Adapters, together: GraphDirectory) -> None:
    await asyncio.gather(*(together.domain(f"gone-{number}.example.com") for number in range(25)))
    assert len(microsoft.sent("graph")) == 3, "two reads each, twenty in one"


async def test_one_that_is_throttled_keeps_no_other_from_its_answer(
    microsoft: Adapters, together: GraphDirectory
) -> None:
    microsoft.fail(kind="status", service="graph", path="/domains/one.example.com$", status=429, retryAfter=41)
    found = await asyncio.gather(
        together.domain("one.example.com"), together.application(PROJECT_SYNERGY_APP_ID), return_exceptions=True
    )
    assert isinstance(found[0], TryLaterError)
    assert found[1] is None


async def test_whoever_is_broken_off_leaves_the_others_their_answer(
    microsoft: Adapters, together: GraphDirectory
) -> None:
    gone = asyncio.ensure_future(together.domain("one.example.com"))
    stays = asyncio.ensure_future(together.domain("two.example.com"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays is None
    assert gone.cancelled()


async def test_an_answer_that_is_lost_is_lost_for_all_of_them(microsoft: Adapters, together: GraphDirectory) -> None:
    microsoft.fail(kind="status", service="graph", path=r"/\$batch$", status=503)
    found = await asyncio.gather(
        together.domain("one.example.com"), together.domain("two.example.com"), return_exceptions=True
    )
    assert all(isinstance(each, TryLaterError) for each in found)
