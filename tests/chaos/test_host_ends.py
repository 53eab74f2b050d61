"""The Functions host does to its functions what Microsoft's does: it costs time, and nothing else.

See `sandbox/functions_host/README.md` for what is known of Microsoft's host, and what is different here.
"""

from __future__ import annotations

import httpx
import pytest

from onboarding.core.messages import NOTICES_QUEUE
from sandbox.processes import PartError
from tests.chaos.crash_points import Orders
from tests.chaos.ends import check_people_were_told, check_trail, writes
from tests.chaos.system import System, Wanted, wait_for
from tests.chaos.test_outages import another_host, state_of

pytestmark = pytest.mark.timeout(300)

DEATHS = (
    "post_onboarding: after onboardings.insert requested",
    "enable-services: after gateways.put",
    "add-test-lines: after gateways.put_test_line OC3",
)
HANGS = (
    "post_onboarding: after onboardings.insert requested",
    "enable-services: after gateways.put",
    "timer: after onboardings.replace looked provisioning-complete",
    f"{NOTICES_QUEUE} checkpoint-opened:operator-information: after notifier.mail",
)
"""In a call, a step, the timer's pass and a notice."""


def check_end(system: System, one: Wanted) -> None:
    """Completed, with each write at Microsoft done once and everybody told."""
    system.drive([one])
    assert set(writes(system, one).values()) == {1}
    check_people_were_told(check_trail(system, one))


def test_three_deaths_end_the_host_and_the_next_one_takes_it_from_there(system: System) -> None:
    system.order(Orders(kill_at=DEATHS, deaths_end_the_host=True))
    one = system.gateway()

    def ended() -> bool:
        if not one.posts or one.posts[-1] not in (200, 202):
            system.post(one)
        return system.cloud.pid("functions") is None

    wait_for(ended, "the host has ended itself")
    assert {k["point"] for k in system.killed()} == set(DEATHS)
    with pytest.raises(PartError, match="stopped with exit status 0"):
        system.cloud.check()
    system.order()
    system.cloud.stop_part("functions")
    system.cloud.start_part("functions")
    check_end(system, one)


@pytest.mark.parametrize(
    ("options", "handed_back"),
    [pytest.param((), True, id="that cancels"), pytest.param(("--keep-locks",), False, id="as Microsoft's")],
)
def test_a_host_that_is_told_to_stop_costs_time_whether_it_tells_its_functions_or_not(
    system: System, options: tuple[str, ...], handed_back: bool
) -> None:
    held = "add-test-lines: after gateways.put_test_line OC3"
    system.order(Orders(hold_at=(held,)))
    one = system.gateway()
    system.cloud.stop_part("functions")
    # Its patience ends before the step's own time does.
    with another_host(system, system.cloud.ports.functions, "--grace", "0.5", *options):
        wait_for(lambda: system.post(one), "the request is accepted")
        wait_for(system.held, f"the host is at '{held}'")
    system.order()
    system.cloud.start_part("functions")
    check_end(system, one)
    trail = system.operator.events(one.id)
    assert any((e["step"], e["what"]) == ("add-test-lines", "step-abandoned") for e in trail) is handed_back
    # Nobody has told it: so its lease had to end.
    assert any("add-test-lines did not come back" in e["detail"] for e in trail) is not handed_back


def test_a_drained_host_ends_what_it_is_at_begins_nothing_and_goes_on_when_it_is_resumed(system: System) -> None:
    held = "add-test-lines: after gateways.put_test_line OC3"
    system.order(Orders(hold_at=(held,)))
    one, late = system.gateway(), system.gateway()
    assert system.post(one)
    wait_for(system.held, f"the host is at '{held}'")
    with httpx.Client(base_url=f"{system.cloud.api}/admin/host", timeout=30, trust_env=False) as admin:
        assert admin.post("/drain").status_code == 202
        system.go_on()
        wait_for(lambda: admin.get("/drain/status").json()["state"] == "Completed", "what ran has ended")
        record = system.look(one)
        assert record is not None
        # By its own end or, on a slow machine, by the step's own time.
        assert state_of(record, "add-test-lines") in ("done", "due")
        assert system.post(late), "calls are answered all the while"
        begun = [p for p in system.passed(late.id) if not p.startswith("post_onboarding")]
        assert begun == []
        assert admin.post("/resume").status_code == 200
    for each in (one, late):
        check_end(system, each)


def test_whatever_hangs_is_broken_off_by_us_before_the_host_ends_the_process(system: System) -> None:
    system.order(Orders(hold_at=HANGS))
    one = system.gateway()
    check_end(system, one)
    assert {h["point"] for h in system.killed("held")} == set(HANGS)
    assert system.restarts == 0
