"""Azure DNS of the simulator, by Microsoft's description: sets, ETags, limits, and its own form of errors."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.microsoft import Microsoft
from tests.contract.conftest import SUBSCRIPTION, Arm

ZONE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns/providers/Microsoft.Network/dnsZones/contoso-voice.com"
VERSION = "2018-05-01"


def body(*values: str, **properties: Any) -> dict[str, Any]:
    return {"properties": {"TTL": 3600, "TXTRecords": [{"value": [value]} for value in values], **properties}}


async def call(
    arm: Arm, method: str, path: str, sent: Any = None, status: int = 200, **headers: str
) -> dict[str, Any]:
    arm.client.headers.update({"If-Match": "", "If-None-Match": "", **headers})
    answer = await arm.call(method, f"{ZONE}{path}", sent, version=VERSION)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def described_by_azure_dns(found: dict[str, Any]) -> str:
    assert set(found) == {"code", "message"}, "Azure DNS has no object `error` around its own"
    return str(found["code"])


async def test_a_zone_says_its_servers(arm: Arm) -> None:
    zone = await call(arm, "GET", "")
    assert zone["properties"]["nameServers"] == ["ns1.commsgw.azure.com.", "ns2.commsgw.azure.com."]
    assert (zone["location"], zone["type"]) == ("global", "Microsoft.Network/dnszones")


async def test_a_set_is_made_replaced_and_read(arm: Arm) -> None:
    made = await call(arm, "PUT", "/TXT/sip", body("a", metadata={"team": "mail"}), 201)
    assert made["properties"]["fqdn"] == "sip.contoso-voice.com."
    replaced = await call(arm, "PUT", "/TXT/sip", body("b"))
    assert replaced["etag"] != made["etag"]
    read = await call(arm, "GET", "/TXT/SIP")
    assert read == replaced
    assert [one["value"] for one in read["properties"]["TXTRecords"]] == [["b"]]
    assert "metadata" not in read["properties"], "PUT replaces the whole set"


async def test_a_set_that_is_not_there(arm: Arm) -> None:
    assert described_by_azure_dns(await call(arm, "GET", "/TXT/none", status=404)) == "NotFound"


async def test_a_condition_that_is_not_met(arm: Arm) -> None:
    made = await call(arm, "PUT", "/TXT/sip", body("a"), 201, **{"If-None-Match": "*"})
    again = await call(arm, "PUT", "/TXT/sip", body("b"), 412, **{"If-None-Match": "*"})
    assert described_by_azure_dns(again) == "PreconditionFailed"
    await call(arm, "PUT", "/TXT/sip", body("c"), 200, **{"If-Match": made["etag"]})
    await call(arm, "PUT", "/TXT/sip", body("d"), 412, **{"If-Match": made["etag"]})
    await call(arm, "PUT", "/TXT/none", body("d"), 412, **{"If-Match": made["etag"]})


@pytest.mark.parametrize("values", [["v"] * 21, ["x" * 250] * 17, ["x" * 256], []])
async def test_a_set_has_its_limits(arm: Arm, microsoft: Microsoft, values: list[str]) -> None:
    assert described_by_azure_dns(await call(arm, "PUT", "/TXT/sip", body(*values), 400)) == "BadRequest"
    assert any(row.kind == "request-does-not-conform" for row in microsoft.world.journal.violations)


async def test_a_write_without_a_condition_is_a_violation_and_one_with_it_is_none(
    arm: Arm, microsoft: Microsoft
) -> None:
    await call(arm, "PUT", "/TXT/sip", body("MS=ms1"), 201, **{"If-None-Match": "*"})
    assert list(microsoft.world.journal.violations) == []
    await call(arm, "PUT", "/TXT/sip", body("MS=ms1"))
    (violation,) = microsoft.world.journal.violations
    assert violation.kind == "write-not-allowed"


async def test_a_zone_that_is_not_there_is_arms_to_tell(arm: Arm) -> None:
    for method, path, sent, code in (
        ("GET", "", None, "ResourceNotFound"),
        ("PUT", "/TXT/@", body("a"), "ParentResourceNotFound"),
    ):
        answer = await arm.call(method, f"{ZONE}x{path}", sent, version=VERSION)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)


async def test_other_versions_methods_and_types(arm: Arm) -> None:
    assert (await arm.call("GET", ZONE, version="2001-01-01")).json()["error"]["code"] == "NoRegisteredProviderFound"
    assert (await arm.call("DELETE", f"{ZONE}/TXT/@", version=VERSION)).status_code == 405
    assert (await arm.call("GET", f"{ZONE}/TXT", version=VERSION)).json()["error"]["code"] == "InvalidResourceType"


async def test_the_retirement_of_gateways_leaves_zones(arm: Arm, microsoft: Microsoft) -> None:
    microsoft.world.options.update({"armRetired": True})
    assert (await call(arm, "GET", "/TXT/@"))["properties"]["TXTRecords"] == [{"value": ["v=spf1 -all"]}]


async def test_the_control_port_makes_and_changes_zones(control: httpx.AsyncClient, arm: Arm) -> None:
    changed = {"name": "contoso-voice.com", "txt": {"sip": ["a", "b"]}, "rivals": 1}
    answer = await control.put("/dns-zones", json=changed)
    assert answer.json()["txt"] == {"@": ["v=spf1 -all"], "sip": ["a", "b"]}
    etag = (await call(arm, "GET", "/TXT/sip"))["etag"]
    await call(arm, "PUT", "/TXT/sip", body("a", "b", "c"), 412, **{"If-Match": etag})
    seen = (await control.get("/state")).json()
    (zone,) = seen["dnsZones"]
    assert zone["txt"]["sip"] == ["a", "b", "somebody-else=0"]
    assert seen["dns"]["txt"]["resolver"]["sip.contoso-voice.com"] == ["a", "b", "somebody-else=0"]
