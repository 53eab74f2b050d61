"""A pause that Microsoft asked for is kept by everything in the process, to the second, without a call; those who wait
for its end come one after another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onboarding import pauses
from onboarding.azure.answers import LONGEST_PAUSE, MicrosoftAnswer
from onboarding.azure.cooldown import ARM_LIMIT, GRAPH_LIMIT, Cooldown
from onboarding.core.problems import HeldUpError
from onboarding.memory import ManualClock, MemoryTable
from onboarding.pauses import FRESH, Pauses
from onboarding.ports import Row
from tests.support.stopped import Stopped

EVERY = FRESH.total_seconds()


class Seconds:
    """A clock in hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def asked_for(seconds: float, status: int = 429) -> MicrosoftAnswer:
    return MicrosoftAnswer(status, {"retry-after": f"{seconds:g}"})


async def held_up(cooldown: Cooldown) -> HeldUpError:
    with pytest.raises(HeldUpError) as caught:
        await cooldown.check()
    return caught.value


@pytest.mark.parametrize("status", [429, 503])
async def test_no_call_before_retry_after_has_passed(status: int) -> None:
    clock = Seconds()
    cooldown = Cooldown(GRAPH_LIMIT, clock=clock)
    await cooldown.check()
    await cooldown.heed(asked_for(10, status))
    await cooldown.heed(asked_for(2, status))
    clock.now += 9.5
    error = await held_up(cooldown)
    assert error.seen.startswith("Microsoft Graph asked for a pause; 1 s of it are left")
    assert error.retry_after == pytest.approx(0.5)
    clock.now += 0.5
    await cooldown.check()


@pytest.mark.parametrize(
    "answer",
    [MicrosoftAnswer(200, {"retry-after": "9"}), MicrosoftAnswer(201, {"retry-after": "9"}), MicrosoftAnswer(429)],
)
async def test_an_answer_that_asks_for_no_pause_makes_none(answer: MicrosoftAnswer) -> None:
    cooldown = Cooldown(ARM_LIMIT, clock=Seconds())
    await cooldown.heed(answer)
    await cooldown.check()


async def test_those_who_wait_come_one_after_another_and_the_first_at_once() -> None:
    """A thousand at the end of a pause would be the next to be throttled."""
    clock = Seconds()
    cooldown = Cooldown(GRAPH_LIMIT, clock=clock)
    await cooldown.heed(asked_for(2))
    turns = [await held_up(cooldown) for _ in range(1000)]
    assert [t.behind for t in turns] == pytest.approx([n * GRAPH_LIMIT.apart for n in range(1000)])
    clock.now += 12
    await cooldown.heed(asked_for(3))
    assert (await held_up(cooldown)).behind == pytest.approx(1000 * GRAPH_LIMIT.apart - 13), "behind those who wait"
    clock.now += 60
    await cooldown.heed(asked_for(2))
    assert (await held_up(cooldown)).behind == 0, "nobody waits any more"


# -- shared by all processes ------------------------------------------------------------------------------------


class Shared:
    """Two processes and the table between them."""

    def __init__(self) -> None:
        self.table, self.clock, self.seconds = MemoryTable(), ManualClock(), Seconds()
        self.one, self.other = self.process(), self.process()

    def process(self, of: str = "") -> Cooldown:
        return Cooldown(ARM_LIMIT, Pauses(self.table, self.clock), of, self.seconds)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.seconds.now += seconds


async def test_a_pause_that_one_process_was_asked_for_is_kept_by_the_others() -> None:
    shared = Shared()
    await shared.other.check()
    await shared.one.heed(asked_for(60))
    await shared.other.check()
    shared.advance(EVERY)
    assert (await held_up(shared.other)).retry_after == pytest.approx(60 - EVERY)
    assert (await held_up(shared.process())).retry_after == pytest.approx(60 - EVERY), "a process that has just begun"
    shared.advance(60 - EVERY)
    await shared.other.check()


async def test_subscriptions_have_limits_of_their_own() -> None:
    shared = Shared()
    await shared.process("one").heed(asked_for(60))
    await held_up(shared.process("one"))
    await shared.process("another").check()


async def test_of_several_pauses_the_one_that_ends_last_counts() -> None:
    shared = Shared()
    await shared.one.heed(asked_for(600))
    await shared.other.heed(asked_for(60))
    assert (await held_up(shared.process())).retry_after == pytest.approx(600)


async def test_a_pause_is_written_once_however_many_are_throttled_and_a_short_one_never() -> None:
    shared = Shared()
    for _ in range(50):
        await shared.one.heed(asked_for(60))
    await shared.one.heed(asked_for(EVERY))
    assert len(shared.table.writes) == 1


async def test_the_table_is_read_every_few_seconds_however_many_calls_are_made() -> None:
    shared = Shared()
    reads = Stopped(shared.table)
    cooldown = Cooldown(ARM_LIMIT, Pauses(reads, shared.clock), clock=shared.seconds)
    for _ in range(100):
        await cooldown.check()
        shared.advance(0.1)
    assert reads.asked == 2


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_table_that_does_not_answer_keeps_nobody_from_anything(
    hangs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pauses, "PATIENCE", 0.01)
    shared = Shared()
    table = Stopped(shared.table, hangs=hangs, fails=not hangs)
    cooldown = Cooldown(ARM_LIMIT, Pauses(table, shared.clock), clock=shared.seconds)
    await cooldown.check()
    await cooldown.heed(asked_for(60))
    assert (await held_up(cooldown)).retry_after == pytest.approx(60)


@pytest.mark.parametrize("columns", [{}, {"Until": "tomorrow"}])
async def test_a_row_that_makes_no_sense_is_no_pause(columns: dict[str, str]) -> None:
    shared = Shared()
    await shared.table.insert(Row("arm", "all", columns))
    await shared.one.check()


@pytest.mark.parametrize(("days", "counts"), [(1, True), (2, False), (30000, False)])
async def test_a_row_that_names_more_than_microsoft_is_believed_is_no_pause(days: int, counts: bool) -> None:
    """One row, written by whoever may, would hold every step up for good."""
    shared = Shared()
    until = shared.clock.now() + days * timedelta(seconds=LONGEST_PAUSE)
    await shared.table.insert(Row("arm", "all", {"Until": until}))
    if counts:
        assert (await held_up(shared.one)).retry_after == LONGEST_PAUSE
    else:
        await shared.one.check()
