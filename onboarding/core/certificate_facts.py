"""What certificates say, as far as the rules about them need it. Pure: `x509.py` reads it from their bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
"""Extended key usage: a server may show it (RFC 5280, 4.2.1.12)."""

WEAK_HASHES = frozenset({"md5", "sha1", "unknown"})
"""Of signatures that nobody should count on (CA/Browser Forum, Baseline Requirements, 7.1.3.2)."""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """One certificate. Its texts are somebody else's: they are shown shortened."""

    subject: str
    """As people know it: its common name, else the whole of it."""
    issuer: str
    common_name: str | None
    dns_names: tuple[str, ...]
    """Of the subject alternative names."""
    has_alternative_names: bool
    """It has that extension: then the common name does not count (RFC 6125, 6.4.4)."""
    not_before: datetime
    not_after: datetime
    usages: frozenset[str] | None
    """Extended key usages, as dotted OIDs; None: it does not say."""
    is_authority: bool
    """It may issue others (basic constraints)."""
    key: str
    """`RSA`, `EC`, or what else."""
    key_bits: int
    hashed_by: str
    """The hash that its signature is made with, such as `sha256`; empty: it has none of its own."""
    is_self_signed: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The host names that it is good for."""
        if self.has_alternative_names:
            return self.dns_names
        return (self.common_name,) if self.common_name else ()


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """Certificates in the order in which they were sent or given."""

    certificates: tuple[CertificateFacts, ...]
    """At least one."""
    issuers: tuple[int | None, ...]
    """Of each: which other of them has issued it, by name and by signature."""
    namesakes: tuple[bool, ...]
    """Of each: whether another of them bears its issuer's name and has not signed it."""
    roots: tuple[str | None, ...]
    """Of each: the authority that this application trusts and that has issued it, or is it."""

    @property
    def leaf(self) -> int:
        """Which of them is the server's own: the first that may issue no others, else the first."""
        own = (place for place, one in enumerate(self.certificates) if not one.is_authority)
        return next(own, 0)

    @property
    def path(self) -> tuple[int, ...]:
        """From the server's own on, each issued by the next."""
        found = [self.leaf]
        while (issuer := self.issuers[found[-1]]) is not None and issuer not in found:
            found.append(issuer)
        return tuple(found)

    @property
    def own(self) -> CertificateFacts:
        return self.certificates[self.leaf]

    @property
    def root(self) -> str | None:
        """The trusted authority that it leads to. None: to none that is known here."""
        return next((root for place in self.path if (root := self.roots[place])), None)
