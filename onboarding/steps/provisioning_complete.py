"""`provisioning-complete`: the gateway's Provisioning Status is Complete, and its test lines are. Up to two weeks.

That is `properties.status` (`ChangePending`, `Complete`), not `provisioningState`, which is that of the last ARM
operation and says `Succeeded` long before; only its `Failed` and `Canceled` matter here. One list call serves
every waiting gateway of a subscription; one that it does not show, or not whole, is asked for by itself. Test lines
have no `status`: each that the request counts on must be `Succeeded`. ARM lists them by gateway, so they are asked for
only when the gateway itself is Complete. Source: article, "Enable … support", step 8; swagger 2023-09-01.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from onboarding import limits
from onboarding.azure.gateway_resource import GatewayId, GatewayResource, TestLineResource
from onboarding.core.plan import DAY, Party, StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.steps.add_test_lines import (
    FAILED,
    has_failed,
    lines_of_preselected,
    missing_lines,
    required_of_preselected,
)
from onboarding.steps.base import Look, SharedRead, Watched, Work, World, broken, plural
from onboarding.steps.definition import Definition
from onboarding.steps.enable_services import SELECTED, SERVICES_SECTION
from onboarding.steps.gateway_resource import asked, gateway_gone, gateway_id

if TYPE_CHECKING:
    from onboarding.kinds.communications_gateway import CommunicationsGatewayRequest

log = logging.getLogger("onboarding")

COMPLETE = "complete"
SUCCEEDED = "succeeded"
AT_ONCE = 8
"""Calls about single gateways under way at one time, of one subscription."""
_OF_ONE_RECORD = frozenset({ProblemCode.MALFORMED, ProblemCode.NOT_PERMITTED})
"""What our own bounds say before Microsoft is asked: something is wrong with the request, not with the read."""
_OF_ALL = frozenset({ProblemCode.PERMISSION_MISSING, ProblemCode.SIGN_IN_FAILED, ProblemCode.PROVIDER_RETIRED})
"""What Microsoft says of one gateway and means all: the identity, its role on the subscription, the provider there."""


class ProvisioningComplete:
    """Each subscription is listed once."""

    def watched(self, record: Record, step: StepRecord) -> Watched:
        gateway = gateway_id(record)
        return Watched(gateway.subscription_id.lower(), {"gateway": gateway.key})

    async def glance(self, world: World, subjects: Sequence[Mapping[str, str]]) -> Sequence[str | None]:
        """Its two states, of a gateway that is on its way. One that is not takes a look, and so do its lines."""
        found = [GatewayId.parse(subject["gateway"]) for subject in subjects]
        subscription_id = next((gateway.subscription_id for gateway in found if gateway), None)
        if subscription_id is None:
            return [None] * len(subjects)
        listed = await world.gateways.in_subscription(subscription_id)
        asked_for = {gateway.key for gateway in found if gateway}
        shown = {g.id.key: _on_its_way(g) for g in listed if g.id is not None and g.id.key in asked_for}
        return [shown.get(gateway.key) if gateway else None for gateway in found]

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
            if _passes(problem) or problem.code in _OF_ONE_RECORD:
                return [Look(False, problem.seen, problem=problem)] * len(works)
            return [_refused("gateways", subscription_id, problem)] * len(works)
        except Exception as error:
            log.exception("listing the gateways of subscription %s failed unexpectedly", subscription_id)
            return [broken(error)] * len(works)
        by_key = {g.id.key: g for g in listed if g.id is not None and isinstance(g.body.get("properties"), Mapping)}
        at_once = asyncio.Semaphore(AT_ONCE)
        return await asyncio.gather(*(_one(w, by_key.get(asked(w).gateway.id.key), at_once) for w in works))


async def _one(work: Work, listed: GatewayResource | None, at_once: asyncio.Semaphore) -> Look:
    """One gateway that can't be read, or not understood, must not keep the others from their look."""
    gateway_id = asked(work).gateway.id
    subscription_id = gateway_id.subscription_id.lower()
    reads: tuple[SharedRead, ...] = (SharedRead("gateways", subscription_id),)
    reading = "gateway"
    try:
        async with limits.within(limits.LOOK, f"reading gateway {gateway_id.name} and its test lines"):
            gateway = listed
            if gateway is None:
                # A list lags at times, and a page of it may be short: one GET decides.
                async with at_once:
                    gateway = await work.world.gateways.get(gateway_id)
                reads = (*reads, SharedRead(reading, subscription_id))
            look = judge_provisioning(work, gateway)
            if look.done and _lines_count(work):
                reading = "test-lines"
                async with at_once:
                    lines = await work.world.gateways.test_lines(gateway_id)
                reads = (*reads, SharedRead(reading, subscription_id))
                look = judge_lines(asked(work), lines)
    except StepProblemError as problem:
        if problem.code in _OF_ALL and not _passes(problem):
            return _refused(reading, subscription_id, problem, *reads)
        return Look(False, problem.seen, problem=problem, reads=reads)
    except Exception as error:
        log.exception("provisioning-complete of %s failed unexpectedly", work.record.id)
        return broken(error)
    return replace(look, reads=reads, shown=_on_its_way(gateway) if gateway else None)


