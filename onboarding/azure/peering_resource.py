"""A peering as Azure Resource Manager knows it: its id, the states of its connections, and those of its prefixes.

Source: Microsoft.Peering 2022-10-01 (peerings, registeredPrefixes); Microsoft Learn, "Azure Internet peering for
Communications Services walkthrough". Its lists of states are open: one that is new there is shown as it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onboarding.core.patterns import PEERING_ID, fits

PEERING_TYPE = "Microsoft.Peering/peerings"
ACTIVE = "active"
VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class PeeringId:
    """One peering."""

    subscription_id: str
    resource_group: str
    name: str

    @property
    def arm_id(self) -> str:
        """The resource id, as ARM wants it in a URL path."""
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/{PEERING_TYPE}/{self.name}"
        )

    @classmethod
    def parse(cls, arm_id: str) -> PeeringId | None:
        """Read a resource id; None when it is no peering's."""
        if not fits(PEERING_ID, arm_id):
            return None
        _, _, subscription, _, group, _, _, _, name = arm_id.split("/")
        return cls(subscription, group, name)


@dataclass(frozen=True, slots=True)
class PeeringStanding:
    """How far a peering is, as it was read."""

    connections: tuple[str, ...]
    """`connectionState` of each connection: PendingApproval, ProvisioningStarted, Active …"""
    prefixes: tuple[tuple[str, str], ...]
    """Each registered prefix and its `prefixValidationState`: Pending, Verified, Failed …"""

    @classmethod
    def of(cls, peering: Mapping[str, Any], prefixes: Sequence[Mapping[str, Any]]) -> PeeringStanding:
        """Of ARM's bodies."""
        properties = peering.get("properties") or {}
        connections = [
            one
            for way in ("direct", "exchange")
            for one in (properties.get(way) or {}).get("connections") or ()
            if isinstance(one, Mapping)
        ]
        return cls(
            tuple(str(one.get("connectionState") or "not given") for one in connections),
            tuple(
                (
                    str((one.get("properties") or {}).get("prefix") or one.get("name") or "a prefix"),
                    str((one.get("properties") or {}).get("prefixValidationState") or "not given"),
                )
                for one in prefixes
            ),
        )

    @property
    def ready(self) -> bool:
        """Every connection is Active, and every registered prefix Verified; there is at least one of each."""
        connected = bool(self.connections) and all(state.lower() == ACTIVE for state in self.connections)
        return connected and bool(self.prefixes) and all(state.lower() == VERIFIED for _, state in self.prefixes)
