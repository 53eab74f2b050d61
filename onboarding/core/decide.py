"""The rules: what follows when something happens to an onboarding.

`decide` is pure: the same record, happening and time always give the same decision. A happening that no longer
applies (a duplicated or late message, a look at a wait that is over) changes nothing. A person's action that the
state doesn't allow raises RefusedError with a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import singledispatch

from onboarding.core.draft import Draft, shorten
from onboarding.core.events import (
    APPLICATION,
    CancelRequested,
    CheckRequested,
    Confirmed,
    Effect,
    Happening,
    Looked,
    NoticeFailed,
    NoticeSent,
    Nudge,
    NudgeNotice,
    Postponed,
    RetryRequested,
    Started,
    Stopped,
    Succeeded,
    TimePassed,
)
from onboarding.core.policy import Policy
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.core.request import OnboardingRequest
from onboarding.core.steps import ALREADY_ONBOARDED_REASON, BY_NAME, STEPS, Kind

PRODUCTION = Policy()


class RefusedError(Exception):
    """The state of the onboarding does not allow what a person asked for."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows: the record to commit, then the effects to carry out."""

    record: Record
    effects: tuple[Effect, ...] = ()
    changed: bool = True


@dataclass(frozen=True, slots=True)
class _Told:
    """How a rule's transition reads in the audit trail."""

    what: str
    step: str | None = None
    detail: str = ""
    actor: str = APPLICATION


def create(
    request: OnboardingRequest,
    actor: str,
    now: datetime,
    policy: Policy = PRODUCTION,
    previous: Record | None = None,
) -> Decision:
    """A new onboarding with its whole plan of steps; with `previous`, a closed one started again (history kept)."""
    steps = tuple(
        StepRecord(
            name=s.name,
            state=StepState.SKIPPED,
            since=now,
            skipped_because=ALREADY_ONBOARDED_REASON,
            ended_by=APPLICATION,
        )
        if s.skipped_when_already_onboarded and request.already_onboarded
        else StepRecord(name=s.name, state=StepState.PENDING, since=now)
        for s in STEPS
    )
    plan = Record(
        id=request.gateway.id.onboarding_id,
        version=previous.version if previous else 0,
        run=previous.run + 1 if previous else 1,
        request=request,
        created_at=now,
        updated_at=now,
        steps=steps,
        tail=previous.tail if previous else (),
    )
    draft = Draft(plan, now, policy)
    draft.advance()
    if previous:
        draft.before = previous
    record = draft.commit(actor, "requested-again" if previous else "requested", None, "", first=previous is None)
    return Decision(record, tuple(draft.effects))


def decide(record: Record, happening: Happening, now: datetime, policy: Policy = PRODUCTION) -> Decision:
    """What follows from `happening`. Raises RefusedError when a person asks for what the state does not allow."""
    draft = Draft(record, now, policy)
    told = _rule(happening, draft)
    if told is None:
        return Decision(record, changed=False)
    if not record.closed:
        draft.advance()
    return Decision(draft.commit(told.actor, told.what, told.step, told.detail), tuple(draft.effects))


@singledispatch
def _rule(happening: object, draft: Draft) -> _Told | None:
    raise TypeError(f"no rule for {happening!r}")


# -- tasks ------------------------------------------------------------------------------------------------


@_rule.register
def _started(h: Started, draft: Draft) -> _Told | None:
    step = _open_step(draft, h.step)
    if step is None or step.state is not StepState.DUE or step.ticket != h.ticket or step.next_attempt_at is None:
        return None
    if draft.now + timedelta(seconds=draft.policy.clock_skew) < step.next_attempt_at:
        return None
    draft.set_step(
        h.step,
        state=StepState.RUNNING,
        attempts=step.attempts + 1,
        next_attempt_at=draft.lease_end(),
        ticket=h.ticket,
    )
    return _Told("step-started", h.step, f"attempt {step.attempts + 1}")


def _running(draft: Draft, name: str, ticket: int) -> StepRecord | None:
    """The step, when it runs on that very message; an attempt taken for dead has nothing more to say."""
    step = _open_step(draft, name)
    return step if step and step.state is StepState.RUNNING and step.ticket == ticket else None


