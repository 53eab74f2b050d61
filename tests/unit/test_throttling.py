"""Who is throttled waits for as long as Microsoft named; who was only held up by that has lost nothing but time."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from onboarding.core.decide import decide
from onboarding.core.events import CancelRequested, NoticeFailed, NoticeStarted, Postponed, RetryRequested, Started
from onboarding.core.policy import Policy
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import HeldUpError, PersonMustActError, StepProblemError, TryLaterError
from onboarding.core.record import Record, StepRecord, StepState
from tests.support import requests
from tests.support.records import NOW, new
from tests.support.steps import BY_NAME
from tests.support.system import System

FIRST = "enable-services"
POLICY = Policy()
BUDGET = timedelta(seconds=BY_NAME[FIRST].budget.seconds)
THROTTLED = TryLaterError(ProblemCode.THROTTLED, "429", 2).problem
HELD_UP = HeldUpError(ProblemCode.THROTTLED, "Microsoft Graph asked for a pause, so nothing was sent.", 2).problem


def tried(record: Record, **outcome: object) -> Record:
    """The step is due, is started, and is postponed."""
    step = record.step(FIRST)
    assert step.next_attempt_at is not None
    now = step.next_attempt_at
    record = decide(record, Started(FIRST, step.ticket), now).record
    assert record.step(FIRST).state is StepState.RUNNING
    return decide(record, Postponed(FIRST, step.ticket, **outcome), now).record  # type: ignore[arg-type]


def throttled(record: Record, seconds: float = 2.0) -> Record:
    return tried(record, problem=THROTTLED, retry_after=seconds)


def held_up(record: Record, seconds: float = 2.0, behind: float = 0.0) -> Record:
    return tried(record, problem=HELD_UP, retry_after=seconds, behind=behind)


def gap(before: Record, after: Record) -> float:
    first, second = (record.step(FIRST).next_attempt_at for record in (before, after))
    assert first is not None
    assert second is not None
    return (second - first).total_seconds()


# -- steps ------------------------------------------------------------------------------------------------------


def test_what_sent_nothing_is_no_attempt_and_doubles_nothing() -> None:
    """200 gateways, 5 % of calls throttled for 2 s: 3,599 attempts that sent nothing, gaps of 307 s, 27 of 30 gone."""
    record = new().record
    for _ in range(20):
        before, record = record, held_up(record)
        assert 4 <= gap(before, record) <= 4 + POLICY.turn_share * 240
    step = record.step(FIRST)
    assert (step.state, step.attempts, step.begun_at, step.problem) == (StepState.DUE, 0, None, HELD_UP)
    before, record = record, tried(record, problem=THROTTLED)
    assert record.step(FIRST).attempts == 1
    assert record.step(FIRST).held_since is None
    assert gap(before, record) <= POLICY.retry_first * 1.2


def test_a_step_that_is_held_up_comes_after_those_that_were_before_it() -> None:
    record = new().record
    assert gap(record, held_up(record, behind=0)) == 4, "when nobody else waits, at once"
    assert gap(record, held_up(record, behind=12.5)) == 16.5


def test_what_was_seen_before_a_pause_is_still_counted_after_it() -> None:
    strange = TryLaterError(ProblemCode.VERIFICATION_FAILED, "400", at_most=3).problem
    record = tried(new().record, problem=strange, at_most=3)
    record = held_up(tried(record, problem=strange, at_most=3))
    assert (record.step(FIRST).failures, record.step(FIRST).problem, record.step(FIRST).attempts) == (2, strange, 2)
    assert tried(record, problem=strange, at_most=3).step(FIRST).state is StepState.NEEDS_ATTENTION


def test_pauses_without_an_end_are_a_persons_business_after_the_budgets_time() -> None:
    record, times = new().record, 0
    while record.step(FIRST).state is StepState.DUE:
        record, times = held_up(record), times + 1
    step = record.step(FIRST)
    assert step.state is StepState.NEEDS_ATTENTION
    assert step.problem is not None
    assert "h without a turn" in step.problem.seen
    assert BUDGET <= step.since - NOW <= 1.1 * BUDGET
    assert times < 300, "21,600, if it came at the end of each"
    now = step.since + timedelta(seconds=60)
    again = decide(record, RetryRequested(FIRST, "ada"), now).record.step(FIRST)
    assert (again.state, again.held_since) == (StepState.DUE, None)


def test_a_pause_as_long_as_the_budget_leaves_the_step_its_attempts() -> None:
    record = held_up(new().record, BUDGET.total_seconds())
    record = tried(record, problem=TryLaterError(ProblemCode.OUTAGE, "503").problem)
    step = record.step(FIRST)
    assert (step.state, step.attempts) == (StepState.DUE, 1)


def test_a_time_that_microsoft_names_is_kept_as_named() -> None:
    record = new().record
    for _ in range(POLICY.believed):
        before, record = record, throttled(record)
        assert 4 <= gap(before, record) <= 4.4
    assert record.step(FIRST).attempts == POLICY.believed


def test_a_time_that_proves_wrong_each_time_does_not_use_up_the_budget_in_minutes() -> None:
    record = new().record
    while record.step(FIRST).state is StepState.DUE:
        before, record = record, throttled(record)
    gaps: StepRecord = record.step(FIRST)
    assert gaps.attempts == 30
    assert gaps.since - NOW > timedelta(hours=12)
    assert before.step(FIRST).attempts == 29


def test_the_end_of_a_pause_is_spread_the_more_the_longer_it_has_kept_a_step() -> None:
    spreads = []
    for held_for in (0, 60, 3600, 86400):
        gaps = [POLICY.turn_after(2, 0, timedelta(seconds=held_for), f"{n}").total_seconds() for n in range(200)]
        assert min(gaps) >= 4
        spreads.append(max(gaps) - 4)
    assert spreads == pytest.approx([0, 6, 360, POLICY.retry_longest], rel=0.02)
    assert all(before < after for before, after in pairwise(spreads))


# -- notices ----------------------------------------------------------------------------------------------------


def owing() -> Record:
    return decide(new().record, CancelRequested("ada", "wrong gateway"), NOW).record


def failed(record: Record, **outcome: object) -> tuple[Record, float]:
    """The notice is due, is taken up, and can't be sent; the gap that follows."""
    notice = record.notices[-1]
    assert notice.next_attempt_at is not None
    now = notice.next_attempt_at
    record = decide(record, NoticeStarted(notice.id, notice.ticket), now).record
    record = decide(record, NoticeFailed(notice.id, notice.ticket, **outcome), now).record  # type: ignore[arg-type]
    after = record.notices[-1].next_attempt_at
    assert after is not None
    return record, (after - now).total_seconds()


