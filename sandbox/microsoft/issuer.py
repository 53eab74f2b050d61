"""Issues certificates of any making, good and bad: for the trunks of the sandbox, and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
FOR_SERVERS = ExtendedKeyUsageOID.SERVER_AUTH
FOR_CLIENTS = ExtendedKeyUsageOID.CLIENT_AUTH
YEAR = timedelta(days=365)


USUAL_BITS = 2048


def server_key(bits: int = USUAL_BITS) -> rsa.RSAPrivateKey:
    """A server's key. Making one takes a while, so that all servers of a process share it."""
    return _rsa(bits)


@cache
def _rsa(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def authority_key() -> ec.EllipticCurvePrivateKey:
    """A key that is made quickly."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, slots=True)
class Made:
    """What a certificate says. The defaults are those of a good one."""

    names: tuple[str, ...] = ()
    """Subject alternative names; empty: it has no such extension."""
    common_name: str = ""
    """Empty: the first of the names."""
    begins: timedelta = timedelta(days=-1)
    ends: timedelta = YEAR
    """From now on."""
    usages: tuple[x509.ObjectIdentifier, ...] | None = (FOR_SERVERS,)
    """Extended key usages; None: no such extension."""
    is_authority: bool = False


@dataclass(frozen=True, slots=True)
class Issuer:
    """An authority with its key."""

    certificate: x509.Certificate
    key: Key

    @classmethod
    def root(cls, name: str, now: datetime | None = None) -> Issuer:
        """One that has issued itself."""
        key = authority_key()
        made = Made(common_name=name, usages=None, is_authority=True)
        return cls(_sign(made, key.public_key(), _name(name), key, now), key)

    def below(self, name: str, made: Made | None = None, now: datetime | None = None) -> Issuer:
        """An authority that this one has issued."""
        key = authority_key()
        described = made or Made(common_name=name, usages=None, is_authority=True)
        return Issuer(self.issue(described, key, now), key)

    def issue(self, made: Made, key: Key | None = None, now: datetime | None = None) -> x509.Certificate:
        """A certificate for that key, a server's shared one when left out."""
        subject = key or server_key()
        return _sign(made, subject.public_key(), self.certificate.subject, self.key, now)


def self_signed(made: Made, now: datetime | None = None) -> x509.Certificate:
    """A server's certificate that it has issued itself."""
    name = made.common_name or made.names[0]
    return _sign(made, server_key().public_key(), _name(name), server_key(), now)


def ders(certificates: Sequence[x509.Certificate]) -> tuple[bytes, ...]:
    """Their bytes."""
    return tuple(one.public_bytes(Encoding.DER) for one in certificates)


def pem(certificates: Sequence[x509.Certificate]) -> str:
    """Their text, one behind the other."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _sign(
    made: Made,
    public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    key: Key,
    now: datetime | None,
) -> x509.Certificate:
    today = now or datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(made.common_name or made.names[0]))
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(today + made.begins)
        .not_valid_after(today + made.ends)
        .add_extension(x509.BasicConstraints(ca=made.is_authority, path_length=None), critical=True)
    )
    if made.names:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in made.names])
        builder = builder.add_extension(names, critical=False)
    if made.usages is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(made.usages), critical=False)
    return builder.sign(key, hashes.SHA256())
