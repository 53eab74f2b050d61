"""Parts of the platform go away while onboardings are under way: it costs time, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from os import environ

import httpx
import pytest

from onboarding.core.messages import NOTICES_QUEUE
from sandbox.options import ROOT
from sandbox.ports import Ports
from sandbox.processes import Process
from sandbox.settings import inherited
from tests.chaos.crash_points import Orders
from tests.chaos.ends import check_people_were_told, check_trail, end_state, writes
from tests.chaos.system import LOOK_EVERY, Json, System, Wanted, chaos_parts, wait_for

DOWN = 30.0
"""Seconds that Table Storage is away."""
SERVED_WITHIN = 10.0
"""Seconds within which a call is answered, whatever Table Storage does."""

pytestmark = pytest.mark.timeout(300)


def state_of(record: Json, name: str) -> str:
    return next(str(s["state"]) for s in record["steps"] if s["name"] == name)


def underway(system: System) -> list[Wanted]:
    """Onboardings at different stages: just begun, waiting for Microsoft, and waiting for people and for DNS."""
    waiting, asked, begun = (system.gateway() for _ in range(3))
    system.drive([waiting], lambda r: state_of(r, "provisioning-complete") == "waiting", provision=False)
    system.drive(
        [asked],
        lambda r: state_of(r, "operator-information") == state_of(r, "txt-record-visible") == "waiting",
        confirm=False,
        dns=False,
    )
    system.post(begun)
    return [waiting, asked, begun]


def check_ends(system: System, all_: Sequence[Wanted]) -> None:
    """All complete, with the same end state; nothing was written twice at Microsoft, and everybody was told."""
    ends = [end_state(system, one, record) for one, record in zip(all_, system.drive(all_), strict=True)]
    assert [e["state"] for e in ends] == ["completed"] * len(all_)
    assert all(e == ends[0] for e in ends)
    for one in all_:
        assert set(writes(system, one).values()) == {1}
        check_people_were_told(check_trail(system, one))


def test_a_broker_that_dies_with_all_its_messages_costs_time_only(system: System) -> None:
    onboardings = underway(system)
    system.cloud.kill("broker")
    late = system.gateway()
    # The record is committed and the message lost: that is accepted, and the timer sends another.
    wait_for(lambda: system.post(late), "the request is accepted without a broker")
    system.cloud.start_part("broker")
    check_ends(system, [*onboardings, late])


def repaired(system: System, wanted: Wanted) -> bool:
    """Whether the timer has sent a message of it anew."""
    return "time-passed" in [e["what"] for e in system.operator.events(wanted.id)]


@pytest.mark.parametrize("fault", ["swallow", "busy"])
def test_a_bus_that_drops_packets_or_throttles_costs_time_only(system: System, fault: str) -> None:
    begun, late = system.gateway(), system.gateway()
    assert system.post(begun)
    with system.half_dead_bus(**{fault: True}):
        # At once: its function has six seconds here.
        assert system.post(late)
        wait_for(lambda: repaired(system, late), "the timer has sent its message anew")
    check_ends(system, [begun, late])


def test_a_port_that_accepts_and_says_nothing_costs_time_only(system: System) -> None:
    begun, late = system.gateway(), system.gateway()
    assert system.post(begun)
    with system.half_dead_bus(silent=True):
        system.cloud.kill("broker")
        system.cloud.start_part("broker")
        assert system.post(late)
        wait_for(lambda: repaired(system, late), "the timer has sent its message anew")
    # The host's own listeners would wait for an answer for ever; it is not they that are tried here.
    system.cloud.kill("broker")
    system.cloud.start_part("broker")
    check_ends(system, [begun, late])


def test_links_that_are_closed_for_idleness_between_the_steps_cost_no_onboarding(system: System) -> None:
    one = system.gateway()
    with system.half_dead_bus(idleSeconds=1.5):
        system.drive([one])
    check_ends(system, [one])


def test_a_sender_role_that_is_missing_stands_on_the_step_until_it_is_given(system: System) -> None:
    one = system.gateway()
    with system.half_dead_bus(noSender=["add-test-lines"]):
        assert system.post(one)
        refused = "messages-not-permitted"
        [record] = system.drive([one], lambda r: (r["lastError"] or {}).get("code") == refused)
        assert state_of(record, "add-test-lines") == "due"
    check_ends(system, [one])


def test_table_storage_away_for_half_a_minute_costs_half_a_minute(system: System) -> None:
    onboardings = underway(system)
    system.cloud.stop_part("azurite")
    late, refused, back = system.gateway(), 0, time.monotonic() + DOWN
    while time.monotonic() < back:
        # Both assert that an answer which is none is a 503 with Retry-After.
        refused += not system.post(late)
        assert system.look(onboardings[0]) is None
        time.sleep(LOOK_EVERY)
    assert refused
    system.cloud.start_part("azurite")
    check_ends(system, [*onboardings, late])


def test_a_table_that_is_busy_slow_and_loses_answers_costs_time_and_nothing_else(system: System) -> None:
    weather = system.weather
    weather.busy, weather.lost, weather.delay, weather.empty_pages = 0.25, 0.02, 0.01, 1
    onboardings = [system.gateway() for _ in range(16)]
    # While it is so, none ever needs attention: `drive` looks.
    system.drive(onboardings, lambda r: state_of(r, "add-test-lines") == "done")
    seen = dict(weather.seen)
    system.fair_weather()
    check_ends(system, onboardings)
    assert min(seen[kind] for kind in ("busy", "lost", "empty")) > 0


def test_a_frozen_table_keeps_nobody_waiting_for_more_than_ten_seconds(system: System) -> None:
    onboardings = underway(system)
    system.weather.frozen = True
    late = system.gateway()
    with httpx.Client(base_url=f"{system.cloud.api}/api", timeout=SERVED_WITHIN, trust_env=False) as caller:
        for answer in (caller.get(f"/onboardings/{onboardings[0].id}"), caller.post("/onboardings", json=late.body)):
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
    system.fair_weather()
    check_ends(system, [*onboardings, late])


@contextmanager
def another_host(system: System, port: int, *options: str) -> Iterator[Process]:
    """Another instance of the function app, on the same queues and tables; further options take the place of ours."""
    ports = replace(system.cloud.ports, functions=port)
    part = next(p for p in chaos_parts(ports, system.cloud.folder) if p.name == "functions")
    part = replace(part, command=[*part.command, *options])
    log = system.cloud.folder / "logs" / "functions-2.log"
    process = Process(part, log=log, folder=ROOT, environment={**inherited(environ), **system.cloud.settings})
    process.start()
    try:
        process.wait_ready(60)
        yield process
    finally:
        process.stop()


def test_of_two_hosts_one_dies_and_the_other_goes_on(system: System) -> None:
    with another_host(system, Ports.free().functions):
        onboardings = [system.gateway() for _ in range(4)]
        points = ("add-domain: after directory.add_domain", "enable-services: after gateways.put")
        system.order(Orders(kill_at=points))
        check_ends(system, onboardings)
        assert {k["point"] for k in system.killed()} == set(points)


def test_a_notice_that_was_handed_over_but_not_noted_is_sent_once_more(system: System) -> None:
    point = f"{NOTICES_QUEUE} checkpoint-opened:operator-information: after notifier.mail"
    system.order(Orders(kill_at=(point,)))
    one = system.gateway()
    system.drive([one])
    assert [k["point"] for k in system.killed()] == [point]
    check_trail(system, one)
