"""States that change with time."""

from __future__ import annotations

import pytest

from sandbox.microsoft.clock import Clock
from sandbox.microsoft.transitions import CREATING, DELETING, GATEWAY_STATUS, REPLICATION, UPDATING, TimedState

ALL = [GATEWAY_STATUS, CREATING, UPDATING, DELETING, REPLICATION]


@pytest.fixture
def clock() -> Clock:
    return Clock(source=lambda: 1_000_000.0)


@pytest.mark.parametrize("transition", ALL)
def test_after_seconds(transition: object, clock: Clock) -> None:
    state = TimedState(clock, "")
    state.start(transition, seconds=10)
    clock.advance(9.9)
    assert state.read() == transition.source
    clock.advance(0.1)
    assert state.read() == transition.target


def test_after_calls(clock: Clock) -> None:
    state = TimedState(clock, "")
    state.start(GATEWAY_STATUS, calls=2)
    clock.advance(1_000_000)
    assert [state.read() for _ in range(4)] == ["ChangePending", "ChangePending", "Complete", "Complete"]


def test_looking_is_not_a_call(clock: Clock) -> None:
    state = TimedState(clock, "")
    state.start(GATEWAY_STATUS, calls=1)
    assert [state.peek() for _ in range(5)] == ["ChangePending"] * 5


def test_whichever_comes_first(clock: Clock) -> None:
    state = TimedState(clock, "")
    state.start(UPDATING, seconds=10, calls=5)
    assert state.read() == "Updating"
    clock.advance(10)
    assert state.read() == "Succeeded"


def test_only_by_hand(clock: Clock) -> None:
    state = TimedState(clock, "")
    state.start(CREATING)
    clock.advance(1_000_000)
    assert [state.read() for _ in range(10)] == ["Accepted"] * 10
    state.put("Failed")
    assert state.read() == "Failed"


def test_putting_a_value_ends_the_transition(clock: Clock) -> None:
    state = TimedState(clock, "")
    state.start(GATEWAY_STATUS, seconds=5)
    state.put("ChangePending")
    clock.advance(100)
    assert state.read() == "ChangePending"


def test_starting_again_counts_from_the_beginning(clock: Clock) -> None:
    state = TimedState(clock, "")
    state.start(GATEWAY_STATUS, seconds=5)
    clock.advance(4)
    state.start(GATEWAY_STATUS, seconds=5)
    clock.advance(4)
    assert state.read() == "ChangePending"
    clock.advance(1)
    assert state.read() == "Complete"


def test_the_answer_to_the_write_shows_the_first_state_even_when_it_takes_no_time(clock: Clock) -> None:
    state = TimedState(clock, "")
    state.start(GATEWAY_STATUS, seconds=0)
    assert state.entered == "ChangePending"
    assert state.read() == "Complete"


def test_the_clock_only_moves_forward(clock: Clock) -> None:
    with pytest.raises(ValueError, match="only moves forward"):
        clock.advance(-1)
    clock.advance(5)
    assert (clock.time(), clock.offset) == (1_000_005.0, 5)
    clock.reset()
    assert clock.time() == 1_000_000.0
