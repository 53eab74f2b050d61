"""What follows when something happens to an onboarding.

`decide` is pure: the same record, happening and time always give the same decision. The rules stand in `rules/`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from onboarding.core.draft import Draft
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import APPLICATION, Effect, Happening
from onboarding.core.expected_ends import Usual, expected_end, with_usual
from onboarding.core.notices import NoticeKind
from onboarding.core.plan import NewStep, check_plan
from onboarding.core.policy import Policy
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.core.request import OnboardingRequest
from onboarding.core.rules import RULES, RefusedError, UnknownStepError

PRODUCTION = Policy()
AS_DEFINED: Usual = {}
"""Each step usually takes what its definition says."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows: the record to commit when it has changed, then the effects to carry out."""

    record: Record
    effects: tuple[Effect, ...] = ()
    changed: bool = True


def create(
    request: OnboardingRequest,
    actor: str,
    now: datetime,
    policy: Policy = PRODUCTION,
    previous: Record | None = None,
    usual: Usual = AS_DEFINED,
) -> Decision:
    """A new onboarding with its whole plan of steps; with `previous`, a closed one started again (history kept)."""
    plan = request.plan()
    check_plan(plan)
    record = Record(
        id=request.gateway.onboarding_id,
        version=previous.version if previous else 0,
        run=previous.run + 1 if previous else 1,
        request=request,
        requested_by=actor,
        created_at=now,
        updated_at=now,
        steps=tuple(_step(_usual_of(new, request, usual), now, previous) for new in plan),
        tail=previous.tail if previous else (),
    )
    draft = Draft(record, now, policy)
    draft.tell_programs(NoticeKind.REQUESTED)
    draft.advance()
    expected = expected_end(draft.record)
    draft.set(first_expected_at=expected.at if expected else None)
    if previous:
        draft.before = previous
    record = draft.commit(
        actor, EventKind.REQUESTED_AGAIN if previous else EventKind.REQUESTED, None, "", first=previous is None
    )
    return Decision(record, tuple(draft.effects))


def _usual_of(new: NewStep, request: OnboardingRequest, usual: Usual) -> NewStep:
    return replace(new, plan=with_usual(new.plan, usual, by_hand=request.by_hand))


def _step(new: NewStep, now: datetime, previous: Record | None) -> StepRecord:
    if new.left_out_because:
        return StepRecord(
            name=new.name,
            plan=new.plan,
            state=StepState.SKIPPED,
            since=now,
            skipped_because=new.left_out_because,
            ended_by=APPLICATION,
        )
    # Microsoft's pause outlasts the run in which it was asked for.
    before = previous.find_step(new.name) if previous else None
    not_before = before.not_before if before else None
    # So does what that run made.
    made_by = before.made_by if before else None
    return StepRecord(
        name=new.name, plan=new.plan, state=StepState.PENDING, since=now, not_before=not_before, made_by=made_by
    )


def decide(record: Record, happening: Happening, now: datetime, policy: Policy = PRODUCTION) -> Decision:
    """What follows from `happening`. Raises RefusedError when a person asks for what the state does not allow."""
    draft = Draft(record, now, policy)
    told = RULES[type(happening)](happening, draft)
    if told is None:
        return Decision(record, tuple(draft.effects), changed=False)
    draft.advance()
    return Decision(draft.commit(told.actor, told.what, told.step, told.detail), tuple(draft.effects))


__all__ = ["Decision", "RefusedError", "UnknownStepError", "create", "decide"]
