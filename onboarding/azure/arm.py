"""Gateways and their test lines, over the async client of azure-mgmt-resource and its pipeline.

Requests are sent raw (`send_request`): a model of the SDK would drop the properties that it doesn't know.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from onboarding.azure.allowed import check_arm
from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, MicrosoftService, no_answer, unexpected_answer
from onboarding.azure.arm_answers import arm_problem
from onboarding.azure.arm_body import writable
from onboarding.azure.cooldown import Cooldown
from onboarding.azure.credential import (
    ARM_AUDIENCE,
    CONNECT_TIMEOUT,
    READ_TIMEOUT,
    Credential,
    renewing,
    scope,
    trust,
)
from onboarding.azure.gateway_resource import (
    AUTOMATED,
    GATEWAY_TYPE,
    GatewayId,
    GatewayResource,
    TestLineResource,
)
from onboarding.azure.http_session import USER_AGENT, http_session
from onboarding.azure.per_loop import PerLoop
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import StepProblemError
from onboarding.core.services import TestLine
from onboarding.ports import Gateways
from onboarding.settings import Functions, Settings
from onboarding.telemetry.calls import calling

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest
    from azure.core.rest import HttpRequest
    from azure.mgmt.resource.resources.aio import ResourceManagementClient

log = logging.getLogger(__name__)

API_VERSION = "2023-09-01"
_HEADERS = {"Accept": "application/json"}

_GATEWAY = f"{GATEWAY_TYPE}/{{gateway}}"
_GET = MicrosoftCall(MicrosoftService.ARM, "GET", _GATEWAY)
_PUT = MicrosoftCall(MicrosoftService.ARM, "PUT", _GATEWAY)
_LIST = MicrosoftCall(MicrosoftService.ARM, "GET", GATEWAY_TYPE)
_LINES = MicrosoftCall(MicrosoftService.ARM, "GET", f"{_GATEWAY}/testLines")
_PUT_LINE = MicrosoftCall(MicrosoftService.ARM, "PUT", f"{_GATEWAY}/testLines/{{line}}")


class ArmGateways(Gateways):
    """Gateways in Azure Resource Manager. Every method may raise StepProblemError."""

    def __init__(self, settings: Settings, credential: Credential) -> None:
        self._settings = settings
        self._credential = credential
        self._pause = Cooldown("Azure Resource Manager")
        self._client: PerLoop[ResourceManagementClient] = PerLoop(self._make, lambda client: client.close())

    async def get(self, gateway: GatewayId) -> GatewayResource | None:
        """One gateway; None when there is no such resource."""
        answer = await self._send(_GET, gateway.arm_id)
        if answer.ok:
            return GatewayResource(_object(_GET, answer))
        problem = self._problem(_GET, answer, gateway.arm_id)
        if answer.absent and problem.code == ProblemCode.GATEWAY_GONE:
            return None
        raise problem

    async def put(self, gateway: GatewayId, body: Mapping[str, Any]) -> None:
        """Create or replace the whole resource; what only Microsoft sets is left out.

        Only ARM's first answer counts: that the gateway is ready is told by `status`, days later.
        """
        await self._write(_PUT, gateway.arm_id, writable(body))

    async def in_subscription(self, subscription_id: str) -> Sequence[GatewayResource]:
        """Every gateway of a subscription."""
        path = f"/subscriptions/{subscription_id}/providers/{GATEWAY_TYPE}"
        return [GatewayResource(item) for item in await self._pages(_LIST, path)]

    async def test_lines(self, gateway: GatewayId) -> Sequence[TestLineResource]:
        """The gateway's test lines."""
        return [_test_line(item) for item in await self._pages(_LINES, f"{gateway.arm_id}/testLines")]

    async def put_test_line(self, gateway: GatewayId, line: TestLine, location: str) -> None:
        """Create one automated test line, or replace it."""
        body = {"location": location, "properties": {"phoneNumber": line.phone_number, "purpose": AUTOMATED}}
        await self._write(_PUT_LINE, gateway.test_line_arm_id(line.name), body)

    async def aclose(self) -> None:
        """Close this event loop's connections."""
        await self._client.aclose()

    def _make(self) -> ResourceManagementClient:
        from azure.core.pipeline import policies
        from azure.core.pipeline.transport import AioHttpTransport
        from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy
        from azure.mgmt.resource.resources.aio import ResourceManagementClient

        token_scope = scope(self._settings.arm_endpoint, ARM_AUDIENCE)
        # The client's own list of policies also registers resource providers (a write that nobody asked for),
        # follows redirects, and sleeps through throttling, which is for the step to wait for.
        chosen = [
            renewing(self._credential),
            policies.RequestIdPolicy(),
            policies.UserAgentPolicy(base_user_agent=USER_AGENT),
            policies.AsyncRetryPolicy(retry_total=1, retry_connect=1, retry_read=0, retry_status=0),
            AsyncARMChallengeAuthenticationPolicy(self._credential, token_scope),
            policies.CustomHookPolicy(raw_request_hook=_only_allowed),
        ]
        transport = AioHttpTransport(
            session=http_session(trust(self._settings)),
            connection_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
        )
        # No subscription: every path that we send carries its own.
        return ResourceManagementClient(
            self._credential, "", self._settings.arm_endpoint, policies=chosen, transport=transport
        )

    async def _write(self, call: MicrosoftCall, path: str, body: Mapping[str, Any]) -> None:
        answer = await self._send(call, path, body)
        if not answer.ok:
            raise self._problem(call, answer, path)

    async def _pages(self, call: MicrosoftCall, path: str) -> list[Mapping[str, Any]]:
        items: list[Mapping[str, Any]] = []
        answer = await self._send(call, path)
        while True:
            if not answer.ok:
                raise self._problem(call, answer, path)
            page = _object(call, answer)
            items += [item for item in page.get("value") or () if isinstance(item, dict)]
            link = page.get("nextLink")
            if not link:
                return items
            answer = await self._follow(call, str(link))

    async def _follow(self, call: MicrosoftCall, link: str) -> MicrosoftAnswer:
        from azure.core.rest import HttpRequest

        ours, theirs = urlsplit(self._settings.arm_endpoint), urlsplit(link)
        if (ours.scheme, ours.netloc.lower()) != (theirs.scheme, theirs.netloc.lower()):
            # Our token goes with the request, so it goes nowhere else.
            raise unexpected_answer(call, f"its next page is at {theirs.netloc}, not at {ours.netloc}")
        return await self._exchanged(call, HttpRequest("GET", link, headers=_HEADERS))

    def _problem(self, call: MicrosoftCall, answer: MicrosoftAnswer, path: str) -> StepProblemError:
        front = self._settings.functions is Functions.FRONT
        return arm_problem(replace(call, by=self._settings.client_id), answer, path, front=front)

    async def _send(self, call: MicrosoftCall, path: str, body: Mapping[str, Any] | None = None) -> MicrosoftAnswer:
        from azure.core.rest import HttpRequest

        asked = {"api-version": API_VERSION}
        return await self._exchanged(call, HttpRequest(call.method, path, params=asked, headers=_HEADERS, json=body))

    async def _exchanged(self, call: MicrosoftCall, request: HttpRequest) -> MicrosoftAnswer:
        """Every request to ARM goes through here, and every answer comes back raw, whatever its status."""
        self._pause.check()
        started = time.perf_counter()
        with calling(call.service, call.operation) as asked:
            answer = asked.answered(await self._exchange(call, request))
        self._pause.heed(answer)
        log.debug("%s -> %d in %.0f ms", call, answer.status, (time.perf_counter() - started) * 1000)
        return answer

    async def _exchange(self, call: MicrosoftCall, request: HttpRequest) -> MicrosoftAnswer:
        from azure.core import exceptions

        try:
            response = await self._client.get().send_request(request)
        except (exceptions.ServiceRequestTimeoutError, exceptions.ServiceResponseTimeoutError) as error:
            raise no_answer(call, error, timeout=True) from error
        except exceptions.AzureError as error:
            raise no_answer(call, error, timeout=False) from error
        return MicrosoftAnswer.of(response.status_code, response.headers.items(), response.content)


def _only_allowed(request: PipelineRequest[Any]) -> None:
    check_arm(request.http_request.method, urlsplit(request.http_request.url).path)


def _object(call: MicrosoftCall, answer: MicrosoftAnswer) -> Mapping[str, Any]:
    if not answer.object:
        raise unexpected_answer(call, f"status {answer.status} without a JSON object")
    return answer.object


def _test_line(item: Mapping[str, Any]) -> TestLineResource:
    properties = item.get("properties") or {}
    return TestLineResource(
        name=str(item.get("name") or str(item.get("id", "")).rpartition("/")[2]),
        phone_number=str(properties.get("phoneNumber", "")),
        purpose=str(properties.get("purpose", "")),
        provisioning_state=properties.get("provisioningState"),
    )
