"""Faults: throttling, lost answers, broken connections, delays; and the client that does not wait."""

from __future__ import annotations

import httpx
import pytest

from sandbox.microsoft import Microsoft
from tests.contract.conftest import GATEWAYS, Arm, Graph, token

PATH = f"{GATEWAYS}/contoso-acg"


async def test_a_throttled_call_may_come_again_when_the_time_has_passed(
    arm: Arm, microsoft: Microsoft, control: httpx.AsyncClient
) -> None:
    await control.post("/faults", json={"kind": "status", "status": 429, "retryAfter": 5, "service": "arm"})
    refused = await arm.call("GET", PATH)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert refused.json()["error"]["code"] == "TooManyRequests"
    microsoft.world.clock.advance(5)
    assert (await arm.call("GET", PATH)).status_code == 200
    assert microsoft.world.journal.violations == []


async def test_a_client_that_does_not_wait_waits_longer_and_is_counted(
    arm: Arm, microsoft: Microsoft, control: httpx.AsyncClient
) -> None:
    await control.post("/faults", json={"kind": "status", "status": 503, "retryAfter": 5, "service": "arm"})
    assert (await arm.call("GET", PATH)).status_code == 503
    microsoft.world.clock.advance(3)
    early = await arm.call("GET", PATH)
    assert (early.status_code, early.headers["Retry-After"]) == (429, "10")
    assert (await arm.call("GET", GATEWAYS)).status_code == 200, "other calls were not told to wait"
    microsoft.world.clock.advance(8)
    assert (await arm.call("GET", PATH)).headers["Retry-After"] == "20"
    microsoft.world.clock.advance(20)
    assert (await arm.call("GET", PATH)).status_code == 200
    said = (await control.get("/violations")).json()
    assert [row["kind"] for row in said] == ["before-retry-after"] * 2


async def test_a_lost_answer_comes_after_the_deed(
    graph: Graph, microsoft: Microsoft, control: httpx.AsyncClient
) -> None:
    await control.post(
        "/faults", json={"kind": "lost-answer", "service": "graph", "method": "POST", "path": "/domains$"}
    )
    with pytest.raises(httpx.TransportError):
        await graph.call("POST", "/domains", {"id": "a.commsgw.azure.com"})
    assert (await graph.call("GET", "/domains/a.commsgw.azure.com")).status_code == 200
    lost = next(entry for entry in microsoft.world.journal.entries if entry.fault)
    assert (lost.status, lost.fault) == (201, "lost-answer")


async def test_a_cut_comes_before_the_deed(graph: Graph, control: httpx.AsyncClient) -> None:
    await control.post("/faults", json={"kind": "cut", "service": "graph", "method": "POST"})
    with pytest.raises(httpx.TransportError):
        await graph.call("POST", "/domains", {"id": "a.commsgw.azure.com"})
    assert (await graph.call("GET", "/domains/a.commsgw.azure.com")).status_code == 404


async def test_a_hanging_call_times_out_at_the_client(graph: Graph, control: httpx.AsyncClient) -> None:
    await control.post("/faults", json={"kind": "hang", "service": "graph"})
    with pytest.raises(httpx.ReadTimeout):
        await graph.client.get("/domains", timeout=0.2)
    assert (await graph.call("GET", "/domains")).status_code == 200


async def test_a_delayed_call_is_answered_all_the_same(graph: Graph, control: httpx.AsyncClient) -> None:
    await control.post("/faults", json={"kind": "delay", "seconds": 0.05, "service": "graph"})
    assert (await graph.call("GET", "/domains")).status_code == 200
    assert (await control.get("/faults")).json()[0]["struck"] == 1


async def test_a_fault_strikes_as_often_as_told_and_only_what_matches(arm: Arm, control: httpx.AsyncClient) -> None:
    await control.post(
        "/faults", json={"kind": "status", "status": 500, "method": "GET", "path": "contoso-acg$", "times": 2}
    )
    statuses = [(await arm.call("GET", path)).status_code for path in (GATEWAYS, PATH, PATH, PATH)]
    assert statuses == [200, 500, 500, 200]


