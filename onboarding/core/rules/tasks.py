"""What we do: a task is started on its message, and ends, is postponed, given up, or stops."""

from __future__ import annotations

from datetime import datetime, timedelta

from onboarding.core.bounds import shorten
from onboarding.core.draft import Draft, problem_on_arrival
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import Abandoned, DeadLettered, LeftToPeople, Nudge, Postponed, Started, Stopped, Succeeded
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import DETAIL_LENGTH, MadeBy, Problem, Record, StepRecord, StepState
from onboarding.core.rules.given_up import given_up
from onboarding.core.rules.notices import notice_dead_lettered
from onboarding.core.rules.steps import open_step
from onboarding.core.rules.transition import Rules, Transition

HOUR = 3600.0
NOT_AGAIN = (
    "It is not tried again by itself. See whether the cause is gone (the service's health, the function's log); then"
    " retry the step, which gives it all its attempts anew."
)
"""The advice when a budget is spent, in place of "it is tried again"."""


def step_started(h: Started, draft: Draft) -> Transition | None:
    step = open_step(draft, h.step)
    if step is None or step.state is not StepState.DUE or step.ticket != h.ticket:
        return None
    if step.next_attempt_at is None or not draft.record.active:
        return None
    pause = step.not_before is not None and step.not_before > draft.now
    if early := draft.policy.early(step.next_attempt_at, draft.now, pause=pause):
        nudge = Nudge(draft.record.id, h.step, h.ticket, definition=step.plan.definition, again=h.again)
        draft.come_again(nudge, early)
        return None
    attempt = step.attempts + 1
    begun = step.begun_at or draft.now
    draft.set_step(
        h.step,
        state=StepState.RUNNING,
        attempts=attempt,
        begun_at=begun,
        next_attempt_at=draft.lease_end(),
        problem=problem_on_arrival(step),
    )
    return Transition(EventKind.STEP_STARTED, h.step, f"attempt {attempt}")


def succeeded(h: Succeeded, draft: Draft) -> Transition | None:
    step = _running(draft, h.step, h.ticket)
    if step is None:
        return None
    draft.find(h.step, h.findings)
    # What was made once stays so, though it is found later.
    found = MadeBy.PERSON if step.calls else step.made_by or MadeBy.OTHERS
    if not step.plan.only_reads:
        draft.set_step(h.step, made_by=MadeBy.ONBOARDING if h.wrote else found)
    draft.end_step(h.step, h.detail)
    return Transition(EventKind.STEP_DONE, h.step, h.detail)


def postponed(h: Postponed, draft: Draft) -> Transition | None:
    step = _running(draft, h.step, h.ticket)
    if step is None:
        return None
    if h.wrote:
        _left_unfinished(draft, step)
    if h.retry_after is not None:
        draft.set_step(h.step, not_before=draft.policy.not_before(draft.now, h.retry_after))
    if h.behind is not None:
        return _held_up(draft, step, h.problem, h.retry_after or 0.0, h.behind)
    alike = step.problem is not None and step.problem.code == h.problem.code
    failures = (step.failures if alike else 0) + 1 if h.at_most is not None else 0
    draft.set_step(h.step, failures=failures)
    if draft.spent(step) or (h.at_most is not None and failures >= h.at_most):
        return not_again(draft, step, h.problem, f"{step.attempts} attempts", h.in_the_end)
    return try_again(draft, step, h.problem, h.retry_after)


def stopped(h: Stopped, draft: Draft) -> Transition | None:
    step = _running(draft, h.step, h.ticket)
    if step is None:
        return None
    if h.wrote:
        _left_unfinished(draft, step)
    draft.stop_step(h.step, h.problem)
    return Transition(EventKind.STEP_STOPPED, h.step, h.problem.seen)


def left_to_people(h: LeftToPeople, draft: Draft) -> Transition | None:
    """The step is open for a person. They are told when it opens, and not again while some of it is left."""
    step = _running(draft, h.step, h.ticket)
    if step is None:
        return None
    draft.find(h.step, h.findings)
    draft.set_step(h.step, state=StepState.WAITING, problem=None, detail=shorten(h.detail), calls=h.calls)
    if step.calls:
        again = draft.next_word(draft.now, escalated=step.escalated)
        draft.set_step(h.step, ticket=draft.version, next_attempt_at=again)
    else:
        draft.set_step(h.step, escalated=False)
        draft.open(h.step)
    return Transition(EventKind.STEP_LEFT_TO_PEOPLE, h.step, h.detail)


def abandoned(h: Abandoned, draft: Draft) -> Transition | None:
    step = _running(draft, h.step, h.ticket)
    if step is None:
        return None
    if h.wrote:
        _left_unfinished(draft, step)
    draft.make_due(h.step)
    return Transition(
        EventKind.STEP_ABANDONED, h.step, "Given up unfinished; the next attempt finds what is done already."
    )


