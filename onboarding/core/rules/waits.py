"""What the world does: the timer looks whether a wait is over. None expires; people are told of a long one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from onboarding.core.bounds import shorten
from onboarding.core.draft import Draft
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import Looked
from onboarding.core.notices import NoticeKind
from onboarding.core.policy import later
from onboarding.core.record import StepRecord, StepState
from onboarding.core.rules.steps import open_step
from onboarding.core.rules.transition import Rules, Transition
from onboarding.core.schedule import looks
from onboarding.core.sight import Seen, Sight

_COUNTED = ("attempts", "failures", "next_attempt_at", "not_before")
"""What each look changes."""
OF_SIGHTS = (NoticeKind.HELD_UP, NoticeKind.CANNOT_SEE)
"""What is told of what is seen: no more when something else is."""


def looked(h: Looked, draft: Draft) -> Transition | None:
    step = open_step(draft, h.step)
    if step is None or step.state is not StepState.WAITING or not draft.record.active:
        return None
    if h.ticket not in (None, step.ticket):
        # What was seen was seen before somebody put it right, or took it back: the next look tells.
        return None
    absent_since = (step.absent_since or draft.now) if h.absent else None
    again = timedelta(seconds=draft.policy.absent_after)
    if absent_since and draft.now < absent_since + again:
        # Microsoft's lists and copies lag: what is not found now may be found in some minutes.
        h = replace(h, problem=None, stop=False)
    draft.find(h.step, h.findings)
    failures = step.failures + 1 if h.problem else 0
    draft.set_step(h.step, attempts=step.attempts + 1, failures=failures, absent_since=absent_since, asked=False)
    if h.done or (h.sight and _settled(h.sight, step, draft)):
        draft.end_step(h.step, h.detail)
        return Transition(EventKind.STEP_DONE, h.step, f"{h.detail}{_after(step, draft)}")
    if h.stop and h.problem:
        draft.stop_step(h.step, h.problem)
        return Transition(EventKind.STEP_STOPPED, h.step, h.problem.seen)
    told = h.sight is not None and _tell(h.sight, h.step, draft)
    gap = draft.policy.poll_after(draft.now - step.since)
    if absent_since:
        gap = min(gap, again)
    if h.problem:
        gap = max(gap, draft.policy.retry_after(failures, h.retry_after, f"{draft.record.id}/{h.step}/{failures}"))
    if h.retry_after is not None:
        draft.set_step(h.step, not_before=draft.policy.not_before(draft.now, h.retry_after))
    if h.sight and (turn := _seen(h.step, draft).next_turn(h.sight, draft.now, draft.policy)) is not None:
        gap = min(gap, turn)
    draft.set_step(h.step, next_attempt_at=draft.now + gap, detail=shorten(h.detail), problem=h.problem)
    if h.tells and h.problem:
        draft.owe(NoticeKind.READ_FAILED, h.step)
    elif not told and _is_long(step, draft.now, draft):
        draft.set_step(h.step, warned_at=draft.now)
        draft.owe(NoticeKind.LONG_WAIT, h.step)
    elif not told and not step.asked and h.retry_after is None and _nothing_new(step, draft.record.step(h.step)):
        return None
    return Transition(EventKind.LOOKED, h.step, h.detail)


def _after(step: StepRecord, draft: Draft) -> str:
    """How often it was looked at, for the trail: looks that saw nothing new stand nowhere else."""
    times = looks(step.since, draft.now, draft.policy)
    since = f"{step.since:%d %B %H:%M} UTC"
    return f" Seen after about {times} looks since {since}, if the timer ran all the while." if times > 1 else ""


def _nothing_new(before: StepRecord, after: StepRecord) -> bool:
    """Whether a look showed what the one before did, so that nothing need be written. What fails in the same way says
    so in other words each time."""
    if before.problem and after.problem:
        same = before.problem.code == after.problem.code
        before = before.model_copy(update={"problem": after.problem, "detail": after.detail})
    else:
        same = True
    counted = {name: getattr(after, name) for name in _COUNTED}
    return same and before.model_copy(update=counted) == after


def _settled(sight: Sight, step: StepRecord, draft: Draft) -> bool:
    """Keep what is seen, and since when; whether it has been so for long enough to end the wait."""
    if step.seen is None or step.seen.kind != sight.kind:
        draft.withdraw(step.name, *OF_SIGHTS)
        draft.set_step(step.name, seen=Seen.begun(sight, draft.now, draft.policy))
    return _seen(step.name, draft).has_settled(sight, draft.now, draft.policy)


def _seen(name: str, draft: Draft) -> Seen:
    seen = draft.record.step(name).seen
    assert seen is not None, "it was just kept"
    return seen


def _tell(sight: Sight, name: str, draft: Draft) -> bool:
    """Whether people are told now of what is seen."""
    seen = _seen(name, draft)
    if sight.word is None or not seen.is_to_be_told(draft.now):
        return False
    draft.set_step(name, seen=seen.told(draft.now, draft.policy))
    draft.owe(sight.word, name)
    return True


def _is_long(step: StepRecord, now: datetime, draft: Draft) -> bool:
    if step.warned_at is not None:
        return step.warned_at + timedelta(seconds=draft.policy.remind_again) <= now
    return later(step.since, draft.policy.warn_after) <= now


WAIT_RULES: Rules = {Looked: looked}
