"""The host is killed at every point between two effects, and each onboarding ends as one that nothing disturbed."""

from __future__ import annotations

import inspect
import time

import pytest

from onboarding import ports
from tests.chaos.crash_points import AUDIT_TRAIL, Orders
from tests.chaos.effects import EFFECTS, READS, share_of
from tests.chaos.ends import check_people_were_told, check_trail, end_state, mails, writes, writes_of_the_tenant
from tests.chaos.system import System
from tests.support.steps import CHECKPOINTS, TASKS, WAITS

SHARES = 2
AT_ONCE = 8
"""Onboardings under way: while one waits for its lease to end, the next one's function dies."""
LONGEST = 40
"""Onboardings, after which the points that are left count as unreachable."""

PROTOCOLS = {
    "AzureTable": ports.Table,
    "ServiceBusPublisher": ports.Bus,
    "ArmGateways": ports.Gateways,
    "ArmDnsZones": ports.DnsZones,
    "DnsUpdater": ports.DnsUpdates,
    "GraphDirectory": ports.Directory,
    "AzureNotifier": ports.Notifier,
}


def test_every_method_of_every_port_is_known_as_an_effect_or_as_a_read() -> None:
    for adapter, protocol in PROTOCOLS.items():
        methods = {name for name, _ in inspect.getmembers(protocol, inspect.isfunction) if not name.startswith("_")}
        assert methods == EFFECTS[adapter].keys() | READS[adapter], adapter
    assert EFFECTS.keys() == PROTOCOLS.keys()


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.timeout(600)
def test_killed_at_every_point_it_ends_as_if_undisturbed(system: System, share: int) -> None:
    undisturbed = system.gateway()
    (record,) = system.drive([undisturbed])
    reference, written, told = (
        end_state(system, undisturbed, record),
        writes(system, undisturbed),
        mails(system, undisturbed),
    )
    points = list(dict.fromkeys(system.passed()))
    check_coverage(points)
    assert system.killed() == []
    assert set(written.values()) == set(told.values()) == {1}

    system.order(Orders(kill_each=True, share=(share, SHARES)))
    mine = {p for p in points if share_of(p, SHARES) == share}
    started, onboardings = time.monotonic(), []
    while mine - {k["point"] for k in system.killed()} and len(onboardings) < LONGEST:
        # Project Synergy and the admin's role are made once a tenant, and their points are passed only then.
        system.new_tenant()
        round_ = [system.gateway() for _ in range(AT_ONCE)]
        onboardings += round_
        for wanted, ended in zip(round_, system.drive(round_), strict=True):
            assert end_state(system, wanted, ended) == reference
            assert writes(system, wanted) == written
            stored = check_trail(system, wanted)
            check_people_were_told(stored)
            mailed = mails(system, wanted)
            assert set(mailed) == {(s.replace(undisturbed.gateway, wanted.gateway), to) for s, to in told}
            # Whoever dies between handing a mail over and saying so leaves it to be sent again: once a death.
            assert max(mailed.values()) <= 1 + len(system.killed())
        assert writes_of_the_tenant(system) == {"add Project Synergy": 1, "assign the admin user": 1}

    killed = system.killed()
    assert mine <= {k["point"] for k in killed}
    assert system.restarts == len(killed)
    repairs = sorted({k["point"] for k in killed} - mine)
    print(  # noqa: T201 - the numbers that this layer is asked for
        f"share {share + 1} of {SHARES}: {len(points)} points of an undisturbed onboarding; the host was killed"
        f" {len(killed)} times, at {len(mine)} of them and at {len(repairs)} of the repairs;"
        f" {len(onboardings)} onboardings in {time.monotonic() - started:.0f} s"
    )


def check_coverage(points: list[str]) -> None:
    """Every function that has effects was run, and each of its effects has a point on both sides."""
    units = {point.partition(":")[0] for point in points if not point.startswith("notices ")}
    assert units >= {"post_onboarding", "confirm_checkpoint", "timer", AUDIT_TRAIL} | {s.name for s in TASKS}
    notices = {point.partition(": ")[0] for point in points if point.startswith("notices ")}
    assert notices == {f"notices checkpoint-opened:{s.name}" for s in CHECKPOINTS} | {"notices completed:onboarding"}
    for wait in WAITS:
        for what in ("looked", "step-done"):
            assert f"timer: after onboardings.replace {what} {wait.name}" in points
    for task in TASKS:
        mine = [p for p in points if p.startswith(f"{task.name}: ")]
        # What the timer is to find stands there before the commit.
        started = f"onboardings.replace step-started {task.name}"
        assert mine[0] in (f"{task.name}: before {started}", f"{task.name}: before due.upsert due")
        assert mine[0].endswith(started) or f"{task.name}: after {started}" in mine
        assert f"{task.name}: after onboardings.replace step-done {task.name}" in mine
        assert len(mine) >= 3