def dead_lettered(h: DeadLettered, draft: Draft) -> Transition | None:
    """A message that was given up is a failed attempt, when it is the one that the record waits for."""
    if h.step is None:
        return notice_dead_lettered(h, draft)
    step = open_step(draft, h.step)
    if step is None or step.ticket != h.ticket or step.state not in (StepState.DUE, StepState.RUNNING):
        return None
    problem = given_up(h.reason, "started")
    if step.state is StepState.RUNNING or not draft.record.active:
        # Its function may still come to an end; if it doesn't, its lease does.
        draft.set_step(h.step, problem=problem)
        return Transition(EventKind.DEAD_LETTERED, h.step, problem.seen)
    draft.set_step(h.step, attempts=step.attempts + 1)
    failed = draft.record.step(h.step)
    if draft.spent(failed):
        not_again(draft, failed, problem, f"{failed.attempts} attempts")
    else:
        try_again(draft, failed, problem)
    return Transition(EventKind.DEAD_LETTERED, h.step, problem.seen)


def try_again(draft: Draft, step: StepRecord, problem: Problem, asked: float | None = None) -> Transition:
    """An attempt failed: the next one follows after a gap."""
    patience = step.plan.budget.patience
    gap = draft.policy.retry_after(step.attempts, asked, f"{draft.record.id}/{step.name}/{step.attempts}", patience)
    draft.make_due(step.name, gap, problem=problem)
    return Transition(
        EventKind.STEP_POSTPONED, step.name, f"{problem.seen} Next attempt in {gap.total_seconds():.0f} s."
    )


def _held_up(draft: Draft, step: StepRecord, problem: Problem, left: float, behind: float) -> Transition:
    """A pause kept it from asking Microsoft, or from asking on. That is no attempt: it uses up nothing of the budget,
    and comes when its turn is. What it did before is found by the next one.

    Only when pauses have held it up for as long as it is tried at all, without a turn in between, a person is asked.
    """
    since = step.held_since or step.since
    attempts = step.attempts - 1
    draft.set_step(step.name, attempts=attempts, begun_at=step.begun_at if attempts else None)
    held_for = draft.now - since
    if held_for.total_seconds() >= step.plan.budget.seconds:
        return not_again(draft, step, problem, f"{held_for.total_seconds() / HOUR:.0f} h without a turn")
    gap = draft.policy.turn_after(left, behind, held_for, f"{draft.record.id}/{step.name}/{draft.version}")
    # A problem that is tried only so often is still the one that was seen last.
    draft.make_due(step.name, gap, held_since=since, problem=step.problem if step.failures else problem)
    return Transition(
        EventKind.STEP_POSTPONED, step.name, f"{problem.seen} Next attempt in {gap.total_seconds():.0f} s."
    )


def not_again(draft: Draft, step: StepRecord, problem: Problem, tried: str, in_the_end: str = "") -> Transition:
    """So much was tried (`30 attempts`) that a person is asked, for what `in_the_end` says."""
    after = f" (after {tried})"
    seen = f"{shorten(problem.seen, DETAIL_LENGTH - len(after))}{after}"
    draft.stop_step(step.name, problem.model_copy(update={"seen": seen, "what_next": in_the_end or NOT_AGAIN}))
    return Transition(EventKind.STEP_STOPPED, step.name, seen)


def lost(draft: Draft, step: StepRecord) -> None:
    """The function that was at it did not come back within its lease. That took long enough: no gap besides."""
    seconds = draft.policy.lease
    problem = Problem(
        code=ProblemCode.ATTEMPT_LOST,
        seen=f"The function that was at it did not come back within {seconds:.0f} s: its process was ended, or hangs.",
        what_next="If it stays so, look at the function's log for what ends it (memory, time limit), then retry.",
    )
    _left_unfinished(draft, step)
    if draft.spent(step):
        draft.stop_step(step.name, problem)
    else:
        draft.make_due(step.name, timedelta(0), problem=problem)


def _left_unfinished(draft: Draft, step: StepRecord) -> None:
    """An attempt that may have made changes has not said so: what the next one finds may be its work."""
    if step.made_by in (None, MadeBy.OTHERS) and not step.plan.only_reads:
        draft.set_step(step.name, made_by=MadeBy.UNSURE)


def may_write(record: Record, name: str, ticket: int, now: datetime) -> bool:
    """Whether the attempt that was started on that message is still the one that may write at Microsoft."""
    step = record.step(name)
    mine = step.state is StepState.RUNNING and step.ticket == ticket
    return record.active and mine and step.next_attempt_at is not None and now < step.next_attempt_at


def _running(draft: Draft, name: str, ticket: int) -> StepRecord | None:
    """The step, when it runs on that very message; an attempt taken for dead has nothing more to say."""
    step = open_step(draft, name)
    return step if step and step.state is StepState.RUNNING and step.ticket == ticket else None


TASK_RULES: Rules = {
    Started: step_started,
    Succeeded: succeeded,
    Postponed: postponed,
    Stopped: stopped,
    LeftToPeople: left_to_people,
    Abandoned: abandoned,
    DeadLettered: dead_lettered,
}
