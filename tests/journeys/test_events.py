"""Events in the whole system: signed, from the request to the end, again where the receiver fails; and the doors."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from sandbox.cloud import Cloud
from sandbox.ports import Ports
from sandbox.settings import told_of_events
from tests.support.people import Json, Operator, Simulator, deploying


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One with a program to be told."""
    ports = Ports.free()
    with Cloud(ports, folder=tmp_path_factory.mktemp("told"), overrides=told_of_events(ports)) as running:
        yield running


def told(record: Json) -> bool:
    """Whether every notice of it went to the program."""
    return all(any(d["way"] == "events" for d in n["sent"]) for n in record["notices"] if n["kind"] != "reminder")


def test_a_program_is_told_all_of_it_though_its_receiver_fails(
    cloud: Cloud, operator: Operator, microsoft: Simulator
) -> None:
    microsoft.fault(kind="status", status=429, retryAfter=2, service="events")
    microsoft.fault(kind="lost-answer", service="events", times=2)
    with deploying(microsoft, operator) as make:
        record = operator.completed(operator.post_anew(make())["id"])
        record = operator.until(record["id"], told)
    events = microsoft.call("GET", "/events")
    assert {one["wrong"] for one in events} == {None}
    assert any(one["again"] for one in events), "what was taken and not answered comes again, with the same id"
    types = {one["event"]["type"].rpartition(".")[2] for one in events}
    assert {"requested", "step-ended", "checkpoint-opened", "completed"} <= types
    ended = {one["event"]["data"]["step"] for one in events if one["event"]["type"].endswith(".step-ended")}
    assert ended == {step["name"] for step in record["steps"]}
    assert microsoft.violations() == []
    page = httpx.get(f"{cloud.control}/events", headers={"Accept": "text/html"}).text
    assert "operator-connect.onboarding.completed" in page


def test_both_doors_lead_to_the_dashboard(cloud: Cloud) -> None:
    for door in ("/", "/api", "/api/"):
        answer = httpx.get(f"{cloud.api}{door}", follow_redirects=True)
        assert (answer.status_code, answer.url.path) == (200, "/api/dashboard")
