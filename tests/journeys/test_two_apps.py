"""The same package in two apps, each with its own identity: HTTP is kept apart from what may write at Microsoft."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sandbox.cloud import Cloud
from sandbox.ports import Ports
from tests.support.people import Operator, as_seeded, sample

STEPS_CLIENT = "7d3c2b1a-9e8f-4a6d-b5c4-1f0e2d3c4b5a"
"""The user-assigned identity of the seed; the system-assigned one is the front's."""


@pytest.fixture
def apps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Cloud]]:
    """(front, steps): two function hosts on one Azurite, one broker and one Microsoft."""
    ports = Ports.free()
    of_front = replace(ports, functions=Ports.free().functions)
    front_url = f"http://localhost:{of_front.functions}"
    of_steps = {
        "ONBOARDING_FUNCTIONS": "steps",
        "AZURE_CLIENT_ID": STEPS_CLIENT,
        "ONBOARDING_PUBLIC_URL": front_url,
    }
    with (
        Cloud(ports, folder=tmp_path_factory.mktemp("steps"), overrides=of_steps) as steps,
        Cloud(
            of_front,
            folder=steps.folder,
            overrides={"ONBOARDING_FUNCTIONS": "front"},
            without=("azurite", "broker", "microsoft"),
        ) as front,
    ):
        yield front, steps


def test_an_onboarding_completes_and_the_front_only_reads_gateways(apps: tuple[Cloud, Cloud]) -> None:
    front, steps = apps
    with as_seeded(steps.control) as microsoft:
        identities = {i["clientId"]: i for i in microsoft.call("PUT", "/permissions", {})}
        of_front = next(i for client, i in identities.items() if client != STEPS_CLIENT)
        everything = {"remove": of_front["graph"], "azureRole": "Reader", "mailScope": []}
        microsoft.call("PUT", "/permissions", {"identity": of_front["name"], **everything})
        operator = Operator(front.api)
        try:
            record = operator.completed(operator.post(sample("operator-connect")).json()["id"])
        finally:
            operator.close()
        front.check()
        steps.check()

        assert record["state"] == "completed", record["lastError"]
        calls = microsoft.requests("graph") + microsoft.requests("arm")
        whose = {(c["identity"], c["service"], c["method"] == "GET") for c in calls if c.get("batch") is None}
        names = {of_front["name"]: "front", identities[STEPS_CLIENT]["name"]: "steps"}
        assert {(names[who], service, read) for who, service, read in whose} == {
            ("front", "arm", True),
            ("steps", "arm", True),
            ("steps", "arm", False),
            ("steps", "graph", True),
            ("steps", "graph", False),
        }
