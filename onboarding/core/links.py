"""Signed links for people outside the tenant: one checkpoint of one onboarding, for one opening of it.

A link holds no secret but its signature. It is used up when its checkpoint is confirmed or a problem is reported, and
revoked when the checkpoint closes: it names the opening (the version of the record that opened the checkpoint), and
only an open checkpoint with that opening takes it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from onboarding.core.patterns import SIGNED_LINK, fits
from onboarding.core.record import Record, StepState

KEY_LENGTH = 32
"""Characters that a signing key must have at least."""
TOKEN_LENGTH = 1000
"""Characters; a longer one isn't ours and isn't read."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is good for."""

    onboarding_id: str
    step: str
    opening: int
    expires_at: datetime


class LinkError(Exception):
    """A link that is no good. `kind` is `forged`, `expired`, `foreign` or `used`; `link` is what it says, if true."""

    def __init__(self, kind: str, sentence: str, link: Link | None = None) -> None:
        self.kind = kind
        self.link = link
        super().__init__(sentence)


def sign(link: Link, key: str) -> str:
    """The token: safe in a URL. Raises ValueError for a key that is too short to trust."""
    if len(key) < KEY_LENGTH:
        raise ValueError(f"the key has {len(key)} characters; at least {KEY_LENGTH} were expected")
    body = [link.onboarding_id, link.step, link.opening, int(link.expires_at.timestamp())]
    payload = _encoded(json.dumps(body, separators=(",", ":")).encode())
    return f"{payload}.{_signature(payload, key)}"


def read(token: str, keys: Sequence[str], now: datetime) -> Link:
    """What a token is good for, if one of the keys (the current one, the one before) signed it.

    Raises LinkError `forged` or `expired`.
    """
    payload, _, signature = token.partition(".")
    ours = len(token) <= TOKEN_LENGTH and fits(SIGNED_LINK, token)
    if not ours or not any(hmac.compare_digest(_signature(payload, key), signature) for key in keys):
        raise LinkError("forged", "This link was not made by this application, or a part of it is missing.")
    try:
        onboarding_id, step, opening, expires = json.loads(_decoded(payload))
        link = Link(str(onboarding_id), str(step), int(opening), datetime.fromtimestamp(int(expires), UTC))
    except (ValueError, TypeError, binascii.Error) as error:
        raise LinkError("forged", "This link can't be read.") from error
    if link.expires_at <= now:
        raise LinkError("expired", f"This link was good until {link.expires_at:%d %B %Y, %H:%M} UTC.", link)
    return link


def check(link: Link, record: Record | None) -> None:
    """Make sure that the link's checkpoint is open, at the opening that the link was made for.

    Raises LinkError `foreign` (there is no such checkpoint) or `used` (it was answered or closed since).
    """
    known = record is not None and any(s.name == link.step for s in record.steps)
    if record is None or not known:
        raise LinkError("foreign", "This link belongs to no onboarding that is known here.", link)
    step = record.step(link.step)
    over = record.closed or record.cancelling
    if over or step.state is not StepState.WAITING or step.ticket != link.opening:
        raise LinkError("used", "This link has been used, or what it asked for has been settled since.", link)


def _signature(payload: str, key: str) -> str:
    return _encoded(hmac.new(key.encode(), payload.encode(), hashlib.sha256).digest())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
