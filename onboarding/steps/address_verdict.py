"""Would Microsoft find a trunk by its name? A verdict over what each authoritative server said, in a sentence.

Microsoft asks through resolvers that we don't choose, and these ask some server of the zone: so all that answer must
give the same public IPv4 addresses. Source: Microsoft Learn, "Plan Direct Routing" (a DNS entry that maps the FQDN to
a public IP address); that Operator Connect needs no less is not published, and nothing there speaks against it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from onboarding.azure.dns_bounds import is_on_the_internet
from onboarding.ports import AddressAnswer
from onboarding.steps.txt_verdict import SENTENCE_LENGTH, SERVER_ERROR_LENGTH, SHOWN_NAME, listed_names, on_one_line


class AddressKind(StrEnum):
    """What the answers come to, the gravest first."""

    PRIVATE = "private"
    """An address that is not on the Internet."""
    DIFFERENT = "different"
    """Servers of the zone give different addresses."""
    NOWHERE = "nowhere"
    """An alias leads to a name without an address."""
    FAILING = "failing"
    """No server gives an answer, and some say or show that it is not for want of a network."""
    BLIND = "blind"
    """No server gives any sign: our own way out, as far as can be told."""
    NOTHING_YET = "nothing-yet"
    """No A record."""
    SOMEWHERE = "somewhere"
    """Every server that answers gives the same public addresses; some don't answer."""
    PUBLIC = "public"
    """Every server gives the same public addresses."""


@dataclass(frozen=True, slots=True)
class AddressVerdict:
    """What the answers come to, and what was seen."""

    kind: AddressKind
    sentence: str


def judge_addresses(answers: Sequence[AddressAnswer], name: str, *, loopback: bool = False) -> AddressVerdict:
    """What these answers say of a name. `loopback`: addresses of this machine count as public, in the sandbox."""
    kind, sentence = _judged_addresses(answers, on_one_line(name, SHOWN_NAME), loopback=loopback)
    return AddressVerdict(kind, on_one_line(sentence, SENTENCE_LENGTH))


def _judged_addresses(answers: Sequence[AddressAnswer], name: str, *, loopback: bool) -> tuple[AddressKind, str]:
    answering = [a for a in answers if a.error is None]
    failed = listed_names(f"{a.server} ({on_one_line(a.error, SERVER_ERROR_LENGTH)})" for a in answers if a.error)
    if not answering:
        blind = all(a.silent for a in answers)
        return AddressKind.BLIND if blind else AddressKind.FAILING, f"{name}: no answer from {failed or 'any server'}."
    every = sorted({address for a in answering for address in a.addresses})
    inside = [address for address in every if not _counts_as_public(address, loopback=loopback)]
    if inside:
        return AddressKind.PRIVATE, (
            f"{name} has {listed_names(inside)}, which nobody on the Internet can reach; a public IPv4 address is"
            " needed."
        )
    if len({frozenset(a.addresses) for a in answering}) > 1:
        said = listed_names(f"{a.server} says {', '.join(sorted(a.addresses)) or 'none'}" for a in answering)
        return AddressKind.DIFFERENT, f"{name}: the servers of its zone differ: {said}. See that all of them agree."
    if not every:
        ends = [a.alias for a in answering if a.alias]
        if ends:
            end = on_one_line(ends[0], SHOWN_NAME)
            return AddressKind.NOWHERE, f"{name} is an alias (CNAME) of {end}, which has no A record."
        return AddressKind.NOTHING_YET, f"{name} has no A record, by {listed_names(a.server for a in answering)}."
    if failed:
        return AddressKind.SOMEWHERE, f"{name} is {listed_names(every)}; no answer from {failed}."
    return AddressKind.PUBLIC, f"{name} is {listed_names(every)}."


def _counts_as_public(address: str, *, loopback: bool) -> bool:
    return is_on_the_internet(address) or (loopback and ipaddress.ip_address(address).is_loopback)


def together(verdicts: Sequence[AddressVerdict]) -> AddressVerdict:
    """Of several names: the gravest of them, and of each that is not public what was seen; of all, when all are."""
    order = list(AddressKind)
    worst = min((v.kind for v in verdicts), key=order.index, default=AddressKind.PUBLIC)
    shown = [v for v in verdicts if v.kind is not AddressKind.PUBLIC] or verdicts
    sentence = " ".join(v.sentence for v in sorted(shown, key=lambda v: order.index(v.kind)))
    return AddressVerdict(worst, on_one_line(sentence, SENTENCE_LENGTH))
