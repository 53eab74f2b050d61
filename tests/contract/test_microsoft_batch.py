"""$batch: up to twenty requests in one, each with its own status."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.microsoft import Microsoft
from tests.contract.conftest import PROJECT_SYNERGY, Graph
from tests.contract.described import graph_complaints

JSON = {"Content-Type": "application/json"}


def post(number: int, url: str, body: Any, *after: int) -> dict[str, Any]:
    step = {"id": str(number), "method": "POST", "url": url, "headers": JSON, "body": body}
    return step | ({"dependsOn": [str(other) for other in after]} if after else {})


async def run(graph: Graph, *steps: dict[str, Any]) -> dict[str, Any]:
    answer = await graph.call("POST", "/$batch", {"requests": list(steps)})
    assert answer.status_code == 200, answer.text
    for step, response in (
        (step, row) for step in steps for row in answer.json()["responses"] if row["id"] == step["id"]
    ):
        if response["status"] != 424:
            assert graph_complaints(step["method"], step["url"], response["status"], response.get("body")) == []
    return {row["id"]: row for row in answer.json()["responses"]}


async def test_seven_roles_in_one_request(graph: Graph, microsoft: Microsoft) -> None:
    synergy = await graph.add_project_synergy()
    principal = next(microsoft.world.arm.named("contoso-acg")).principal_id
    roles = [role["id"] for role in synergy["appRoles"] if role["value"] != "Admin"]
    path = f"/servicePrincipals/{synergy['id']}/appRoleAssignedTo"
    bodies = [{"principalId": principal, "resourceId": synergy["id"], "appRoleId": role} for role in roles]
    done = await run(graph, *(post(number, path, body) for number, body in enumerate(bodies)))
    assert [done[str(number)]["status"] for number in range(7)] == [201] * 7
    again = await run(graph, *(post(number, path, body) for number, body in enumerate(bodies)))
    assert {row["status"] for row in again.values()} == {400}
    granted = await graph.call("GET", f"/servicePrincipals/{principal}/appRoleAssignments")
    assert {row["appRoleId"] for row in granted.json()["value"]} == set(roles)
    assert microsoft.world.journal.violations == []


async def test_answers_may_come_in_another_order(graph: Graph) -> None:
    steps = [{"id": str(number), "method": "GET", "url": "/domains"} for number in range(3)]
    answer = await graph.call("POST", "/$batch", {"requests": steps})
    assert [row["id"] for row in answer.json()["responses"]] == ["2", "1", "0"]


async def test_dependencies(graph: Graph) -> None:
    done = await run(
        graph,
        {"id": "2", "method": "GET", "url": f"/servicePrincipals(appId='{PROJECT_SYNERGY}')", "dependsOn": ["1"]},
        post(1, "/servicePrincipals", {"appId": PROJECT_SYNERGY}),
        {"id": "3", "method": "GET", "url": "/users/nobody"},
        {"id": "4", "method": "GET", "url": "/domains?$select=id", "dependsOn": ["3"]},
    )
    assert {name: row["status"] for name, row in done.items()} == {"1": 201, "2": 200, "3": 404, "4": 424}
    assert done["4"]["body"]["error"]["code"] == "FailedDependency"


async def test_an_inner_request_may_be_throttled(graph: Graph, control: httpx.AsyncClient) -> None:
    fault = {"kind": "status", "status": 429, "retryAfter": 7, "service": "graph", "path": "/users/"}
    await control.post("/faults", json=fault)
    steps = [
        {"id": "1", "method": "GET", "url": "/users/another.user@contoso.com"},
        {"id": "2", "method": "GET", "url": "/domains"},
    ]
    done = await run(graph, *steps)
    assert (done["1"]["status"], done["1"]["headers"]["Retry-After"]) == (429, "7")
    assert done["2"]["status"] == 200


async def test_the_journal_knows_what_came_in_a_batch(graph: Graph, microsoft: Microsoft) -> None:
    await run(graph, {"id": "1", "method": "GET", "url": "/domains"})
    inner, outer = microsoft.world.journal.entries[-1], microsoft.world.journal.entries[-2]
    assert (outer.url, inner.url) == ("/v1.0/$batch", "/v1.0/domains")
    assert (inner.batch, inner.identity) == (outer.number, "onboarding")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([{"id": str(number), "method": "GET", "url": "/domains"} for number in range(21)], "too long"),
        ([{"id": "1", "method": "GET", "url": "/domains"}] * 2, "must be unique"),
        ([{"id": "1", "method": "GET", "url": "https://graph.microsoft.com/v1.0/domains"}], "not relative"),
        ([{"id": "1", "method": "POST", "url": "/domains/x/verify"}], "does not contain Content-Type header or body"),
        ([{"id": "1", "method": "GET", "url": "/domains", "dependsOn": ["9"]}], "unknown requests 9"),
        (
            [
                {"id": "1", "method": "GET", "url": "/domains", "dependsOn": ["2"]},
                {"id": "2", "method": "GET", "url": "/domains", "dependsOn": ["1"]},
            ],
            "in a circle",
        ),
        ([{"id": "1", "url": "/domains"}], "'method' is a required property"),
    ],
)
async def test_bad_batches(steps: list[Any], expected: str, graph: Graph) -> None:
    answer = await graph.call("POST", "/$batch", {"requests": steps})
    assert answer.status_code == 400
    assert expected in answer.json()["error"]["message"]
