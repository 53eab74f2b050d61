"""Who a gateway is: its ARM id, and the onboarding id that derives from it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

PROVIDER = "Microsoft.VoiceServices"
GATEWAY_TYPE = f"{PROVIDER}/communicationsGateways"

_ARM_ID = re.compile(
    r"^/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.VoiceServices?/communicationsGateways/(?P<name>[^/]+)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class GatewayId:
    """One Azure Communications Gateway resource.

    ARM compares every part of an id without regard to case, so `key` (lower case) is what is compared.
    """

    subscription_id: str
    resource_group: str
    name: str

    @property
    def arm_id(self) -> str:
        """The resource id, as ARM wants it in a URL path."""
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/{GATEWAY_TYPE}/{self.name}"
        )

    @property
    def key(self) -> str:
        """The same for the same resource, however its id is spelt."""
        return self.arm_id.lower()

    @property
    def onboarding_id(self) -> str:
        """The gateway's name, made unique: `contoso-acg-1f0e9d8c7b`. Safe as a table key and in a URL."""
        return f"{self.name.lower()}-{hashlib.sha256(self.key.encode()).hexdigest()[:10]}"

    def test_line_arm_id(self, line_name: str) -> str:
        """The resource id of one of its test lines."""
        return f"{self.arm_id}/testLines/{line_name}"

    @classmethod
    def parse(cls, arm_id: str) -> GatewayId | None:
        """Read an id from an answer of ARM, in any case; None when it is no gateway's.

        Microsoft's own examples also spell the provider `Microsoft.VoiceService` (swagger, Get example).
        """
        found = _ARM_ID.match(arm_id)
        return cls(found["subscription"], found["group"], found["name"]) if found else None
