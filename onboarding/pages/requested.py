"""What was requested, by whom, and who is told of it: as people read it, whatever kind of gateway it is for. Pure.

It is made of the request itself, so that no field of a kind can be forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onboarding.core.record import Record
from onboarding.core.services import Service

_WORDS: Mapping[str, str] = {
    **{service.value: service.label for service in Service},
    "adminUser": "Admin user",
    "alreadyOnboarded": "Onboarded already",
    "azureZone": "Azure DNS zone",
    "byHand": "Changes made by hand",
    "callRouting": "Call routing",
    "clientId": "Application (client) id",
    "dns": "TXT record",
    "emails": "By e-mail",
    "escalateTo": "Once, when a checkpoint stays open for too long",
    "fqdn": "FQDN",
    "insistOnNumbers": "Numbers insisted on",
    "notify": "Who is told",
    "subscriptionId": "Subscription",
    "teams": "In the Teams channel",
}
"""Names of fields that are said in other words than their own."""
_TOLD = ("onboardingTeam", "notify")
"""The parts of a request that name whom to tell."""
_LONGEST = 200
"""Characters of a value: certificates have thousands."""


@dataclass(frozen=True, slots=True)
class AskedLine:
    """One thing that the request says."""

    label: str
    values: tuple[str, ...]
    """A line each."""


@dataclass(frozen=True, slots=True)
class Requested:
    """The request, for its part of the page."""

    by: str | None
    """None: it was before this was kept."""
    at: datetime
    asked: tuple[tuple[str, tuple[AskedLine, ...]], ...]
    """Heading → what it says."""
    told: tuple[AskedLine, ...]
    """Whom to tell, as it is by now."""
    told_changed: bool
    """Somebody has changed that since."""


def requested(record: Record) -> Requested:
    """The request as it was posted, with the contacts of now."""
    body = record.request.to_json()
    whole = [(name, value) for name, value in body.items() if name not in _TOLD]
    parts = [(_label(name), tuple(asked_lines(value))) for name, value in whole if isinstance(value, dict)]
    rest = tuple(asked_lines({name: value for name, value in whole if not isinstance(value, dict)}))
    team, notify = (body[name] for name in _TOLD)
    posted = record.posted_contacts
    return Requested(
        record.requested_by,
        record.created_at,
        (*((heading, lines) for heading, lines in parts if lines), *((("Besides", rest),) if rest else ())),
        (AskedLine(_label(_TOLD[0]), (_in_a_line(team),)), *asked_lines(notify)),
        posted is not None and posted != record.request.contacts,
    )


def asked_lines(part: Mapping[str, Any], above: str = "") -> Iterator[AskedLine]:
    """What a part of a request's JSON says; what it leaves out, or denies, is no line."""
    for name, value in part.items():
        label = f"{above}: {_label(name)}" if above else _label(name)
        if isinstance(value, dict):
            yield from [AskedLine(label, (_in_a_line(value),))] if _is_flat(value) else asked_lines(value, label)
        elif isinstance(value, list):
            if value:
                yield AskedLine(label, tuple(_in_a_line(it) if isinstance(it, dict) else _text(it) for it in value))
        elif value is not None and value is not False:
            yield AskedLine(label, (_text(value),))


def _is_flat(part: Mapping[str, Any]) -> bool:
    return not any(isinstance(value, dict | list) for value in part.values())


def _in_a_line(part: Mapping[str, Any]) -> str:
    return " · ".join(_text(value) for value in part.values() if value is not None)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def _label(name: str) -> str:
    return _WORDS.get(name) or re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f" {found[1].lower()}", name).capitalize()
