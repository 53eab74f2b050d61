"""A private certificate authority and a server certificate, as PEM files in a directory."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sandbox.microsoft.issuer import Issuer, pem

NAMES = ("127.0.0.1", "localhost", "::1")
LIFETIME = timedelta(days=365)
MARGIN = timedelta(days=1)
"""A certificate that ends sooner is remade."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the files are: give `ca` to clients."""

    ca: Path
    server: Path
    key: Path
    below: Path
    """An authority below the first, which issues the trunks' certificates; and its key, in one file."""

    def server_context(self) -> ssl.SSLContext:
        """For the HTTPS servers."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.server, self.key)
        return context

    def authority(self) -> Issuer:
        """The one that issues the trunks' certificates."""
        content = self.below.read_bytes()
        key = load_pem_private_key(content, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return Issuer(x509.load_pem_x509_certificate(content), key)


def ensure(directory: Path, *, now: datetime | None = None) -> Certificates:
    """Certificates in that directory: those that are there if they are valid, else new ones.

    The first authority's private key is not kept, so nobody can sign anything else with it; that of the one below it
    is, for the trunks of the sandbox, and only the sandbox trusts either.
    """
    directory.mkdir(parents=True, exist_ok=True)
    files = Certificates(*(directory / name for name in ("ca.pem", "server.pem", "server.key", "trunks.pem")))
    if not _valid(files, now or datetime.now(UTC)):
        _make(files)
    return files


def _valid(files: Certificates, now: datetime) -> bool:
    try:
        authority = x509.load_pem_x509_certificate(files.ca.read_bytes())
        server = x509.load_pem_x509_certificate(files.server.read_bytes())
        key = load_pem_private_key(files.key.read_bytes(), None)
        below = files.authority()
        server.verify_directly_issued_by(authority)
        below.certificate.verify_directly_issued_by(authority)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    if key.public_key() != server.public_key() or below.key.public_key() != below.certificate.public_key():
        return False
    all_ = (authority, server, below.certificate)
    ends = min(one.not_valid_after_utc for one in all_)
    return max(one.not_valid_before_utc for one in all_) <= now < ends - MARGIN


def _make(files: Certificates) -> None:
    authority = trustme.CA(organization_name="Sandbox", organization_unit_name="Not trusted by anyone else")
    certificate = authority.issue_cert(*NAMES, not_after=datetime.now(UTC) + LIFETIME)
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    _write(files.key, certificate.private_key_pem.bytes())
    _write(files.server, chain)
    root = load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(root, ec.EllipticCurvePrivateKey)
    below = Issuer(x509.load_pem_x509_certificate(authority.cert_pem.bytes()), root).below("Sandbox, for trunks")
    private = below.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(files.below, private + pem([below.certificate]).encode())
    _write(files.ca, authority.cert_pem.bytes())


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and for the owner only."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.replace(path)
