"""Plans over HTTP, on real components: fresh, half done by hand, finished, changed in between; and each finding."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID
from sandbox.cloud import Cloud
from tests.journeys.test_sbc import below_contoso
from tests.journeys.test_second_person import says_yes
from tests.support.people import BOUND, LOOK_EVERY, Operator, Simulator, sample, with_sandboxs_trunks

Json = dict[str, Any]
SAMPLES = ("own-sbc", "vendor-sbc-azure-dns", "operator-connect", "lab-both-services", "second-person",
           "services-selected-at-deployment", "teams-phone-mobile", "already-onboarded")
APPROVED_BY = {
    "change-not-approved": ("apply-change", "olga.operator"),
    "admin-user-not-approved": ("approve-admin-user", "adam.approver"),
}


def request_of(name: str, cloud: Cloud) -> Json:
    return with_sandboxs_trunks(sample(name), cloud.ports.trunks)


def made(operator: Operator, asked: Any) -> Json:
    """A plan that was asked for, when it is made."""
    assert asked.status_code == 202, asked.text
    end = time.monotonic() + BOUND
    while (plan := operator.client.get(f"/plans/{asked.json()['id']}").json())["state"] == "coming":
        assert time.monotonic() < end, "the plan is not made"
        time.sleep(LOOK_EVERY)
    assert plan["state"] == "ready", plan["failed"]
    return dict(plan)


def planned(operator: Operator, microsoft: Simulator, body: Json) -> Json:
    """A plan, made while Microsoft takes no write: none was tried."""
    # What people are told of other onboardings goes on meanwhile; the fence keeps a plan from it.
    microsoft.fault(kind="read-only", service="arm|graph", path="^(?!.*/sendMail$)", times=None)
    plan = made(operator, operator.client.post("/plans", json=body))
    assert [fault["struck"] for fault in microsoft.call("GET", "/faults") if fault["kind"] == "read-only"] == [0]
    microsoft.call("DELETE", "/faults")
    return plan


def changes(plan: Json) -> list[Json]:
    return [change for step in plan["steps"] for change in step["changes"]]


def codes(plan: Json, *gravities: str) -> set[str]:
    return {found["code"] for found in plan["findings"] if found["gravity"] in (gravities or ("blocker", "warning"))}


def counted(writes: Iterable[str]) -> Counter[str]:
    """Method and path, however often it was tried; of roles, which all have the same path, each."""
    listed = Counter(write.replace("/v1.0/", "/", 1).lower() for write in writes)
    return Counter({write: n if write.endswith("approleassignedto") else 1 for write, n in listed.items()})


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_planned_is_what_is_written(operator: Operator, microsoft: Simulator, cloud: Cloud, name: str) -> None:
    body = request_of(name, cloud)
    if body.get("alreadyOnboarded"):
        microsoft.call("PUT", "/service-principals", {"appId": PROJECT_SYNERGY_APP_ID})
    first = planned(operator, microsoft, body)
    assert not codes(first, "blocker"), first["findings"]

    microsoft.call("DELETE", "/requests")
    completed(operator, operator.post_anew(body)["id"])

    calls = [change["call"] for change in changes(first)]
    exactly = counted(f"{c['method']} {c['path'].partition('?')[0]}" for c in calls if c and c["api"] != "mail")
    written = counted(write for write in microsoft.writes() if not write.endswith("/sendMail"))
    assert exactly <= written, exactly - written
    assert (written - exactly).total() == calls.count(None), (written - exactly, calls)

    last = planned(operator, microsoft, body)
    assert changes(last) == []
    assert not codes(last, "blocker")


def completed(operator: Operator, onboarding_id: str) -> None:
    """With a second person who says yes wherever one has to."""
    while (record := operator.completed(onboarding_id))["state"] != "completed":
        asked = [step for step in record["steps"] if (step["problem"] or {}).get("code") in APPROVED_BY]
        assert asked, [step["problem"] for step in record["steps"] if step["problem"]]
        for step in asked:
            control, who = APPROVED_BY[step["problem"]["code"]]
            path = f"/onboardings/{onboarding_id}/steps/{step['name']}/{control}"
            assert says_yes(operator, path, step["problem"]["proposal"]["id"], who).status_code == 200


def test_what_was_done_by_hand_is_found_done(operator: Operator, microsoft: Simulator, cloud: Cloud) -> None:
    body = request_of("own-sbc", cloud)
    fresh = planned(operator, microsoft, body)
    outlook = {step["step"]: step["outlook"] for step in fresh["steps"]}
    assert outlook["add-project-synergy"] == "changes"
    assert outlook["assign-application-roles"] == "foreseen"
    microsoft.call("PUT", "/service-principals", {"appId": PROJECT_SYNERGY_APP_ID})
    microsoft.call("PUT", "/domains", {"name": body["gateway"]["domain"]})
    half = planned(operator, microsoft, body)
    outlook = {step["step"]: step["outlook"] for step in half["steps"]}
    assert (outlook["add-project-synergy"], outlook["add-domain"]) == ("done", "done")
    assert (outlook["assign-application-roles"], outlook["verify-domain"]) == ("changes", "changes")
    assert half["checksum"] != fresh["checksum"]


def test_it_starts_by_its_plan_and_only_by_that(operator: Operator, microsoft: Simulator, cloud: Cloud) -> None:
    body = below_contoso(cloud.ports.trunks, "by-plan")
    for trunk in body["gateway"]["trunks"]:
        microsoft.call("PUT", "/dns", {"name": trunk["fqdn"], "a": ["127.0.0.1"]})
    looked_at = planned(operator, microsoft, body)
    microsoft.call("PUT", "/service-principals", {"appId": PROJECT_SYNERGY_APP_ID})
    refused = made(operator, operator.post(body, planChecksum=looked_at["checksum"]))
    assert refused["start"]["onboarding"] is None
    assert "not what was planned" in refused["start"]["refused"]
    told = {(one["step"], one["differs"]) for one in refused["start"]["differences"]}
    assert ("add-project-synergy", "gone") in told
    assert len(refused["start"]["differences"]) == len(told), "one thing was done: a line for it, and one a step"
    assert operator.client.get(f"/onboardings/{looked_at['onboardingId']}").status_code == 404

    begun = made(operator, operator.post(body, planChecksum=refused["checksum"]))
    assert begun["start"]["onboarding"] == looked_at["onboardingId"]
    assert operator.completed(looked_at["onboardingId"])["state"] == "completed"


def test_two_plans_at_once_are_the_same(operator: Operator, microsoft: Simulator, cloud: Cloud) -> None:
    body = request_of("own-sbc", cloud)
    asked = [operator.client.post("/plans", json=body) for _ in range(2)]
    one, other = (made(operator, answer) for answer in asked)
    assert one["id"] != other["id"]
    assert one["checksum"] == other["checksum"]


ADMIN = {"userPrincipalName": "voice.admin@contoso.com", "id": "6bcc416b-7787-5cf4-b374-87fe4b31449e"}
CALLER = "2b7e4f60-9c1d-4a83-b5e2-7d0f3a6c8e15"
SBC, VENDOR, GATEWAY = "own-sbc", "vendor-sbc-azure-dns", "operator-connect"
Wrong = tuple[str, str, Json]
PROVOKED: dict[str, tuple[str, str, str | None, Wrong]] = {
    # what is wrong: the sample, code and step of the finding, and how it is made on the control port.
    "no user": (SBC, "admin-user-unknown", "assign-admin-user", ("PUT", "/users", {**ADMIN, "remove": True})),
    "no application": (
        SBC, "application-unknown", "find-application",
        ("PUT", "/service-principals", {"appId": CALLER, "remove": True}),
    ),
    "application disabled": (
        SBC, "account-disabled", "find-application",
        ("PUT", "/service-principals", {"appId": CALLER, "accountEnabled": False}),
    ),
    "application may only be read": (
        SBC, "permission-missing", "add-project-synergy",
        ("PUT", "/permissions", {"remove": ["Application.ReadWrite.All"], "add": ["Application.Read.All"]}),
    ),
    "domains may only be read": (
        SBC, "permission-missing", "add-domain",
        ("PUT", "/permissions", {"remove": ["Domain.ReadWrite.All"], "add": ["Domain.Read.All"]}),
    ),
    "users may not be read": (
        SBC, "permission-missing", "assign-admin-user", ("PUT", "/permissions", {"remove": ["User.ReadBasic.All"]})
    ),
    "federated": (
        SBC, "domain-federated", "add-domain",
        ("PUT", "/domains", {"name": "voice.contoso.example", "authenticationType": "Federated"}),
    ),
    "being deleted": (
        SBC, "domain-being-deleted", "add-domain",
        ("PUT", "/domains", {"name": "voice.contoso.example",
                             "state": {"operation": "ForceDelete", "status": "InProgress"}}),
    ),
    "DNS refuses": (
        SBC, "dns-silent", "txt-record-visible",
        ("POST", "/faults", {"kind": "refused", "service": "dns", "times": None}),
    ),
    "zone undelegated": (
        VENDOR, "dns-zone-not-delegated", "publish-txt-record",
        ("PUT", "/dns-zones", {"name": "contoso-voice.com", "delegated": False}),
    ),
    "zone full": (
        VENDOR, "txt-set-full", "publish-txt-record",
        ("PUT", "/dns-zones", {"name": "contoso-voice.com", "txt": {"@": [str(n) for n in range(20)]}}),
    ),
    "zone may not be read": (
        VENDOR, "permission-missing", "publish-txt-record", ("PUT", "/permissions", {"azureRole": None})
    ),
    "peering gone": (
        VENDOR, "peering-gone", "peering-ready", ("PUT", "/peerings", {"name": "contoso-voice-west", "remove": True})
    ),
    "provider retired": (GATEWAY, "provider-retired", "enable-services", ("PUT", "/options", {"armRetired": True})),
    "gateway gone": (
        GATEWAY, "gateway-gone", "enable-services", ("PUT", "/gateways", {"name": "contoso-acg", "remove": True})
    ),
    "gateways may only be read": (
        GATEWAY, "permission-missing", "enable-services", ("PUT", "/permissions", {"azureRole": "Reader"})
    ),
    "zone may only be read": (
        VENDOR, "permission-missing", "publish-txt-record", ("PUT", "/permissions", {"azureRole": "Reader"})
    ),
    "gateways may not be read": (
        GATEWAY, "permission-missing", "enable-services", ("PUT", "/permissions", {"azureRole": None})
    ),
}


@pytest.mark.parametrize("wrong", PROVOKED)
def test_each_finding(operator: Operator, microsoft: Simulator, cloud: Cloud, wrong: str) -> None:
    name, code, step, (method, path, what) = PROVOKED[wrong]
    microsoft.call(method, path, what)
    plan = made(operator, operator.client.post("/plans", json=request_of(name, cloud)))
    told = [found for found in plan["findings"] if (found["code"], found["step"]) == (code, step)]
    assert len(told) == 1, plan["findings"]
    assert told[0]["gravity"] == ("warning" if step in WAITS else "blocker")
    assert told[0]["seen"]
    assert told[0]["whatNext"]


def test_an_admin_user_that_is_disabled(operator: Operator, microsoft: Simulator, cloud: Cloud) -> None:
    # A basic profile, which is all that the application asks for, does not say it.
    microsoft.call("PUT", "/permissions", {"add": ["User.Read.All"]})
    microsoft.call("PUT", "/users", {**ADMIN, "accountEnabled": False})
    plan = made(operator, operator.client.post("/plans", json=request_of(SBC, cloud)))
    assert [f["step"] for f in plan["findings"] if f["code"] == "account-disabled"] == ["assign-admin-user"]


WAITS = ("txt-record-visible", "peering-ready")


def test_all_that_is_wrong_is_told_at_once(operator: Operator, microsoft: Simulator, cloud: Cloud) -> None:
    zone = {"name": "contoso-voice.com", "delegated": False}
    microsoft.call("PUT", "/dns-zones", zone)
    body = request_of(VENDOR, cloud)
    for wrong in ("no user", "application disabled", "domains may only be read", "peering gone"):
        _, _, _, (method, path, what) = PROVOKED[wrong]
        its_own = {"appId": body["application"]["clientId"]} if "appId" in what else {}
        microsoft.call(method, path, {**what, **its_own})
    plan = made(operator, operator.client.post("/plans", json=body))
    of_microsoft = {"admin-user-unknown", "account-disabled", "permission-missing", "peering-gone"}
    assert codes(plan) >= {*of_microsoft, "dns-zone-not-delegated"}, plan["findings"]
    assert [found["gravity"] for found in plan["findings"]] == sorted(
        (found["gravity"] for found in plan["findings"]), key=["blocker", "warning", "note"].index
    )


def test_a_number_of_another_onboarding(operator: Operator, microsoft: Simulator, cloud: Cloud) -> None:
    body = below_contoso(cloud.ports.trunks, "numbers-one")
    first = operator.post_anew(body)
    other = below_contoso(cloud.ports.trunks, "numbers-two")
    valid = operator.post(other, validateOnly="true").json()
    assert any(first["id"] in words for words in valid["warnings"]), valid["warnings"]
    plan = made(operator, operator.client.post("/plans", json=other))
    told = [found["seen"] for found in plan["findings"] if found["code"] == "numbers-shared"]
    assert any(first["id"] in words for words in told)
    operator.client.post(f"/onboardings/{first['id']}/cancel", json={"reason": "the test is over"})
    plan = planned(operator, microsoft, other)
    assert not [found for found in plan["findings"] if first["id"] in found["seen"]]