def test_notices_wait_for_the_channels_pause_one_after_another() -> None:
    record = owing()
    for behind in range(10):
        record, gap = failed(record, problem=HELD_UP, retry_after=30, behind=float(behind))
        held_for = 32 * behind + sum(range(behind))
        assert 32 + behind <= gap <= 32 + behind + 1.5 * POLICY.turn_share * held_for
    assert record.notices[-1].attempts == 0


def test_a_throttled_notice_keeps_the_time_that_was_named() -> None:
    record, gap = failed(owing(), problem=THROTTLED, retry_after=30)
    assert 32 <= gap <= 38
    record, gap = failed(record, problem=THROTTLED, retry_after=30)
    assert 32 <= gap <= 38
    assert record.notices[-1].attempts == 2


@pytest.mark.parametrize(
    ("other", "attempts"),
    [
        (None, 0),
        (HeldUpError(ProblemCode.THROTTLED, "a pause", 20, 3), 0),
        (TryLaterError(ProblemCode.OUTAGE, "503"), 1),
        (PersonMustActError(ProblemCode.PERMISSION_MISSING, "403", "Grant it."), 1),
    ],
)
async def test_it_is_no_attempt_only_where_nothing_was_asked_of_anybody(
    other: StepProblemError | None, attempts: int
) -> None:
    system = System()
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    record = (await system.request(request)).record
    system.bus.drop()
    system.outside.notifier.faults.add("mail", HeldUpError(ProblemCode.THROTTLED, "a pause", 10, 1))
    if other is not None:
        system.outside.notifier.faults.add("teams", other)
    await system.engine.happen(record.id, CancelRequested("ada", "wrong gateway"))
    await system.deliver()
    [notice] = (await system.record(record.id)).notices
    assert (notice.attempts, notice.owed) == (attempts, True)
    assert len(notice.sent) == (other is None), "the way that was open was gone"
