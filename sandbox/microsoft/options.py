"""Everything about the simulated world that can be set, at the start, by a seed or on the control port."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sandbox.microsoft.transitions import LINE_ENDS

VARIANTS = ("bad-request", "entitlement", "conflict")
CHOICES = {
    "armIdCase": ("as-created", "lower", "upper"),
    "testLineEnds": tuple(LINE_ENDS),
    "duplicateAssignment": VARIANTS,
    "duplicateDomain": ("bad-request", "conflict"),
    "dnsKey": ("good", "BADKEY", "BADSIG", "BADTIME"),
    "recipientRefusal": ("quoted", "double-quoted", "unnamed", "smtp-address"),
}


@dataclass
class Options:
    """Settings, with their defaults. JSON names are the same in camelCase. Times are seconds."""

    provisioning_seconds: float | None = 0.0
    """How long `properties.status` stays ChangePending after a write; None: until POST /transitions."""
    provisioning_calls: int | None = None
    """How many reads of a gateway still show ChangePending after a write."""
    operation_seconds: float | None = 0.0
    """How long a long-running ARM operation runs; None: until POST /transitions."""
    operation_calls: int | None = None
    """How many reads still show a long-running ARM operation as running."""
    operation_retry_after: int = 1
    """`Retry-After` of a long-running operation's answers."""
    test_line_ends: str = "Succeeded"
    """What a test line that is written comes to, when its operation is over: `Succeeded`, `Failed`, `Canceled`,
    `Accepted` (it stays so) or `vanishes` (after its 201 it is not there)."""
    arm_page_size: int = 100
    """Items in a page of an ARM list."""
    arm_retired: bool = False
    """Microsoft.VoiceServices is decommissioned: each of its paths answers 404 InvalidResourceNamespace."""
    arm_id_case: str = "as-created"
    """How answers spell resource ids: `as-created`, `lower` or `upper` (ids are case-insensitive)."""
    graph_page_size: int = 100
    """Items in a page of a Graph list without `$top`."""
    replication_seconds: float | None = None
    """How long new directory objects are not found; None with no `replication_calls`: at once visible."""
    replication_calls: int | None = None
    """How many reads miss a new directory object before it is found."""
    duplicate_assignment: str = "bad-request"
    """Answer to an app role assigned twice: `bad-request`, `entitlement` or `conflict`, all seen in the field."""
    duplicate_domain: str = "bad-request"
    """Answer to a domain added twice: `bad-request` or `conflict`."""
    data_read_role_id: str | None = None
    """Another id than the article's for Project Synergy's role Data.Read (the article's equals the app id)."""
    domains_held_elsewhere: list[str] = field(default_factory=list)
    """Domains that another tenant has verified already."""
    domain_takeovers: list[str] = field(default_factory=list)
    """Domains that are verified by e-mail in a tenant that nobody manages: `verify` schedules their takeover."""
    dns_delay: float | None = 0.0
    """From sharing a TXT record to its being in DNS; None: never by itself."""
    dns_keeps_denials: bool = False
    """The public resolver keeps for the zone's negative TTL (60 s) that a name has no TXT record, as real ones do."""
    dns_key: str = "good"
    """What the primary of the operator's zone says of the key that signs updates: `good`, or that it does not know it
    (`BADKEY`), that the signature is wrong (`BADSIG`) or of another time (`BADTIME`)."""
    unresolved_recipients: list[str] = field(default_factory=list)
    """Addresses, in any case, that Exchange can't resolve: a message to any of them is refused, and sent to nobody."""
    recipient_refusal: str = "quoted"
    """How it says so: the address `quoted` or `double-quoted`, `unnamed`, or as what is no `smtp-address`."""
    teams_calls_per_second: int = 4
    """More posts than this within a second are throttled."""

    def update(self, values: Mapping[str, Any]) -> None:
        """Set options by their camelCase names. Raises ValueError for unknown ones or values; sets none then."""
        unknown = sorted(set(values) - set(self.json()))
        if unknown:
            raise ValueError(f"Unknown options {', '.join(unknown)}; known are {', '.join(sorted(self.json()))}.")
        for name, allowed in CHOICES.items():
            if values.get(name, allowed[0]) not in allowed:
                raise ValueError(f"Option {name} is one of {', '.join(allowed)}; got {values[name]!r}.")
        for name in ("armPageSize", "graphPageSize"):
            if not isinstance(values.get(name, 1), int) or values.get(name, 1) < 1:
                raise ValueError(f"Option {name} is a number of at least 1; got {values[name]!r}.")
        for option in fields(self):
            if camel(option.name) in values:
                setattr(self, option.name, values[camel(option.name)])

    def json(self) -> dict[str, Any]:
        """All options by their camelCase names."""
        return {camel(option.name): getattr(self, option.name) for option in fields(self)}


def camel(name: str) -> str:
    """`arm_page_size` → `armPageSize`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
