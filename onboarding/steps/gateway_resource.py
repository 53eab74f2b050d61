"""The gateway resource in Azure, for the steps that are about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from onboarding.azure.gateway_resource import GONE, GatewayId, GatewayResource
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.record import Record
from onboarding.steps.base import Work

if TYPE_CHECKING:
    from onboarding.kinds.communications_gateway import CommunicationsGatewayRequest


def asked(work: Work) -> CommunicationsGatewayRequest:
    """The request: only this kind plans steps about such a resource."""
    return cast("CommunicationsGatewayRequest", work.request)


def gateway_id(record: Record) -> GatewayId:
    """The resource that the onboarding is about."""
    return cast("CommunicationsGatewayRequest", record.request).gateway.id


async def gateway_of(work: Work) -> GatewayResource:
    """The resource. Raises PersonMustActError when it isn't there."""
    found = await work.world.gateways.get(asked(work).gateway.id)
    if found is None:
        raise gateway_gone(work)
    return found


def gateway_gone(work: Work) -> PersonMustActError:
    """The resource of this onboarding does not exist."""
    gateway = asked(work).gateway
    return PersonMustActError(
        ProblemCode.GATEWAY_GONE,
        f"There is no gateway '{gateway.name}' in resource group '{gateway.resource_group}' of subscription"
        f" {gateway.subscription_id}, or this application may not read it.",
        f"Check the names in the request and that the managed identity has Reader on the gateway. {GONE}",
    )
