"""Trunks: where a session border controller is reached by Microsoft, and what their names may be. Pure.

Source of the rules: Microsoft Learn, "Plan Direct Routing" and "Connect your Session Border Controller" (a registered
domain of the tenant, never `*.onmicrosoft.com`; at most 63 characters; a port from 1 to 65535). They are written for
Direct Routing; that they hold for Operator Connect is not published, and no example there breaks them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field, Strict, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from onboarding.core import patterns
from onboarding.core.domain_name import is_below
from onboarding.core.expected import ExpectedWords
from onboarding.core.parts import Part, is_stored
from onboarding.core.reasons import Reason, as_answered

LONGEST_FQDN = 63
MOST_TRUNKS = 20

_MICROSOFTS = {
    "onmicrosoft.com": "is Microsoft's own domain, and is never that of a trunk; a domain of your own is needed",
    "commsgw.azure.com": "is of Azure Communications Gateway, whose trunks Microsoft makes and manages itself; a domain"
    " of your own is needed",
}
FQDN_EXAMPLE = "sbc1.voice.contoso.com"


def domain_problem(name: str) -> str | None:
    """Why a domain can't be that of trunks; None when it can."""
    lower = name.lower()
    return next((why for suffix, why in _MICROSOFTS.items() if lower == suffix or is_below(lower, suffix)), None)


def fqdn_problem(name: str) -> str | None:
    """Why this can't be the name of a trunk; None when it can."""
    if "*" in name:
        return f"must be one name, such as {FQDN_EXAMPLE}; a wildcard is for the certificate"
    if _is_address(name):
        return f"must be a name, such as {FQDN_EXAMPLE}, and not an address: Microsoft sends traffic to names only"
    if len(name) > LONGEST_FQDN:
        return f"has {len(name)} characters; at most {LONGEST_FQDN} are taken"
    if not patterns.fits(patterns.DOMAIN_NAME, name):
        return f"must be the whole name of a host, such as {FQDN_EXAMPLE}"
    return domain_problem(name)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _fqdn(name: str, info: ValidationInfo) -> str:
    stored = is_stored(info) and patterns.fits(patterns.DOMAIN_NAME, name)
    if not stored and (problem := fqdn_problem(name)):
        raise PydanticCustomError("trunk_fqdn", "{problem}", {"problem": problem})
    return name.lower()


def _domain(name: str, info: ValidationInfo) -> str:
    problem = None if is_stored(info) else domain_problem(name)
    if problem:
        raise PydanticCustomError("trunk_domain", "{problem}", {"problem": problem})
    return name


TrunkFqdn = Annotated[
    str,
    ExpectedWords(f"the name of a host below gateway.domain, such as {FQDN_EXAMPLE}"),
    AfterValidator(_fqdn),
    Field(json_schema_extra={"pattern": patterns.DOMAIN_NAME, "maxLength": LONGEST_FQDN}),
]
TrunkDomain = Annotated[
    str,
    StringConstraints(pattern=patterns.DOMAIN_NAME, to_lower=True, max_length=253),
    AfterValidator(_domain),
]


class Trunk(Part):
    """One way from Microsoft to a session border controller."""

    fqdn: TrunkFqdn
    """Below the gateway's domain; it is in DNS for everybody, and in the certificate."""
    port: Annotated[int, Strict(), Field(ge=1, le=65535)]
    """For SIP over TLS."""
    region: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    """Where it is, in your words, such as `West Europe`: a calling profile needs a trunk in each of your regions."""


def trunk_reasons(gateway: Any) -> Iterator[Reason]:
    """What is wrong between the trunks of a raw `gateway` and its domain."""
    if not isinstance(gateway, dict):
        return
    domain, trunks = gateway.get("domain"), gateway.get("trunks")
    seen: dict[str, str] = {}
    # One that is too long is refused as a whole.
    for i, trunk in enumerate(trunks if isinstance(trunks, list) and len(trunks) <= MOST_TRUNKS else []):
        name = trunk.get("fqdn") if isinstance(trunk, dict) else None
        if not isinstance(name, str) or fqdn_problem(name):
            continue
        path = f"gateway.trunks[{i}].fqdn"
        first = seen.setdefault(name.lower(), path)
        if first != path:
            yield Reason(path, "unique_fqdn", as_answered(name), f"is the name of {first} too; each trunk has its own")
        elif isinstance(domain, str) and _is_domain(domain) and not is_below(name, domain):
            yield Reason(path, "below_domain", as_answered(name), _not_below(name, domain))


def _is_domain(domain: str) -> bool:
    return patterns.fits(patterns.DOMAIN_NAME, domain) and not domain_problem(domain)


def _not_below(name: str, domain: str) -> str:
    if name.lower() == domain.lower():
        return f"is the domain itself; a trunk's name stands below it, such as sbc1.{domain.lower()}"
    above = name.partition(".")[2]
    return (
        f"is not below gateway.domain ({domain.lower()}), which is the one that is verified; expected is one such as"
        f" sbc1.{domain.lower()}. If the name is right, gateway.domain may be {above.lower()}; trunks of another domain"
        " are an onboarding of their own"
    )