@_rule.register
def _succeeded(h: Succeeded, draft: Draft) -> _Told | None:
    if _running(draft, h.step, h.ticket) is None:
        return None
    draft.find(**h.findings)
    draft.end_step(h.step, h.detail)
    return _Told("step-done", h.step, h.detail)


@_rule.register
def _postponed(h: Postponed, draft: Draft) -> _Told | None:
    step = _running(draft, h.step, h.ticket)
    if step is None:
        return None
    if step.attempts >= draft.policy.attempts:
        seen = shorten(f"{h.problem.seen} (after {step.attempts} attempts)")
        draft.stop_step(h.step, h.problem.model_copy(update={"seen": seen}))
        return _Told("step-stopped", h.step, seen)
    gap = draft.policy.retry_after(step.attempts, h.retry_after, f"{draft.record.id}/{h.step}/{step.attempts}")
    draft.make_due(h.step, gap, problem=h.problem)
    return _Told("step-postponed", h.step, f"{h.problem.seen} Next attempt in {gap.total_seconds():.0f} s.")


@_rule.register
def _stopped(h: Stopped, draft: Draft) -> _Told | None:
    if _running(draft, h.step, h.ticket) is None:
        return None
    draft.stop_step(h.step, h.problem)
    return _Told("step-stopped", h.step, h.problem.seen)


# -- waits ------------------------------------------------------------------------------------------------


@_rule.register
def _looked(h: Looked, draft: Draft) -> _Told | None:
    step = _open_step(draft, h.step)
    if step is None or step.state is not StepState.WAITING:
        return None
    draft.find(**h.findings)
    draft.set_step(h.step, attempts=step.attempts + 1)
    if h.done:
        draft.end_step(h.step, h.detail)
        return _Told("step-done", h.step, h.detail)
    if h.stop and h.problem:
        draft.stop_step(h.step, h.problem)
        return _Told("step-stopped", h.step, h.problem.seen)
    gap = draft.policy.poll_after(draft.now - step.since)
    if h.retry_after is not None:
        gap = max(gap, timedelta(seconds=h.retry_after))
    draft.set_step(h.step, next_attempt_at=draft.now + gap, detail=shorten(h.detail), problem=h.problem)
    return _Told("looked", h.step, h.detail)


# -- the timer --------------------------------------------------------------------------------------------


@_rule.register
def _time_passed(h: TimePassed, draft: Draft) -> _Told | None:
    """Repair: messages may be lost, and functions may die; the record knows what should be happening."""
    again: list[str] = []
    grace = timedelta(seconds=draft.policy.nudge_grace)
    for step in draft.record.steps:
        if step.next_attempt_at is None or draft.record.closed:
            continue
        if (step.state is StepState.DUE and step.next_attempt_at + grace <= draft.now) or (
            step.state is StepState.RUNNING and step.next_attempt_at <= draft.now
        ):
            draft.make_due(step.name)
            again.append(step.name)
    for notice in draft.record.notices:
        if notice.next_attempt_at is not None and notice.next_attempt_at + grace <= draft.now:
            draft.set_notice(notice.id, next_attempt_at=draft.now, ticket=draft.version)
            draft.effects.append(NudgeNotice(draft.record.id, notice.id, draft.version))
            again.append(notice.id)
    return _Told("nudged-again", None, ", ".join(again)) if again else None


# -- notices ----------------------------------------------------------------------------------------------


@_rule.register
def _notice_sent(h: NoticeSent, draft: Draft) -> _Told | None:
    if not _owed(draft, h.notice, h.ticket):
        return None
    draft.set_notice(h.notice, next_attempt_at=None, sent_at=draft.now, sent_to=h.sent_to, problem=None)
    return _Told("notice-sent", None, f"{h.notice}: {', '.join(h.sent_to) or 'nobody is to be told'}")


