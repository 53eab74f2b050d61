"""Each alert fires on what it is for and on nothing beside it, over what the application really tells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from onboarding.core.events import PauseRequested, RetryRequested
from onboarding.core.record import StepState
from onboarding.memory.directory import PROJECT_SYNERGY_ROLES
from onboarding.telemetry import metrics
from onboarding.telemetry.calls import calling
from onboarding.telemetry.names import (
    CALLS,
    DEAD_LETTERS,
    LINKS_REFUSED,
    NOTICES,
    STEP_DURATION,
    STEPS,
    THROTTLED,
    TIMER_PASSES,
    UNREADABLE_ROWS,
    WAIT_AGE,
    Instrument,
)
from onboarding.telemetry.triggers import FunctionFailedError, ticked
from onboarding.telemetry.work import dead, unfit_link
from tests.infra.life import Life, life
from tests.infra.rules import rules
from tests.support import requests

RULES = rules()
TWO_WEEKS = 14 * 86400.0
A_WINDOW = 10
"""Minutes of passes after which the timer is not silent."""


@pytest.fixture
def going() -> Iterator[Life]:
    """An application whose timer runs, and that tells of it."""
    with life() as it:
        yield it


def fired(it: Life) -> set[str]:
    """The rules that fire now."""
    return {name for name, rule in RULES.items() if rule.fires(it.workspace, it.now)}


def rows(it: Life, name: str) -> list[dict[str, object]]:
    """What the rule's alert shows."""
    return RULES[name].rows(it.workspace, it.now)


def put(instrument: Instrument, value: float, *attributes: str) -> None:
    metrics.put(instrument, value, dict(zip(instrument.attributes, attributes, strict=True)))


async def accepted(it: Life, *, deployed: bool) -> str:
    """An onboarding; the gateway that it is for is there, or not."""
    request = requests.parsed(requests.operator_connect())
    if deployed:
        it.system.outside.deploy(request)
    return (await it.system.request(request)).record.id


async def test_none_fires_while_an_onboarding_goes_on(going: Life) -> None:
    await accepted(going, deployed=True)
    await going.goes_on(A_WINDOW)
    assert fired(going) == set()


async def test_a_step_needs_attention_until_it_goes_on(going: Life) -> None:
    onboarding = await accepted(going, deployed=False)
    await going.goes_on(A_WINDOW)
    assert fired(going) == {"needs-attention"}
    assert rows(going, "needs-attention") == [{"step": "enable-services", "steps": 1.0}]

    going.system.outside.deploy(requests.parsed(requests.operator_connect()))
    await going.system.engine.happen(onboarding, RetryRequested("enable-services", "ada"))
    await going.goes_on()
    assert fired(going) == set()


@pytest.mark.parametrize("state", [s for s in StepState if s is not StepState.NEEDS_ATTENTION])
async def test_no_step_in_another_state_needs_attention(going: Life, state: StepState) -> None:
    await going.goes_on(A_WINDOW)
    put(STEPS, 3, state, "verify-domain")
    put(STEP_DURATION, 9.0, "verify-domain", StepState.NEEDS_ATTENTION)
    going.insights.store(going.now)
    assert fired(going) == set()


async def test_a_step_that_goes_on_hides_no_other(going: Life) -> None:
    await going.goes_on(A_WINDOW)
    for mended, stopped in ((1, 2), (0, 2)):
        put(STEPS, mended, StepState.NEEDS_ATTENTION, "add-domain")
        put(STEPS, stopped, StepState.NEEDS_ATTENTION, "verify-domain")
        await going.goes_on()
    assert fired(going) == {"needs-attention"}
    assert rows(going, "needs-attention") == [{"step": "verify-domain", "steps": 2.0}]


async def test_a_wait_is_old_until_it_ends(going: Life) -> None:
    onboarding = await accepted(going, deployed=True)
    await going.goes_on()
    going.is_silent(13 * 24 * 60)
    await going.goes_on(A_WINDOW)
    assert fired(going) == set()

    going.is_silent(24 * 60)
    await going.goes_on(A_WINDOW)
    assert fired(going) == {"old-wait"}
    (row,) = rows(going, "old-wait")
    assert row["step"] == "provisioning-complete"
    assert 14 < row["days"] < 14.1

    going.system.outside.settle()
    await going.system.run(onboarding)
    await going.goes_on(A_WINDOW)
    assert fired(going) == {"roles-given"}


@pytest.mark.parametrize(("seconds", "fires"), [(TWO_WEEKS - 1, False), (TWO_WEEKS, False), (TWO_WEEKS + 1, True)])
async def test_a_wait_is_old_after_two_weeks_and_not_before(going: Life, seconds: float, fires: bool) -> None:
    await going.goes_on(A_WINDOW)
    put(WAIT_AGE, seconds, "txt-record-visible")
    # What took long is no wait; and a young one hides no old one.
    put(STEP_DURATION, 3 * TWO_WEEKS, "provisioning-complete", StepState.DONE)
    going.insights.store(going.now)
    put(WAIT_AGE, 60.0, "provisioning-complete")
    going.insights.store(going.now)
    assert fired(going) == ({"old-wait"} if fires else set())


async def test_the_timer_is_silent_before_its_first_pass(going: Life) -> None:
    going.is_silent(1)
    assert fired(going) == {"timer-silent"}
    await going.goes_on()
    assert fired(going) == set()


