"""Drift in the whole system: introduced by the simulator, told, accepted; introduced again, repaired."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID
from sandbox.cloud import Cloud
from sandbox.ports import Ports
from tests.support.people import Json, Operator, Simulator, deploying

OFTEN = {"ONBOARDING_DRIFT_EVERY": "3", "ONBOARDING_DRIFT_SURE_AFTER": "1"}
ROLES = "assign-application-roles"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One that looks for drift every few seconds."""
    folder = tmp_path_factory.mktemp("drifting")
    with Cloud(Ports.free(), folder=folder, overrides=OFTEN) as running:
        yield running


def roles_of(record: Json) -> Json:
    return dict(next(step for step in record["steps"] if step["name"] == ROLES))


def told(record: Json, kind: str) -> int:
    return sum(notice["kind"] == kind for notice in record["notices"] if notice["sent"])


def take(microsoft: Simulator, principal: str, role: str) -> None:
    body = {"principalId": principal, "appId": PROJECT_SYNERGY_APP_ID, "role": role, "remove": True}
    assert microsoft.call("PUT", "/role-assignments", body) == {"removed": 1}


def writes_of(microsoft: Simulator) -> list[str]:
    """Without what people are told."""
    return [write for write in microsoft.writes() if not write.endswith("/sendMail")]


def use(operator: Operator, record: Json, control: str, body: Json) -> httpx.Response:
    return operator.client.post(f"/onboardings/{record['id']}/steps/{ROLES}/{control}", json=body)


def test_drift_is_told_accepted_and_repaired(operator: Operator, microsoft: Simulator) -> None:
    with deploying(microsoft, operator) as make:
        body = make()
        onboarding_id = operator.post_anew(body)["id"]
        assert operator.completed(onboarding_id)["state"] == "completed"
        principal = microsoft.gateway(body["gateway"]["name"])["principalId"]
        writes = writes_of(microsoft)

        first = operator.until(onboarding_id, lambda r: r["inspected"] is not None)["inspected"]
        assert first["unseen"] == 0
        asked = operator.client.post(f"/onboardings/{onboarding_id}/look-for-drift")
        assert asked.status_code == 200, asked.text
        operator.until(onboarding_id, lambda r: r["inspected"]["at"] > first["at"])

        take(microsoft, principal, "Data.Read")
        seen = operator.until(onboarding_id, lambda r: r["state"] == "drifted" and told(r, "drifted") == 1)
        (gone,) = roles_of(seen)["deviations"]
        assert (gone["expected"], gone["found"], gone["repairable"]) == ("held", "not held", True)
        assert "Data.Read" in gone["what"]
        listed = operator.client.get("/onboardings", params={"state": "drifted"}).json()
        assert [one["id"] for one in listed["onboardings"]] == [onboarding_id]
        assert listed["onboardings"][0]["deviationCount"] == 1
        page = operator.client.get(f"/dashboard/{onboarding_id}", headers={"Accept": "text/html"}).text
        assert "not as it was" in page
        assert "Accept the deviation" in page
        assert "Drifted" in page
        assert "Last inspected" in page
        assert "Look for drift now" in page

        early = use(operator, seen, "accept-deviation", {"deviations": "0" * 32, "reason": "Not needed."})
        assert early.status_code == 409
        which = roles_of(seen)["deviationsId"]
        accepted = use(operator, seen, "accept-deviation", {"deviations": which, "reason": "Not needed."})
        assert accepted.status_code == 200, accepted.text
        assert accepted.json()["state"] == "completed"
        assert roles_of(accepted.json())["deviations"][0]["accepted"]["because"] == "Not needed."

        take(microsoft, principal, "Data.Write")
        again = operator.until(onboarding_id, lambda r: r["state"] == "drifted" and told(r, "drifted") == 2)
        assert [bool(one["accepted"]) for one in roles_of(again)["deviations"]] == [True, False]
        assert writes_of(microsoft) == writes, "never repaired unasked"

        begun = use(operator, again, "repair", {"proposal": roles_of(again)["repairId"]})
        assert begun.status_code == 200, begun.text
        repaired = operator.until(onboarding_id, lambda r: r["state"] == "completed" and told(r, "repaired") == 1)
        assert roles_of(repaired)["deviations"] == []
        new = writes_of(microsoft)[len(writes) :]
        assert len(new) == 2, new
        assert all("appRoleAssignedTo" in write for write in new)
        what = [event["what"] for event in operator.events(onboarding_id)]
        assert [kind for kind in what if "drift" in kind or "deviation" in kind or "repair" in kind] == [
            "drift-look-requested", "drift-seen", "drift-seen", "deviation-accepted", "drift-seen", "drift-seen",
            "repair-requested",
        ]  # fmt: skip
