"""Signs what is sent to a webhook, so that its receiver knows who sent it, when, and that it is whole. Pure.

Source: Standard Webhooks 1.0.0 (github.com/standard-webhooks, spec/standard-webhooks.md): HMAC-SHA256 over
`id.timestamp.body`, in base64, after `v1,`; several with spaces between, while a secret is being replaced. Five lines
of the standard library: the package `standardwebhooks` would bring an HTTP client and a date parser to a cold start.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence

PREFIX_OF_SECRETS = "whsec_"
LEAST, MOST = 24, 64
"""Bytes of a secret."""


def secret_problem(secret: str) -> str | None:
    """Why it is no secret to sign with, without the secret; None when it is one."""
    try:
        length = len(_key(secret))
    except (ValueError, binascii.Error):
        length = 0
    if LEAST <= length <= MOST:
        return None
    return f"must be {PREFIX_OF_SECRETS} and {LEAST} to {MOST} random bytes in base64"


def signed_headers(event_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> Mapping[str, str]:
    """What goes beside the body. `timestamp`: of this attempt, in seconds since 1970."""
    content = b".".join((event_id.encode(), str(timestamp).encode(), body))
    signatures = (base64.b64encode(hmac.digest(_key(secret), content, "sha256")).decode() for secret in secrets)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX_OF_SECRETS), validate=True)
