"""Whether Microsoft will take a trunk's certificate: everything that is wrong, doubtful or soon over, in words. Pure.

Source: Microsoft Learn, "Plan Direct Routing" and "What's new for Direct Routing" (names, public authority, serverAuth,
the whole chain, TLS 1.2 with suites for RSA keys), and "SIP options and TLS certificate issues"; for sizes, hashes and
flags the CA/Browser Forum's Baseline Requirements, which those authorities follow. Which authorities Microsoft trusts
(its Trusted Root Program) changes without us: one that is not known here is a person's to judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from onboarding.core.certificate_facts import SERVER_AUTH, WEAK_HASHES, CertificateFacts, ChainFacts
from onboarding.core.certificate_names import covers

WARN_BEFORE = timedelta(days=30)
"""A certificate that ends sooner is told of."""
SMALLEST_RSA = 2048
SMALLEST_EC = 256
"""Bits."""
SHOWN_SUBJECT = 64
"""Characters of a name in a certificate that are shown."""
MOST_NAMES = 5
_INSTALL = "install it on the session border controller, then retry"


class Severity(StrEnum):
    """What follows from a finding."""

    WRONG = "wrong"
    """Microsoft refuses it: somebody has to mend it."""
    UNKNOWN = "unknown"
    """It can't be seen from here: a person has to know."""
    WARNING = "warning"
    """It works, and is to be known."""


@dataclass(frozen=True, slots=True)
class CertificateFinding:
    """One thing about a certificate."""

    severity: Severity
    seen: str
    """What was seen and what was expected, as the middle of a sentence: no capital, no full stop."""
    what_next: str = ""
    """Likewise."""
    ends: str = ""
    """Of what ends soon: which thing and when, without what is another every day."""


