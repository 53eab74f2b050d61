"""Reads certificates, by `cryptography`: what they say, and which has issued which. Pure.

Whether a chain is good is not asked of the library: its answer is one sentence, and people are to be told everything
that is wrong, each with what was expected.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from onboarding.core.certificate_facts import WEAK_HASHES, CertificateFacts, ChainFacts

if TYPE_CHECKING:
    from cryptography import x509

_E = TypeVar("_E", bound="x509.ExtensionType")


class UnreadableCertificateError(ValueError):
    """Bytes that are no X.509 certificate; `place` counts from 0."""

    def __init__(self, place: int) -> None:
        self.place = place
        super().__init__("what stands there can't be read as an X.509 certificate")


def read_chain(certificates: Sequence[bytes], roots: Sequence[bytes] = ()) -> ChainFacts:
    """Certificates (DER, at least one) as one chain, as a server sends it. `roots`: the authorities that are trusted.

    Raises UnreadableCertificateError.
    """
    read = [_load(place, der) for place, der in enumerate(certificates)]
    facts = [_facts(place, one) for place, one in enumerate(read)]
    return _chain(read, facts, _trusted(tuple(roots)))


def read_given(certificates: Sequence[bytes], roots: Sequence[bytes] = ()) -> tuple[ChainFacts, ...]:
    """The same of what a person gives: each certificate that may issue no others begins a chain of its own.

    Raises UnreadableCertificateError.
    """
    facts = [_facts(place, _load(place, der)) for place, der in enumerate(certificates)]
    own = [place for place, fact in enumerate(facts) if not fact.is_authority]
    begins = [0, *own[1:]]
    return tuple(read_chain(certificates[a:b], roots) for a, b in zip(begins, [*own[1:], None], strict=True))


def _load(place: int, der: bytes) -> x509.Certificate:
    from cryptography import x509
    from cryptography.utils import CryptographyDeprecationWarning

    try:
        # Of what it will refuse one day, such as a serial number of 0, which roots have that are trusted everywhere.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return x509.load_der_x509_certificate(der)
    except ValueError:
        raise UnreadableCertificateError(place) from None


def _chain(
    read: Sequence[x509.Certificate], facts: Sequence[CertificateFacts], trusted: Sequence[x509.Certificate]
) -> ChainFacts:
    issuers: list[int | None] = []
    namesakes: list[bool] = []
    for one in read:
        others = [place for place, other in enumerate(read) if other != one and other.subject == one.issuer]
        signed = next((place for place in others if _issued(one, read[place])), None)
        issuers.append(signed)
        namesakes.append(signed is None and bool(others))
    return ChainFacts(
        tuple(facts), tuple(issuers), tuple(namesakes), tuple(_root_of(one, trusted) for one in read)
    )


def _root_of(one: x509.Certificate, trusted: Sequence[x509.Certificate]) -> str | None:
    for root in trusted:
        if root == one or (root.subject == one.issuer and _issued(one, root)):
            return _named(root.subject)
    return None


@lru_cache(maxsize=2)
def _trusted(roots: tuple[bytes, ...]) -> tuple[x509.Certificate, ...]:
    """Kept: they are some hundred. One that can't be read is nobody's issuer."""
    readable: list[x509.Certificate] = []
    for place, der in enumerate(roots):
        try:
            readable.append(_load(place, der))
        except UnreadableCertificateError:
            continue
    return tuple(readable)


def _issued(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether it was issued by one that bears its issuer's name. The library verifies no signature with an old hash:
    that is refused in any case, so there the name has to do.
    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        one.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError, TypeError):
        return _hash(one) in WEAK_HASHES
    return True


def _facts(place: int, one: x509.Certificate) -> CertificateFacts:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        extensions = one.extensions
        alternative = _extension(extensions, x509.SubjectAlternativeName)
        usages = _extension(extensions, x509.ExtendedKeyUsage)
        constraints = _extension(extensions, x509.BasicConstraints)
        common = one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        issuer = _named(one.issuer)
    except ValueError:
        raise UnreadableCertificateError(place) from None
    key, bits = _key(one)
    return CertificateFacts(
        subject=_named(one.subject),
        issuer=issuer,
        common_name=str(common[0].value) if common else None,
        dns_names=tuple(alternative.get_values_for_type(x509.DNSName)) if alternative else (),
        has_alternative_names=alternative is not None,
        not_before=one.not_valid_before_utc,
        not_after=one.not_valid_after_utc,
        usages=frozenset(usage.dotted_string for usage in usages) if usages is not None else None,
        is_authority=bool(constraints and constraints.ca),
        key=key,
        key_bits=bits,
        hashed_by=_hash(one),
        is_self_signed=one.subject == one.issuer and _issued(one, one),
    )


def _extension(extensions: x509.Extensions, kind: type[_E]) -> _E | None:
    from cryptography import x509

    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _named(name: x509.Name) -> str:
    from cryptography.x509.oid import NameOID

    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()


def _key(one: x509.Certificate) -> tuple[str, int]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    try:
        key = one.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "unknown", 0
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "EC", key.key_size
    return type(key).__name__.removeprefix("_").removesuffix("PublicKey"), 0


def _hash(one: x509.Certificate) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        algorithm = one.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return "unknown"
    return algorithm.name if algorithm else ""
