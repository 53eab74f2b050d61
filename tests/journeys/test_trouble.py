"""What goes wrong on the way, and what an operator sees of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onboarding.steps.operator_connect import PROJECT_SYNERGY_APP_ID
from sandbox.cloud import Cloud
from tests.support import requests
from tests.support.people import Operator, Simulator

Json = dict[str, Any]


def step(record: Json, name: str) -> Json:
    return next(s for s in record["steps"] if s["name"] == name)


def stopped(name: str) -> Callable[[Json], bool]:
    return lambda record: step(record, name)["state"] == "needs-attention"


def start(operator: Operator, body: Json) -> str:
    answer = operator.post(body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_throttling_is_waited_out_to_the_second(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    microsoft.fault(kind="status", service="graph", path="/domains", status=429, retryAfter=2, times=1)
    microsoft.fault(kind="status", service="arm", path="communicationsGateways", status=503, times=2)
    onboarding_id = start(operator, gateway())
    assert operator.completed(onboarding_id)["state"] == "completed"
    postponed = [e for e in operator.events(onboarding_id) if e["what"] == "step-postponed"]
    assert {e["step"] for e in postponed} >= {"enable-services"}


def test_an_answer_lost_after_success_does_nothing_twice(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    microsoft.fault(kind="lost-answer", service="graph", method="POST", path="/servicePrincipals$", times=1)
    microsoft.fault(kind="lost-answer", service="graph", method="POST", path="appRoleAssignedTo$", times=1)
    microsoft.fault(kind="lost-answer", service="arm", method="PUT", path="testLines/OC3", times=1)
    record = operator.completed(start(operator, gateway()))
    assert record["state"] == "completed"
    state = microsoft.state()
    assert sum(p["appId"] == PROJECT_SYNERGY_APP_ID for p in state["servicePrincipals"]) == 1
    assert len(state["appRoleAssignments"]) == 8


def test_replication_lag_is_later_not_failure(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    microsoft.options(replicationCalls=2)
    record = operator.completed(start(operator, gateway()))
    assert record["state"] == "completed"


def test_ids_in_another_case_are_the_same_gateway(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    microsoft.options(armIdCase="upper", armPageSize=1)
    assert operator.completed(start(operator, gateway()))["state"] == "completed"


def test_a_failed_deployment_stops_the_wait_and_can_be_retried(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    microsoft.options(provisioningSeconds=None)
    body = gateway()
    onboarding_id = start(operator, body)
    operator.until(onboarding_id, lambda r: step(r, "provisioning-complete")["state"] == "waiting")
    microsoft.call("POST", "/transitions", {"gateway": body["gateway"]["name"], "provisioningState": "Failed"})
    record = operator.until(onboarding_id, stopped("provisioning-complete"))
    assert record["lastError"]["code"] == "provisioning-failed"
    assert record["state"] == "needs-attention"
    healed = {"gateway": body["gateway"]["name"], "provisioningState": "Succeeded", "status": "Complete"}
    microsoft.call("POST", "/transitions", healed)
    assert operator.client.post(f"/onboardings/{onboarding_id}/steps/provisioning-complete/retry").status_code == 200
    assert operator.completed(onboarding_id)["state"] == "completed"


def test_provisioning_state_succeeded_is_not_taken_for_complete(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    microsoft.options(provisioningSeconds=None)
    body = gateway()
    onboarding_id = start(operator, body)
    operator.until(onboarding_id, lambda r: step(r, "provisioning-complete")["attempts"] >= 1)
    checked = operator.client.post(f"/onboardings/{onboarding_id}/steps/provisioning-complete/check")
    record = checked.json()
    assert step(record, "provisioning-complete")["attempts"] >= 2
    assert microsoft.gateway(body["gateway"]["name"])["provisioningState"] == "Succeeded"
    assert step(record, "provisioning-complete")["state"] == "waiting"
    assert "ChangePending" in step(record, "provisioning-complete")["detail"]
    assert record["state"] == "waiting-for-microsoft"


def test_a_test_line_with_another_number_is_not_overwritten(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    body = gateway(testLines=[{"name": "OC1", "phoneNumber": "+442079460188"}])
    onboarding_id = start(operator, body)
    record = operator.until(onboarding_id, stopped("add-test-lines"))
    assert "'OC1' exists with another number" in step(record, "add-test-lines")["problem"]["seen"]
    lines = microsoft.gateway(body["gateway"]["name"])["testLines"]
    assert {name: line["phoneNumber"] for name, line in lines.items()} == {"OC1": "+442079460188"}


def test_lines_left_out_must_be_on_the_gateway(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    lines = [{"name": f"OC{i}", "phoneNumber": f"+44207946015{i}"} for i in range(1, 5)]
    body = gateway(requests.preselected(), properties={"platforms": ["OperatorConnect"]}, testLines=lines)
    record = operator.until(start(operator, body), stopped("add-test-lines"))
    seen = step(record, "add-test-lines")["problem"]["seen"]
    assert "must have 6 Automated lines" in seen
    assert "it has 4 (OC1, OC2, OC3, OC4)" in seen


def test_a_service_that_was_not_selected_at_deployment_needs_test_lines(
    operator: Operator, gateway: Callable[..., Json]
) -> None:
    record = operator.until(start(operator, gateway(requests.preselected())), stopped("enable-services"))
    assert step(record, "enable-services")["problem"]["code"] == "service-not-selected"


def test_onboarded_already_without_project_synergy_is_said_clearly(
    operator: Operator, gateway: Callable[..., Json]
) -> None:
    body = gateway(requests.operator_connect(alreadyOnboarded=True))
    record = operator.until(start(operator, body), stopped("assign-application-roles"))
    assert "no Project Synergy" in step(record, "assign-application-roles")["problem"]["seen"]
    others = operator.until(record["id"], lambda r: step(r, "verify-domain")["state"] == "done")
    assert others["state"] == "needs-attention"


def test_an_unknown_admin_user_is_said_clearly(operator: Operator, gateway: Callable[..., Json]) -> None:
    body = gateway(requests.operator_connect(adminUser="nobody@contoso.com"))
    record = operator.until(start(operator, body), stopped("assign-admin-user"))
    assert step(record, "assign-admin-user")["problem"]["code"] == "admin-user-unknown"


def test_a_missing_permission_names_it(operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]) -> None:
    microsoft.call("PUT", "/permissions", {"remove": ["AppRoleAssignment.ReadWrite.All"]})
    onboarding_id = start(operator, gateway())
    record = operator.until(onboarding_id, stopped("assign-admin-user"))
    problem = step(record, "assign-admin-user")["problem"]
    assert problem["code"] == "permission-missing"
    assert "grant.sh --identity" in problem["whatNext"]
    assert "--only AppRoleAssignment.ReadWrite.All" in problem["whatNext"]


def test_after_a_key_rollover_nobody_need_act(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    """Bug report: one 401 stopped every onboarding until the app was restarted."""
    operator.completed(start(operator, gateway()))
    microsoft.call("POST", "/key-rollover")
    onboarding_id = start(operator, gateway())
    operator.until(onboarding_id, lambda r: step(r, "add-domain")["state"] == "done")
    microsoft.call("POST", "/key-rollover")
    assert operator.completed(onboarding_id)["state"] == "completed"
    refused = [e for e in microsoft.call("GET", "/requests") if e.get("status") == 401]
    assert refused


def test_a_gateway_that_is_gone_names_the_retirement(operator: Operator, microsoft: Simulator) -> None:
    body = requests.operator_connect()
    body["gateway"]["name"] = "long-gone"
    record = operator.until(start(operator, body), stopped("enable-services"))
    assert step(record, "enable-services")["problem"]["code"] == "gateway-gone"
    microsoft.options(armRetired=True)
    operator.client.post(f"/onboardings/{record['id']}/steps/enable-services/retry")
    retired = operator.until(
        record["id"], lambda r: (step(r, "enable-services")["problem"] or {}).get("code") == "provider-retired"
    )
    assert "2026" in str(step(retired, "enable-services")["problem"])


def test_another_id_for_a_role_is_reported_and_the_tenants_wins(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    other = "5d6b3a52-6a5e-4b0e-9f0b-0c1f7a7f9d11"
    microsoft.options(dataReadRoleId=other)
    body = gateway()
    record = operator.completed(start(operator, body))
    assert record["state"] == "completed"
    assert [d for d in record["findings"]["roleDifferences"] if other in d]
    principal = microsoft.gateway(body["gateway"]["name"])["principalId"]
    held = {a["appRoleId"] for a in microsoft.state()["appRoleAssignments"] if a["principalId"] == principal}
    assert other in held


def test_the_txt_record_must_be_on_every_server_that_answers(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    microsoft.options(dnsDelay=None)
    onboarding_id = start(operator, gateway())
    record = operator.until(onboarding_id, lambda r: step(r, "txt-record-visible")["attempts"] >= 1)
    assert "No TXT record found" in step(record, "txt-record-visible")["detail"]
    txt = record["findings"]["txtRecord"]
    microsoft.call("PUT", "/dns", {"name": txt["name"], "values": ["MS=ms99999999"]})
    operator.until(onboarding_id, lambda r: "Wrong TXT record" in step(r, "txt-record-visible")["detail"])
    microsoft.call("PUT", "/dns", {"name": txt["name"], "values": [txt["value"]], "server": "ns1"})
    operator.until(onboarding_id, lambda r: "still missing" in step(r, "txt-record-visible")["detail"])
    microsoft.call("PUT", "/dns", {"name": txt["name"], "values": [txt["value"]]})
    assert operator.completed(onboarding_id)["state"] == "completed"


def test_a_wrong_txt_record_is_told_to_the_team_and_one_dead_name_server_holds_nothing_up(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    microsoft.options(dnsDelay=None)
    onboarding_id = start(operator, gateway())
    record = operator.until(onboarding_id, lambda r: step(r, "txt-record-visible")["attempts"] >= 1)
    txt = record["findings"]["txtRecord"]
    doubled = f"{txt['name']}.commsgw.azure.com"
    microsoft.call("PUT", "/dns", {"name": doubled, "values": [txt["value"]]})
    operator.until(onboarding_id, lambda r: [n for n in r["notices"] if n["kind"] == "held-up" and n["sent"]])
    [mail] = [m for m in microsoft.call("GET", "/mailbox") if "please have a look at this" in m["subject"]]
    assert doubled in mail["text"]
    microsoft.call("PUT", "/dns", {"name": txt["name"], "values": [txt["value"]]})
    microsoft.fault(kind="hang", service="dns", server="ns2", times=None)
    record = operator.completed(onboarding_id)
    assert "no answer from ns2.commsgw.azure.com (timeout)" in step(record, "txt-record-visible")["detail"]


def test_a_domain_held_by_another_tenant_needs_a_person(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    body = gateway()
    domain = microsoft.gateway(body["gateway"]["name"])["domain"]
    microsoft.options(domainsHeldElsewhere=[domain])
    record = operator.until(start(operator, body), lambda r: r["lastError"] is not None and stopped_anywhere(r))
    assert record["lastError"]["code"] == "domain-in-use"


def stopped_anywhere(record: Json) -> bool:
    return any(s["state"] == "needs-attention" for s in record["steps"])


@pytest.mark.parametrize("part", ["functions", "broker"])
def test_a_part_that_is_killed_and_started_again_costs_only_time(
    part: str, operator: Operator, microsoft: Simulator, gateway: Callable[..., Json], cloud: Cloud
) -> None:
    microsoft.options(provisioningSeconds=None)
    body = gateway()
    onboarding_id = start(operator, body)
    operator.until(onboarding_id, lambda r: step(r, "provisioning-complete")["state"] == "waiting")
    cloud.kill(part)
    microsoft.call("POST", "/transitions", {"gateway": body["gateway"]["name"], "status": "Complete"})
    cloud.start_part(part)
    assert operator.completed(onboarding_id)["state"] == "completed"