def shown(text: str) -> str:
    """A name out of a certificate, as people are shown it: somebody else has written it."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= SHOWN_SUBJECT else f"{plain[: SHOWN_SUBJECT - 1]}…"


def check_names(own: CertificateFacts, name: str) -> Iterator[CertificateFinding]:
    """Whether it is good for the name of a trunk."""
    if any(covers(pattern, name) for pattern in own.names):
        return
    where = "subject alternative names are" if own.has_alternative_names else "common name is"
    names = ", ".join(map(shown, own.names[:MOST_NAMES])) or "none"
    more = f" and {len(own.names) - MOST_NAMES} more" if len(own.names) > MOST_NAMES else ""
    above = name.partition(".")[2]
    yield _wrong(
        f"the certificate is for another name: its {where} {names}{more}; expected {name}, or *.{above}, whose"
        " wildcard stands for one label only",
        f"have a certificate issued for that name, {_INSTALL}",
    )


def check_chain(chain: ChainFacts, now: datetime) -> Iterator[CertificateFinding]:
    """Everything else about a certificate and those that it was sent with."""
    yield from _dates(chain, now)
    yield from _uses(chain)
    yield from _strength(chain)
    yield from _order(chain)
    yield from _completeness(chain)


def _dates(chain: ChainFacts, now: datetime) -> Iterator[CertificateFinding]:
    for one, what in _issued(chain):
        if now < one.not_before:
            yield _wrong(
                f"{what} is not valid before {_moment(one.not_before)}",
                "wait until then, or have one issued that is valid already; see that the clocks are right",
            )
        elif now >= one.not_after:
            yield _wrong(f"{what} has expired on {_moment(one.not_after)}", f"renew it, {_INSTALL}")
        elif one.not_after - now < WARN_BEFORE:
            days = (one.not_after - now).days
            left = f"{days} day{'' if days == 1 else 's'}"
            ends = f"{what} ends on {_moment(one.not_after)}"
            yield CertificateFinding(Severity.WARNING, f"{ends}, in {left}", "renew it in time", ends)


def _uses(chain: ChainFacts) -> Iterator[CertificateFinding]:
    own, *above = (chain.certificates[place] for place in chain.path)
    if own.usages is None:
        yield _warning(
            "the certificate does not say what it may be used for; expected is the extended key usage server"
            f" authentication ({SERVER_AUTH})",
            "ask whoever issues it for one that says so",
        )
    elif SERVER_AUTH not in own.usages:
        yield _wrong(
            "the certificate is not for servers: its extended key usage lacks server authentication"
            f" ({SERVER_AUTH})",
            f"have one issued with it, {_INSTALL}",
        )
    if own.is_authority and not own.is_self_signed:
        yield _wrong(
            "the certificate is that of an authority, which issues others; expected that of a server",
            f"have one issued for the session border controller, {_INSTALL}",
        )
    for one in above:
        if not one.is_authority:
            yield _wrong(
                f"'{shown(one.subject)}' has issued the one before it and may not: it is no authority's certificate",
                f"have another issued by a public authority, {_INSTALL}",
            )
        elif one.usages is not None and SERVER_AUTH not in one.usages and not one.is_self_signed:
            yield _wrong(
                f"the authority '{shown(one.subject)}' may not issue certificates for servers (extended key usage)",
                f"have one issued by an authority that may, {_INSTALL}",
            )


def _strength(chain: ChainFacts) -> Iterator[CertificateFinding]:
    for one, what in _issued(chain):
        least = {"RSA": SMALLEST_RSA, "EC": SMALLEST_EC}.get(one.key)
        if least is None:
            yield _wrong(f"{what} has a key of the kind {shown(one.key)}; expected RSA", f"renew it, {_INSTALL}")
        elif one.key_bits < least:
            yield _wrong(
                f"{what} has an {one.key} key of {one.key_bits} bits; expected {least} or more",
                f"renew it with a longer key, {_INSTALL}",
            )
        elif one is chain.own and one.key == "EC":
            yield _warning(
                "the certificate has an EC key, and the TLS suites that Microsoft names for session border controllers"
                " are for RSA keys",
                "ask Microsoft whether it is taken, or use one with an RSA key",
            )
        if one.hashed_by in WEAK_HASHES:
            yield _wrong(
                f"{what} is signed with {one.hashed_by.upper()}; expected SHA-256 or better", f"renew it, {_INSTALL}"
            )


def _order(chain: ChainFacts) -> Iterator[CertificateFinding]:
    """TLS 1.2, which Microsoft speaks with session border controllers, wants each certified by the next (RFC 5246)."""
    path = chain.path
    if list(path) != sorted(path) or chain.leaf != 0:
        named = " → ".join(shown(chain.certificates[place].subject) for place in path)
        yield _wrong(
            f"the certificates are out of order; expected, each issued by the next, is {named}",
            "send them in that order, then retry",
        )
    # One that bears the name of the issuer that is missing is told of there.
    missing = {chain.certificates[place].issuer for place in path if chain.namesakes[place]}
    strangers = (one.subject for place, one in enumerate(chain.certificates) if place not in path)
    others = [subject for subject in strangers if subject not in missing]
    if others:
        named = ", ".join(f"'{shown(name)}'" for name in others[:MOST_NAMES])
        yield _warning(f"these do not belong to the chain: {named}", "leave them out")


def _completeness(chain: ChainFacts) -> Iterator[CertificateFinding]:
    top = chain.certificates[chain.path[-1]]
    issuer = shown(top.issuer)
    if chain.own.is_self_signed:
        yield _wrong(
            f"the certificate is self-signed (by '{issuer}'); expected one of a public authority",
            f"have one issued by an authority of the Microsoft Trusted Root Program, {_INSTALL}",
        )
    elif chain.root is not None:
        return
    elif any(chain.namesakes[place] for place in chain.path):
        yield _wrong(
            f"a certificate named '{issuer}' is there, and it has not issued '{shown(top.subject)}': it has another key"
            " (an older or newer one of the same name?)",
            "take the intermediate certificate that came with the certificate, then retry",
        )
    elif len(chain.path) == 1:
        yield _wrong(
            f"the chain is incomplete: the certificate of '{issuer}', which has issued this one, is missing",
            "send the intermediate certificates too, each issued by the next (the root may be left out), then retry",
        )
    else:
        there = "its root" if top.is_self_signed else "the issuer of its last certificate"
        yield CertificateFinding(
            Severity.UNKNOWN,
            f"the chain ends at '{issuer}' ({there}), which is none of the authorities that are known here, so nobody"
            " can say from here whether it is whole and whether Microsoft trusts it",
            "look whether that authority is in Microsoft's Trusted Root Program (the list at ccadb.org), and confirm"
            " this step if it is",
        )


def _issued(chain: ChainFacts) -> Iterator[tuple[CertificateFacts, str]]:
    """The certificates of the chain that somebody else has issued, and the server's own; each with what it is called.

    A root's own dates, key and signature do not count: it is trusted, or not, by being on a list.
    """
    for place in chain.path:
        one = chain.certificates[place]
        if place == chain.leaf:
            yield one, "the certificate"
        elif not one.is_self_signed:
            yield one, f"the intermediate certificate '{shown(one.subject)}'"


@dataclass(frozen=True, slots=True)
class TrunkSeen:
    """What is known of one trunk's certificate."""

    name: str
    """FQDN."""
    chains: tuple[ChainFacts, ...] = ()
    """Those that it may have: the one that it sends, or all that were given. The best of them counts."""
    why_not: str = ""
    """Why there are none, as the middle of a sentence."""


