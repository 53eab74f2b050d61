"""Signed links for people outside the tenant: one checkpoint of one onboarding, for one opening of it.

A link holds no secret but its signature. It is used up when its checkpoint is confirmed or a problem is reported, and
revoked when the checkpoint closes: it names the opening (the version of the record that opened the checkpoint), and
only an open checkpoint with that opening takes it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from itsdangerous import BadData, Serializer
from itsdangerous.encoding import base64_decode, base64_encode

from onboarding.core.patterns import SIGNED_LINK, fits
from onboarding.core.record import Record, StepRecord, StepState

KEY_LENGTH = 32
"""Characters that a signing key must have at least."""
TOKEN_LENGTH = 1000
"""Characters; a longer one isn't ours and isn't read."""
PASTED_LENGTH = 2 * TOKEN_LENGTH
"""Characters of a link with its token."""

_SIGNER = {"key_derivation": "hmac", "digest_method": sha256}
_EARLIER = {"key_derivation": "none", "digest_method": sha256}
"""Links used to be signed with the key itself. They say the same; those in people's mail are good until they expire."""


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
    body = (link.onboarding_id, link.step, link.opening, int(link.expires_at.timestamp()))
    return _serializer([key]).dumps(body)


def read_link(token: str, keys: Sequence[str], now: datetime) -> Link:
    """What a token is good for, if one of the keys (the current one, the one before) signed it.

    Raises LinkError `forged` or `expired`.
    """
    try:
        # Base64's reader skips whatever else a text holds, so that one link could be written in many ways.
        if len(token) > TOKEN_LENGTH or not fits(SIGNED_LINK, token):
            raise BadData("not a token")
        said = _serializer(keys).loads(token)
    except BadData:
        raise LinkError("forged", "This link was not made by this application, or a part of it is missing.") from None
    try:
        onboarding_id, step, opening, expires = said
        link = Link(str(onboarding_id), str(step), int(opening), datetime.fromtimestamp(int(expires), UTC))
    except (ValueError, TypeError, OverflowError) as error:
        raise LinkError("forged", "This link can't be read.") from error
    if link.expires_at <= now:
        raise LinkError("expired", f"This link was good until {link.expires_at:%d %B %Y, %H:%M} UTC.", link)
    return link


def check_open(link: Link, record: Record | None) -> None:
    """Make sure that the link's checkpoint is open, at the opening that the link was made for.

    Raises LinkError `foreign` (there is no such checkpoint) or `used` (it was answered or closed since).
    """
    known = record is not None and any(s.name == link.step for s in record.steps)
    if record is None or not known:
        raise LinkError("foreign", "This link belongs to no onboarding that is known here.", link)
    step = record.step(link.step)
    over = record.closed or record.cancelling
    if over or step.state is not StepState.WAITING or step.ticket != link.opening:
        raise LinkError("used", _settled(link, record, step), link)


def _settled(link: Link, record: Record, step: StepRecord) -> str:
    """What became of it, as far as that is known: somebody used it, and by which name; or others settled it."""
    word = next((word for word in step.words if word.opening == link.opening), None)
    if word is None:
        so = "The onboarding has ended since." if record.closed else "What this link asked for has been settled since."
    elif word.outside:
        who = f"by somebody who gave the name {word.name}" if word.name else "by somebody who gave no name"
        so = f"This link was used on {word.at:%d %B %Y, %H:%M} UTC, {who}."
    else:
        so = f"The operator settled on {word.at:%d %B %Y, %H:%M} UTC what this link asked for."
    going_on = step.turn is not None and not record.closed and step.state is StepState.WAITING
    return f"{so} When it is your turn again, you are sent another link." if going_on and step.words else so


class _Base64Json:
    """As itsdangerous' own for URLs, but never compressed: each token looks the same."""

    @staticmethod
    def dumps(said: Any) -> str:
        return base64_encode(json.dumps(said, separators=(",", ":"))).decode()

    @staticmethod
    def loads(text: str) -> Any:
        return json.loads(base64_decode(text))


def _serializer(keys: Sequence[str]) -> Serializer[str]:
    """Signs with the first key, and reads what any of them signed for this purpose."""
    # Oldest first is itsdangerous' order; the salt makes of each key one that signs links and nothing else.
    return Serializer(
        list(reversed(keys)),
        salt="onboarding.link",
        serializer=_Base64Json,
        signer_kwargs=_SIGNER,
        fallback_signers=[_EARLIER],
    )
