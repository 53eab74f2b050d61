"""The directory: applications of the world, service principals, app role assignments, users, domains."""

from __future__ import annotations

import base64
import copy
import hashlib
import re
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sandbox.microsoft.arm.state import NAMES
from sandbox.microsoft.clock import Clock, timestamp
from sandbox.microsoft.graph import errors
from sandbox.microsoft.options import Options
from sandbox.microsoft.transitions import REPLICATION, TimedState

PROJECT_SYNERGY = "eb63d611-525e-4a31-abd7-0cb33f679599"
NO_ROLE = "00000000-0000-0000-0000-000000000000"
"""The default app role, assignable only where the resource declares no roles."""
DOMAIN = re.compile(r"^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,63}|xn--[a-z0-9-]{0,58}[a-z0-9])$")


@dataclass
class Item:
    """A directory object and whether every replica has it."""

    body: dict[str, Any]
    visibility: TimedState

    def seen(self) -> bool:
        """Whether this read finds it."""
        return self.visibility.read() == REPLICATION.target


@dataclass
class Directory:
    """One tenant. Finders return None for what is not there, or not replicated yet."""

    clock: Clock
    options: Options
    tenant: str
    applications: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Multi-tenant and local applications by app id: displayName, appRoles, ownerTenant."""
    registrations: dict[str, dict[str, Any]] = field(default_factory=dict)
    """App registrations of the tenant's own by app id, as Graph's `application`."""
    service_principals: dict[str, Item] = field(default_factory=dict)
    """By object id."""
    assignments: dict[tuple[str, str, str], Item] = field(default_factory=dict)
    """By principal id, resource id and role id."""
    users: list[dict[str, Any]] = field(default_factory=list)
    domains: dict[str, Item] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)
    """Object ids of the service principals by app id."""
    _serial: int = 0

    def clear(self) -> None:
        """Forget everything."""
        self.applications.clear()
        self.registrations.clear()
        self.service_principals.clear()
        self._ids.clear()
        self.assignments.clear()
        self.users.clear()
        self.domains.clear()
        self._serial = 0

    def service_principal(self, object_id: str) -> dict[str, Any] | None:
        """By object id."""
        item = self.service_principals.get(object_id.lower())
        return self.with_roles(item.body) if item and item.seen() else None

    def service_principal_of(self, app_id: str) -> dict[str, Any] | None:
        """By app id."""
        item = self.principal_item(app_id)
        return self.with_roles(item.body) if item and item.seen() else None

    def principal_item(self, app_id: str) -> Item | None:
        """By app id, replicated or not: what a write sees."""
        return self.service_principals.get(self._ids.get(app_id.lower(), ""))

    def visible_service_principals(self) -> list[dict[str, Any]]:
        """All that are replicated, as a list shows them."""
        return [self.with_roles(item.body) for item in self.service_principals.values() if item.seen()]

    def with_roles(self, body: dict[str, Any]) -> dict[str, Any]:
        """A copy that has the app's roles, with the tenant's own id of Data.Read where the options set one."""
        shown = copy.deepcopy(body)
        other = self.options.data_read_role_id
        for role in shown.get("appRoles", []):
            if other and shown["appId"] == PROJECT_SYNERGY and role["value"] == "Data.Read":
                role["id"] = other
        return shown

    def add_service_principal(
        self,
        app_id: str,
        values: dict[str, Any],
        *,
        object_id: str | None = None,
        kind: str = "Application",
        lag: bool = True,
    ) -> dict[str, Any]:
        """Create one. Raises GraphError if the app is unknown or has one already."""
        application = self.applications.get(app_id.lower())
        if application is None:
            raise errors.no_application(app_id)
        if self.principal_item(app_id):
            raise errors.service_principal_exists(app_id)
        body = {
            "id": object_id or self._id(f"service principal {app_id}"),
            "deletedDateTime": None,
            "accountEnabled": True,
            "alternativeNames": [],
            "appId": application["appId"],
            "appDisplayName": application["displayName"],
            "appOwnerOrganizationId": application["ownerTenant"],
            "appRoleAssignmentRequired": False,
            "appRoles": copy.deepcopy(application.get("appRoles", [])),
            "displayName": application["displayName"],
            "servicePrincipalNames": [application["appId"]],
            "servicePrincipalType": kind,
            "signInAudience": "AzureADMultipleOrgs",
            "tags": [],
            **{name: value for name, value in values.items() if name not in ("appId", "id", "appRoles")},
        }
        self.service_principals[body["id"].lower()] = self._item(body, lag)
        self._ids[app_id.lower()] = body["id"].lower()
        return body

    def add_managed_identity(self, object_id: str, app_id: str, name: str, *, lag: bool = True) -> None:
        """The service principal that comes with a managed identity; its app is the identity's own."""
        self.applications[app_id.lower()] = {"appId": app_id, "displayName": name, "ownerTenant": self.tenant}
        self.add_service_principal(app_id, {}, object_id=object_id, kind="ManagedIdentity", lag=lag)

    def register(self, values: dict[str, Any]) -> dict[str, Any]:
        """An application of the tenant's own, with its service principal: its app registration is here too.

        `passwordCredentials` and `keyCredentials` may say in how many days they end, as `endsInDays`.
        """
        app_id = values["appId"]
        name = values.get("displayName", app_id)
        registered = self.registrations.setdefault(app_id.lower(), {})
        registered |= {"id": str(uuid.uuid5(NAMES, f"application {app_id}")), "appId": app_id, "displayName": name}
        for kind in ("passwordCredentials", "keyCredentials"):
            registered[kind] = [self._credential(one, kind, n) for n, one in enumerate(values.get(kind, []))]
        self.applications[app_id.lower()] = {"appId": app_id, "displayName": name, "ownerTenant": self.tenant}
        if self.principal_item(app_id) is None:
            object_id = str(uuid.uuid5(NAMES, f"service principal of {app_id}"))
            self.add_service_principal(app_id, {}, object_id=object_id, lag=False)
        return registered

    def _credential(self, values: dict[str, Any], kind: str, number: int) -> dict[str, Any]:
        ends = self.clock.now() + timedelta(days=values.get("endsInDays", 365))
        secret = {"hint": "s4n"}
        of_kind = secret if kind == "passwordCredentials" else {"type": "AsymmetricX509Cert", "usage": "Verify"}
        return {
            "displayName": values.get("displayName"),
            "endDateTime": timestamp(ends),
            "keyId": str(uuid.uuid5(NAMES, f"{kind} {number}")),
            "startDateTime": timestamp(ends - timedelta(days=365)),
            **of_kind,
        }

    def remove_service_principal(self, object_id: str) -> None:
        """Delete it with its assignments."""
        removed = self.service_principals.pop(object_id.lower(), None)
        if removed:
            del self._ids[removed.body["appId"].lower()]
        for key in [key for key in self.assignments if object_id.lower() in key]:
            del self.assignments[key]

    def user(self, key: str) -> dict[str, Any] | None:
        """By object id or user principal name."""
        for user in self.users:
            if key.lower() in (user["id"].lower(), user["userPrincipalName"].lower()):
                return user
        return None

    def assign(self, principal_id: str, resource_id: str, role_id: str) -> dict[str, Any]:
        """Assign an app role. Raises GraphError for a missing side, a role that does not fit, or a repetition."""
        resource = self.service_principal(resource_id)
        if resource is None:
            raise errors.not_found(resource_id)
        principal = self.user(principal_id) or self.service_principal(principal_id)
        if principal is None:
            raise errors.bad_reference(principal_id)
        kind = "User" if "userPrincipalName" in principal else "ServicePrincipal"
        roles = {role["id"].lower(): role for role in resource["appRoles"]}
        role = roles.get(role_id.lower())
        if role is None and not (role_id == NO_ROLE and not roles):
            raise errors.no_role()
        if role and {"User": "User", "ServicePrincipal": "Application"}[kind] not in role["allowedMemberTypes"]:
            raise errors.role_not_for(kind)
        key = (principal["id"].lower(), resource["id"].lower(), role_id.lower())
        if key in self.assignments:
            raise errors.already_assigned(self.options.duplicate_assignment)
        body = {
            "id": _assignment_id(*key),
            "deletedDateTime": None,
            "appRoleId": role_id.lower(),
            "createdDateTime": timestamp(self.clock.now()),
            "principalDisplayName": principal["displayName"],
            "principalId": principal["id"],
            "principalType": kind,
            "resourceDisplayName": resource["displayName"],
            "resourceId": resource["id"],
        }
        self.assignments[key] = self._item(body, lag=True)
        return body

    def assigned(self, side: str, object_id: str) -> list[dict[str, Any]]:
        """Replicated assignments with that `principalId` or `resourceId`."""
        position = 0 if side == "principalId" else 1
        owned = [item for key, item in self.assignments.items() if key[position] == object_id.lower()]
        return [item.body for item in owned if item.seen()]

    def domain(self, name: str) -> dict[str, Any] | None:
        """A domain of the tenant."""
        item = self.domains.get(name.lower())
        return item.body if item and item.seen() else None

    def add_domain(self, name: str, values: dict[str, Any] | None = None, *, lag: bool = True) -> dict[str, Any]:
        """Add a custom domain, unverified unless the tenant has verified a parent of it."""
        name = name.lower()
        if not DOMAIN.match(name):
            raise errors.invalid_domain(name)
        if name in self.domains:
            raise errors.domain_exists(name, self.options.duplicate_domain)
        above = [item.body for parent, item in self.domains.items() if name.endswith("." + parent)]
        proved = [body for body in above if body["isVerified"]]
        verified = bool(proved)
        body = {
            "id": name,
            # A subdomain takes on its parent's (MicrosoftDocs/OfficeDocs-SkypeForBusiness#10365).
            "authenticationType": proved[0]["authenticationType"] if proved else "Managed",
            "availabilityStatus": None,
            "isAdminManaged": True,
            "isDefault": False,
            "isInitial": False,
            "isRoot": not verified,
            "isVerified": verified,
            "manufacturer": None,
            "model": None,
            "passwordNotificationWindowInDays": None,
            "passwordValidityPeriodInDays": None,
            "state": None,
            "supportedServices": ["Email", "OfficeCommunicationsOnline"] if verified else [],
            **(values or {}),
        }
        self.domains[name] = self._item(body, lag)
        return body

    def verification_text(self, name: str) -> str:
        """The TXT value that proves the domain to this tenant: `MS=ms` and eight digits."""
        digest = hashlib.sha256(f"{self.tenant} {name.lower()}".encode()).hexdigest()
        return f"MS=ms{int(digest, 16) % 100_000_000:08d}"

    def domain_of_text(self, text: str) -> str | None:
        """The domain that is to be proved by that TXT value."""
        return next((name for name in self.domains if self.verification_text(name) == text), None)

    def _item(self, body: dict[str, Any], lag: bool) -> Item:
        visibility = TimedState(self.clock, REPLICATION.target)
        seconds, calls = self.options.replication_seconds, self.options.replication_calls
        if lag and (seconds is not None or calls is not None):
            visibility.start(REPLICATION, seconds=seconds, calls=calls)
        return Item(body, visibility)

    def _id(self, name: str) -> str:
        self._serial += 1
        return str(uuid.uuid5(NAMES, f"{self.tenant} {name} {self._serial}"))


def _assignment_id(*key: str) -> str:
    """Base64url without padding, as Graph's ids look."""
    digest = hashlib.sha256(" ".join(key).encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
