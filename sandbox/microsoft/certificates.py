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
from cryptography.hazmat.primitives.serialization import load_pem_private_key

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

    def server_context(self) -> ssl.SSLContext:
        """For the HTTPS servers."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.server, self.key)
        return context


def ensure(directory: Path, *, now: datetime | None = None) -> Certificates:
    """Certificates in that directory: those that are there if they are valid, else new ones.

    The authority's private key is not kept, so nobody can sign anything else with it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    files = Certificates(directory / "ca.pem", directory / "server.pem", directory / "server.key")
    if not _valid(files, now or datetime.now(UTC)):
        _make(files)
    return files


def _valid(files: Certificates, now: datetime) -> bool:
    try:
        authority = x509.load_pem_x509_certificate(files.ca.read_bytes())
        server = x509.load_pem_x509_certificate(files.server.read_bytes())
        key = load_pem_private_key(files.key.read_bytes(), None)
        server.verify_directly_issued_by(authority)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    if key.public_key() != server.public_key():
        return False
    ends = min(authority.not_valid_after_utc, server.not_valid_after_utc)
    return max(authority.not_valid_before_utc, server.not_valid_before_utc) <= now < ends - MARGIN


def _make(files: Certificates) -> None:
    authority = trustme.CA(organization_name="Sandbox", organization_unit_name="Not trusted by anyone else")
    certificate = authority.issue_cert(*NAMES, not_after=datetime.now(UTC) + LIFETIME)
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    _write(files.key, certificate.private_key_pem.bytes())
    _write(files.server, chain)
    _write(files.ca, authority.cert_pem.bytes())


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and for the owner only."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.replace(path)
