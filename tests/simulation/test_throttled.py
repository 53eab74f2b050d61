"""Many gateways at once, and Microsoft throttles: each waits its turn, and nobody has to see to anything."""

from __future__ import annotations

import logging
import re
from collections import Counter
from dataclasses import replace

import pytest

from onboarding.core.problem_codes import ProblemCode
from tests.simulation.chaos import MINUTE, PAUSE
from tests.simulation.fleet import BUSY, WITHIN, fleet

GATEWAYS = 200
NEXT = re.compile(r"Next attempt in (\d+) s\.$")


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("onboarding"), "disabled", True)


def test_a_fleet_that_is_throttled_waits_in_turn_and_all_of_it_is_connected() -> None:
    """5 % of calls for 2 s: 33 of 200 were done when all would have been, gaps were 307 s, 27 attempts of 30 gone."""
    done = fleet(replace(BUSY, throttled=0.05), GATEWAYS)
    assert Counter(record.state.value for record in done.records) == {"completed": GATEWAYS}
    problems = {step.problem.code for record in done.records for step in record.steps if step.problem}
    assert problems <= {ProblemCode.ADMIN_USER_NOT_APPROVED}, "nobody had to see to anything else"
    postponed = [event.detail for event in done.told("step-postponed")]
    held_up = [detail for detail in postponed if "nothing was sent" in detail]
    throttled = [detail for detail in postponed if "answered 429" in detail]
    assert len(held_up) + len(throttled) == len(postponed)
    assert len(throttled) > GATEWAYS, "a run in which nothing happens shows nothing"
    attempts = [int(event.detail.removeprefix("attempt ")) for event in done.told("step-started")]
    assert sum(number > 1 for number in attempts) < 5 * len(throttled), "what sent nothing counts nothing"
    assert max(attempts) <= 8
    assert max(int(found[1]) for detail in throttled if (found := NEXT.search(detail))) <= 2 * PAUSE + 2
    assert done.seconds < WITHIN


def test_a_fleet_that_is_not_throttled_needs_no_message_in_vain() -> None:
    done = fleet(BUSY, 30)
    assert done.messages == len(done.told("step-started")) + len(done.told("notice-started"))
    assert not done.told("time-passed")
    assert not done.told("step-postponed")
    assert done.seconds <= 6 * MINUTE
