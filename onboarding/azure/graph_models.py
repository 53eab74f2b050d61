"""As much of Graph's objects as we read, and what they are called in the ports. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from onboarding.azure.answers import MicrosoftCall, unexpected_answer
from onboarding.core.patterns import TXT_VALUE, fits
from onboarding.ports import AppCredential, AppRole, Domain, ServicePrincipal, TxtRecord

M = TypeVar("M", bound="GraphBody")


class GraphBody(BaseModel):
    """A JSON object of Graph. What we don't read is ignored."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore", defer_build=True)

    @classmethod
    def read(cls: type[M], call: MicrosoftCall, body: Any) -> M:
        """From an answer's body. Raises TryLaterError when it isn't what Graph describes."""
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, e["loc"])) or "body" for e in error.errors())
            raise unexpected_answer(call, f"unexpected or missing: {fields}") from None


class AppRoleBody(GraphBody):
    """appRole"""

    id: str
    value: str | None = None
    display_name: str | None = None
    allowed_member_types: tuple[str, ...] = ()
    is_enabled: bool = True


class ServicePrincipalBody(GraphBody):
    """servicePrincipal"""

    id: str
    app_id: str
    display_name: str | None = None
    app_roles: tuple[AppRoleBody, ...] = ()
    account_enabled: bool | None = None
    service_principal_type: str | None = None

    @property
    def principal(self) -> ServicePrincipal:
        """Roles that are switched off are left out: they can't be assigned."""
        roles = tuple(
            AppRole(
                id=role.id,
                value=role.value or "",
                display_name=role.display_name or "",
                for_users="User" in role.allowed_member_types,
                for_applications="Application" in role.allowed_member_types,
            )
            for role in self.app_roles
            if role.is_enabled
        )
        kind = self.service_principal_type or ""
        return ServicePrincipal(self.id, self.app_id, self.display_name or "", roles, self.account_enabled, kind)


class CredentialBody(GraphBody):
    """passwordCredential or keyCredential. Of a secret only its hint is ever shown, which is not read."""

    display_name: str | None = None
    end_date_time: AwareDatetime | None = None


class ApplicationBody(GraphBody):
    """application"""

    password_credentials: tuple[CredentialBody, ...] = ()
    key_credentials: tuple[CredentialBody, ...] = ()

    @property
    def credentials(self) -> tuple[AppCredential, ...]:
        kinds = (("secret", self.password_credentials), ("certificate", self.key_credentials))
        return tuple(AppCredential(kind, c.display_name or "", c.end_date_time) for kind, all_ in kinds for c in all_)


class ObjectBody(GraphBody):
    """Any directory object"""

    id: str
    account_enabled: bool | None = None
    """Of users and service principals, when it was asked for."""
    display_name: str | None = None
    """Of users, when it was asked for; and so is the next."""
    mail: str | None = None


class AssignmentBody(GraphBody):
    """appRoleAssignment"""

    app_role_id: str
    resource_id: str | None = None
    principal_id: str | None = None


TAKEOVER_SCHEDULED = "EmailVerifiedDomainTakeoverScheduled"
"""A domain's `availabilityStatus`, in the answer to `verify` only (Microsoft Graph, resource type domain)."""


class DomainStateBody(GraphBody):
    """domainState: what Microsoft is doing to a domain by itself."""

    operation: str | None = None
    status: str | None = None

    @property
    def deletes(self) -> bool:
        """Whether the domain is about to go. A deletion that `Failed` does not take it away."""
        under_way = (self.status or "").lower() in ("scheduled", "inprogress")
        return under_way and (self.operation or "").lower() == "forcedelete"


class DomainBody(GraphBody):
    """domain. `is_verified` is missing in some answers."""

    id: str
    is_verified: bool | None = None
    availability_status: str | None = None
    authentication_type: str | None = None
    state: DomainStateBody | None = None


class DnsRecordBody(GraphBody):
    """domainDnsRecord. Only its derived type domainDnsTxtRecord has `text`."""

    record_type: str | None = None
    label: str | None = None
    text: str | None = None
    ttl: int = 3600


def held_roles(assignments: Iterable[AssignmentBody], application_id: str) -> frozenset[str]:
    """Ids of that application's roles among the assignments."""
    return frozenset(a.app_role_id for a in assignments if same(a.resource_id, application_id))


def domain_from_graph(name: str, body: DomainBody, records: Iterable[DnsRecordBody]) -> Domain:
    """A domain with its verification record."""
    return Domain(
        name=name,
        is_verified=bool(body.is_verified),
        txt_record=verification_record(name, records),
        being_deleted=body.state is not None and body.state.deletes,
        federated=(body.authentication_type or "").lower() == "federated",
    )


def verification_record(domain: str, records: Iterable[DnsRecordBody]) -> TxtRecord | None:
    """The TXT record among Graph's verification records; None when it isn't there."""
    for record in records:
        if (record.record_type or "").lower() == "txt" and fits(TXT_VALUE, record.text or ""):
            name = domain if record.label in (None, "", "@") else record.label
            return TxtRecord(name=name or domain, value=record.text or "", ttl=record.ttl)
    return None


def same(one: str | None, other: str | None) -> bool:
    """Whether two object ids are the same, in whatever case."""
    return (one or "").lower() == (other or "").lower()


def listed_values(call: MicrosoftCall, body: Mapping[str, Any]) -> list[Any]:
    """The items of a page."""
    found = body.get("value")
    if not isinstance(found, list):
        raise unexpected_answer(call, "a list without `value`")
    return found
