"""Plans on request: asked for over HTTP, made where Microsoft can be read (in the app of the steps), kept to be read.

An onboarding that is posted with the checksum of a plan is planned once more there, and begins only if that has the
same one: what was looked at is what is done.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from onboarding.core.advice import filled_in, known_of
from onboarding.core.bounds import shorten
from onboarding.core.change_plan import ChangePlan, plan_differences
from onboarding.core.decide import AS_DEFINED, create
from onboarding.core.events import MakePlan
from onboarding.core.expected_ends import Usual
from onboarding.core.policy import Policy
from onboarding.core.request import OnboardingRequest
from onboarding.durations import Durations
from onboarding.hourly import HourlyLimit
from onboarding.planning.making import make_plan
from onboarding.planning.store import KeptPlan, Plans, PlanState, Start
from onboarding.ports import Bus, Clock
from onboarding.records import Records
from onboarding.steps.base import World

log = logging.getLogger("onboarding")


class Ground(Protocol):
    """What planning needs of the engine."""

    @property
    def known(self) -> Mapping[str, str | None]: ...
    @property
    def plans(self) -> Plans: ...
    @property
    def records(self) -> Records: ...
    @property
    def bus(self) -> Bus: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def policy(self) -> Policy: ...
    @property
    def durations(self) -> Durations: ...
    @property
    def requests(self) -> HourlyLimit | None: ...

    def reach(self) -> World:
        """The world for one piece of work."""

    async def begin_planned(self, request: OnboardingRequest, actor: str, usual: Usual, *, again: bool) -> str:
        """Begin an onboarding. Why it does not begin; empty: it has."""


async def ask_for_plan(
    engine: Ground, request: OnboardingRequest, actor: str, start: Start | None = None
) -> KeptPlan:
    """A plan that is coming. Raises HourlyLimitError, and what the bus does; then there is none."""
    for limit in (engine.plans.per_caller, engine.requests if start else None):
        if limit is not None:
            await limit.take(actor)
    now = engine.clock.now()
    usual = await engine.durations.usual(now)
    plan_id = engine.plans.new_id(now)
    asked = KeptPlan(id=plan_id, request=request, asked_by=actor, asked_at=now, start=start, usual=usual)
    await engine.plans.keep(asked)
    try:
        await engine.bus.publish([MakePlan(request.gateway.onboarding_id, asked.id)], now)
    except Exception:
        await engine.plans.drop(asked.id)
        raise
    return asked


async def make_asked(engine: Ground, plan_id: str) -> None:
    """A message says: make this plan."""
    asked = await engine.plans.load(plan_id)
    if asked is None or asked.state is not PlanState.COMING:
        log.info("nothing to plan for %s", plan_id)
        return
    now = engine.clock.now()
    made = await plan_now(engine, asked.request, asked.asked_by, now, asked.usual)
    start = await _started(engine, asked, asked.start, made) if asked.start else None
    done = {"state": PlanState.READY, "made_at": now, "plan": made, "start": start}
    await engine.plans.keep(asked.model_copy(update=done))


async def plan_now(
    engine: Ground, request: OnboardingRequest, actor: str, now: datetime, usual: Usual = AS_DEFINED
) -> ChangePlan:
    """What that request would do, as things stand. Reads only."""
    record = create(request, actor, now, engine.policy, usual=usual).record
    shared = await engine.records.sharing_numbers(request)
    made = await make_plan(record, engine.reach(), engine.policy.step_timeout, shared)
    known = {**known_of(record), **engine.known}
    told = (it.model_copy(update={"what_next": shorten(filled_in(it.what_next, known))}) for it in made.findings)
    return made.model_copy(update={"findings": tuple(told)})


async def give_up_plan(engine: Ground, plan_id: str, why: str) -> bool:
    """Its message was given up; whether that is news."""
    asked = await engine.plans.load(plan_id)
    if asked is None or asked.state is not PlanState.COMING:
        return False
    await engine.plans.keep(asked.model_copy(update={"state": PlanState.FAILED, "failed": why}))
    return True


async def _started(engine: Ground, asked: KeptPlan, start: Start, made: ChangePlan) -> Start:
    """The onboarding, if the plan is still the one that was looked at."""
    if made.checksum != start.checksum:
        before = await engine.plans.with_checksum(start.checksum)
        differences = plan_differences(before.plan, made) if before and before.plan else ()
        return start.model_copy(update={"refused": _CHANGED, "differences": differences})
    why_not = await engine.begin_planned(asked.request, asked.asked_by, asked.usual, again=start.again)
    if why_not:
        return start.model_copy(update={"refused": why_not})
    return start.model_copy(update={"onboarding_id": asked.request.gateway.onboarding_id})


_CHANGED = (
    "What would be done now is not what was planned: something was changed at Microsoft, or in the request, since."
    " Nothing was started."
)
