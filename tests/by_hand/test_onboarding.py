"""A whole onboarding by hand: every command that a step shows is run as it is, and the application only reads.

Where there is no PowerShell, or the Azure CLI is not installed, nothing of it can be run, and that is said.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from onboarding.azure.permissions import NEEDED_BY_HAND, ChangesBy, ProjectSynergyBy, rows
from onboarding.steps.operator_connect import APPLICATION_ROLES, PROJECT_SYNERGY_APP_ID
from sandbox.cloud import Cloud
from sandbox.microsoft.graph.permissions import allowed
from sandbox.microsoft.specs import graph
from sandbox.ports import Ports
from tests.by_hand.people import Administrator
from tests.journeys.test_permissions import templates, told
from tests.journeys.test_samples import roles_of
from tests.support.people import (
    LOOK_EVERY,
    Json,
    Operator,
    Simulator,
    as_seeded,
    deploying,
    sample,
    with_sandboxs_trunks,
)

pytestmark = pytest.mark.timeout(900)
LONGEST = 600
"""Seconds of a whole onboarding: each start of the Azure CLI and of PowerShell takes some, on a busy machine more."""
ONBOARDED = "already-onboarded"
GATEWAYS = ("operator-connect", ONBOARDED)
CONTROLLERS = ("vendor-sbc-azure-dns",)
"""Samples: what the others ask for is done by the same commands, and each of these takes half a minute."""
ENDED = ("completed", "needs-attention", "cancelled")


@pytest.fixture(scope="module")
def cloud(pwsh: str, az: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    settings = {"ONBOARDING_CHANGES_BY": "people"}
    with Cloud(Ports.free(), folder=tmp_path_factory.mktemp("cloud"), overrides=settings) as running:
        yield running


@pytest.fixture(scope="module")
def administrator(cloud: Cloud, pwsh: str, az: Path, tmp_path_factory: pytest.TempPathFactory) -> Administrator:
    return Administrator.sign_in(cloud, tmp_path_factory.mktemp("home"), az, pwsh)


@pytest.fixture(scope="module")
def asked_of_graph() -> set[tuple[str, str]]:
    """(method, path template) of what the application has asked of Graph in all these onboardings."""
    return set()


@pytest.fixture
def microsoft(cloud: Cloud, asked_of_graph: set[tuple[str, str]]) -> Iterator[Simulator]:
    """The application holds what `grant.sh --changes-by people` grants, and the role Reader."""
    granted = {
        row["value"]
        for row in rows("permissions", ProjectSynergyBy.APPLICATION, ChangesBy.PEOPLE)
        if row["grantedIn"] == "entra"
    }
    with as_seeded(cloud.control) as simulator:
        for identity in simulator.state()["identities"]:
            extra = sorted(set(identity["graph"]) - granted)
            simulator.call(
                "PUT",
                "/permissions",
                {"identity": identity["name"], "add": sorted(granted), "remove": extra, "azureRole": "Reader"},
            )
        yield simulator
        mine = [entry for entry in simulator.requests("graph") if entry["identity"] != "administrator"]
        asked_of_graph |= templates(mine, graph(), "/v1.0") - {("POST", "/$batch")}


@pytest.fixture
def operator(cloud: Cloud) -> Iterator[Operator]:
    person = Operator(cloud.api)
    yield person
    person.close()
    cloud.check()


def by_hand(operator: Operator, administrator: Administrator, onboarding_id: str) -> tuple[Json, list[str]]:
    """The record in the end, and which steps were done by hand."""
    done: list[str] = []
    end = time.monotonic() + LONGEST
    while True:
        record = operator.get(onboarding_id)
        shown = {s["name"]: (s["state"], s["detail"], s["problem"]) for s in record["steps"]}
        if record["state"] in ENDED:
            return record, done
        assert time.monotonic() < end, shown
        for step in record["steps"]:
            if step["byHand"]:
                for command in step["byHand"]:
                    administrator.run(command["shell"], command["text"])
                answer = operator.client.post(f"/onboardings/{onboarding_id}/steps/{step['name']}/made-by-hand")
                assert answer.status_code == 200, answer.text
                done.append(step["name"])
            elif step["kind"] == "checkpoint" and step["state"] == "waiting":
                operator.confirm(onboarding_id, step["name"], "done")
        time.sleep(LOOK_EVERY)


def writes_by_the_application(microsoft: Simulator) -> list[str]:
    entries = microsoft.requests("arm") + microsoft.requests("graph")
    return [
        f"{e['method']} {e['url']}"
        for e in entries
        if e["method"] != "GET"
        and e["identity"] != "administrator"
        and not e["url"].endswith(("/$batch", "/sendMail"))
        and "/oauth2/" not in e["url"]
    ]


@pytest.mark.parametrize("name", GATEWAYS)
def test_a_communications_gateway(
    operator: Operator, administrator: Administrator, microsoft: Simulator, name: str
) -> None:
    if name == ONBOARDED:
        microsoft.call("PUT", "/service-principals", {"appId": PROJECT_SYNERGY_APP_ID})
    with deploying(microsoft, operator) as make:
        body = make(sample(name))
        record, done = by_hand(operator, administrator, operator.post(body).json()["id"])
    assert record["state"] == "completed", record
    assert {"enable-services", "add-test-lines", "assign-application-roles"} <= set(done)
    assert ("add-project-synergy" in done) is (name != ONBOARDED)
    assert len(done) == len(set(done)), "what was run once was found done"
    gateway = microsoft.gateway(body["gateway"]["name"])
    assert len(gateway["testLines"]) == 6
    assert roles_of(microsoft, gateway["principalId"]) == set(APPLICATION_ROLES)
    assert writes_by_the_application(microsoft) == []


@pytest.mark.parametrize("name", CONTROLLERS)
def test_a_session_border_controller(
    cloud: Cloud, operator: Operator, administrator: Administrator, microsoft: Simulator, name: str
) -> None:
    body = with_sandboxs_trunks(sample(name), cloud.ports.trunks)
    record, done = by_hand(operator, administrator, operator.post_anew(body)["id"])
    assert record["state"] == "completed", record
    assert {"add-project-synergy", "assign-admin-user", "add-domain", "verify-domain"} <= set(done)
    assert "publish-txt-record" in done
    assert len(done) == len(set(done)), "what was run once was found done"
    assert writes_by_the_application(microsoft) == []


def test_the_table_of_permissions_is_what_the_application_read(asked_of_graph: set[tuple[str, str]]) -> None:
    """Of all onboardings above: nothing missing, nothing spare."""
    if not asked_of_graph:
        pytest.skip("no onboarding was run by hand")
    granted = {row["value"] for row in rows("permissions", ProjectSynergyBy.APPLICATION, ChangesBy.PEOPLE)}
    assert told(asked_of_graph) == set(NEEDED_BY_HAND)
    assert [call for call in asked_of_graph if not allowed(*call, granted)] == []
    for permission in granted:
        assert any(not allowed(*call, granted - {permission}) for call in asked_of_graph), permission
