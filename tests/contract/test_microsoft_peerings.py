"""Microsoft.Peering of the simulator, by Microsoft's description: the two reads, as the adapter makes them."""

from __future__ import annotations

import httpx

from sandbox.microsoft import Microsoft
from tests.contract.conftest import SUBSCRIPTION, Arm
from tests.contract.described import arm_complaints

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-peering/providers/Microsoft.Peering/peerings"
VERSION = "2022-10-01"


async def test_a_peering_says_how_far_its_connections_are(arm: Arm, microsoft: Microsoft) -> None:
    answer = await arm.call("GET", f"{GROUP}/contoso-voice-west", version=VERSION)
    body = answer.json()
    assert (answer.status_code, body["kind"], body["properties"]["direct"]["directPeeringType"]) == (
        200,
        "Direct",
        "Voice",
    )
    assert [one["connectionState"] for one in body["properties"]["direct"]["connections"]] == ["Active", "Active"]
    assert list(microsoft.world.journal.violations) == []


async def test_its_registered_prefixes_are_a_list(arm: Arm, microsoft: Microsoft) -> None:
    answer = await arm.call("GET", f"{GROUP}/contoso-voice-west/registeredPrefixes", version=VERSION)
    (prefix,) = answer.json()["value"]
    assert (prefix["properties"]["prefix"], prefix["properties"]["prefixValidationState"]) == (
        "203.0.113.0/24",
        "Verified",
    )
    assert list(microsoft.world.journal.violations) == []


async def test_states_that_are_new_break_no_description(
    arm: Arm, control: httpx.AsyncClient, microsoft: Microsoft
) -> None:
    """Microsoft's lists of states are open."""
    await control.put("/peerings", json={"name": "new", "connections": ["Polished"], "prefixes": {"192.0.2.0/24": "?"}})
    answer = await arm.call("GET", f"{GROUP}/new", version=VERSION)
    assert answer.json()["properties"]["direct"]["connections"][0]["connectionState"] == "Polished"
    assert (await arm.call("GET", f"{GROUP}/new/registeredPrefixes", version=VERSION)).status_code == 200
    assert list(microsoft.world.journal.violations) == []


async def test_one_that_is_not_there_is_arms_to_tell(arm: Arm) -> None:
    answer = await arm.call("GET", f"{GROUP}/nowhere", version=VERSION)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ResourceNotFound")


async def test_an_answer_of_another_shape_is_noticed_by_both(arm: Arm, microsoft: Microsoft) -> None:
    path = f"{GROUP}/contoso-voice-west"
    body = (await arm.call("GET", path, version=VERSION)).json()
    assert arm_complaints("GET", path, 200, body) == []
    body["properties"]["direct"]["connections"] = {"connectionState": "Active"}
    assert arm_complaints("GET", path, 200, body) != []
    del body["kind"]
    assert len(arm_complaints("GET", path, 200, body)) == 2
    microsoft.world.arm.peering.peerings["spoilt"] = {"connections": [1], "prefixes": {}}
    await arm.client.get(f"{path[: path.rindex('/')]}/spoilt", params={"api-version": VERSION})
    (violation,) = microsoft.world.journal.violations
    assert violation.kind == "answer-does-not-conform"
    microsoft.world.journal.clear()