def _on_its_way(gateway: GatewayResource) -> str | None:
    """The states of one that Microsoft is still at; None: there is more to be said, or it can't be read."""
    if not isinstance(gateway.body.get("properties"), Mapping):
        return None
    status, state = (gateway.status or "").lower(), (gateway.provisioning_state or "").lower()
    return None if not status or status == COMPLETE or state in FAILED else f"{status}, {state}"


def _passes(problem: StepProblemError) -> bool:
    """Whether it goes away by itself, however long that takes: an outage, not a sign-in that may never work again."""
    return isinstance(problem, TryLaterError) and not problem.in_the_end


def _refused(reading: str, subscription_id: str, problem: StepProblemError, *others: SharedRead) -> Look:
    """Microsoft refuses what all waits of a subscription need: none of them stops for that."""
    told = PersonMustActError(
        problem.code,
        f"In subscription {subscription_id}: {problem.seen}",
        f"{problem.what_next} Every wait there goes on being tried, so this one needs no retry.",
    )
    soon = isinstance(problem, PersonMustActError)
    return Look(False, told.seen, told, (*others, SharedRead(reading, subscription_id, told, soon)))


def _lines_count(work: Work) -> bool:
    """Whether test lines are to be there: not when that step was left out."""
    adding = work.record.of("add-test-lines")
    return adding is not None and adding.state is not StepState.SKIPPED


def judge_provisioning(work: Work, gateway: GatewayResource | None) -> Look:
    """Is this gateway ready?"""
    if gateway is None:
        return _absent(gateway_gone(work))
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


def judge_lines(request: CommunicationsGatewayRequest, existing: Sequence[TestLineResource]) -> Look:
    """Are the lines of a gateway that is Complete ready too: those of the request, and as many as it counts on?"""
    try:
        missing_lines(request, existing)
    except PersonMustActError as problem:
        return Look(False, problem.seen, problem=problem)
    by_name = {line.name.lower(): line for line in existing}
    absent = [line.name for line in request.test_lines if line.name.lower() not in by_name]
    named = [by_name[line.name.lower()] for line in request.test_lines if line.name.lower() in by_name]
    # Of those found there as many as the request counts on must be ready, whichever they are.
    found, required = lines_of_preselected(request, existing), required_of_preselected(request)
    alive = [line for line in found if not has_failed(line)]
    if failed := [line for line in (*named, *(found if len(alive) < required else ())) if has_failed(line)]:
        return _failed(failed)
    lacking = [f"test line {name}" for name in absent]
    if len(alive) < required:
        lacking.append(f"{required - len(alive)} of {required} lines of the services selected at deployment")
    if lacking:
        return _absent(_lines_missing(lacking))
    pending = [*named, *(alive if sum(map(_is_ready, alive)) < required else ())]
    if waiting := [f"{line.name} {line.provisioning_state or 'not given'}" for line in pending if not _is_ready(line)]:
        return Look(False, f"Provisioning Status is Complete; test lines are not yet: {', '.join(waiting)}.")
    return Look(True, f"Provisioning Status is Complete, and {plural(len(named) + required, 'test line')} Succeeded.")


def _is_ready(line: TestLineResource) -> bool:
    return (line.provisioning_state or "").lower() == SUCCEEDED


def _absent(problem: PersonMustActError) -> Look:
    return Look(False, f"{problem.seen} It is looked for again before anybody is asked.", problem, absent=True)


def _failed(lines: Sequence[TestLineResource]) -> Look:
    states = ", ".join(f"{line.name} {line.provisioning_state}" for line in lines)
    problem = PersonMustActError(
        ProblemCode.TEST_LINE_FAILED,
        f"The gateway is Complete, but these test lines were not provisioned (provisioningState): {states}.",
        "Open the gateway's Activity log in the Azure portal. Delete each of these lines on the gateway's page and add"
        " it again there with the same name, number and purpose, or ask your onboarding team; then retry this step.",
    )
    return Look(False, problem.seen, problem=problem)


def _lines_missing(lacking: Sequence[str]) -> PersonMustActError:
    return PersonMustActError(
        ProblemCode.TEST_LINES_MISSING,
        f"The gateway is Complete, but it lacks {' and '.join(lacking)}.",
        "Look in the gateway's Activity log who removed them. Add them again on the gateway's page, with the request's"
        " names and numbers and purpose Automated; then retry this step.",
    )


PROVISIONING_COMPLETE = Definition(
    "provisioning-complete",
    StepKind.WAIT,
    "Wait until the gateway is provisioned",
    SERVICES_SECTION,
    Party.MICROSOFT,
    wait=ProvisioningComplete(),
    usual=14 * DAY,
    may_be_skipped_when=SELECTED,
)
