"""DNS servers that take updates (RFC 2136), as the settings name them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from onboarding.core import patterns
from onboarding.core.expected import ExpectedWords
from onboarding.core.parts import DomainName
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError
from onboarding.core.publishing import BY_HAND, longest_zone


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        said = {"problem": "must be an IP address, such as 192.0.2.53"}
        raise PydanticCustomError("address", "{problem}", said) from None


class UpdateServer(BaseModel):
    """One server. The secret of its key stands in another setting."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: Annotated[str, AfterValidator(_address)]
    """Where the zones' primary is, or what passes updates on to it."""
    port: int = Field(53, ge=1, le=65535)
    zones: Annotated[tuple[DomainName, ...], Field(min_length=1)]
    """The zones that it is sent updates of: no others are."""
    key: Annotated[str, StringConstraints(pattern=patterns.TSIG_KEY), ExpectedWords("the name of a TSIG key")]
    """The name of the TSIG key (RFC 8945) that signs them."""
    algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha224", "hmac-sha1"] = "hmac-sha256"


def zone_of_server(server: str, zones: Mapping[str, Sequence[str]], name: str) -> str:
    """Of a server's zones the one that a name is in. `zones`: those of each server.

    Raises PersonMustActError when the settings know no such server, or it has no such zone.
    """
    if server not in zones:
        known = ", ".join(f"'{one}'" for one in sorted(zones)) or "none"
        raise PersonMustActError(
            ProblemCode.DNS_ZONE_UNKNOWN,
            f"The request names the DNS server '{server}', but ONBOARDING_DNS_SERVERS has {known}.",
            f"Add it to ONBOARDING_DNS_SERVERS of the steps' app (docs/settings.md) and retry the step; or cancel, and"
            f" post the request with one of those that are there. {BY_HAND}",
        )
    zone = longest_zone(name, zones[server])
    if zone is None:
        raise PersonMustActError(
            ProblemCode.DNS_ZONE_WRONG,
            f"The domain {name} is in none of the zones of the DNS server '{server}': {', '.join(zones[server])}.",
            "Add its zone to the server's `zones` in ONBOARDING_DNS_SERVERS if the server has it, and retry the step;"
            f" else cancel, and post the request with the server that has it. {BY_HAND}",
        )
    return zone
