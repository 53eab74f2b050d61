"""Which application permissions a Graph call needs, by Microsoft's own table (`graph-permissions.json`)."""

from __future__ import annotations

import re
from functools import cache

from sandbox.microsoft.specs import graph_permissions

ALSO = re.compile(r"^(?P<name>\S+)(?: \[AlsoRequires=(?P<also>[^\]]+)\])?$")


@cache
def alternatives(method: str, template: str) -> tuple[frozenset[str], ...]:
    """Sets of permissions, any one of which is enough. Raises KeyError for a call the table does not have.

    `A [AlsoRequires=B,C]` means A with B or with C. A higher permission stands in for the first least one, and
    so also requires what that one does: Application.ReadWrite.All alone assigns no app role.
    """
    row = graph_permissions()[f"{method} {_normal(template)}"]
    least = [_parse(text) for text in row["least"]]
    _, first_also = least[0]
    pairs = least + [(name, first_also) for name in row["higher"]]
    return tuple(frozenset({name, also} - {""}) for name, alsos in pairs for also in (alsos or [""]))


def allowed(method: str, template: str, granted: set[str]) -> bool:
    """Whether the granted permissions are enough for the call."""
    return any(needed <= granted for needed in alternatives(method, template))


def _parse(text: str) -> tuple[str, list[str]]:
    found = ALSO.match(text)
    if found is None:
        raise ValueError(f"Cannot read the permission {text!r} in graph-permissions.json.")
    return found["name"], found["also"].split(",") if found["also"] else []


def _normal(template: str) -> str:
    """`/servicePrincipals(appId='{appId}')` → `/serviceprincipals(appid={value})`; other parameters → `{id}`."""
    text = template.lower().replace("'{appid}'", "{value}")
    return re.sub(r"\{(?!value\})[^}]+\}", "{id}", text)
