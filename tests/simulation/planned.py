"""Plans in a simulated world: nothing is written while they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onboarding.core.change_plan import ChangePlan
from onboarding.core.decide import create
from onboarding.core.request import OnboardingRequest
from onboarding.fence import ReadsOnlyError
from onboarding.planning.making import make_plan

if TYPE_CHECKING:
    from tests.simulation.world import World


async def plan_in(world: World, request: OnboardingRequest) -> ChangePlan | None:
    """What an onboarding of this request would change now; None when something was tried to be written.

    Past the gates: looking makes no faults of its own, and what it sees is what Microsoft has.
    """
    record = create(request, "ada", world.now(), world.policy).record
    writes, told = len(world.twins.writes), len(world.twins.notifier.mails) + len(world.twins.notifier.posts)
    try:
        plan = await make_plan(record, world.twins.world, world.policy.step_timeout)
    except ReadsOnlyError as error:
        world.invariants.hold("no write while a plan is made", False, f"{record.id}: {error}")
        return None
    same = (writes, told) == (
        len(world.twins.writes),
        len(world.twins.notifier.mails) + len(world.twins.notifier.posts),
    )
    world.invariants.hold("no write while a plan is made", same, record.id)
    return plan
