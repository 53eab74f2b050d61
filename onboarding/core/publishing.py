"""How a domain's TXT record gets into DNS: what a request says of it, and the rules of names, values and zones. Pure.

Source: RFC 1035, 3.3.14 (strings of at most 255 octets); Microsoft Learn, "Overview of DNS zones and records".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

from pydantic import StringConstraints

from onboarding.core import patterns
from onboarding.core.parts import Email, Part
from onboarding.core.reasons import Reason, as_answered

APEX = "@"
"""The name of a zone's own record sets, relative to the zone."""
LONGEST_STRING = 255
"""Octets of one string of a TXT record; a longer value is several, which readers join."""
WAYS = ("azureZone", "server", "owner")
"""The fields of `DnsPublishing`: exactly one is given."""

BY_HAND = (
    "Or have whoever looks after the zone add the TXT record that is shown with this step by hand, beside what is"
    " there, and confirm the step."
)
"""The end of every advice about publishing: nothing needs this application to do it."""


class DnsOwner(Part):
    """Whoever looks after the zone by hand."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    """Who it is."""
    email: Email


class DnsPublishing(Part):
    """Who puts the TXT record into DNS: this application, in one of two ways, or the zone's owner, who is told."""

    azure_zone: Annotated[str, StringConstraints(pattern=patterns.AZURE_ZONE)] | None = None
    """Resource id of the Azure DNS zone that the record is added to."""
    server: Annotated[str, StringConstraints(pattern=patterns.DNS_SERVER)] | None = None
    """The server that is sent an update (RFC 2136): its name in ONBOARDING_DNS_SERVERS."""
    owner: DnsOwner | None = None
    """Told of the record, to add it by hand."""

    @property
    def by_us(self) -> bool:
        """Whether this application publishes the record itself."""
        return self.owner is None


def publishing_reasons(body: Any, field: str) -> Iterator[Reason]:
    """What is wrong between the fields of a `DnsPublishing`, over the raw body, so that it holds beside field errors.

    `field`: where it stands in the request.
    """
    if not isinstance(body, dict):
        return
    given = [way for way in WAYS if body.get(way) is not None]
    if len(given) != 1:
        seen = " and ".join(given) or "none"
        yield Reason(
            field, "one_way", as_answered(body), f"needs exactly one of {', '.join(WAYS)}; it has {seen} of them"
        )


def relative_name(name: str, zone: str) -> str | None:
    """A name as it is called in a zone: `@` at the zone's own; None when it is not in the zone. In lower case."""
    inside, around = _plain(name), _plain(zone)
    if inside == around:
        return APEX
    return inside.removesuffix(f".{around}") if inside.endswith(f".{around}") else None


def longest_zone(name: str, zones: Iterable[str]) -> str | None:
    """Of these zones the one that has the name: the longest that it is in or below; None when it is in none."""
    having = [zone for zone in zones if relative_name(name, zone) is not None]
    return max(having, key=lambda zone: len(_plain(zone)), default=None)


def cut(value: str) -> list[str]:
    """A value as the strings of a TXT record."""
    return [value[at : at + LONGEST_STRING] for at in range(0, len(value), LONGEST_STRING)] or [""]


def joined(strings: Sequence[str]) -> str:
    """The value that the strings of a TXT record make."""
    return "".join(strings)


def same_name(one: str, other: str) -> bool:
    """Whether two names in DNS are the same, whatever their case and with or without the dot at the end."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return name.lower().rstrip(".")
