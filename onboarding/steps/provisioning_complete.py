"""`provisioning-complete`: the gateway's Provisioning Status is Complete. Up to two weeks.

That is `properties.status` (`ChangePending`, `Complete`), not `provisioningState`, which is that of the last ARM
operation and says `Succeeded` long before; only its `Failed` and `Canceled` matter here. One list call serves
every waiting gateway of a subscription. Source: article, "Enable … support", step 8; swagger 2023-09-01.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

from onboarding import limits
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError
from onboarding.ports import GatewayResource
from onboarding.steps.base import Look, Work, broken, gateway_gone

log = logging.getLogger("onboarding")

COMPLETE = "complete"
FAILED = {"failed", "canceled"}


class ProvisioningComplete:
    """Wait `provisioning-complete`."""

    async def look(self, works: Sequence[Work]) -> Mapping[str, Look]:
        by_subscription: dict[str, list[Work]] = defaultdict(list)
        for work in works:
            by_subscription[work.request.gateway.subscription_id.lower()].append(work)
        looks = await asyncio.gather(*(self._subscription(s, group) for s, group in by_subscription.items()))
        return {onboarding: look for group in looks for onboarding, look in group.items()}

    async def _subscription(self, subscription_id: str, works: list[Work]) -> dict[str, Look]:
        try:
            async with limits.within(limits.LOOK, f"listing the gateways of subscription {subscription_id}"):
                listed = await works[0].world.gateways.in_subscription(subscription_id)
        except StepProblemError as problem:
            return {w.record.id: Look(False, problem.seen, problem=problem) for w in works}
        except Exception as error:
            log.exception("listing the gateways of subscription %s failed unexpectedly", subscription_id)
            return {w.record.id: broken(error) for w in works}
        by_key = {g.id.key: g for g in listed if g.id is not None}
        return {w.record.id: _judged(w, by_key.get(w.request.gateway.id.key)) for w in works}


def _judged(work: Work, gateway: GatewayResource | None) -> Look:
    """One gateway that can't be understood must not keep the others from their look."""
    try:
        return judge(work, gateway)
    except Exception as error:
        log.exception("provisioning-complete of %s failed unexpectedly", work.record.id)
        return broken(error)


def judge(work: Work, gateway: GatewayResource | None) -> Look:
    """Is this gateway ready?"""
    if gateway is None:
        gone = gateway_gone(work.record)
        return Look(False, gone.seen, problem=gone)
    state = gateway.provisioning_state or "not given"
    if state.lower() in FAILED:
        return Look(
            False,
            f"provisioningState is {state}.",
            problem=PersonMustActError(
                ProblemCode.PROVISIONING_FAILED,
                f"The gateway's provisioningState is {state}; its last change did not go through.",
                "Open the gateway's Activity log in the Azure portal and ask your onboarding team; when it is mended,"
                " retry this step.",
            ),
        )
    if (gateway.status or "").lower() == COMPLETE:
        return Look(True, "Provisioning Status is Complete.")
    return Look(False, f"Provisioning Status is {gateway.status or 'not given'}, provisioningState {state}.")