async def test_a_fault_strikes_only_each_so_many_th_call_that_matches(arm: Arm, control: httpx.AsyncClient) -> None:
    """So a share of the calls is throttled, and always the same ones."""
    await control.post("/faults", json={"kind": "status", "status": 429, "path": "contoso", "times": None, "every": 3})
    statuses = [(await arm.call("GET", path)).status_code for path in (PATH, GATEWAYS, PATH, PATH, PATH, PATH, PATH)]
    assert statuses == [200, 200, 200, 429, 200, 200, 429]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "explode"}, "Unknown kind of fault 'explode'"),
        ({"kind": "cut", "colour": "red"}, "Unknown fields colour"),
        ({"kind": "cut", "path": "("}, "is no regular expression"),
        ({"kind": "cut", "every": 0}, "a number of at least 1; got 0"),
    ],
)
async def test_bad_faults_are_refused(fault: dict[str, object], expected: str, control: httpx.AsyncClient) -> None:
    answer = await control.post("/faults", json=fault)
    assert answer.status_code == 400
    assert expected in answer.json()["error"]


async def test_a_refusal_is_in_the_words_that_it_is_given(
    arm: Arm, graph: Graph, microsoft: Microsoft, control: httpx.AsyncClient
) -> None:
    details = [{"code": "DomainInUse", "target": "Name.Conflict", "message": "x"}]
    said = {"code": "DenyAssignmentAuthorizationFailed", "message": "The moon is in the way.", "details": details}
    for service in ("arm", "graph"):
        await control.post("/faults", json={"kind": "status", "status": 403, "service": service, **said})
    for refused in (await arm.call("GET", PATH), await graph.call("GET", "/domains")):
        assert refused.status_code == 403
        assert said.items() <= refused.json()["error"].items()
    await control.post("/faults", json=[{"kind": "status", "status": 401}, {"kind": "status", "status": 403}])
    assert (await arm.call("GET", PATH)).json()["error"]["code"] == "InvalidAuthenticationToken"
    assert (await graph.call("GET", "/domains")).json()["error"]["code"] == "Authorization_RequestDenied"


async def test_the_identity_endpoint_is_not_ready_with_and_without_a_body(
    microsoft: Microsoft, control: httpx.AsyncClient
) -> None:
    await control.post("/faults", json={"kind": "status", "status": 403, "service": "identity", "empty": True})
    await control.post("/faults", json={"kind": "status", "status": 400, "service": "identity", "message": "Later."})
    query = {"api-version": "2019-08-01", "resource": "https://graph.microsoft.com"}
    headers = {"X-IDENTITY-HEADER": microsoft.identity_header}
    async with httpx.AsyncClient() as client:
        answers = [await client.get(microsoft.identity_endpoint, params=query, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [403, 400, 200]
    assert answers[0].content == b""
    assert answers[1].json()["message"] == "Later."


async def test_after_a_key_rollover_only_new_tokens_are_good(
    graph: Graph, microsoft: Microsoft, control: httpx.AsyncClient
) -> None:
    assert (await graph.call("GET", "/domains")).status_code == 200
    await control.post("/key-rollover")
    assert (await graph.call("GET", "/domains")).status_code == 401
    graph.client.headers["Authorization"] = f"Bearer {await token(microsoft, 'https://graph.microsoft.com')}"
    assert (await graph.call("GET", "/domains")).status_code == 200


async def test_a_domain_that_is_to_be_taken_over_is_not_verified_at_once(
    graph: Graph, microsoft: Microsoft, control: httpx.AsyncClient
) -> None:
    name = "a.commsgw.azure.com"
    await control.put("/options", json={"domainTakeovers": [name]})
    await graph.call("POST", "/domains", {"id": name})
    text = microsoft.world.directory.verification_text(name)
    await control.put("/dns", json={"name": name, "values": [text]})
    answer = (await graph.call("POST", f"/domains/{name}/verify")).json()
    assert (answer["isVerified"], answer["availabilityStatus"]) == (False, "EmailVerifiedDomainTakeoverScheduled")
    await control.put("/options", json={"domainTakeovers": []})
    assert (await graph.call("POST", f"/domains/{name}/verify")).json()["isVerified"]
