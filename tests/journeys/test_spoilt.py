"""What Microsoft shows and is not as it should be: a person reads what it is, mends it, and the onboarding goes on."""

from __future__ import annotations

from collections.abc import Callable

from onboarding.core.request import OnboardingRequest
from sandbox.microsoft.specs import voice_services
from tests.journeys.test_permissions import made
from tests.journeys.test_trouble import start, step, stopped
from tests.support import requests
from tests.support.people import Json, Operator, Simulator

WAIT = "provisioning-complete"
FORCE_DELETE = {"operation": "ForceDelete", "status": "Scheduled"}


def retry(operator: Operator, onboarding_id: str, name: str) -> None:
    assert operator.client.post(f"/onboardings/{onboarding_id}/steps/{name}/retry").status_code == 200


def asked(body: Json) -> OnboardingRequest:
    return requests.parsed(body)


def test_a_test_line_that_fails_is_named_and_the_onboarding_is_not_connected(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    body = gateway()
    microsoft.options(testLineEnds="Failed")
    onboarding_id = start(operator, body)
    record = operator.until(onboarding_id, stopped(WAIT))
    problem = step(record, WAIT)["problem"]
    assert problem["code"] == "test-line-failed"
    assert "OC1 Failed" in problem["seen"]
    for line in asked(body).test_lines:
        mended = {"gateway": body["gateway"]["name"], "testLine": line.name, "provisioningState": "Succeeded"}
        microsoft.call("POST", "/transitions", mended)
    retry(operator, onboarding_id, WAIT)
    assert operator.completed(onboarding_id)["state"] == "completed"


def test_a_list_that_lacks_the_gateway_or_is_refused_stops_no_wait(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    microsoft.options(provisioningSeconds=None)
    bodies = [gateway() for _ in range(3)]
    ids = [start(operator, body) for body in bodies]
    for onboarding_id in ids:
        operator.until(onboarding_id, lambda r: step(r, WAIT)["attempts"] >= 1)
    of_list = {"service": "arm", "path": "^/subscriptions/[^/]+/providers/.*communicationsGateways$"}
    microsoft.fault(kind="omit", name=".*", times=None, **of_list)
    for onboarding_id in ids:
        seen = step(operator.get(onboarding_id), WAIT)["attempts"]
        record = operator.client.post(f"/onboardings/{onboarding_id}/steps/{WAIT}/check").json()
        assert step(record, WAIT)["attempts"] > seen
        assert (step(record, WAIT)["state"], step(record, WAIT)["problem"]) == ("waiting", None)
    microsoft.call("DELETE", "/faults")
    microsoft.fault(kind="status", status=403, times=None, **of_list)
    for onboarding_id in ids:
        record = operator.until(onboarding_id, lambda r: step(r, WAIT)["failures"] >= 1)
        assert (step(record, WAIT)["state"], step(record, WAIT)["problem"]["code"]) == ("waiting", "permission-missing")
        assert "az role assignment create" in step(record, WAIT)["problem"]["whatNext"]
    told = [n for i in ids for n in operator.get(i)["notices"] if n["kind"] == "read-failed"]
    assert len(told) == 1
    microsoft.call("DELETE", "/faults")
    microsoft.call("POST", "/transitions", {"gateway": "*", "status": "Complete"})
    for onboarding_id in ids:
        assert operator.completed(onboarding_id)["state"] == "completed"
    calls = {template for _, template in made(microsoft, "arm", voice_services(), "")}
    assert any(template.endswith("{communicationsGatewayName}") for template in calls)


def test_a_disabled_admin_user_is_told_of_where_graph_tells_it(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    user = next(u for u in microsoft.state()["users"] if u["userPrincipalName"] == "voice.admin@contoso.com")
    microsoft.call("PUT", "/users", {**user, "accountEnabled": False})
    # With the permission that finds users it is not known, and no alarm.
    assert operator.completed(start(operator, gateway()))["state"] == "completed"
    microsoft.call("POST", "/reset")
    microsoft.call("PUT", "/permissions", {"add": ["User.Read.All"]})
    microsoft.call("PUT", "/users", {**user, "accountEnabled": False})
    onboarding_id = start(operator, gateway())
    record = operator.until(onboarding_id, stopped("assign-admin-user"))
    assert step(record, "assign-admin-user")["problem"]["code"] == "account-disabled"
    microsoft.call("PUT", "/users", {**user, "accountEnabled": True})
    retry(operator, onboarding_id, "assign-admin-user")
    assert operator.completed(onboarding_id)["state"] == "completed"


def test_a_domain_that_is_removed_by_force_is_told_of(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    body = gateway()
    name = microsoft.gateway(body["gateway"]["name"])["domain"]
    microsoft.call("PUT", "/domains", {"name": name, "state": FORCE_DELETE})
    onboarding_id = start(operator, body)
    record = operator.until(onboarding_id, stopped("add-domain"))
    assert step(record, "add-domain")["problem"]["code"] == "domain-being-deleted"
    microsoft.call("PUT", "/domains", {"name": name, "state": None})
    retry(operator, onboarding_id, "add-domain")
    assert operator.completed(onboarding_id)["state"] == "completed"
