"""What an identity may do in Azure, as Azure tells it itself. Pure.

Source: Microsoft.Authorization, "Permissions - List For Resource" (2022-04-01): all that the caller's roles give there.
Microsoft Learn, "Understand Azure role definitions": what a role does not give, another one may.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PERMISSIONS_API_VERSION = "2022-04-01"
PERMISSIONS_PATH = "/providers/Microsoft.Authorization/permissions"
"""Behind the id of a resource."""


@dataclass(frozen=True, slots=True)
class AzurePermission:
    """What one role gives: these actions, but not those. `*` stands for anything."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> AzurePermission:
        """As Azure answers it."""
        return cls(_texts(item.get("actions")), _texts(item.get("notActions")))

    def gives(self, action: str) -> bool:
        return _any(self.actions, action) and not _any(self.not_actions, action)


def is_given(permissions: Sequence[AzurePermission], action: str) -> bool:
    """Whether one of them gives it."""
    return any(one.gives(action) for one in permissions)


def action_of(operation: str) -> str:
    """The action that a write needs: `PUT Namespace/things/{thing}/parts/{part}` → `Namespace/things/parts/write`."""
    kinds = re.sub(r"/\{\w+\}", "", operation.removeprefix("PUT "))
    return f"{kinds}/write"


def _any(patterns: Sequence[str], action: str) -> bool:
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) for pattern in patterns
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
