"""Microsoft Entra in memory: applications, users, roles and domains of one tenant."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from onboarding.memory.dns import MemoryDns
from onboarding.memory.faults import Faults
from onboarding.ports import (
    AppCredential,
    AppRole,
    Domain,
    OwnPermissions,
    Principal,
    RoleStanding,
    ServicePrincipal,
    TxtRecord,
)
from onboarding.steps.operator_connect import ADMIN_ROLE, APPLICATION_ROLES, PROJECT_SYNERGY_APP_ID

PROJECT_SYNERGY_ROLES: tuple[AppRole, ...] = (
    AppRole("00000000-0000-0000-0000-00000000ad31", ADMIN_ROLE, ADMIN_ROLE, for_users=True, for_applications=False),
    *(AppRole(i, value, value, for_users=False, for_applications=True) for value, i in APPLICATION_ROLES.items()),
)


class MemoryDirectory:
    """A port `Directory`.

    What is made shows only after `lag` reads have missed it (replication). A domain is verified when every server
    of `dns` has its TXT value, or when `verifiable` says so.
    """

    def __init__(self, dns: MemoryDns, writes: list[tuple[str, ...]] | None = None) -> None:
        self.offers: dict[str, tuple[AppRole, ...]] = {PROJECT_SYNERGY_APP_ID: PROJECT_SYNERGY_ROLES}
        """App id → the roles that Microsoft's application has in every tenant."""
        self.service_principals: dict[str, ServicePrincipal] = {}
        """By object id."""
        self.registered: dict[str, tuple[AppCredential, ...]] = {}
        """Lower-case client id of an application of the tenant's own → its secrets and certificates."""
        self.users: dict[str, str] = {}
        """Lower-case user principal name → object id."""
        self.profiles: dict[str, tuple[str, str | None]] = {}
        """Object id of a user → their name and their address."""
        self.held: dict[tuple[str, str], set[str]] = {}
        """(object id of the principal, of the application) → ids of the roles held."""
        self.disabled: set[str] = set()
        """Object ids of users and service principals that are switched off."""
        self.granted: set[str] | None = None
        """Application permissions that a token of this application has; None: it does not say."""
        self.domains: dict[str, Domain] = {}
        self.verifiable: bool | None = None
        """Whether verifying succeeds; None: as the DNS says."""
        self.lag = 0
        self.writes: list[tuple[str, ...]] = [] if writes is None else writes
        self.faults = Faults()
        self._dns = dns
        self._hidden: dict[str, int] = {}

    def add_user(self, name: str) -> str:
        """Put a user there; the object id."""
        self.users[name.lower()] = user_id(name)
        return self.users[name.lower()]

    def add_identity(self, object_id: str, display_name: str) -> ServicePrincipal:
        """Put the service principal of a managed identity there."""
        made = ServicePrincipal(object_id, f"app-{_digest(object_id)}", display_name, kind="ManagedIdentity")
        self.service_principals[object_id] = made
        return made

    def register(self, client_id: str, display_name: str, *credentials: AppCredential) -> ServicePrincipal:
        """Put an application of the tenant's own there, with its service principal."""
        made = ServicePrincipal(service_principal_id(client_id), client_id, display_name, kind="Application")
        self.service_principals[made.id] = made
        self.registered[client_id.lower()] = credentials
        return made

    def replicate(self) -> None:
        """Let every read see everything, from now on."""
        self.lag = 0
        self._hidden.clear()

    async def own_permissions(self) -> OwnPermissions | None:
        """What a new token of this application says; None: it does not say."""
        self.faults.raise_next("own_permissions")
        return None if self.granted is None else OwnPermissions(frozenset(self.granted), "the-application")

    async def application(self, app_id: str) -> ServicePrincipal | None:
        """The service principal of that application id; None when the tenant has none."""
        self.faults.raise_next("application")
        return self._application(app_id)

    async def add_application(self, app_id: str, display_name: str) -> ServicePrincipal:
        """Create it. One that exists already is success."""
        self.faults.raise_next("add_application")
        for existing in self.service_principals.values():
            if existing.app_id.lower() == app_id.lower():
                return self._with_account(existing)
        made = ServicePrincipal(f"sp-{_digest(app_id)}", app_id, display_name, self.offers.get(app_id, ()), True)
        self.service_principals[made.id] = made
        self._hide(made.id)
        self.writes.append(("add_application", app_id))
        return made

    async def credentials(self, app_id: str) -> Sequence[AppCredential] | None:
        """The secrets and certificates of an application of this tenant; None when its own object is not here."""
        self.faults.raise_next("credentials")
        return self.registered.get(app_id.lower())

    async def service_principal(self, object_id: str) -> ServicePrincipal | None:
        """The service principal with that object id."""
        self.faults.raise_next("service_principal")
        found = self.service_principals.get(object_id)
        return self._with_account(found) if found and self._shown(found.id) else None

    async def role_standing(self, principal: Principal, app_id: str) -> RoleStanding:
        """The application, the principal and the roles it holds."""
        self.faults.raise_next("role_standing")
        application = self._application(app_id)
        principal_id = self._principal_id(principal)
        held: frozenset[str] = frozenset()
        if application and principal_id and self._shown(f"{principal_id}/{application.id}"):
            held = frozenset(self.held.get((principal_id, application.id), ()))
        enabled = principal_id not in self.disabled if principal_id else None
        name, mail = self.profiles.get(principal_id or "", (None, None))
        return RoleStanding(application, principal_id, held, enabled, name, mail)

    async def assign_roles(self, application: ServicePrincipal, principal_id: str, role_ids: Sequence[str]) -> None:
        """Grant roles of that application. Those held already are success."""
        self.faults.raise_next("assign_roles")
        held = self.held.setdefault((principal_id, application.id), set())
        new = [role_id for role_id in role_ids if role_id not in held]
        held.update(new)
        if new:
            self._hide(f"{principal_id}/{application.id}")
            self.writes.append(("assign_roles", principal_id, *new))

    async def domain(self, name: str) -> Domain | None:
        """The domain and its verification record."""
        self.faults.raise_next("domain")
        return self._domain(name)

    async def add_domain(self, name: str) -> Domain | None:
        """Add it; None when it does not show yet. One that exists already is success."""
        self.faults.raise_next("add_domain")
        if name.lower() not in self.domains:
            value = txt_value(name)
            record = TxtRecord(name=name.lower(), value=value, ttl=3600)
            self.domains[name.lower()] = Domain(name.lower(), False, record)
            self._hide(name.lower())
            self.writes.append(("add_domain", name.lower()))
        return self._domain(name)

    async def verify_domain(self, name: str) -> bool:
        """Verify it now. True when it is verified."""
        self.faults.raise_next("verify_domain")
        found = self.domains[name.lower()]
        if not found.is_verified:
            self.writes.append(("verify_domain", name.lower()))
            seen = found.txt_record is not None and self._dns.visible(found.txt_record.name, found.txt_record.value)
            verified = seen if self.verifiable is None else self.verifiable
            self.domains[name.lower()] = replace(found, is_verified=verified)
        return self.domains[name.lower()].is_verified

    def _application(self, app_id: str) -> ServicePrincipal | None:
        found = [s for s in self.service_principals.values() if s.app_id.lower() == app_id.lower()]
        return self._with_account(found[0]) if found and self._shown(found[0].id) else None

    def _with_account(self, found: ServicePrincipal) -> ServicePrincipal:
        return replace(found, enabled=found.id not in self.disabled)

    def _principal_id(self, principal: Principal) -> str | None:
        if principal.kind == "users":
            ids = {user_id: user_id for user_id in self.users.values()}
            return self.users.get(principal.ref.lower()) or ids.get(principal.ref)
        found = self.service_principals.get(principal.ref)
        return found.id if found and self._shown(found.id) else None

    def _domain(self, name: str) -> Domain | None:
        found = self.domains.get(name.lower())
        return found if found and self._shown(name.lower()) else None

    def _hide(self, key: str) -> None:
        self._hidden[key] = self.lag

    def _shown(self, key: str) -> bool:
        """Whether a read sees it: each one before that brings it nearer."""
        left = self._hidden.get(key, 0)
        self._hidden[key] = max(0, left - 1)
        return left == 0


def user_id(name: str) -> str:
    """The object id that the twin gives a user."""
    return f"user-{_digest(name.lower())}"


def service_principal_id(client_id: str) -> str:
    """The object id that the twin gives the service principal of an application of the tenant's own."""
    return f"sp-{_digest(client_id.lower())}"


def txt_value(domain: str) -> str:
    """The value with which the twin has a domain proved."""
    return f"MS=ms{int(_digest(domain.lower()), 16) % 10**8:08d}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
