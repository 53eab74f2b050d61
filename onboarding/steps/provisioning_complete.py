"""`provisioning-complete`: the gateway's Provisioning Status is Complete. Up to two weeks.

That is `properties.status` (`ChangePending`, `Complete`), not `provisioningState`, which is that of the last ARM
operation and says `Succeeded` long before; only its `Failed` and `Canceled` matter here. One list call serves
every waiting gateway of a subscription. Source: article, "Enable … support", step 8; swagger 2023-09-01.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence

from onboarding import limits
from onboarding.azure.gateway_resource import GatewayResource
from onboarding.core.plan import Party, StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError
from onboarding.steps.base import Look, Work, broken
from onboarding.steps.definition import Definition
from onboarding.steps.enable_services import SELECTED, SERVICES_SECTION
from onboarding.steps.gateway_resource import asked, gateway_gone

log = logging.getLogger("onboarding")

COMPLETE = "complete"
FAILED = {"failed", "canceled"}


class ProvisioningComplete:
    """Each subscription is listed once."""

    async def look(self, works: Sequence[Work]) -> Sequence[Look]:
        by_subscription: dict[str, list[int]] = defaultdict(list)
        for place, work in enumerate(works):
            by_subscription[asked(work).gateway.subscription_id.lower()].append(place)
        looks: dict[int, Look] = {}

        async def subscription(subscription_id: str, places: list[int]) -> None:
            found = await self._subscription(subscription_id, [works[place] for place in places])
            looks.update(zip(places, found, strict=True))

        await asyncio.gather(*(subscription(s, places) for s, places in by_subscription.items()))
        return [looks[place] for place in range(len(works))]

    async def _subscription(self, subscription_id: str, works: list[Work]) -> list[Look]:
        try:
            async with limits.within(limits.LOOK, f"listing the gateways of subscription {subscription_id}"):
                listed = await works[0].world.gateways.in_subscription(subscription_id)
        except StepProblemError as problem:
            return [Look(False, problem.seen, problem=problem)] * len(works)
        except Exception as error:
            log.exception("listing the gateways of subscription %s failed unexpectedly", subscription_id)
            return [broken(error)] * len(works)
        by_key = {g.id.key: g for g in listed if g.id is not None}
        return [_judged(w, by_key.get(asked(w).gateway.id.key)) for w in works]


def _judged(work: Work, gateway: GatewayResource | None) -> Look:
    """One gateway that can't be understood must not keep the others from their look."""
    try:
        return judge_provisioning(work, gateway)
    except Exception as error:
        log.exception("provisioning-complete of %s failed unexpectedly", work.record.id)
        return broken(error)


def judge_provisioning(work: Work, gateway: GatewayResource | None) -> Look:
    """Is this gateway ready?"""
    if gateway is None:
        gone = gateway_gone(work)
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


PROVISIONING_COMPLETE = Definition(
    "provisioning-complete",
    StepKind.WAIT,
    "Wait until the gateway is provisioned",
    SERVICES_SECTION,
    Party.MICROSOFT,
    wait=ProvisioningComplete(),
    may_be_skipped_when=SELECTED,
)
