"""Who needs which permission for which call: `permissions.json`, read once.

The table stands once. Errors name the missing permission and the command that grants it from here; the scripts in
`infra/permissions` grant it; docs/permissions.md and the journeys are compared with it by tests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

TABLE: Mapping[str, Any] = json.loads(Path(__file__).with_name("permissions.json").read_text(encoding="utf-8"))


class ProjectSynergyBy(StrEnum):
    """Who adds Project Synergy to the tenant: one write in the tenant's life, for which the application would else
    hold a permission that is worth a Global Administrator (docs/permissions.md)."""

    APPLICATION = "application"
    ADMINISTRATOR = "administrator"
    """By `infra/permissions/add-project-synergy.sh`, once. The application only reads applications."""


class ChangesBy(StrEnum):
    """Who makes the changes at Microsoft."""

    APPLICATION = "application"
    PEOPLE = "people"
    """By hand, with commands that are shown. The application only reads."""


def rows(kind: str, by: ProjectSynergyBy, changes: ChangesBy = ChangesBy.APPLICATION) -> list[Mapping[str, Any]]:
    """The rows of `permissions` or of `calls` that there are when Project Synergy is added, and changes are made, by
    those. Where people make the changes, the application adds nothing either."""
    synergy = by if changes is ChangesBy.APPLICATION else TABLE["changes"]["peopleAs"]
    return [
        row
        for row in TABLE[kind]
        if row.get("projectSynergyBy", synergy) == synergy and row.get("changesBy", changes) == changes
    ]


def _needed(by: ProjectSynergyBy, changes: ChangesBy = ChangesBy.APPLICATION) -> Mapping[str, tuple[str, ...]]:
    held = rows("permissions", by, changes)
    granted = {name: row["value"] for row in held for name in (row["value"], *row.get("contains", ()))}
    return {row["call"]: tuple(granted[name] for name in row["needs"]) for row in rows("calls", by, changes)}


NEEDED_BY: Mapping[ProjectSynergyBy, Mapping[str, tuple[str, ...]]] = {by: _needed(by) for by in ProjectSynergyBy}
NEEDED = NEEDED_BY[ProjectSynergyBy.APPLICATION]
"""Call to Microsoft Graph → the application permissions that it needs, of those that all our calls need together."""
NEEDED_BY_HAND: Mapping[str, tuple[str, ...]] = _needed(ProjectSynergyBy.ADMINISTRATOR, ChangesBy.PEOPLE)
"""The same where people make all changes: the application reads, and sends e-mail."""
IN_EXCHANGE: Mapping[str, str] = {
    row["value"]: row["exchangeRole"] for row in TABLE["permissions"] if row["grantedIn"] == "exchange"
}
"""Permission → the role of Exchange (RBAC for Applications) that gives it for one mailbox in place of all."""
ADD_PROJECT_SYNERGY_COMMAND = "infra/permissions/add-project-synergy.sh"
"""The command by which an administrator adds Project Synergy to the tenant."""
IDENTITY = "<client id of the managed identity>"
"""Stands in a command where the application doesn't know it: a system-assigned identity has no setting for it."""


WIDTHS: Mapping[str, int] = {"subscription": 2, "resourceGroup": 4, "dnsZone": 8, "peering": 8}
"""Scope of a role of our own → how many segments of a resource id it has."""


@dataclass(frozen=True, slots=True)
class AzureRole:
    """An Azure role of our own, and how wide a scope it is assigned on."""

    title: str
    scope: str
    """`subscription`, `resourceGroup`, `dnsZone` or `peering`."""

    def name(self, path: str) -> str:
        """Its name for a path that begins with `/subscriptions/…`: it is made for each of these."""
        return self.title.replace("{subscription}", path.split("/")[2])

    def on(self, path: str) -> str:
        """The scope of that width around a path."""
        segments = path.strip("/").split("/")
        return "/" + "/".join(segments[: WIDTHS[self.scope]])


def _azure_roles(identity: str) -> Mapping[str, AzureRole]:
    return {
        call: AzureRole(row["role"], row["scope"])
        for row in TABLE["azureRoles"]
        if identity in row["identities"]
        for call in row.get("calls", ())
    }


FRONT_ROLES: Mapping[str, AzureRole] = _azure_roles("front")
"""Call to Azure Resource Manager → the role that the front needs for it, which only looks."""
AZURE_ROLES: Mapping[str, AzureRole] = {**FRONT_ROLES, **_azure_roles("steps")}
"""The same of an app that has the steps too."""


def needed_for(call: str, by: ProjectSynergyBy, changes: ChangesBy) -> tuple[str, ...]:
    """What a call needs, of what the application holds there; empty: the table does not know the call."""
    return (NEEDED_BY[by] if changes is ChangesBy.APPLICATION else NEEDED_BY_HAND).get(call, ())


def grant_graph(
    identity: str | None,
    permissions: tuple[str, ...],
    by: ProjectSynergyBy = ProjectSynergyBy.APPLICATION,
    changes: ChangesBy = ChangesBy.APPLICATION,
) -> str:
    """The command that grants application permissions of Microsoft Graph."""
    if changes is ChangesBy.PEOPLE:
        other = f" --changes-by {changes}"
    else:
        other = "" if by is ProjectSynergyBy.APPLICATION else f" --project-synergy-by {by}"
    return f"infra/permissions/grant.sh --identity {_quoted(identity)}{other} --only {','.join(permissions)}"


def grant_mail(identity: str | None) -> str:
    """The command that allows sending as one mailbox."""
    return (
        f"infra/permissions/grant-mail.ps1 -Identity {_quoted(identity)} -ObjectId <its object id>"
        " -Mailbox <ONBOARDING_MAIL_SENDER>"
    )


def grant_azure(identity: str | None, role: str, scope: str) -> str:
    """The command that assigns an Azure role."""
    return f'az role assignment create --assignee {_quoted(identity)} --role "{role}" --scope {scope}'


def _quoted(identity: str | None) -> str:
    return identity or f'"{IDENTITY}"'
