"""Who is calling, and what they may do.

In Azure the platform signs people in (App Service authentication) and hands their principal over in a header. It is
believed only while the platform says that its authentication is on: it then removes what callers write there
themselves, and otherwise anybody could. On a laptop a setting chooses one of the sandbox's users.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import azure.functions as func


class Role(StrEnum):
    """App roles of this application's own registration in Microsoft Entra."""

    READ = "Onboarding.Read"
    """See onboardings."""
    SUBMIT = "Onboarding.Submit"
    """Request onboardings."""
    APPROVE = "Onboarding.Approve"
    """Confirm checkpoints, and report problems with them."""
    OPERATE = "Onboarding.Operate"
    """Retry, check, cancel."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who signed in."""

    name: str
    """For the audit trail: the user principal name, or the object id of a program."""
    roles: frozenset[Role]
    sandbox: bool = False

    def may(self, role: Role) -> bool:
        """Whether they hold a role. Every role includes seeing."""
        return role in self.roles or (role is Role.READ and bool(self.roles))


SANDBOX_USERS: Mapping[str, Caller] = {
    name: Caller(f"{name}@contoso.com", frozenset(roles), sandbox=True)
    for name, roles in {
        "olga.operator": tuple(Role),
        "adam.approver": (Role.READ, Role.APPROVE),
        "sam.submitter": (Role.READ, Role.SUBMIT),
        "rita.reader": (Role.READ,),
        "nick.nobody": (),
    }.items()
}
"""Who can be chosen on a laptop: one for each way of working, and one without any role."""

SANDBOX_COOKIE = "sandbox-user"
_PRINCIPAL = "x-ms-client-principal"
_ROLE_CLAIMS = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")
_NAME_CLAIMS = (
    "preferred_username",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "name",
    "http://schemas.microsoft.com/identity/claims/objectidentifier",
    "oid",
)


def caller_of(request: func.HttpRequest, environ: Mapping[str, str], sandbox_user: str | None) -> Caller | None:
    """The caller; None when nobody is signed in."""
    if environ.get("WEBSITE_AUTH_ENABLED", "").lower() == "true":
        return read_principal(request.headers.get(_PRINCIPAL))
    if sandbox_user and not in_azure(environ):
        return SANDBOX_USERS.get(_cookie(request, SANDBOX_COOKIE) or sandbox_user)
    return None


def in_azure(environ: Mapping[str, str]) -> bool:
    """Whether this process runs on App Service or Functions in Azure (both set these)."""
    return bool(environ.get("WEBSITE_INSTANCE_ID") or environ.get("CONTAINER_NAME"))


def read_principal(header: str | None) -> Caller | None:
    """The caller in an X-MS-CLIENT-PRINCIPAL header (base64 of JSON); None when there is none or it can't be read.

    Source: Microsoft Learn, "Work with user identities in Azure App Service authentication".
    """
    if not header:
        return None
    try:
        body = json.loads(base64.b64decode(header, validate=True))
        claims = [(str(c["typ"]), str(c["val"])) for c in body["claims"]]
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None
    role_types = {*_ROLE_CLAIMS, str(body.get("role_typ"))}
    roles = frozenset(Role(value) for kind, value in claims if kind in role_types and value in set(Role))
    found = dict(reversed(claims))
    name = next((found[kind] for kind in _NAME_CLAIMS if found.get(kind)), "an unnamed user")
    return Caller(name[:254], roles)


def _cookie(request: func.HttpRequest, name: str) -> str | None:
    from http.cookies import CookieError, SimpleCookie

    try:
        morsel = SimpleCookie(request.headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return morsel.value if morsel else None
