"""Azure Resource Manager, over the async generic resource client of azure-mgmt-resource: all requests go this way."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from onboarding.azure.allowed import check_arm
from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, no_answer, unexpected_answer
from onboarding.azure.azure_actions import PERMISSIONS_API_VERSION, PERMISSIONS_PATH, AzurePermission
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
from onboarding.azure.http_session import USER_AGENT, http_session
from onboarding.azure.per_loop import PerLoop
from onboarding.core.problems import StepProblemError
from onboarding.pauses import Pauses
from onboarding.settings import Functions, Settings
from onboarding.telemetry.calls import calling

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest, PipelineResponse
    from azure.mgmt.resource.resources.aio import ResourceManagementClient

log = logging.getLogger(__name__)

ArmOperation = Callable[["ResourceManagementClient", Callable[["PipelineResponse[Any, Any]"], None]], Awaitable[Any]]


class ArmClient:
    """What adapters of ARM have in common. Each has connections of its own."""

    api_version: str

    def __init__(self, settings: Settings, credential: Credential, pauses: Pauses | None = None) -> None:
        self._settings = settings
        self._credential = credential
        self._pauses = pauses
        self._cooldowns: dict[str, Cooldown] = {}
        """Of each subscription."""
        self._client: PerLoop[ResourceManagementClient] = PerLoop(self._make, lambda client: client.close())

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
        session = http_session(trust(self._settings))
        transport = AioHttpTransport(session=session, connection_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT)
        # No subscription: every path that we send carries its own.
        return ResourceManagementClient(
            self._credential, "", self._settings.arm_endpoint, policies=chosen, transport=transport
        )

    async def _read(self, call: MicrosoftCall, path: str, api_version: str = "") -> MicrosoftAnswer:
        version = api_version or self.api_version
        return await self._send(
            call,
            path,
            lambda client, hook: client.resources.get_by_id(path, api_version=version, raw_response_hook=hook),
        )

    async def _permissions(self, call: MicrosoftCall, resource: str) -> Sequence[AzurePermission]:
        """What our own roles give at a resource."""
        items = await self._pages(call, f"{resource}{PERMISSIONS_PATH}", PERMISSIONS_API_VERSION)
        return [AzurePermission.of(item) for item in items]

    async def _write(
        self, call: MicrosoftCall, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> MicrosoftAnswer:
        # As bytes: a model of the SDK would drop the properties that it doesn't know.
        content: Any = json.dumps(body).encode()
        return await self._send(
            call,
            path,
            lambda client, hook: client.resources.begin_create_or_update_by_id(
                path,
                content,
                api_version=self.api_version,
                headers=dict(headers or {}),
                polling=False,
                raw_response_hook=hook,
            ),
        )

    async def _pages(self, call: MicrosoftCall, path: str, api_version: str = "") -> list[Mapping[str, Any]]:
        items: list[Mapping[str, Any]] = []
        answer = await self._read(call, path, api_version)
        while True:
            if not answer.ok:
                raise self._problem(call, answer, path)
            page = object_of(call, answer)
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
        return self._told(replace(call, by=self._settings.client_id), answer, path, front=front)

    def _told(self, call: MicrosoftCall, answer: MicrosoftAnswer, path: str, *, front: bool) -> StepProblemError:
        """What to raise for an answer that isn't success."""
        raise NotImplementedError

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
    sent = request.http_request
    check_arm(sent.method, urlsplit(sent.url).path, json.loads(sent.content) if sent.content else None)


def object_of(call: MicrosoftCall, answer: MicrosoftAnswer) -> Mapping[str, Any]:
    """The JSON object of an answer. Raises TryLaterError when it has none."""
    if not answer.object:
        raise unexpected_answer(call, f"status {answer.status} without a JSON object")
    return answer.object
