"""What is counted and measured is what happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onboarding.core.events import Nudge
from onboarding.core.messages import DeadLetter, encode
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.ports import Query, Row
from onboarding.rows import OPEN
from onboarding.telemetry import metrics
from onboarding.telemetry.calls import calling
from onboarding.telemetry.gauges import Gauges
from onboarding.telemetry.names import (
    CALLS,
    DEAD_LETTERS,
    NOTICES,
    STEP_DURATION,
    THROTTLED,
    TIMER_PASSES,
    UNREADABLE_ROWS,
    WAIT_AGE,
    Attribute,
)
from onboarding.telemetry.names import STEPS as STEPS_GAUGE
from onboarding.telemetry.triggers import FunctionFailedError, ticked
from tests.support import requests
from tests.support.steps import STEPS
from tests.support.system import System, finished
from tests.support.telemetry import seen


class Answer:
    def __init__(self, status: int) -> None:
        self.status = status


async def test_each_step_that_ended_is_measured_once_with_its_time() -> None:
    with seen() as kept:
        system, record = await finished(requests.parsed(requests.operator_connect()))
        points = kept.points(STEP_DURATION)
    assert {key: count for key, (count, _) in points.items()} == {(s.name, "done"): 1 for s in STEPS}
    state = "steps.provisioning-complete.state"
    opened, ended = [e.at for e in await system.events(record.id) if state in e.changes and e.version > 1]
    assert points["provisioning-complete", "done"][1] == (ended - opened).total_seconds() > 0


async def test_a_step_that_needs_attention_is_measured_as_that() -> None:
    with seen() as kept:
        system = System()
        await system.request(requests.parsed(requests.operator_connect()))
        await system.deliver()
        assert set(kept.points(STEP_DURATION)) == {("enable-services", "needs-attention")}


async def test_notices_are_counted_by_their_way_and_how_it_went() -> None:
    with seen() as kept:
        system = System()
        system.outside.notifier.faults.add("teams", TryLaterError(ProblemCode.OUTAGE, "down"))
        await finished(requests.parsed(requests.operator_connect()), system)
        points = kept.points(NOTICES)
    assert sum(n for (_, way, outcome), n in points.items() if (way, outcome) == ("teams", "failed")) == 1
    assert points["completed", "email", "sent"] >= 1


async def test_open_steps_and_the_longest_wait_are_measured_and_go_back_to_zero() -> None:
    gauges = Gauges(every=0)
    with seen() as kept:
        system = System()
        request = requests.parsed(requests.operator_connect())
        system.outside.deploy(request)
        record = (await system.request(request)).record
        await gauges.measure(system.records, system.clock.now())
        assert kept.points(STEPS_GAUGE) == {}, "it gets on"
        await system.tick(3600)
        await gauges.measure(system.records, system.clock.now())
        assert kept.points(STEPS_GAUGE) == {("due", "enable-services"): 1}, "its message did not come"
        while await system.deliver():
            pass
        system.clock.advance(3600)
        await gauges.measure(system.records, system.clock.now())
        assert kept.points(STEPS_GAUGE) == {("due", "enable-services"): 0, ("waiting", "provisioning-complete"): 1}
        assert kept.points(WAIT_AGE) == {("provisioning-complete",): 3600.0}
        await system.run(record.id)
        await gauges.measure(system.records, system.clock.now())
        assert set(kept.points(STEPS_GAUGE).values()) == {0}
        assert kept.points(WAIT_AGE) == {("provisioning-complete",): 0.0}


def noted(asked: list[str], name: str, read: Callable[..., Any]) -> Callable[..., Any]:
    def noting(query: Query, *more: object) -> Any:
        asked.append(f"{name}: {query.partition}")
        return read(query, *more)

    return noting


async def test_measuring_reads_thin_rows_alone_and_only_when_it_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    system = System()
    await system.request(requests.parsed(requests.operator_connect()))
    for name in ("onboardings", "waits"):
        table = getattr(system, name)
        for method in ("rows", "page"):
            monkeypatch.setattr(table, method, noted(asked, name, getattr(table, method)))
    gauges = Gauges(every=3600)
    await gauges.measure(system.records, system.clock.now())
    assert asked == [], "nobody looks at the metrics"
    with seen():
        for _ in range(3):
            await gauges.measure(system.records, system.clock.now())
    assert asked == ["waits: waits", "waits: held"]


async def test_a_measurement_that_fails_disturbs_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    system = System()

    def broken(query: Query) -> None:
        raise OSError("no table")

    monkeypatch.setattr(system.waits, "rows", broken)
    with seen():
        await Gauges(every=0).measure(system.records, system.clock.now())
    assert "could not be measured" in caplog.text


def test_calls_are_counted_by_template_and_status_and_throttles_besides() -> None:
    with seen() as kept:
        for status in (200, 429, 429):
            with calling("Microsoft Graph", "GET /users/{id}") as asked:
                asked.answered(Answer(status))
        with pytest.raises(TimeoutError), calling("Microsoft Graph", "GET /users/{id}"):
            raise TimeoutError
        get = ("Microsoft Graph", "GET /users/{id}")
        assert kept.points(CALLS) == {(*get, "200"): 1, (*get, "429"): 2, (*get, "none"): 1}
        assert kept.points(THROTTLED) == {("Microsoft Graph",): 2}
        assert [(s.attributes or {})["status"] for s in kept.named("GET /users/{id}")] == ["200", "429", "429", "none"]


def test_only_passes_that_ended_are_counted() -> None:
    with seen() as kept:
        with ticked():
            pass
        with pytest.raises(FunctionFailedError), ticked():
            raise OSError("no table")
        assert kept.points(TIMER_PASSES) == {(): 1}


async def test_dead_letters_and_unreadable_rows_are_counted() -> None:
    with seen() as kept:
        system = System()
        body = encode(Nudge("contoso-acg-0123456789", "add-domain", 1))
        for letter in (DeadLetter(b"x"), DeadLetter(body, queue="add-domain")):
            await system.engine.dead_letter(letter)
        await system.onboardings.insert(Row(OPEN, "broken", {"NextDueAt": system.clock.now(), "Rest": "{}"}))
        await system.tick()
        assert kept.points(DEAD_LETTERS) == {("unknown",): 1, ("add-domain",): 1}
        assert kept.points(UNREADABLE_ROWS) == {(): 1}


def test_an_instrument_takes_its_own_attributes_only() -> None:
    with pytest.raises(ValueError, match=r"onboarding\.notices has the attributes"):
        metrics.count(NOTICES, {Attribute.KIND: "completed"})
