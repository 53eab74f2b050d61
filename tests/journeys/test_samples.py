"""Every sample, from POST to completed, on real components over HTTP: the article, start to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onboarding.steps.operator_connect import APPLICATION_ROLES, PROJECT_SYNERGY_APP_ID
from tests.support.people import Operator, Simulator, sample

Json = dict[str, Any]
ALL = 14


def run(operator: Operator, body: Json) -> Json:
    return operator.completed(operator.post_anew(body)["id"])


def states(record: Json) -> dict[str, str]:
    return {s["name"]: s["state"] for s in record["steps"]}


def roles_of(microsoft: Simulator, principal_id: str) -> set[str]:
    """Values of the Project Synergy roles that a principal holds."""
    values = {role_id: value for value, role_id in APPLICATION_ROLES.items()}
    assignments = microsoft.state()["appRoleAssignments"]
    return {values.get(a["appRoleId"], "Admin") for a in assignments if a["principalId"] == principal_id}


def test_operator_connect_is_connected(operator: Operator, microsoft: Simulator) -> None:
    record = run(operator, sample("operator-connect"))

    assert record["state"] == "completed"
    assert record["progress"] == {"done": ALL, "total": ALL}
    assert set(states(record).values()) == {"done"}
    gateway = microsoft.gateway("contoso-acg")
    assert set(gateway["properties"]["platforms"]) == {"TeamsDirectRouting", "OperatorConnect"}
    assert {line["purpose"] for line in gateway["testLines"].values()} == {"Automated"}
    assert len(gateway["testLines"]) == 6
    state = microsoft.state()
    synergy = [p for p in state["servicePrincipals"] if p["appId"] == PROJECT_SYNERGY_APP_ID]
    assert [p["displayName"] for p in synergy] == ["Operator Connect"]
    admin = next(u for u in state["users"] if u["userPrincipalName"] == "voice.admin@contoso.com")
    assert roles_of(microsoft, admin["id"]) == {"Admin"}
    assert roles_of(microsoft, gateway["principalId"]) == set(APPLICATION_ROLES)
    domain = next(d for d in state["domains"] if d["id"] == gateway["domain"])
    assert domain["isVerified"] is True
    assert record["findings"]["domain"] == gateway["domain"]
    application = next(p for p in state["servicePrincipals"] if p["id"] == gateway["principalId"])
    assert record["findings"]["applicationId"] == application["appId"]


def test_the_onboarding_team_gets_the_txt_record_ready_to_paste(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    body = gateway()
    record = run(operator, body)

    to_the_team = [m for m in microsoft.call("GET", "/mailbox") if m["to"] == [body["onboardingTeam"]["email"]]]
    mails = [m for m in to_the_team if "TXT" in m["subject"]]
    assert len(mails) == 1
    txt = record["findings"]["txtRecord"]
    for value in (txt["name"], "TXT", txt["value"], f"{txt['ttl']} seconds"):
        assert value in str(mails[0])


def test_teams_phone_mobile_is_connected_with_voicemail_and_call_routing(
    operator: Operator, microsoft: Simulator
) -> None:
    body = sample("teams-phone-mobile")
    record = run(operator, body)

    assert record["state"] == "completed"
    properties = microsoft.gateway("contoso-mobile-acg")["properties"]
    assert "TeamsPhoneMobile" in properties["platforms"]
    service = body["services"]["teamsPhoneMobile"]
    assert properties["teamsVoicemailPilotNumber"] == service["voicemailPilotNumber"]
    assert properties["integratedMcpEnabled"] is True
    assert not properties.get("onPremMcpEnabled")


def test_both_services_on_a_lab_gateway(operator: Operator, microsoft: Simulator) -> None:
    record = run(operator, sample("lab-both-services"))

    assert record["state"] == "completed"
    gateway = microsoft.gateway("contoso-lab-acg")
    assert {"OperatorConnect", "TeamsPhoneMobile"} <= set(gateway["properties"]["platforms"])
    assert len(gateway["testLines"]) == 6


def test_an_operator_onboarded_already_skips_what_was_done(operator: Operator, microsoft: Simulator) -> None:
    microsoft.call("PUT", "/service-principals", {"appId": PROJECT_SYNERGY_APP_ID})
    record = run(operator, sample("already-onboarded"))

    assert record["state"] == "completed"
    skipped = {s["name"]: s["skippedBecause"] for s in record["steps"] if s["state"] == "skipped"}
    assert set(skipped) == {"add-project-synergy", "assign-admin-user", "operator-information"}
    assert all("onboarded already" in reason for reason in skipped.values())
    gateway = microsoft.gateway("contoso-established-acg")
    assert roles_of(microsoft, gateway["principalId"]) == set(APPLICATION_ROLES)


def test_services_selected_at_deployment_need_no_change_of_the_gateway(
    operator: Operator, microsoft: Simulator
) -> None:
    record = run(operator, sample("services-selected-at-deployment"))

    assert record["state"] == "completed"
    assert not [w for w in microsoft.writes() if w.startswith("PUT ")]


def test_the_same_onboarding_again_only_reads_at_microsoft(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    body = gateway()
    first = run(operator, body)
    assert first["state"] == "completed"
    microsoft.call("DELETE", "/requests")

    answer = operator.post(body, again="true")
    assert answer.status_code == 202
    again = operator.completed(answer.json()["id"])

    assert again["state"] == "completed"
    assert again["run"] == 2
    mails = [w for w in microsoft.writes() if w.endswith("/sendMail")]
    assert [w for w in microsoft.writes() if w not in mails] == []
    assert len(microsoft.requests("graph")) > 0
    assert len(operator.events(again["id"])) > first["version"]
