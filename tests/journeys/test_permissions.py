"""The table of permissions against the calls that the journeys really made: nothing missing, nothing spare.

What suffices for a call is Microsoft's own data (`tests/contract/specs/graph-permissions.json`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import httpx

from onboarding.azure.gateway_resource import GATEWAY_TYPE
from onboarding.azure.permissions import AZURE_ROLES, NEEDED, NEEDED_BY, ProjectSynergyBy, rows
from sandbox.cloud import Cloud
from sandbox.microsoft.conformance import Description
from sandbox.microsoft.graph.permissions import allowed
from sandbox.microsoft.specs import graph, graph_permissions, voice_services
from tests.support.people import Json, Operator, Simulator, sample, with_sandboxs_trunks

SAMPLES = ("operator-connect", "teams-phone-mobile", "already-onboarded")
GRANTED, WITH_ADMINISTRATOR = ({row["value"] for row in rows("permissions", by)} for by in ProjectSynergyBy)


def made(microsoft: Simulator, service: str, description: Description, root: str) -> set[tuple[str, str]]:
    """(method, path template) of every request that reached a service, those inside batches included."""
    return templates(microsoft.requests(service), description, root)


def templates(entries: Iterable[Json], description: Description, root: str) -> set[tuple[str, str]]:
    """The same of these entries of the journal."""
    calls = set()
    for entry in entries:
        path = httpx.URL(entry["url"]).path.removeprefix(root)
        match = description.match(entry["method"], path)
        assert match is not None, entry
        calls.add((entry["method"], match.operation.template))
    return calls


def told(calls: Iterable[tuple[str, str]]) -> set[str]:
    """As the table writes a call: `GET /servicePrincipals(appId='{id}')`."""
    return {f"{method} {re.sub(r'{[^}]+}', '{id}', template)}" for method, template in calls}


def listing(call: str) -> str:
    """As Microsoft's data writes it: `GET /serviceprincipals(appid={value})`."""
    method, path = call.split(" ", 1)
    value = path.lower().replace("'{id}'", "{value}")
    return f"{method} {value}"


def test_the_table_is_what_the_journeys_need(
    cloud: Cloud, operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    for name in SAMPLES:
        answer = operator.post(gateway(sample(name)))
        assert operator.completed(answer.json()["id"])["state"] == "completed"
    for name in ("own-sbc", "vendor-sbc-azure-dns"):
        body = with_sandboxs_trunks(sample(name), cloud.ports.trunks)
        assert operator.completed(operator.post_anew(body)["id"])["state"] == "completed"
    # One more, on which an answer is lost and reads lag: then grants are confirmed by listing them.
    microsoft.options(replicationCalls=2)
    microsoft.fault(kind="lost-answer", service="graph", method="POST", path="appRoleAssignedTo$", times=1)
    assert operator.completed(operator.post(gateway()).json()["id"])["state"] == "completed"
    notices = [m["subject"] for m in microsoft.call("GET", "/mailbox")]
    assert any("TXT" in subject for subject in notices)
    assert len(notices) > len(SAMPLES)

    batch = {("POST", "/$batch")}
    calls = made(microsoft, "graph", graph(), "/v1.0") - batch
    # Nothing missing: each call is in the table, and what the table grants suffices by Microsoft's data.
    assert told(calls) == set(NEEDED)
    assert [call for call in calls if not allowed(*call, GRANTED)] == []
    for method, template in calls:
        named = NEEDED[next(iter(told([(method, template)])))]
        assert allowed(method, template, set(named)), f"{method} {template} needs more than {named}"
    # Nothing spare: without any of them, some call that was made would be refused.
    for permission in GRANTED:
        assert any(not allowed(*call, GRANTED - {permission}) for call in calls), f"{permission} is needed by no call"


    # Where an administrator adds Project Synergy, what is granted in place suffices for the rest, and none is spare.
    others = calls - {("POST", "/servicePrincipals")}
    assert told(others) == set(NEEDED_BY[ProjectSynergyBy.ADMINISTRATOR])
    assert [call for call in others if not allowed(*call, WITH_ADMINISTRATOR)] == []
    for permission in WITH_ADMINISTRATOR:
        assert any(not allowed(*call, WITH_ADMINISTRATOR - {permission}) for call in others), permission


def test_each_permission_is_the_least_that_microsoft_lists_for_some_call() -> None:
    """But one: what is documented as enough is refused for an application of another tenant."""
    each = [(by, row) for by in ProjectSynergyBy for row in rows("permissions", by)]
    for by, row in each:
        calls = [call for call, needed in NEEDED_BY[by].items() if row["value"] in needed]
        listed = [graph_permissions()[listing(call)]["least"] for call in calls]
        least = any(row["value"] in {text.split(" ")[0] for text in texts} for texts in listed)
        assert least is ("insteadOf" not in row), row["value"]


def test_the_azure_roles_are_for_the_calls_that_were_made(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    answer = operator.post(gateway())
    assert operator.completed(answer.json()["id"])["state"] == "completed"
    provider = "/providers/"
    calls = {
        f"{method} {template.rpartition(provider)[2]}"
        for method, template in made(microsoft, "arm", voice_services(), "")
    }
    # What its roles give, a plan asks.
    known = [call for call in AZURE_ROLES if not call.endswith("/permissions")]
    of_table = {re.sub(r"{\w+}", "{}", call) for call in known if GATEWAY_TYPE in call}
    assert {re.sub(r"{\w+}", "{}", call) for call in calls} == of_table
