"""Whoever only submits takes nothing over: what is in use, and who becomes Admin, waits for somebody else's word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.people import Operator, Simulator, sample

Json = dict[str, Any]
SERVICES, ADMIN = "enable-services", "assign-admin-user"
GATEWAY = "contoso-in-use-acg"
IN_USE = {"teamsVoicemailPilotNumber": "+442079460698", "onPremMcpEnabled": True, "integratedMcpEnabled": False}


def stopped(operator: Operator, onboarding_id: str, name: str) -> Json:
    """The problem with which the step asks."""

    def step(record: Json) -> Json:
        return next(s for s in record["steps"] if s["name"] == name)

    record = operator.until(onboarding_id, lambda r: bool(step(r)["state"] == "needs-attention"))
    return dict(step(record)["problem"])


def says_yes(operator: Operator, path: str, proposal: str, user: str) -> httpx.Response:
    headers = {"cookie": f"sandbox-user={user}"}
    return operator.client.post(path, json={"proposal": proposal}, headers=headers)


def in_use(microsoft: Simulator) -> Json:
    properties = microsoft.gateway(GATEWAY)["properties"]
    return {name: properties[name] for name in IN_USE}


def admins(microsoft: Simulator) -> set[str]:
    state = microsoft.state()
    users = {u["id"]: u["userPrincipalName"] for u in state["users"]}
    return {users[a["principalId"]] for a in state["appRoleAssignments"] if a["principalId"] in users}


def test_a_submitter_overwrites_nothing_and_makes_nobody_admin_until_others_say_yes(
    operator: Operator, microsoft: Simulator
) -> None:
    body = sample("second-person")
    # She holds every role, and requests it: what is asked for is another person, not only another role.
    onboarding_id = operator.post_anew(body)["id"]
    steps = f"/onboardings/{onboarding_id}/steps"

    asked = stopped(operator, onboarding_id, SERVICES)
    assert asked["code"] == "change-not-approved"
    shown = {c["what"]: (c["before"], c["after"]) for c in asked["proposal"]["changes"]}
    assert shown["Voicemail pilot number"] == ("+442079460698", "+442079460699")
    assert (shown["Integrated MCP"], shown["On-premises MCP"]) == (("off", "on"), ("on", "off"))
    assert in_use(microsoft) == IN_USE
    change = f"{steps}/{SERVICES}/apply-change"
    assert says_yes(operator, change, asked["proposal"]["id"], "sam.submitter").status_code == 403
    assert says_yes(operator, change, "what was never shown", "olga.operator").status_code == 409
    assert in_use(microsoft) == IN_USE
    assert says_yes(operator, change, asked["proposal"]["id"], "olga.operator").status_code == 200

    asked = stopped(operator, onboarding_id, ADMIN)
    assert asked["code"] == "admin-user-not-approved"
    assert "another.user@contoso.com" in asked["proposal"]["changes"][0]["what"]
    assert "another.user@contoso.com" not in asked["seen"] + asked["whatNext"]
    user = f"{steps}/{ADMIN}/approve-admin-user"
    assert says_yes(operator, user, asked["proposal"]["id"], "sam.submitter").status_code == 403
    refused = says_yes(operator, user, asked["proposal"]["id"], "olga.operator")
    assert refused.status_code == 409
    assert "somebody else" in refused.json()["detail"]
    offered = {a["name"] for a in operator.get(onboarding_id)["allowedActions"]}
    assert "approve-admin-user" not in offered
    assert not admins(microsoft)
    assert says_yes(operator, user, asked["proposal"]["id"], "adam.approver").status_code == 200

    assert operator.completed(onboarding_id)["state"] == "completed"
    assert in_use(microsoft)["teamsVoicemailPilotNumber"] == "+442079460699"
    assert admins(microsoft) == {"another.user@contoso.com"}
    said = [(e["what"], e["actor"]) for e in operator.events(onboarding_id) if e["what"].endswith("-approved")]
    # Another journey may have had it before.
    assert said[-2:] == [
        ("change-approved", "olga.operator@contoso.com"),
        ("admin-user-approved", "adam.approver@contoso.com"),
    ]


@pytest.mark.parametrize("user", ["john_gmail.com#EXT#@contoso.com", "sean.o'brien@contoso.com"])
def test_a_guest_and_a_user_with_an_apostrophe_become_admin(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json], user: str
) -> None:
    microsoft.call("PUT", "/users", {"userPrincipalName": user, "id": "5f0c1c7e-2a52-4c2b-9a0c-0b8f3a1d9e11"})
    body = gateway(sample("lab-both-services"))
    domain = microsoft.gateway(body["gateway"]["name"])["domain"]
    body["gateway"]["domain"] = domain.title()
    notify = {"emails": ["sean.o'brien@example.com"], "teams": False}
    onboarding_id = operator.post({**body, "adminUser": user, "notify": notify}).json()["id"]
    asked = stopped(operator, onboarding_id, ADMIN)
    assert asked["code"] == "admin-user-not-approved", asked
    assert asked["proposal"]["changes"][0]["what"].startswith(user)
    path = f"/onboardings/{onboarding_id}/steps/{ADMIN}/approve-admin-user"
    assert says_yes(operator, path, asked["proposal"]["id"], "adam.approver").status_code == 200
    assert operator.completed(onboarding_id)["findings"]["domain"] == domain
    assert user in admins(microsoft)
    assert ["sean.o'brien@example.com"] in [mail["to"] for mail in microsoft.call("GET", "/mailbox")]
