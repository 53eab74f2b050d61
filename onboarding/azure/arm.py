"""Gateways and their test lines, over the async generic resource client of azure-mgmt-resource."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from onboarding.azure.allowed import check_arm
from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, MicrosoftService, no_answer, unexpected_answer
from onboarding.azure.arm_answers import arm_problem
from onboarding.azure.arm_body import writable
from onboarding.azure.cooldown import ARM_LIMIT, Cooldown
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
from onboarding.azure.per_loop import PerLoop
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import StepProblemError
from onboarding.core.services import TestLine
from onboarding.pauses import Pauses
from onboarding.ports import Gateways
from onboarding.settings import Functions, Settings
from onboarding.telemetry.calls import calling

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest, PipelineResponse
    from azure.mgmt.resource.resources.aio import ResourceManagementClient

log = logging.getLogger(__name__)

API_VERSION = "2023-09-01"

_GATEWAY = f"{GATEWAY_TYPE}/{{gateway}}"
_GET = MicrosoftCall(MicrosoftService.ARM, "GET", _GATEWAY)
_PUT = MicrosoftCall(MicrosoftService.ARM, "PUT", _GATEWAY)
_LIST = MicrosoftCall(MicrosoftService.ARM, "GET", GATEWAY_TYPE)
_LINES = MicrosoftCall(MicrosoftService.ARM, "GET", f"{_GATEWAY}/testLines")
_PUT_LINE = MicrosoftCall(MicrosoftService.ARM, "PUT", f"{_GATEWAY}/testLines/{{line}}")

ArmOperation = Callable[["ResourceManagementClient", Callable[["PipelineResponse[Any, Any]"], None]], Awaitable[Any]]


class ArmGateways(Gateways):
    """Gateways in Azure Resource Manager. Every method may raise StepProblemError."""

    def __init__(self, settings: Settings, credential: Credential, pauses: Pauses | None = None) -> None:
        self._settings = settings
        self._credential = credential
        self._pauses = pauses
        self._cooldowns: dict[str, Cooldown] = {}
        """Of each subscription."""
        self._client: PerLoop[ResourceManagementClient] = PerLoop(self._make, lambda client: client.close())

    async def get(self, gateway: GatewayId) -> GatewayResource | None:
        """One gateway; None when there is no such resource."""
        answer = await self._read(_GET, gateway.arm_id)
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
        import aiohttp
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
            policies.UserAgentPolicy(base_user_agent="operator-connect-onboarding"),
            policies.AsyncRetryPolicy(retry_total=1, retry_connect=1, retry_read=0, retry_status=0),
            AsyncARMChallengeAuthenticationPolicy(self._credential, token_scope),
            policies.CustomHookPolicy(raw_request_hook=_only_allowed),
        ]
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust(self._settings)),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=True,
        )
        transport = AioHttpTransport(session=session, connection_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT)
        # No subscription: every path that we send carries its own.
        return ResourceManagementClient(
            self._credential, "", self._settings.arm_endpoint, policies=chosen, transport=transport
        )

    async def _read(self, call: MicrosoftCall, path: str) -> MicrosoftAnswer:
        return await self._send(
            call,
            path,
            lambda client, hook: client.resources.get_by_id(path, api_version=API_VERSION, raw_response_hook=hook),
        )

    async def _write(self, call: MicrosoftCall, path: str, body: Mapping[str, Any]) -> None:
        # As bytes: a model of the SDK would drop the properties that it doesn't know.
        content: Any = json.dumps(body).encode()
        answer = await self._send(
            call,
            path,
            lambda client, hook: client.resources.begin_create_or_update_by_id(
                path, content, api_version=API_VERSION, polling=False, raw_response_hook=hook
            ),
        )
        if not answer.ok:
            raise self._problem(call, answer, path)

    async def _pages(self, call: MicrosoftCall, path: str) -> list[Mapping[str, Any]]:
        items: list[Mapping[str, Any]] = []
        answer = await self._read(call, path)
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
        request = HttpRequest("GET", link)
        return await self._send(
            call, theirs.path, lambda client, hook: client.send_request(request, raw_response_hook=hook)
        )

    def _problem(self, call: MicrosoftCall, answer: MicrosoftAnswer, path: str) -> StepProblemError:
        front = self._settings.functions is Functions.FRONT
        return arm_problem(replace(call, by=self._settings.client_id), answer, path, front=front)

    async def _send(self, call: MicrosoftCall, path: str, operation: ArmOperation) -> MicrosoftAnswer:
        """Every request to ARM goes through here, and every answer comes back raw, whatever its status."""
        pause = self._pause_of(path)
        await pause.check()
        with calling(call.service, call.operation) as asked:
            answer = asked.answered(await self._exchange(call, operation))
        await pause.heed(answer)
        return answer

    def _pause_of(self, path: str) -> Cooldown:
        """Of the subscription that a path begins with: each has limits of its own."""
        subscription = path.removeprefix("/subscriptions/").partition("/")[0].lower()
        if subscription not in self._cooldowns:
            self._cooldowns[subscription] = Cooldown(ARM_LIMIT, self._pauses, subscription)
        return self._cooldowns[subscription]

    async def _exchange(self, call: MicrosoftCall, operation: ArmOperation) -> MicrosoftAnswer:
        from azure.core import exceptions

        answers: list[PipelineResponse[Any, Any]] = []
        started = time.perf_counter()
        try:
            await operation(self._client.get(), answers.append)
        except (exceptions.ServiceRequestTimeoutError, exceptions.ServiceResponseTimeoutError) as error:
            raise no_answer(call, error, timeout=True) from error
        except exceptions.HttpResponseError as error:
            if not answers:
                raise no_answer(call, error, timeout=False) from error
        except exceptions.AzureError as error:
            raise no_answer(call, error, timeout=False) from error
        except ValueError as error:
            # The SDK reads JSON for its models; a body that is none is told apart below.
            if not answers:
                raise unexpected_answer(call, "an answer that is no JSON") from error
        response = answers[-1].http_response
        answer = MicrosoftAnswer.of(response.status_code, response.headers.items(), response.content)
        log.debug("%s -> %d in %.0f ms", call, answer.status, (time.perf_counter() - started) * 1000)
        return answer


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
