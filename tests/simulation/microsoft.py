"""Microsoft's side and the onboarding team's, as far as they act by themselves: provisioning, DNS, and what breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from onboarding.azure.gateway_resource import GatewayId
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError
from onboarding.core.request import OnboardingRequest
from onboarding.memory import MemoryWorld
from onboarding.memory.dns import SILENCE
from onboarding.ports import Domain
from tests.simulation.chaos import HOUR, MINUTE

if TYPE_CHECKING:
    from tests.simulation.world import World

OTHER_NUMBER = "+442079469999"
WORST_LAG = 4
"""Reads that miss something new (replication)."""


class Microsoft:
    """Acts upon the twins. `begin` makes something that a person must put right; `mend_all` is those persons."""

    def __init__(self, world: World, twins: MemoryWorld) -> None:
        self.world = world
        self.twins = twins
        self._provisioning: dict[str, asyncio.TimerHandle] = {}
        self._mends: list[Callable[[], None]] = []
        self._refused: dict[tuple[str, str], StepProblemError] = {}
        self._held: set[str] = set()

    def standing_fault(self, service: str, method: str) -> StepProblemError | None:
        """What every such call is answered until somebody has put it right."""
        return self._refused.get((service, method)) or self._refused.get((service, "*"))

    def provision(self, gateway: GatewayId) -> None:
        """The gateway was changed; Microsoft is done with that after a while."""
        if (running := self._provisioning.get(gateway.key)) is not None:
            running.cancel()
        least, most = self.world.chaos.provisioning
        # Short and long ones are as frequent: most gateways are ready soon, some take almost two weeks.
        seconds = least * (most / least) ** self.world.random.random()
        self._provisioning[gateway.key] = self.world.loop.call_later(seconds, self._complete, gateway)

    def _complete(self, gateway: GatewayId) -> None:
        if gateway.key in self.twins.gateways.resources:
            self.twins.gateways.complete(gateway)
        else:
            # It is gone at the moment; were it put back, it would go on.
            self.provision(gateway)

    async def add_domain(self, name: str) -> Domain | None:
        """Unless another tenant holds it. The onboarding team publishes its TXT record, server by server."""
        if name in self._held:
            raise PersonMustActError(ProblemCode.DOMAIN_IN_USE, f"Another tenant holds {name}.", "Ask them.")
        new = name not in self.twins.directory.domains
        shown = await self.twins.directory.add_domain(name)
        record = self.twins.directory.domains[name].txt_record
        if new and record is not None:
            after = self.world.random.uniform(MINUTE, 2 * HOUR)
            for server in self.twins.dns.servers:
                publish = partial(self.twins.dns.publish, record.name, record.value, on=(server,))
                self.world.loop.call_later(after, publish)
                after += self.world.random.uniform(0, HOUR / 4)
        return shown

    def begin(self, request: OnboardingRequest) -> None:
        """One trouble, of this gateway or of all."""
        kinds = (
            self._permission_missing,
            self._provider_gone,
            self._domain_held,
            self._name_differs,
            self._line_differs,
            self._provisioning_failed,
            self._gateway_gone,
            self._server_fails,
            self._user_missing,
        )
        kind = self.world.random.choice(kinds)
        of_gateways = (self._name_differs, self._line_differs, self._provisioning_failed, self._gateway_gone)
        mend = None if request.client_id and kind in of_gateways else kind(request)
        if mend is not None:
            self.world.journal.note(f"{self.world.stamp()} trouble: {kind.__name__} {request.gateway.name}")
            self._mends.append(mend)

    def mend_all(self) -> bool:
        """People put everything right; whether there was anything."""
        mends, self._mends = self._mends, []
        for mend in mends:
            mend()
        return bool(mends)

    def _permission_missing(self, request: OnboardingRequest) -> Callable[[], None]:
        where = self.world.random.choice(
            (("graph", "*"), ("graph", "assign_roles"), ("graph", "add_application"), ("arm", "put"), ("mail", "*"))
        )
        code = self.world.random.choice((ProblemCode.PERMISSION_MISSING, ProblemCode.SIGN_IN_FAILED))
        self._refused[where] = PersonMustActError(code, f"{where[0]} refused {where[1]}.", "Grant it.")
        return lambda: self._refused.pop(where, None) and None

    def _provider_gone(self, request: OnboardingRequest) -> Callable[[], None]:
        gone = PersonMustActError(
            ProblemCode.PROVIDER_RETIRED, "Azure does not know Microsoft.VoiceServices.", "Cancel."
        )
        self._refused["arm", "*"] = gone
        return lambda: self._refused.pop(("arm", "*"), None) and None

    def _domain_held(self, request: OnboardingRequest) -> Callable[[], None]:
        name = request.domain_to_verify or f"{request.gateway.name.lower()}-label.commsgw.azure.com"
        self._held.add(name)
        return lambda: self._held.discard(name)

    def _name_differs(self, request: OnboardingRequest) -> Callable[[], None]:
        principals = self.twins.directory.service_principals
        identity = f"principal-of-{request.gateway.name}"
        right = request.gateway.name
        principals[identity] = replace(principals[identity], display_name="another name")

        def mend() -> None:
            principals[identity] = replace(principals[identity], display_name=right)

        return mend

    def _line_differs(self, request: OnboardingRequest) -> Callable[[], None] | None:
        lines = self.twins.gateways.lines[request.gateway.id.key]
        line = next((x for x in request.test_lines if x.name.lower() not in lines), None)
        if line is None:
            return None
        self.twins.gateways.line(request.gateway.id, line.name, OTHER_NUMBER)

        def mend() -> None:
            if lines[line.name.lower()].phone_number == OTHER_NUMBER:
                del lines[line.name.lower()]

        return mend

    def _provisioning_failed(self, request: OnboardingRequest) -> Callable[[], None] | None:
        resource = self.twins.gateways.resources.get(request.gateway.id.key)
        if resource is None:
            return None
        resource["properties"]["provisioningState"] = self.world.random.choice(("Failed", "Canceled"))

        def mend() -> None:
            there = self.twins.gateways.resources.get(request.gateway.id.key)
            if there is not None:
                there["properties"]["provisioningState"] = "Succeeded"

        return mend

    def _gateway_gone(self, request: OnboardingRequest) -> Callable[[], None] | None:
        key = request.gateway.id.key
        resource = self.twins.gateways.resources.pop(key, None)
        if resource is None:
            return None

        def mend() -> None:
            resource["properties"]["provisioningState"] = "Succeeded"
            self.twins.gateways.resources.setdefault(key, resource)

        return mend

    def _server_fails(self, request: OnboardingRequest) -> Callable[[], None]:
        server = self.world.random.choice(list(self.twins.dns.servers))
        self.twins.dns.errors[server] = self.world.random.choice(("SERVFAIL", SILENCE))
        return lambda: self.twins.dns.errors.pop(server, None) and None

    def _user_missing(self, request: OnboardingRequest) -> Callable[[], None] | None:
        name = request.admin_user.lower()
        user = self.twins.directory.users.pop(name, None)
        if user is None:
            return None

        def mend() -> None:
            self.twins.directory.users[name] = user

        return mend
