"""Signed links: what a link is good for, and what to say of one that is no good."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from onboarding.core.events import LinkRefused
from onboarding.core.links import Link, LinkError, check_open, read_link
from onboarding.core.record import Record, StepRecord
from onboarding.http.access import Caller
from onboarding.http.call import HttpCall
from onboarding.notices.outside import whom_to_ask
from onboarding.ports import ConflictError, Sender
from onboarding.telemetry.work import unfit_link
from onboarding.whom import whom

log = logging.getLogger("onboarding")

HOLDER = Caller("the holder of a link", frozenset())
"""Who comes by a link."""


def holder_of(record: Record, step: StepRecord) -> str:
    """Who answers through a link, for the audit trail."""
    return f"{HOLDER.name} sent to {whom(record, step).in_words}"


LINK_FIELD = "link"
"""Of the forms: the token, or the link whole, as people paste it."""
PURPOSE = "answer a link"
"""Of the forms. What lets their sender in is the link that they bring."""


def ask_for_another(sender: Sender) -> str:
    """What to do about a link that is no good."""
    return f"Ask {whom_to_ask(sender)}, if you need another one. Nothing was changed."



@dataclass(frozen=True, slots=True)
class Refusal:
    """How a link that is no good is answered."""

    status: int
    title: str


REFUSALS: Mapping[str, Refusal] = {
    "forged": Refusal(403, "This link is not valid"),
    "expired": Refusal(410, "This link has expired"),
    "foreign": Refusal(404, "This link leads nowhere"),
    "used": Refusal(410, "This link is used up"),
}
"""By the kind of a LinkError."""


def held(call: HttpCall) -> HttpCall:
    """The call as the holder's: whoever is signed in besides, a link answers for its holder only."""
    return replace(call, caller=HOLDER)


def token_of(fields: Mapping[str, str]) -> str:
    """The token of a form: what follows the last `#` or `/` of a link."""
    given = fields.get(LINK_FIELD, "").strip()
    return given.rpartition("#")[2].rpartition("/")[2]


async def opened(call: HttpCall, token: str) -> tuple[Link, Record]:
    """The checkpoint that a link opens. Raises LinkError; a link that was good once is then in the audit trail."""
    try:
        link = read_link(token, call.settings.link_keys, call.engine.clock.now())
        loaded = await call.engine.records.load(link.onboarding_id)
        check_open(link, loaded.record if loaded else None)
    except LinkError as error:
        await _note(call, error)
        raise
    assert loaded is not None
    return link, loaded.record


async def _note(call: HttpCall, error: LinkError) -> None:
    """Count it; and tell the onboarding, of a link that we signed. What another one names, anybody can write."""
    unfit_link(error.kind)
    if error.link is None:
        log.warning("a link was refused: %s", error.kind)
        return
    named = error.link.onboarding_id
    try:
        await call.engine.happen(named, LinkRefused(error.link.step, f"{error.kind}: {error}"))
    except ConflictError:
        log.warning("a link to %s was refused (%s); the onboarding was too busy to note it", named, error.kind)
