"""What follows when something happens to an onboarding.

`decide` is pure: the same record, happening and time always give the same decision. The rules stand in `rules/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from onboarding.core.draft import Draft
from onboarding.core.events import APPLICATION, Effect, Happening
from onboarding.core.policy import Policy
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.core.request import OnboardingRequest
from onboarding.core.rules import RULES, RefusedError
from onboarding.core.steps import ALREADY_ONBOARDED_REASON, STEPS

PRODUCTION = Policy()


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows: the record to commit, then the effects to carry out."""

    record: Record
    effects: tuple[Effect, ...] = ()
    changed: bool = True


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
        else StepRecord(
            name=s.name,
            state=StepState.PENDING,
            since=now,
            # Microsoft's pause outlasts the run in which it was asked for.
            not_before=previous.step(s.name).not_before if previous else None,
        )
        for s in STEPS
    )
    plan = Record(
        id=request.gateway.id.onboarding_id,
        version=previous.version if previous else 0,
        run=previous.run + 1 if previous else 1,
        request=request,
        requested_by=actor,
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
    told = RULES[type(happening)](happening, draft)
    if told is None:
        return Decision(record, changed=False)
    draft.advance()
    return Decision(draft.commit(told.actor, told.what, told.step, told.detail), tuple(draft.effects))


__all__ = ["Decision", "RefusedError", "create", "decide"]
