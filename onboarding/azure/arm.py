"""Gateways and their test lines in Azure Resource Manager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, MicrosoftService
from onboarding.azure.arm_answers import arm_problem
from onboarding.azure.arm_body import writable
from onboarding.azure.arm_client import ArmClient, object_of
from onboarding.azure.azure_actions import AzurePermission
from onboarding.azure.calls import put_test_line_call
from onboarding.azure.gateway_resource import (
    GATEWAY_API_VERSION,
    GATEWAY_TYPE,
    GatewayId,
    GatewayResource,
    TestLineResource,
)
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import StepProblemError
from onboarding.core.services import TestLine
from onboarding.ports import Gateways

_GATEWAY = f"{GATEWAY_TYPE}/{{gateway}}"
_GET = MicrosoftCall(MicrosoftService.ARM, "GET", _GATEWAY)
_PUT = MicrosoftCall(MicrosoftService.ARM, "PUT", _GATEWAY)
_LIST = MicrosoftCall(MicrosoftService.ARM, "GET", GATEWAY_TYPE)
_LINES = MicrosoftCall(MicrosoftService.ARM, "GET", f"{_GATEWAY}/testLines")
_PUT_LINE = MicrosoftCall(MicrosoftService.ARM, "PUT", f"{_GATEWAY}/testLines/{{line}}")
_OWN_ACTIONS = MicrosoftCall(MicrosoftService.ARM, "GET", f"{_GATEWAY}/permissions")


class ArmGateways(ArmClient, Gateways):
    """Gateways in Azure Resource Manager. Every method may raise StepProblemError."""

    api_version = GATEWAY_API_VERSION

    async def get(self, gateway: GatewayId) -> GatewayResource | None:
        """One gateway; None when there is no such resource."""
        answer = await self._read(_GET, gateway.arm_id)
        if answer.ok:
            return GatewayResource(object_of(_GET, answer))
        problem = self._problem(_GET, answer, gateway.arm_id)
        if answer.absent and problem.code == ProblemCode.GATEWAY_GONE:
            return None
        raise problem

    async def put(self, gateway: GatewayId, body: Mapping[str, Any]) -> None:
        """Create or replace the whole resource; what only Microsoft sets is left out.

        Only ARM's first answer counts: that the gateway is ready is told by `status`, days later.
        """
        await self._put(_PUT, gateway.arm_id, writable(body))

    async def in_subscription(self, subscription_id: str) -> Sequence[GatewayResource]:
        """Every gateway of a subscription."""
        path = f"/subscriptions/{subscription_id}/providers/{GATEWAY_TYPE}"
        return [GatewayResource(item) for item in await self._pages(_LIST, path)]

    async def test_lines(self, gateway: GatewayId) -> Sequence[TestLineResource]:
        """The gateway's test lines."""
        return [_test_line(item) for item in await self._pages(_LINES, f"{gateway.arm_id}/testLines")]

    async def put_test_line(self, gateway: GatewayId, line: TestLine, location: str) -> None:
        """Create one automated test line, or replace it."""
        body = put_test_line_call(gateway, line, location).body or {}
        await self._put(_PUT_LINE, gateway.test_line_arm_id(line.name), body)

    async def own_actions(self, gateway: GatewayId) -> Sequence[AzurePermission]:
        """What this application's Azure roles give at a gateway."""
        return await self._permissions(_OWN_ACTIONS, gateway.arm_id)

    async def _put(self, call: MicrosoftCall, path: str, body: Mapping[str, Any]) -> None:
        answer = await self._write(call, path, body)
        if not answer.ok:
            raise self._problem(call, answer, path)

    def _told(self, call: MicrosoftCall, answer: MicrosoftAnswer, path: str, *, front: bool) -> StepProblemError:
        return arm_problem(call, answer, path, front=front)


def _test_line(item: Mapping[str, Any]) -> TestLineResource:
    properties = item.get("properties") or {}
    return TestLineResource(
        name=str(item.get("name") or str(item.get("id", "")).rpartition("/")[2]),
        phone_number=str(properties.get("phoneNumber", "")),
        purpose=str(properties.get("purpose", "")),
        provisioning_state=properties.get("provisioningState"),
    )
