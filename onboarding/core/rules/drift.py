"""What follows when something of a completed onboarding is not any more as it was: nothing, before a person decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from onboarding.core.bounds import bounded_deviations
from onboarding.core.deviation import DEVIATION_SHOWN, Acceptance, Deviation, as_known, deviations_id, unaccepted
from onboarding.core.draft import Draft
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import DeviationAccepted, DriftLookRequested, DriftSeen, LookForDrift, RepairRequested
from onboarding.core.notices import NoticeKind
from onboarding.core.plan import StepKind
from onboarding.core.record import Record, Repair, StepRecord, StepState
from onboarding.core.rules.steps import step_named
from onboarding.core.rules.transition import RefusedError, Rules, Transition

_CHANGED = (
    "What you have seen is not what deviates any more, so nothing was changed. Open the page again (or read"
    " `deviations` of the step again), and look at what stands there now."
)


def drift_seen(h: DriftSeen, draft: Draft) -> Transition | None:
    """What is new is looked at once more, and people are told once of what is then still so. What could not be looked
    at stays as it was seen last."""
    if not draft.record.completed or draft.record.version != h.version:
        return None
    before, sure_after = draft.record.steps, timedelta(seconds=draft.policy.drift_sure_after)
    kept = bounded_deviations({s.name: _seen_of(s, h, draft.now, sure_after) for s in before})
    if all(kept[s.name] == s.deviations for s in before):
        return None
    sure = {one.id for s in before for one in s.deviations if one.sure}
    for name, deviations in kept.items():
        draft.set_step(name, deviations=deviations)
    now = [one for deviations in kept.values() for one in deviations]
    new, unsure = [one for one in now if one.sure and one.id not in sure], [one for one in now if not one.sure]
    if new:
        draft.owe(NoticeKind.DRIFTED)
    elif not draft.record.drifted:
        draft.withdraw(None, NoticeKind.DRIFTED)
    if unsure:
        # Not a moment too early by our clock: it would count for nothing.
        _look(draft, draft.policy.drift_sure_after + draft.policy.early_grace)
    first = f"Seen for the first time, and looked at again: {_whats(unsure)}" if unsure else ""
    return Transition(EventKind.DRIFT_SEEN, None, _whats(new) or first or "Less deviates than before.")


def _seen_of(step: StepRecord, h: DriftSeen, now: datetime, sure_after: timedelta) -> tuple[Deviation, ...]:
    seen = h.deviations.get(step.name)
    return step.deviations if seen is None else as_known(seen, step.deviations, now, sure_after)


def drift_look_requested(h: DriftLookRequested, draft: Draft) -> Transition | None:
    if not draft.record.completed:
        raise RefusedError(f"The onboarding is {draft.record.state}; only a completed one is looked at for drift.")
    _look(draft, 0.0)
    return Transition(EventKind.DRIFT_LOOK_REQUESTED, actor=h.actor)


def _look(draft: Draft, after: float) -> None:
    """It alone. A message that is lost is made good by the next sweep."""
    draft.effects.append(LookForDrift(draft.record.id, draft.record.id, int(draft.now.timestamp()), after))


def deviation_accepted(h: DeviationAccepted, draft: Draft) -> Transition | None:
    step = _deviating(draft, h.step)
    if not acceptable(draft.record, step):
        raise RefusedError(f"Nothing that is open deviates of '{h.step}': it was accepted, or is as it was again.")
    if h.deviations != open_deviations_id(step):
        raise RefusedError(_CHANGED)
    word = Acceptance(by=h.actor, because=h.reason[:DEVIATION_SHOWN], at=draft.now)
    draft.set_step(h.step, deviations=tuple(_accepted(one, word) for one in step.deviations))
    if not draft.record.drifted:
        draft.withdraw(None, NoticeKind.DRIFTED)
    return Transition(EventKind.DEVIATION_ACCEPTED, h.step, h.reason, h.actor)


def repair_requested(h: RepairRequested, draft: Draft) -> Transition | None:
    """The step is begun anew, and no other. What it changes must be what was shown: see `Engine`."""
    step = _deviating(draft, h.step)
    if not repairable(draft.record, step):
        raise RefusedError(
            f"'{h.step}' has nothing that this application can change back. Put it right where it deviates: what is as"
            " it was again is seen at the next check."
        )
    if h.proposal != repair_id(step):
        raise RefusedError(_CHANGED)
    completed_at = draft.record.closed_at or draft.now
    word = Repair(
        step=h.step,
        proposal=h.proposal,
        by=h.actor,
        since=draft.now,
        completed_at=completed_at,
        done_since=step.since,
    )
    draft.set(closed_at=None, repair=word)
    draft.withdraw(None)
    draft.begin(h.step)
    draft.set_step(h.step, approved=None)
    shown = [one for one in step.deviations if one.repair]
    return Transition(EventKind.REPAIR_REQUESTED, h.step, _whats(shown), h.actor)


def repair_given_up(draft: Draft, repair: Repair, actor: str, reason: str) -> Transition:
    """The onboarding is completed as before, and what deviates is as it was seen."""
    running = [s.name for s in draft.record.steps if s.state is StepState.RUNNING]
    if running:
        raise RefusedError(
            f"The repair cannot be given up now: a function is at '{running[0]}'. Try again when that has ended."
        )
    for step in draft.record.steps:
        if not step.ended:
            draft.end_step(step.name, step.detail, by=step.ended_by or actor)
    draft.withdraw(None)
    draft.set_step(repair.step, since=repair.done_since)
    draft.set(closed_at=repair.completed_at, pause=None, repair=None)
    return Transition(EventKind.REPAIR_GIVEN_UP, repair.step, reason, actor)


def acceptable(record: Record, step: StepRecord) -> bool:
    """Whether there is something to accept."""
    return record.completed and bool(unaccepted(step.deviations))


def repairable(record: Record, step: StepRecord) -> bool:
    """Whether it can change something back."""
    return record.completed and step.plan.kind is StepKind.TASK and bool(repair_id(step))


def open_deviations_id(step: StepRecord) -> str:
    """Of those that nobody has accepted."""
    return deviations_id(unaccepted(step.deviations))


def repair_id(step: StepRecord) -> str:
    """Of the proposal of what the step would change back; empty: nothing."""
    return next((one.repair for one in step.deviations if one.repair and one.sure), "")


def _whats(deviations: Sequence[Deviation]) -> str:
    """What they are about, without the values: they may hold numbers."""
    return "; ".join(one.what for one in deviations)


def _accepted(one: Deviation, word: Acceptance) -> Deviation:
    return one if one.accepted or not one.sure else one.model_copy(update={"accepted": word})


def _deviating(draft: Draft, name: str) -> StepRecord:
    step = step_named(draft.record, name)
    if not draft.record.completed:
        raise RefusedError(f"The onboarding is {draft.record.state}; only of a completed one is it seen what deviates.")
    return step


DRIFT_RULES: Rules = {
    DriftSeen: drift_seen,
    DriftLookRequested: drift_look_requested,
    DeviationAccepted: deviation_accepted,
    RepairRequested: repair_requested,
}
