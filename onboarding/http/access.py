"""Who is calling, and what they may do.

In Azure the platform signs people in (App Service authentication) and hands their principal over in a header. It is
believed only while the platform says that its authentication is on: it then removes what callers write there
themselves, and otherwise anybody could. On a laptop a setting chooses one of the sandbox's users.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import azure.functions as func

from onboarding.core.roles import Role
from onboarding.settings import in_azure


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
NAME_LENGTH = 254

_PRINCIPAL = "x-ms-client-principal"
_ENTRA = "aad"
_ROLE_CLAIMS = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")
_NAME_CLAIMS = (
    "preferred_username",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "name",
    "http://schemas.microsoft.com/identity/claims/objectidentifier",
    "oid",
)


def caller_of(request: func.HttpRequest, environ: Mapping[str, str], sandbox_user: str | None) -> Caller | None:
    """The caller; None when nobody is signed in."""
    if platform_signs_in(environ):
        return read_principal(request.headers.get(_PRINCIPAL))
    if sandbox_user and not in_azure(environ):
        return SANDBOX_USERS.get(_cookie(request, SANDBOX_COOKIE) or sandbox_user)
    return None


def platform_signs_in(environ: Mapping[str, str]) -> bool:
    """Whether App Service authentication is on: it then answers below `/.auth` and names the caller in a header."""
    return environ.get("WEBSITE_AUTH_ENABLED", "").strip().lower() == "true"


def read_principal(header: str | None) -> Caller | None:
    """The caller in an X-MS-CLIENT-PRINCIPAL header (base64 of JSON); None when there is none or it can't be read.

    Only Microsoft Entra hands out this application's roles: those that another identity provider writes into its
    claims count for nothing.
    Source: Microsoft Learn, "Work with user identities in Azure App Service authentication".
    """
    if not header:
        return None
    try:
        body = json.loads(base64.b64decode(header, validate=True).decode("utf-8"))
        claims = [(str(c["typ"]), str(c["val"])) for c in body["claims"]]
        named = (body.get("auth_typ"), body.get("role_typ"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return Caller(_name(claims), frozenset(_roles(claims, *named)))


def _roles(claims: list[tuple[str, str]], provider: Any, role_type: Any) -> Iterator[Role]:
    if provider != _ENTRA:
        return
    for kind, value in claims:
        if (kind in _ROLE_CLAIMS or kind == role_type) and value in set(Role):
            yield Role(value)


def _name(claims: list[tuple[str, str]]) -> str:
    for wanted in _NAME_CLAIMS:
        for kind, value in claims:
            shown = "".join(c for c in value if c.isprintable()).strip()
            if kind == wanted and shown:
                return shown[:NAME_LENGTH]
    return "an unnamed user"


def _cookie(request: func.HttpRequest, name: str) -> str | None:
    from http.cookies import CookieError, SimpleCookie

    try:
        morsel = SimpleCookie(request.headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return morsel.value if morsel else None
