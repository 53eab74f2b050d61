"""What Microsoft asks of a session border controller's side, as far as it is known: it changes without us, so it is a
setting, with its date and source. Here stands what is true when nobody says otherwise, and what this process was told.

Roots: Microsoft 365 message center MC1213773 (Direct Routing and Operator Connect), as reported by
https://spanvox.com/teams-direct-routing-certificate-changes-2026, https://telcobridges.com/?p=171707 and
https://maxime.hiez.ca/en/blog/2025-12-15-teams-certificate-changes-for-teams-direct-routing. Ranges: Microsoft Learn,
"Plan Direct Routing", SIP signalling; that they are Operator Connect's over the Internet too is not published: with
peering the addresses are those of Microsoft's specifications. Lines: the retired gateway's article.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from onboarding.core.expected import ExpectedWords


def _range(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        said = {"problem": "must be a range of IP addresses, such as 52.112.0.0/14"}
        raise PydanticCustomError("range", "{problem}", said) from None


_Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\r\n]*$"),
    ExpectedWords("one line of at most 200 characters"),
]
_Range = Annotated[str, AfterValidator(_range)]


class MicrosoftTrust(BaseModel):
    """What a session border controller must trust, and let in: all of one date and one source."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)

    as_of: _Line
    """When it was looked up, such as `November 2026`."""
    source: _Line
    """Where."""
    roots: Annotated[tuple[_Line, ...], Field(min_length=1, max_length=30)]
    """Names of Microsoft's root certificates."""
    ranges: Annotated[tuple[_Range, ...], Field(min_length=1, max_length=30)]
    """Where Microsoft's signalling comes from, over the Internet."""


USUAL_TRUST = MicrosoftTrust(
    as_of="November 2026",
    source="Microsoft 365 message center MC1213773; Microsoft Learn, Plan Direct Routing",
    roots=(
        "DigiCert Global Root CA",
        "DigiCert Global Root G2",
        "DigiCert Global Root G3",
        "DigiCert TLS ECC P384 Root G5",
        "DigiCert TLS RSA4096 Root G5",
        "Microsoft ECC Root Certificate Authority 2017",
        "Microsoft RSA Root Certificate Authority 2017",
    ),
    ranges=("52.112.0.0/14", "52.120.0.0/14"),
)


@dataclass(frozen=True, slots=True)
class OutsideFacts:
    """What is asked for, of all onboardings of this process."""

    trust: MicrosoftTrust = USUAL_TRUST
    verification_lines: int = 6
    """For each service, in production; another number is a warning. 0: any number is as good."""
    verification_lines_lab: int = 3
    """The same in a lab."""


_told = OutsideFacts()


def outside_facts() -> OutsideFacts:
    """Those that hold in this process."""
    return _told


def tell_outside_facts(facts: OutsideFacts) -> None:
    """What the settings say, once at start: instructions and warnings derive from records and from nothing else."""
    global _told
    _told = facts
