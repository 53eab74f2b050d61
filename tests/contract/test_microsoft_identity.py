"""The managed identity endpoint, and the tokens it gives."""

from __future__ import annotations

import httpx
import jwt
import pytest

from sandbox.microsoft import Microsoft
from tests.contract.conftest import token

USER_ASSIGNED = "7d3c2b1a-9e8f-4a6d-b5c4-1f0e2d3c4b5a"


async def test_a_token_says_who_and_for_whom(microsoft: Microsoft) -> None:
    claims = jwt.decode(await token(microsoft, "https://graph.microsoft.com"), options={"verify_signature": False})
    identity = microsoft.world.identities.all[0]
    assert (claims["aud"], claims["oid"], claims["appid"]) == (
        "https://graph.microsoft.com",
        identity.object_id,
        identity.client_id,
    )
    assert claims["tid"] == microsoft.world.directory.tenant
    assert "Domain.ReadWrite.All" in claims["roles"]
    assert claims["exp"] > claims["iat"]


async def test_a_user_assigned_identity_is_asked_for_by_client_id(microsoft: Microsoft) -> None:
    mine = await token(microsoft, "https://management.azure.com/", client_id=USER_ASSIGNED)
    assert jwt.decode(mine, options={"verify_signature": False})["appid"] == USER_ASSIGNED


@pytest.mark.parametrize(
    ("query", "header", "status"),
    [
        ({"resource": "https://graph.microsoft.com"}, "right", 400),
        ({"resource": "https://graph.microsoft.com", "api-version": "2017-09-01"}, "right", 400),
        ({"resource": "https://nowhere.example", "api-version": "2019-08-01"}, "right", 400),
        ({"resource": "https://graph.microsoft.com", "api-version": "2019-08-01", "client_id": "x"}, "right", 400),
        ({"resource": "https://graph.microsoft.com", "api-version": "2019-08-01"}, "wrong", 401),
    ],
)
async def test_refused(query: dict[str, str], header: str, status: int, microsoft: Microsoft) -> None:
    secret = microsoft.identity_header if header == "right" else "guess"
    async with httpx.AsyncClient() as client:
        answer = await client.get(microsoft.identity_endpoint, params=query, headers={"X-IDENTITY-HEADER": secret})
    assert (answer.status_code, answer.json()["statusCode"]) == (status, status)


async def test_no_token_is_in_the_journal(microsoft: Microsoft) -> None:
    secret = await token(microsoft, "https://graph.microsoft.com")
    assert secret not in str([entry.json() for entry in microsoft.world.journal.entries])
