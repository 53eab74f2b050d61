"""Microsoft.Peering, as much of it as is read: a peering, and its registered prefixes.

The shape is that of the stable version 2022-10-01, of which the description has these two reads and no more: each
answer is checked against it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.microsoft.arm.errors import ArmError
from sandbox.microsoft.exchange import Answer, Request

READ = re.compile(
    r"^(?P<id>/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)/providers/microsoft\.peering"
    r"/peerings/(?P<name>[^/]+))(?P<prefixes>/registeredprefixes)?$",
    re.IGNORECASE,
)


@dataclass
class PeeringState:
    """How far each peering is."""

    peerings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By lower-case name: `connections`, a list of states, and `prefixes`, each with its state."""

    def put(self, values: dict[str, Any]) -> dict[str, Any]:
        """Add one or change it; `"remove": true` takes it away."""
        name = str(values["name"]).lower()
        if values.get("remove"):
            self.peerings.pop(name, None)
            return {}
        known = self.peerings.setdefault(name, {"connections": [], "prefixes": {}})
        known.update({part: values[part] for part in ("connections", "prefixes") if part in values})
        return known

    def answer(self, request: Request) -> Answer | None:
        """To a read of one; None for any other request."""
        found = READ.match(request.path)
        if found is None or request.method != "GET":
            return None
        peering = self.peerings.get(found["name"].lower())
        if peering is None:
            what = f"The Resource 'Microsoft.Peering/peerings/{found['name']}' was not found."
            raise ArmError(404, "ResourceNotFound", what)
        if found["prefixes"]:
            prefixes = enumerate(peering["prefixes"].items())
            return Answer(200, {"value": [_prefix(found["id"], number, one) for number, one in prefixes]})
        return Answer(200, _shown(found["id"], found["name"], peering["connections"]))


def _shown(arm_id: str, name: str, states: list[str]) -> dict[str, Any]:
    connections = [
        {"connectionIdentifier": f"{name}-{n}", "connectionState": state, "bandwidthInMbps": 10000}
        for n, state in enumerate(states, 1)
    ]
    return {
        "id": arm_id,
        "name": name,
        "type": "Microsoft.Peering/peerings",
        "kind": "Direct",
        "location": "westeurope",
        "sku": {"name": "Premium_Direct_Free", "tier": "Premium", "family": "Direct", "size": "Free"},
        "properties": {
            "provisioningState": "Succeeded",
            "peeringLocation": "Amsterdam",
            "direct": {"connections": connections, "directPeeringType": "Voice", "useForPeeringService": True},
        },
    }


def _prefix(arm_id: str, number: int, prefix: tuple[str, str]) -> dict[str, Any]:
    return {
        "id": f"{arm_id}/registeredPrefixes/prefix{number}",
        "name": f"prefix{number}",
        "type": "Microsoft.Peering/peerings/registeredPrefixes",
        "properties": {
            "prefix": prefix[0],
            "prefixValidationState": prefix[1],
            "peeringServicePrefixKey": f"00000000-0000-0000-0000-{number:012d}",
            "provisioningState": "Succeeded",
        },
    }
