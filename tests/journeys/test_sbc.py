"""A session border controller, from POST to completed, on real components over HTTP: each way.

Its troubles are in `test_sbc_troubles`.
"""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.steps.operator_connect import APPLICATION_ROLES, PROJECT_SYNERGY_APP_ID
from sandbox.cloud import Cloud
from tests.journeys.test_samples import roles_of, states
from tests.support.people import Operator, Simulator, sample, with_sandboxs_trunks

Json = dict[str, Any]
STEPS = 19


@pytest.fixture
def trunks(cloud: Cloud) -> int:
    return cloud.ports.trunks


def caller(microsoft: Simulator, body: Json) -> str:
    """Object id of the service principal of the request's application."""
    principals = microsoft.state()["servicePrincipals"]
    return str(next(p["id"] for p in principals if p["appId"] == body["application"]["clientId"]))


def stopped(operator: Operator, body: Json, step: str) -> Json:
    """The problem with which a step needs attention."""
    made = operator.post(body).json()

    def is_stopped(record: Json) -> bool:
        return states(record)[step] == "needs-attention"

    record = operator.until(made["id"], is_stopped)
    operator.client.post(f"/onboardings/{record['id']}/cancel", json={"reason": "the test is over"})
    return dict(next(s["problem"] for s in record["steps"] if s["name"] == step))


def test_an_operators_own_is_connected(operator: Operator, microsoft: Simulator, trunks: int) -> None:
    body = with_sandboxs_trunks(sample("own-sbc"), trunks)
    record = operator.completed(operator.post_anew(body)["id"])

    assert record["state"] == "completed"
    assert record["warnings"] == []
    assert record["progress"] == {"done": STEPS, "total": STEPS}
    assert {name for name, state in states(record).items() if state == "skipped"} == {"peering-ready"}
    assert roles_of(microsoft, caller(microsoft, body)) == set(APPLICATION_ROLES)
    state = microsoft.state()
    assert next(d for d in state["domains"] if d["id"] == "voice.contoso.example")["isVerified"] is True
    assert len([p for p in state["servicePrincipals"] if p["appId"] == PROJECT_SYNERGY_APP_ID]) == 1
    to_the_owner = [m for m in microsoft.call("GET", "/mailbox") if m["to"] == ["hostmaster@contoso.com"]]
    assert record["findings"]["txtRecord"]["value"] in str(to_the_owner)
    assert record["findings"]["applicationId"] == body["application"]["clientId"]
    assert not [w for w in microsoft.writes() if w.startswith("PUT ")]


def test_one_that_a_vendor_runs_is_connected_with_azure_dns_and_peerings(
    operator: Operator, microsoft: Simulator, trunks: int
) -> None:
    body = with_sandboxs_trunks(sample("vendor-sbc-azure-dns"), trunks)
    record = operator.completed(operator.post_anew(body)["id"])

    assert record["state"] == "completed"
    assert set(states(record).values()) == {"done"}
    assert roles_of(microsoft, caller(microsoft, body)) == set(body["application"]["roles"])
    zone = next(z for z in microsoft.state()["dnsZones"] if z["id"].endswith("contoso-voice.com"))
    assert zone["txt"]["@"] == ["v=spf1 -all", record["findings"]["txtRecord"]["value"]]
    ends = " ".join(record["findings"]["credentialEnds"])
    assert "renew it now" in ends
    assert "'vendor 2'" in ends


def test_an_operator_onboarded_already_skips_what_was_part_of_that(
    operator: Operator, microsoft: Simulator, trunks: int
) -> None:
    microsoft.call("PUT", "/service-principals", {"appId": PROJECT_SYNERGY_APP_ID})
    body = with_sandboxs_trunks(sample("own-sbc"), trunks) | {"alreadyOnboarded": True}
    record = operator.completed(operator.post_anew(body)["id"])

    assert record["state"] == "completed"
    skipped = {name for name, state in states(record).items() if state == "skipped"}
    onboarding = {"programme-agreement", "add-project-synergy", "assign-admin-user", "operator-information"}
    assert skipped == {*onboarding, "peering-ready"}


def below_contoso(trunks: int, label: str) -> Json:
    """A request for a domain of its own below the tenant's verified one."""
    body = with_sandboxs_trunks(sample("own-sbc"), trunks)
    domain = f"{label}.contoso.example"
    body["gateway"]["domain"] = domain
    for number, trunk in enumerate(body["gateway"]["trunks"], 1):
        trunk["fqdn"] = f"sbc{number}.{domain}"
    return body


def test_peerings_are_waited_for(operator: Operator, microsoft: Simulator, trunks: int) -> None:
    body = below_contoso(trunks, "peering")
    body["peerings"] = [sample("vendor-sbc-azure-dns")["peerings"][0]]
    for trunk in body["gateway"]["trunks"]:
        microsoft.call("PUT", "/dns", {"name": trunk["fqdn"], "a": ["127.0.0.1"]})
    half = {"name": "contoso-voice-west", "connections": ["Active", "ProvisioningStarted"]}
    microsoft.call("PUT", "/peerings", half)
    made = operator.post(body).json()

    def detail(record: Json) -> str:
        return str(next(s["detail"] for s in record["steps"] if s["name"] == "peering-ready"))

    operator.until(made["id"], lambda r: "1 of 2 connections Active (1 ProvisioningStarted)" in detail(r))
    microsoft.call("PUT", "/peerings", {"name": "contoso-voice-west", "connections": ["Active", "Active"]})
    assert operator.completed(made["id"])["state"] == "completed"


def test_an_application_that_the_settings_do_not_permit_gets_nothing(operator: Operator, trunks: int) -> None:
    body = below_contoso(trunks, "nobody")
    body["application"]["clientId"] = "2b7e4f60-9c1d-4a83-b5e2-7d0f3a6c8e16"
    problem = stopped(operator, body, "find-application")
    assert problem["code"] == "not-permitted"
    assert "ONBOARDING_PERMITTED_APPLICATIONS" in problem["whatNext"]
