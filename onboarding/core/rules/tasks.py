"""What we do: a task is started on its message, and ends, is postponed, or stops."""

from __future__ import annotations

from datetime import timedelta

from onboarding.core.draft import Draft, shorten
from onboarding.core.events import Postponed, Started, Stopped, Succeeded
from onboarding.core.record import StepRecord, StepState
from onboarding.core.rules.steps import open_step
from onboarding.core.rules.told import Rules, Told


def started(h: Started, draft: Draft) -> Told | None:
    step = open_step(draft, h.step)
    if step is None or step.state is not StepState.DUE or step.ticket != h.ticket or step.next_attempt_at is None:
        return None
    if draft.now + timedelta(seconds=draft.policy.clock_skew) < step.next_attempt_at:
        return None
    attempt = step.attempts + 1
    draft.set_step(
        h.step, state=StepState.RUNNING, attempts=attempt, next_attempt_at=draft.lease_end(), ticket=h.ticket
    )
    return Told("step-started", h.step, f"attempt {attempt}")


def succeeded(h: Succeeded, draft: Draft) -> Told | None:
    if _running(draft, h.step, h.ticket) is None:
        return None
    draft.find(**h.findings)
    draft.end_step(h.step, h.detail)
    return Told("step-done", h.step, h.detail)


def postponed(h: Postponed, draft: Draft) -> Told | None:
    step = _running(draft, h.step, h.ticket)
    if step is None:
        return None
    if step.attempts >= draft.policy.attempts:
        seen = shorten(f"{h.problem.seen} (after {step.attempts} attempts)")
        draft.stop_step(h.step, h.problem.model_copy(update={"seen": seen}))
        return Told("step-stopped", h.step, seen)
    gap = draft.policy.retry_after(step.attempts, h.retry_after, f"{draft.record.id}/{h.step}/{step.attempts}")
    draft.make_due(h.step, gap, problem=h.problem)
    return Told("step-postponed", h.step, f"{h.problem.seen} Next attempt in {gap.total_seconds():.0f} s.")


def stopped(h: Stopped, draft: Draft) -> Told | None:
    if _running(draft, h.step, h.ticket) is None:
        return None
    draft.stop_step(h.step, h.problem)
    return Told("step-stopped", h.step, h.problem.seen)


def _running(draft: Draft, name: str, ticket: int) -> StepRecord | None:
    """The step, when it runs on that very message; an attempt taken for dead has nothing more to say."""
    step = open_step(draft, name)
    return step if step and step.state is StepState.RUNNING and step.ticket == ticket else None


RULES: Rules = {Started: started, Succeeded: succeeded, Postponed: postponed, Stopped: stopped}