@dataclass(frozen=True, slots=True)
class CertificateVerdict:
    """What the certificates of all trunks come to."""

    findings: tuple[tuple[CertificateFinding, tuple[str, ...]], ...]
    """Each with the trunks that it is about, in their order; what is wrong first."""
    seen: tuple[tuple[str, CertificateFacts], ...]
    """Trunk and its certificate, of each whose certificate was seen."""

    def of(self, severity: Severity) -> tuple[tuple[CertificateFinding, tuple[str, ...]], ...]:
        return tuple((finding, names) for finding, names in self.findings if finding.severity is severity)

    @property
    def ending(self) -> tuple[tuple[CertificateFinding, tuple[str, ...]], ...]:
        """Those of what ends soon."""
        return tuple((finding, names) for finding, names in self.findings if finding.ends)

    @property
    def valid_until(self) -> datetime | None:
        """When the first of the trunks' certificates ends."""
        return min((own.not_after for _, own in self.seen), default=None)


def judge_certificates(trunks: Iterable[TrunkSeen], now: datetime) -> CertificateVerdict:
    """Everything about all trunks, what is the same said once."""
    found: dict[CertificateFinding, list[str]] = {}
    seen: list[tuple[str, CertificateFacts]] = []
    for trunk in trunks:
        judged = [((*check_names(c.own, trunk.name), *check_chain(c, now)), c) for c in trunk.chains]
        if judged:
            findings, chain = min(judged, key=lambda one: _weight(trunk.name, *one))
            seen.append((trunk.name, chain.own))
        else:
            findings = (_not_seen(trunk),)
        for finding in findings:
            found.setdefault(finding, []).append(trunk.name)
    order = list(Severity)
    ranked = sorted(found.items(), key=lambda item: order.index(item[0].severity))
    return CertificateVerdict(tuple((finding, tuple(names)) for finding, names in ranked), tuple(seen))


def _weight(name: str, findings: Sequence[CertificateFinding], chain: ChainFacts) -> tuple[int, ...]:
    """How little it may be the trunk's, then how bad it is: to compare those that were given."""
    another = any(check_names(chain.own, name))
    return (another, *(sum(one.severity is severity for one in findings) for severity in Severity))


def _not_seen(trunk: TrunkSeen) -> CertificateFinding:
    return CertificateFinding(
        Severity.UNKNOWN,
        f"the certificate could not be seen from here: {trunk.why_not}. That says nothing against it: many session"
        " border controllers answer Microsoft's addresses only",
        "give its chain as PEM (the certificate first, never the private key), or look at it yourself and confirm this"
        " step",
    )


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"


def _wrong(seen: str, what_next: str) -> CertificateFinding:
    return CertificateFinding(Severity.WRONG, seen, what_next)


def _warning(seen: str, what_next: str) -> CertificateFinding:
    return CertificateFinding(Severity.WARNING, seen, what_next)
