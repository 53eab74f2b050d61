"""Signed links: what a link is good for, and what to say of one that is no good."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from onboarding.core.events import LinkRefused
from onboarding.core.links import TOKEN_LENGTH, Link, LinkError, check_open, read_link
from onboarding.core.record import Record
from onboarding.http.access import Caller
from onboarding.http.call import HttpCall
from onboarding.ports import ConflictError

log = logging.getLogger("onboarding")

HOLDER = Caller("the holder of a link sent to the onboarding team", frozenset())
"""Who answers through a link, for the audit trail."""

WHOM_TO_ASK = (
    "Ask whoever sent you the link for a new one: the operator whose gateway is connected. Their name is in the"
    " message that held the link. Nothing was changed."
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a link that is no good is answered."""

    status: int
    title: str


REFUSALS: Mapping[str, Refusal] = {
    "forged": Refusal(403, "This link is not valid"),
    "expired": Refusal(410, "This link has expired"),
    "foreign": Refusal(404, "This link leads nowhere"),
    "used": Refusal(410, "This link has been used"),
}
"""By the kind of a LinkError."""


def held(call: HttpCall) -> HttpCall:
    """The call as the holder's: whoever is signed in besides, a link answers for its holder only."""
    return replace(call, caller=HOLDER)


def token_of(call: HttpCall) -> str:
    return str(call.request.route_params["token"])


def purpose(token: str) -> str:
    """Of the forms on a link's page."""
    return f"answer link {hashlib.sha256(token.encode()).hexdigest()}"


async def opened(call: HttpCall) -> tuple[Link, Record]:
    """The checkpoint that this call's link opens. Raises LinkError; the onboarding's audit trail then has it."""
    token = token_of(call)
    try:
        link = read_link(token, call.settings.link_keys, call.engine.clock.now())
        loaded = await call.engine.records.load(link.onboarding_id)
        check_open(link, loaded.record if loaded else None)
    except LinkError as error:
        await _note(call, error, token)
        raise
    assert loaded is not None
    return link, loaded.record


async def _note(call: HttpCall, error: LinkError, token: str) -> None:
    """Tell the onboarding that the link names. A forged one may name any: how often it is noted, the rule limits."""
    named = (error.link.onboarding_id, error.link.step) if error.link else _claimed(token)
    if named is None:
        log.warning("a link was refused: %s", error.kind)
        return
    try:
        await call.engine.happen(named[0], LinkRefused(named[1], f"{error.kind}: {error}"))
    except ConflictError:
        log.warning("a link to %s was refused (%s); the onboarding was too busy to note it", named[0], error.kind)


def _claimed(token: str) -> tuple[str, str] | None:
    """The onboarding and the step that a token names, true or not; None when it can't be read."""
    payload = token.partition(".")[0]
    if len(token) > TOKEN_LENGTH or not payload:
        return None
    try:
        onboarding_id, step, *_ = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, TypeError, RecursionError):
        return None
    known = isinstance(onboarding_id, str) and isinstance(step, str)
    return (onboarding_id, step) if known and onboarding_id.replace("-", "").isalnum() else None
