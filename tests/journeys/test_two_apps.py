"""The same package in two apps, each with its own identity: HTTP is kept apart from what may write at Microsoft."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from azure.data.tables import TableClient
from azure.servicebus import ServiceBusClient, ServiceBusMessage

from onboarding.core.events import Nudge
from onboarding.core.messages import encode
from sandbox.cloud import Cloud
from sandbox.ports import Ports
from tests.support.people import BOUND, LOOK_EVERY, Json, Operator, Simulator, as_seeded, sample
from tests.support.requests import SUBSCRIPTION

STEPS_CLIENT = "7d3c2b1a-9e8f-4a6d-b5c4-1f0e2d3c4b5a"
"""The user-assigned identity of the seed; the system-assigned one is the front's."""


OTHER_USER = "another.user@contoso.com"
FORGED = {"assign-admin-user": "not-permitted", "add-domain": "domain-differs", "verify-domain": "domain-differs"}
"""Step → why it stops, when what it is to do was written by somebody else."""
TICKET = 100_000
"""Beyond what the record has reached."""


def problems(record: Json) -> dict[str, str]:
    return {s["name"]: s["problem"]["code"] for s in record["steps"] if s["problem"]}


def changed(microsoft: Simulator) -> list[str]:
    """What was written at Microsoft, but for mail."""
    return [write for write in microsoft.writes() if not write.endswith("/sendMail")]


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
        "ONBOARDING_PERMITTED_SUBSCRIPTIONS": f"{SUBSCRIPTION}/rg-voice",
        "ONBOARDING_PERMITTED_ADMIN_USERS": "voice.admin@contoso.com",
        "ONBOARDING_PERMITTED_DOMAIN_SUFFIXES": "commsgw.azure.com",
        "ONBOARDING_PERMITTED_MAIL_DOMAINS": "contoso.com,example.com",
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


def settled(table: TableClient, onboarding_id: str) -> Json:
    """The onboarding's row, once nothing is owed any more: people are told after it has completed."""
    end = time.monotonic() + BOUND
    while not (rows := [dict(r) for r in table.query_entities(f"RowKey eq '{onboarding_id}'")]) or any(
        row["PartitionKey"] != "closed" for row in rows
    ):
        assert time.monotonic() < end, [row["PartitionKey"] for row in rows]
        time.sleep(LOOK_EVERY)
    return rows[0]


def take_over(cloud: Cloud, onboarding_id: str) -> None:
    """Whoever has the front writes a row and sends messages: other values, for steps to be done once more."""
    with TableClient.from_connection_string(cloud.settings["Tables"], "onboardings") as table:
        row = settled(table, onboarding_id)
        request, steps, rest = (json.loads(row[column]) for column in ("Request", "Steps", "Rest"))
        request["adminUser"] = OTHER_USER
        request["gateway"]["domain"] = "evil.example"
        for step in steps:
            if step["name"] in FORGED:
                step.update(state="due", ticket=TICKET, nextAttemptAt=rest["updatedAt"], attempts=0, begunAt=None)
        rest.update(closedAt=None, version=TICKET)
        row.update(
            PartitionKey="open",
            Request=json.dumps(request),
            Steps=json.dumps(steps),
            Rest=json.dumps(rest, separators=(",", ":")),
        )
        table.upsert_entity(row)
    with ServiceBusClient.from_connection_string(cloud.settings["ServiceBus"]) as client:
        for name in FORGED:
            with client.get_queue_sender(name) as sender:
                sender.send_messages(ServiceBusMessage(encode(Nudge(onboarding_id, name, TICKET))))


def test_an_onboarding_completes_and_the_front_only_reads_gateways(apps: tuple[Cloud, Cloud]) -> None:
    """And whoever has the front, with its table and its bus, makes the steps write nothing beyond their settings."""
    front, steps = apps
    with as_seeded(steps.control) as microsoft:
        identities = {i["clientId"]: i for i in microsoft.call("PUT", "/permissions", {})}
        of_front = next(i for client, i in identities.items() if client != STEPS_CLIENT)
        everything = {"remove": of_front["graph"], "azureRole": "Reader", "mailScope": []}
        microsoft.call("PUT", "/permissions", {"identity": of_front["name"], **everything})
        operator = Operator(front.api)
        try:
            record = operator.completed(operator.post(sample("operator-connect")).json()["id"])
            assert record["state"] == "completed", record["lastError"]
            calls = microsoft.requests("graph") + microsoft.requests("arm")
            done = changed(microsoft)
            take_over(steps, record["id"])
            stopped = operator.until(record["id"], lambda r: len(problems(r)) == len(FORGED))
            assert problems(stopped) == FORGED
            assert changed(microsoft) == done
        finally:
            operator.close()
        front.check()
        steps.check()

        whose = {(c["identity"], c["service"], c["method"] == "GET") for c in calls if c.get("batch") is None}
        names = {of_front["name"]: "front", identities[STEPS_CLIENT]["name"]: "steps"}
        assert {(names[who], service, read) for who, service, read in whose} == {
            ("front", "arm", True),
            ("steps", "arm", True),
            ("steps", "arm", False),
            ("steps", "graph", True),
            ("steps", "graph", False),
        }