@_rule.register
def _notice_failed(h: NoticeFailed, draft: Draft) -> _Told | None:
    if not _owed(draft, h.notice, h.ticket):
        return None
    attempts = next(n.attempts for n in draft.record.notices if n.id == h.notice) + 1
    gap = draft.policy.retry_after(attempts, h.retry_after, f"{draft.record.id}/{h.notice}/{attempts}")
    draft.set_notice(
        h.notice,
        attempts=attempts,
        next_attempt_at=draft.now + gap,
        ticket=draft.version,
        problem=h.problem,
        sent_to=h.sent_to,
    )
    draft.effects.append(NudgeNotice(draft.record.id, h.notice, draft.version, gap.total_seconds()))
    return _Told("notice-failed", None, f"{h.notice}: {h.problem.seen}")


def _owed(draft: Draft, notice_id: str, ticket: int) -> bool:
    return any(n.id == notice_id and n.ticket == ticket and n.next_attempt_at is not None for n in draft.record.notices)


# -- people -----------------------------------------------------------------------------------------------


@_rule.register
def _confirmed(h: Confirmed, draft: Draft) -> _Told | None:
    step = _known_step(draft, h.step)
    if not step.definition.confirmable:
        raise RefusedError(
            f"'{h.step}' is a {step.definition.kind}, which nobody can confirm; these can be confirmed: "
            + ", ".join(s.name for s in STEPS if s.confirmable)
            + "."
        )
    if step.state not in (StepState.WAITING, StepState.NEEDS_ATTENTION):
        raise RefusedError(
            f"'{h.step}' cannot be confirmed now: it is {step.state}{_because(draft, step)}. Only a step that is"
            " waiting or needs attention can be."
        )
    draft.end_step(h.step, "Confirmed by a person.", by=h.actor, note=h.note)
    return _Told("confirmed", h.step, h.note, h.actor)


def _because(draft: Draft, step: StepRecord) -> str:
    open_needs = [n for n in step.definition.needs if not draft.record.step(n).ended]
    if step.state is StepState.PENDING:
        return f" until {' and '.join(open_needs)} {'has' if len(open_needs) == 1 else 'have'} ended"
    return f", by {step.ended_by}" if step.ended_by else ""


@_rule.register
def _retry_requested(h: RetryRequested, draft: Draft) -> _Told | None:
    step = _known_step(draft, h.step)
    if step.state is not StepState.NEEDS_ATTENTION:
        raise RefusedError(
            f"'{h.step}' cannot be retried now: it is {step.state}; only a step that needs attention can be."
        )
    draft.withdraw(h.step)
    if step.definition.kind is Kind.TASK:
        draft.make_due(h.step, attempts=0)
    else:
        draft.set_step(h.step, state=StepState.WAITING, next_attempt_at=draft.now)
    return _Told("retry-requested", h.step, "", h.actor)


@_rule.register
def _check_requested(h: CheckRequested, draft: Draft) -> _Told | None:
    step = _known_step(draft, h.step)
    if step.definition.kind is not Kind.WAIT or step.state is not StepState.WAITING:
        raise RefusedError(
            f"'{h.step}' cannot be checked now: it is a {step.definition.kind} that is {step.state};"
            " only a wait that is waiting can be."
        )
    draft.set_step(h.step, next_attempt_at=draft.now)
    return _Told("check-requested", h.step, "", h.actor)


@_rule.register
def _cancel_requested(h: CancelRequested, draft: Draft) -> _Told | None:
    if draft.record.closed:
        raise RefusedError(f"The onboarding cannot be cancelled: it is {draft.record.state} already.")
    for step in draft.record.steps:
        if not step.ended:
            draft.set_step(step.name, next_attempt_at=None)
            draft.withdraw(step.name)
    draft.set(closed_at=draft.now, cancelled_because=shorten(h.reason))
    return _Told("cancelled", None, h.reason, h.actor)


def _open_step(draft: Draft, name: str) -> StepRecord | None:
    """The step, unless the onboarding is closed or has no such step (a foreign message)."""
    return None if draft.record.closed or name not in BY_NAME else draft.record.step(name)


def _known_step(draft: Draft, name: str) -> StepRecord:
    if name not in BY_NAME:
        raise RefusedError(f"There is no step '{name}'; the steps are {', '.join(BY_NAME)}.")
    if draft.record.closed:
        raise RefusedError(f"The onboarding is {draft.record.state}; nothing can be done to its steps any more.")
    return draft.record.step(name)


__all__ = ["Decision", "Nudge", "NudgeNotice", "RefusedError", "create", "decide"]
