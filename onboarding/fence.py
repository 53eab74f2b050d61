"""A step's attempt may write only while it is still the one that the record knows.

Between two writes the onboarding may be paused or cancelled, or the attempt may be taken for dead and another begun.
So the record is read again before each write at Microsoft, and an attempt that was withdrawn writes no more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from onboarding.azure.gateway_resource import GatewayId, GatewayResource, TestLineResource
from onboarding.core.services import TestLine
from onboarding.ports import (
    Directory,
    Domain,
    Gateways,
    Message,
    Notifier,
    Principal,
    RoleStanding,
    ServicePrincipal,
)
from onboarding.steps.base import World


class WithdrawnError(Exception):
    """The attempt is no longer the record's: it was paused, cancelled or taken for dead. Nothing was sent."""


Permit = Callable[[], Awaitable[None]]
"""Returns while the attempt may write. Raises WithdrawnError."""


def fenced(world: World, permit: Permit) -> World:
    """The same world; each write asks for the permit first."""
    return replace(
        world,
        gateways=FencedGateways(world.gateways, permit),
        directory=FencedDirectory(world.directory, permit),
        notifier=FencedNotifier(world.notifier, permit),
    )


class FencedGateways(Gateways):
    """A port `Gateways` behind the fence."""

    def __init__(self, inner: Gateways, permit: Permit) -> None:
        self._inner, self._permit = inner, permit

    async def get(self, gateway: GatewayId) -> GatewayResource | None:
        return await self._inner.get(gateway)

    async def put(self, gateway: GatewayId, body: Mapping[str, Any]) -> None:
        await self._permit()
        await self._inner.put(gateway, body)

    async def in_subscription(self, subscription_id: str) -> Sequence[GatewayResource]:
        return await self._inner.in_subscription(subscription_id)

    async def test_lines(self, gateway: GatewayId) -> Sequence[TestLineResource]:
        return await self._inner.test_lines(gateway)

    async def put_test_line(self, gateway: GatewayId, line: TestLine, location: str) -> None:
        await self._permit()
        await self._inner.put_test_line(gateway, line, location)


class FencedDirectory(Directory):
    """A port `Directory` behind the fence."""

    def __init__(self, inner: Directory, permit: Permit) -> None:
        self._inner, self._permit = inner, permit

    async def application(self, app_id: str) -> ServicePrincipal | None:
        return await self._inner.application(app_id)

    async def add_application(self, app_id: str, display_name: str) -> ServicePrincipal:
        await self._permit()
        return await self._inner.add_application(app_id, display_name)

    async def service_principal(self, object_id: str) -> ServicePrincipal | None:
        return await self._inner.service_principal(object_id)

    async def role_standing(self, principal: Principal, app_id: str) -> RoleStanding:
        return await self._inner.role_standing(principal, app_id)

    async def assign_roles(self, application: ServicePrincipal, principal_id: str, role_ids: Sequence[str]) -> None:
        await self._permit()
        await self._inner.assign_roles(application, principal_id, role_ids)

    async def domain(self, name: str) -> Domain | None:
        return await self._inner.domain(name)

    async def add_domain(self, name: str) -> Domain | None:
        await self._permit()
        return await self._inner.add_domain(name)

    async def verify_domain(self, name: str) -> bool:
        await self._permit()
        return await self._inner.verify_domain(name)


class FencedNotifier(Notifier):
    """A port `Notifier` behind the fence."""

    def __init__(self, inner: Notifier, permit: Permit) -> None:
        self._inner, self._permit = inner, permit

    async def mail(self, to: Sequence[str], message: Message) -> bool:
        await self._permit()
        return await self._inner.mail(to, message)

    async def teams(self, message: Message) -> bool:
        await self._permit()
        return await self._inner.teams(message)
