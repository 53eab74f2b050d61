"""What a plan says where nobody can be told, and where settings bound the app of the steps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.cloud import Cloud
from sandbox.ports import Ports
from tests.journeys.test_plans import made, request_of
from tests.support.people import Operator, Simulator

ELSEWHERE = "00000000-0000-4000-8000-000000000000"
ZONE = f"/subscriptions/{ELSEWHERE}/resourceGroups/rg-dns/providers/Microsoft.Network/dnsZones/fabrikam.example"
BOUNDS = {
    "ONBOARDING_MAIL_SENDER": "",
    "ONBOARDING_TEAMS_WEBHOOK_URL": "",
    "ONBOARDING_PERMITTED_SUBSCRIPTIONS": ELSEWHERE,
    "ONBOARDING_PERMITTED_ADMIN_USERS": "@fabrikam.example",
    "ONBOARDING_PERMITTED_APPLICATIONS": ELSEWHERE,
    "ONBOARDING_PERMITTED_DOMAIN_SUFFIXES": "fabrikam.example",
    "ONBOARDING_PERMITTED_DNS_ZONES": ZONE,
    "ONBOARDING_PERMITTED_MAIL_DOMAINS": "fabrikam.example",
}
NOT_PERMITTED = {
    "operator-connect": {"enable-services", "assign-admin-user", None},
    "vendor-sbc-azure-dns": {
        "find-application", "assign-admin-user", "add-domain", "check-certificate", "peering-ready", None
    },
}
"""Sample → steps of what is not permitted; None: addresses."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud(Ports.free(), folder=tmp_path_factory.mktemp("bounded"), overrides=BOUNDS) as running:
        yield running


@pytest.mark.parametrize("name", NOT_PERMITTED)
def test_bounds_and_silence_are_told_all_at_once(
    operator: Operator, microsoft: Simulator, cloud: Cloud, name: str
) -> None:
    plan = made(operator, operator.client.post("/plans", json=request_of(name, cloud)))
    told = {(found["code"], found["step"]) for found in plan["findings"]}
    assert {step for code, step in told if code == "not-permitted"} == NOT_PERMITTED[name], plan["findings"]
    assert ("nobody-told", None) in told
    assert not microsoft.writes()
