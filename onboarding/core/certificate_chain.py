"""The certificates of an operator's trunks as text (PEM, RFC 7468): the optional part of a request, or given later.

A text with a private key is refused whatever else is in it, and nothing of it is kept, logged or answered.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from onboarding.core.expected import ExpectedWords
from onboarding.core.parts import Part, is_stored
from onboarding.core.x509 import UnreadableCertificateError, read_given

LONGEST_CHAIN_TEXT = 12_000
"""Characters: some eight certificates. The record keeps the request in one column, which has room for little more."""
MOST_CERTIFICATES = 12
LARGEST_CERTIFICATE = 8_000
"""Bytes."""
_BLOCK = re.compile(r"-----BEGIN ([^\r\n-]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----")
_NAMED = "CERTIFICATE"
_KEY = "PRIVATE KEY"
EXPECTED_CHAIN = (
    "certificates as PEM text, each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----: the certificate"
    " first, then the intermediate ones"
)


def holds_private_key(text: str) -> bool:
    """Whether a text holds a private key as PEM, or the beginning of one."""
    return _KEY in text.upper()


def certificate_chain_problem(text: str) -> str | None:
    """Why this is no chain of certificates; None when it looks like one. Never says any of it."""
    if holds_private_key(text):
        return (
            "holds a private key, so none of it was kept. Send the certificates only; the key stays on the session"
            " border controller, and is to be replaced if others could have read it on its way here"
        )
    if len(text) > LONGEST_CHAIN_TEXT:
        return f"has {len(text)} characters; at most {LONGEST_CHAIN_TEXT} are taken"
    blocks = _BLOCK.findall(text)
    if not blocks or any(name.strip() != _NAMED for name, _ in blocks):
        return f"must be {EXPECTED_CHAIN}"
    if _BLOCK.sub("", text).count("-----BEGIN"):
        return f"has a part that does not end, or has characters that are not base64; expected are {EXPECTED_CHAIN}"
    if len(blocks) > MOST_CERTIFICATES:
        return f"has {len(blocks)} certificates; at most {MOST_CERTIFICATES} are taken"
    for place, (_, body) in enumerate(blocks, 1):
        der = _decoded(body)
        if not der or len(der) > LARGEST_CERTIFICATE:
            return f"has no certificate at place {place}: what stands there is not base64, or is too long"
    try:
        read_given(certificates_in(text))
    except UnreadableCertificateError as error:
        return f"has no certificate at place {error.place + 1}: {error}"
    return None


def certificates_in(text: str) -> tuple[bytes, ...]:
    """The certificates of a text that looks like a chain, as DER, in their order."""
    return tuple(_decoded(body) for name, body in _BLOCK.findall(text) if name.strip() == _NAMED)


def _decoded(body: str) -> bytes:
    """Empty when it is not base64."""
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except binascii.Error:
        return b""


def _chain_text(text: str, info: ValidationInfo) -> str:
    problem = None if is_stored(info) else certificate_chain_problem(text)
    if problem:
        raise PydanticCustomError("certificate_chain", "{problem}", {"problem": problem})
    return text


CertificateChain = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    ExpectedWords(EXPECTED_CHAIN, lines=True),
    AfterValidator(_chain_text),
]
"""One chain for all trunks, or one a trunk behind one another, each beginning with the trunk's own certificate."""


class GivenCertificates(Part):
    """The same, given while an onboarding waits for it."""

    certificate: CertificateChain
    """PEM text: the trunk's own certificate first, then the intermediate ones. Never a private key."""
