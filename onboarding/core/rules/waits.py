"""What the world does: the timer looks whether a wait is over."""

from __future__ import annotations

from datetime import timedelta

from onboarding.core.draft import Draft, shorten
from onboarding.core.events import Looked
from onboarding.core.record import StepState
from onboarding.core.rules.steps import open_step
from onboarding.core.rules.told import Rules, Told


def looked(h: Looked, draft: Draft) -> Told | None:
    step = open_step(draft, h.step)
    if step is None or step.state is not StepState.WAITING:
        return None
    draft.find(**h.findings)
    draft.set_step(h.step, attempts=step.attempts + 1)
    if h.done:
        draft.end_step(h.step, h.detail)
        return Told("step-done", h.step, h.detail)
    if h.stop and h.problem:
        draft.stop_step(h.step, h.problem)
        return Told("step-stopped", h.step, h.problem.seen)
    gap = draft.policy.poll_after(draft.now - step.since)
    if h.retry_after is not None:
        gap = max(gap, timedelta(seconds=h.retry_after))
    draft.set_step(h.step, next_attempt_at=draft.now + gap, detail=shorten(h.detail), problem=h.problem)
    return Told("looked", h.step, h.detail)


RULES: Rules = {Looked: looked}
