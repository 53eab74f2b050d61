"""Peerings in memory: how far each is."""

from __future__ import annotations

from onboarding.azure.peering_resource import PeeringId, PeeringStanding
from onboarding.memory.faults import Faults

READY = PeeringStanding(("Active", "Active"), (("198.51.100.0/24", "Verified"),))
"""As a peering is at last."""


class MemoryPeerings:
    """A port `Peerings`. Found whatever the case of their ids."""

    def __init__(self) -> None:
        self.standings: dict[str, PeeringStanding] = {}
        """Lower-case resource id → how far it is."""
        self.faults = Faults()

    def put(self, peering: str, standing: PeeringStanding = READY) -> None:
        """Set how far it is."""
        self.standings[peering.lower()] = standing

    async def standing(self, peering: PeeringId) -> PeeringStanding | None:
        """How far it is; None when there is no such resource."""
        self.faults.raise_next("standing")
        return self.standings.get(peering.arm_id.lower())
