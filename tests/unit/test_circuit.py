"""A bus that is half dead: who may still call it."""

from __future__ import annotations

from onboarding.azure.circuit import Circuit

REST = 10.0


class Ticking:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_everybody_may_call_until_a_call_fails() -> None:
    circuit = Circuit(REST, Ticking())
    assert [circuit.enter() for _ in range(3)] == [True] * 3
    assert circuit.left == 0


def test_after_a_failure_nobody_may_call_for_some_seconds() -> None:
    clock = Ticking()
    circuit = Circuit(REST, clock)
    circuit.failed()
    clock.now += REST - 1
    assert not circuit.enter()
    assert circuit.left == 1


def test_after_these_seconds_one_call_tries_for_all() -> None:
    clock = Ticking()
    circuit = Circuit(REST, clock)
    circuit.failed()
    clock.now += REST
    assert [circuit.enter() for _ in range(3)] == [True, False, False]


def test_a_try_that_succeeds_lets_everybody_call_again() -> None:
    clock = Ticking()
    circuit = Circuit(REST, clock)
    circuit.failed()
    clock.now += REST
    circuit.enter()
    circuit.succeeded()
    assert [circuit.enter() for _ in range(3)] == [True] * 3


def test_a_try_that_fails_or_never_ends_is_followed_by_another() -> None:
    clock = Ticking()
    circuit = Circuit(REST, clock)
    circuit.failed()
    for fails in (True, False):
        clock.now += REST
        assert circuit.enter()
        clock.now += 3
        if fails:
            circuit.failed()
            clock.now += REST - 1
            assert not circuit.enter()