@pytest.mark.parametrize(("minutes", "fires"), [(2, False), (9, False), (9.9, False), (10, True), (60, True)])
async def test_the_timer_is_silent_after_ten_minutes_and_not_after_a_gap(
    going: Life, minutes: float, fires: bool
) -> None:
    await going.goes_on(A_WINDOW)
    going.is_silent(minutes)
    assert fired(going) == ({"timer-silent"} if fires else set())


async def test_a_timer_whose_passes_fail_is_silent(going: Life) -> None:
    await going.goes_on()
    for _ in range(A_WINDOW):
        with pytest.raises(FunctionFailedError), ticked():
            raise OSError("no table")
        put(STEPS, 1, StepState.DUE, "add-domain")
        put(TIMER_PASSES, 0)
        going.is_silent(1)
    assert fired(going) == {"timer-silent"}


async def test_dead_letters_are_told_of_by_their_queue_while_they_are_new(going: Life) -> None:
    await going.goes_on(A_WINDOW)
    dead("verify-domain")
    dead("verify-domain")
    dead("notices")
    await going.goes_on()
    assert fired(going) == {"dead-letters"}
    assert {(row["queue"], row["letters"]) for row in rows(going, "dead-letters")} == {
        ("verify-domain", 2.0),
        ("notices", 1.0),
    }
    await going.goes_on(15)
    assert fired(going) == set()


async def test_each_role_that_is_given_names_its_principal_while_it_is_new(going: Life) -> None:
    onboarding = await accepted(going, deployed=True)
    await going.goes_on(A_WINDOW)
    assert fired(going) == set()

    going.system.outside.settle()
    await going.goes_on(5)
    directory = going.system.outside.directory
    held = {(who, role) for (who, _), roles in directory.held.items() for role in roles}
    names = {role.id: role.value for role in PROJECT_SYNERGY_ROLES}
    assert len(held) == 8
    assert fired(going) == {"roles-given"}
    assert {(r["principal"], r["role"], r["given"]) for r in rows(going, "roles-given")} == {
        (who, names[role], 1.0) for who, role in held
    }
    assert RULES["roles-given"].alerts(going.workspace, going.now) == {who for who, _ in held}

    await going.system.engine.happen(onboarding, PauseRequested("ada", "enough was seen"))
    await going.goes_on(15)
    assert fired(going) == set()


FAILING = [
    ([("add_domain", 0, 0)], True, "one function, with errors"),
    ([("add_domain", 0), ("submit", 200, 404), ("add_domain", 0)], True, "others between"),
    ([("submit", 500, 503)], True, "answers of 5xx"),
    ([("submit", 500, 404)], False, "one failure and a refusal"),
    ([("add_domain", 0)], False, "one failure"),
    ([("add_domain", 0), ("submit", 500)], False, "one failure each"),
    ([("submit", 400, 401, 403, 404, 409, 412, 413, 422, 429, 499)], False, "refusals"),
    ([("submit", 200, 202, 302, 304)], False, "no failure"),
]


@pytest.mark.parametrize(("told", "fires"), [case[:2] for case in FAILING], ids=[case[2] for case in FAILING])
async def test_functions_fail_when_one_does_twice(
    going: Life, told: list[tuple[str, *tuple[int, ...]]], fires: bool
) -> None:
    await going.goes_on(A_WINDOW)
    for function, *codes in told:
        going.requested(function, *codes)
    assert fired(going) == ({"failures"} if fires else set())


async def test_a_row_that_stands_for_two_failures_counts_as_two(going: Life) -> None:
    await going.goes_on(A_WINDOW)
    going.requested("add_domain", 0, together=2)
    assert fired(going) == {"failures"}
    assert rows(going, "failures") == [{"function": "add_domain", "failures": 2}]


async def test_failures_far_apart_are_single_ones(going: Life) -> None:
    await going.goes_on()
    going.requested("add_domain", 0)
    await going.goes_on(15)
    going.requested("add_domain", 0)
    assert fired(going) == set()


@pytest.mark.parametrize(("forged", "fires"), [(1, False), (10, False), (11, True)])
async def test_forged_links_are_told_of_when_they_are_many(going: Life, forged: int, fires: bool) -> None:
    await going.goes_on(A_WINDOW)
    for _ in range(forged):
        unfit_link("forged")
    await going.goes_on()
    assert fired(going) == ({"forged-links"} if fires else set())
    assert rows(going, "forged-links") == ([{"links": 11.0}] if fires else [])
    going.is_silent(60)
    await going.goes_on()
    assert "forged-links" not in fired(going)


async def test_links_that_were_good_once_are_no_alarm(going: Life) -> None:
    await going.goes_on(A_WINDOW)
    for kind in ("expired", "used", "foreign") * 10:
        unfit_link(kind)
    await going.goes_on()
    assert fired(going) == set()


async def test_what_goes_wrong_and_has_no_alert_fires_none(going: Life) -> None:
    await going.goes_on(A_WINDOW)
    with pytest.raises(OSError, match="no answer"), calling("graph", "GET /domains"):
        raise OSError("no answer")
    for instrument, attributes in (
        (CALLS, ("arm", "GET /gateway", "503")),
        (THROTTLED, ("graph",)),
        (NOTICES, ("completed", "teams", "failed")),
        (UNREADABLE_ROWS, ()),
        (LINKS_REFUSED, ("used",)),
    ):
        put(instrument, 40, *attributes)
    put(DEAD_LETTERS, 0, "verify-domain")
    going.insights.store(going.now)
    assert fired(going) == set()


def test_each_rule_is_tried() -> None:
    assert set(RULES) == {
        "dead-letters",
        "failures",
        "forged-links",
        "needs-attention",
        "old-wait",
        "roles-given",
        "timer-silent",
    }
