"""Gateways, test lines and long-running operations."""

from __future__ import annotations

import copy
import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.microsoft.arm.errors import NAMESPACE
from sandbox.microsoft.arm.peerings import PeeringState
from sandbox.microsoft.clock import Clock, timestamp
from sandbox.microsoft.options import Options
from sandbox.microsoft.transitions import (
    CREATING,
    DELETING,
    GATEWAY_STATUS,
    LINE_ENDS,
    UPDATING,
    VANISHED,
    TimedState,
    Transition,
)

NAMES = uuid.UUID("7e1c1f6a-52b0-4e8b-9a0d-0c0f7a3d9b11")
"""Ids are derived from names under this one, so that two runs of a test see the same ids."""


@dataclass
class Resource:
    """What a gateway and a test line have in common. `body` holds what a client sent, cleaned."""

    name: str
    body: dict[str, Any]
    provisioning: TimedState
    created: str
    created_by: str
    changed: str = ""
    changed_by: str = ""

    def system_data(self) -> dict[str, Any]:
        """Who made it and changed it, and when."""
        return {
            "createdBy": self.created_by,
            "createdByType": "Application",
            "createdAt": self.created,
            "lastModifiedBy": self.changed_by or self.created_by,
            "lastModifiedByType": "Application",
            "lastModifiedAt": self.changed or self.created,
        }


@dataclass
class Gateway(Resource):
    """A communications gateway."""

    subscription: str = ""
    group: str = ""
    status: TimedState = field(kw_only=True)
    label: str = ""
    principal_id: str | None = None
    test_lines: dict[str, Resource] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The resource id, spelled as at creation."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/{NAMESPACE}"
            f"/communicationsGateways/{self.name}"
        )

    @property
    def domain(self) -> str:
        """The base domain of the deployment."""
        return f"{self.label}.commsgw.azure.com"


@dataclass
class Operation:
    """A long-running operation: what a client polls."""

    id: str
    resource_id: str
    location: str
    started: str
    state: TimedState


class ArmState:
    """All resources, found by names without regard to case."""

    def __init__(self, clock: Clock, options: Options, tenant: str) -> None:
        self.clock = clock
        self.options = options
        self.tenant = tenant
        self.subscriptions: dict[str, list[str]] = {}
        self.gateways: dict[tuple[str, str, str], Gateway] = {}
        self.operations: dict[str, Operation] = {}
        self.peering = PeeringState()
        self.identity_added: Callable[[Gateway], None] = lambda gateway: None
        self.identity_removed: Callable[[str], None] = lambda principal_id: None
        self.label_added: Callable[[Gateway], None] = lambda gateway: None
        self._identities_made = 0

    def clear(self) -> None:
        """Forget everything."""
        self.subscriptions.clear()
        self.gateways.clear()
        self.operations.clear()
        self.peering.peerings.clear()
        self._identities_made = 0

    def group(self, subscription: str, name: str) -> str | None:
        """The resource group's own spelling, or None."""
        groups = self.subscriptions.get(subscription.lower(), [])
        return next((group for group in groups if group.lower() == name.lower()), None)

    def find(self, subscription: str, group: str, name: str) -> Gateway | None:
        """The gateway, or None."""
        return self.gateways.get((subscription.lower(), group.lower(), name.lower()))

    def select(self, subscription: str, group: str | None = None) -> list[Gateway]:
        """The gateways of a subscription, or of one resource group in it, by name."""
        chosen = [
            gateway
            for (owner, place, _), gateway in self.gateways.items()
            if owner == subscription.lower() and (group is None or place == group.lower())
        ]
        return sorted(chosen, key=lambda gateway: gateway.name.lower())

    def named(self, name: str) -> Iterator[Gateway]:
        """Gateways by name or resource id, as the control port calls them; `*` is all of them."""
        for gateway in self.gateways.values():
            if name == "*" or name.lower() in (gateway.name.lower(), gateway.id.lower()):
                yield gateway

    def put_gateway(self, subscription: str, group: str, name: str, body: dict[str, Any], caller: str) -> Gateway:
        """Create or replace; `changed` of the gateway tells which."""
        gateway = self.find(subscription, group, name)
        if gateway:
            self._change(gateway, body, caller)
        else:
            gateway = Gateway(
                name,
                body,
                TimedState(self.clock, CREATING.source),
                self._now(),
                caller,
                subscription=subscription,
                group=group,
                status=TimedState(self.clock, GATEWAY_STATUS.source),
            )
            self.gateways[subscription.lower(), group.lower(), name.lower()] = gateway
            self._run(gateway.provisioning, CREATING)
            gateway.label = self._label(gateway)
            self.label_added(gateway)
        self.set_identity(gateway, body.get("identity"))
        self.pending(gateway)
        return gateway

    def put_test_line(self, gateway: Gateway, name: str, body: dict[str, Any], caller: str) -> Resource:
        """Create or replace; `changed` of the test line tells which."""
        line = self.lines(gateway).get(name.lower())
        if line:
            self._change(line, body, caller)
        else:
            line = Resource(name, body, TimedState(self.clock, CREATING.source), self._now(), caller)
            gateway.test_lines[name.lower()] = line
        if not line.changed or self.options.test_line_ends != CREATING.target:
            self._run(line.provisioning, LINE_ENDS[self.options.test_line_ends])
        self.pending(gateway)
        return line

    def lines(self, gateway: Gateway) -> dict[str, Resource]:
        """Its test lines by lower-case name, without those that have vanished by now."""
        for name in [n for n, line in gateway.test_lines.items() if line.provisioning.peek() == VANISHED]:
            del gateway.test_lines[name]
        return gateway.test_lines

    def pending(self, gateway: Gateway) -> None:
        """A write happened: the service has yet to catch up with the resource."""
        options = self.options
        gateway.status.start(GATEWAY_STATUS, seconds=options.provisioning_seconds, calls=options.provisioning_calls)

    def set_identity(self, gateway: Gateway, wanted: dict[str, Any] | None) -> None:
        """Give or take the system-assigned identity. Each gateway gets one unless the request says otherwise."""
        kind = (wanted or {}).get("type") or gateway.body.get("identity", {}).get("type") or "SystemAssigned"
        gateway.body["identity"] = {**(wanted or {}), "type": kind}
        if "SystemAssigned" in kind:
            if gateway.principal_id is None:
                self._identities_made += 1
                gateway.principal_id = str(uuid.uuid5(NAMES, f"{gateway.id.lower()} {self._identities_made}"))
                self.identity_added(gateway)
        elif gateway.principal_id is not None:
            self.identity_removed(gateway.principal_id)
            gateway.principal_id = None

    def delete_gateway(self, gateway: Gateway) -> None:
        """Remove it, its test lines and its identity."""
        del self.gateways[gateway.subscription.lower(), gateway.group.lower(), gateway.name.lower()]
        if gateway.principal_id:
            self.identity_removed(gateway.principal_id)

    def operation(self, resource_id: str, location: str, state: TimedState | None = None) -> Operation:
        """Something for the client to poll. Without a state it is a deletion, which has a state of its own."""
        if state is None:
            state = TimedState(self.clock, DELETING.source)
            self._run(state, DELETING)
        operation = Operation(str(uuid.uuid4()), resource_id, location, self._now(), state)
        self.operations[operation.id] = operation
        return operation

    def show_gateway(self, gateway: Gateway, *, just_written: bool = False) -> dict[str, Any]:
        """As an answer shows it; counts as a read of its states, unless it answers the write itself."""
        body = copy.deepcopy(gateway.body)
        identity = body.pop("identity", None) or {"type": "None"}
        if gateway.principal_id:
            identity |= {"principalId": gateway.principal_id, "tenantId": self.tenant}
        properties = body.pop("properties", {})
        properties |= {
            "provisioningState": _show(gateway.provisioning, just_written),
            "status": _show(gateway.status, just_written),
            "autoGeneratedDomainNameLabel": gateway.label,
        }
        return {
            "id": self.spell(gateway.id),
            "name": gateway.name,
            "type": f"{NAMESPACE}/communicationsGateways",
            **body,
            "identity": identity,
            "systemData": gateway.system_data(),
            "properties": properties,
        }

    def show_test_line(self, gateway: Gateway, line: Resource, *, just_written: bool = False) -> dict[str, Any]:
        """As an answer shows it. `/TestLines/` is how Microsoft's examples spell it."""
        body = copy.deepcopy(line.body)
        properties = body.pop("properties", {})
        properties |= {"provisioningState": _show(line.provisioning, just_written)}
        return {
            "id": self.spell(f"{gateway.id}/TestLines/{line.name}"),
            "name": line.name,
            "type": f"{NAMESPACE}/communicationsGateways/testLines",
            **body,
            "systemData": line.system_data(),
            "properties": properties,
        }

    def spell(self, resource_id: str) -> str:
        """The id in the case that the options ask for."""
        case = self.options.arm_id_case
        return resource_id.lower() if case == "lower" else resource_id.upper() if case == "upper" else resource_id

    def _change(self, resource: Resource, body: dict[str, Any], caller: str) -> None:
        if isinstance(resource, Gateway) and not body.get("identity"):
            body["identity"] = resource.body.get("identity", {})
        resource.body = body
        resource.changed, resource.changed_by = self._now(), caller
        self._run(resource.provisioning, UPDATING)

    def _run(self, state: TimedState, transition: Transition) -> None:
        state.start(transition, seconds=self.options.operation_seconds, calls=self.options.operation_calls)

    def _label(self, gateway: Gateway) -> str:
        """By the scope, as the description of `autoGeneratedDomainNameLabelScope` says."""
        scope = gateway.body.get("properties", {}).get("autoGeneratedDomainNameLabelScope", "TenantReuse")
        parts = [gateway.name, self.tenant, gateway.subscription, gateway.group]
        depth = {"TenantReuse": 2, "SubscriptionReuse": 3, "ResourceGroupReuse": 4}.get(scope)
        seed = " ".join(parts[:depth]).lower() if depth else str(uuid.uuid4())
        return hashlib.sha256(seed.encode()).hexdigest()[:16]

    def _now(self) -> str:
        return timestamp(self.clock.now())


def _show(state: TimedState, just_written: bool) -> str:
    return state.entered if just_written else state.read()
