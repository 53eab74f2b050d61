"""The form for whom to tell: its fields, and what is wrong with them in the words of the form."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace

from onboarding.core.reasons import InvalidRequestError, Reason
from onboarding.core.record import Record
from onboarding.core.request import MAX_ADDRESSEES, Contacts, OnboardingRequest
from onboarding.engine import Engine
from onboarding.http.problems import ProblemError
from onboarding.kinds import read_contacts

_LABELS = {
    "onboardingTeam.name": "The onboarding team's name",
    "onboardingTeam.email": "The onboarding team's e-mail address",
    "notify.emails": "The list of addressees",
    "notify.escalateTo": "The address that is told when a checkpoint stays open",
}


def read_contact_fields(fields: Mapping[str, str], *, teams: bool) -> Contacts:
    """The contacts that the form names, addressees one a line. Raises ProblemError 400 with all that is wrong."""
    emails = [line.strip(" \t,;") for line in fields.get("emails", "").splitlines()]
    body = {
        "onboardingTeam": {name: fields.get(f"team-{name}", "").strip() for name in ("name", "email")},
        "notify": {
            "emails": [email for email in emails if email],
            "teams": teams,
            "escalateTo": fields.get("escalate-to", "").strip() or None,
        },
    }
    try:
        return read_contacts(body)
    except InvalidRequestError as error:
        told = " ".join(_told(reason) for reason in error.reasons)
        raise ProblemError(400, "Nothing was changed", f"{told} Go back and put it right.") from None


def contacts_of(request: OnboardingRequest) -> Contacts:
    """Those of today. They were checked when they were accepted; what is valid may have changed since."""
    return Contacts.model_construct(onboarding_team=request.onboarding_team, notify=request.notify)


def seen(contacts: Contacts) -> str:
    """Tells which contacts a form was filled with, so that nobody overwrites what they have not seen."""
    return hashlib.sha256(contacts.model_dump_json().encode()).hexdigest()[:32]


def expecting(engine: Engine, given: str) -> Engine:
    """The engine, for a change of the contacts that a form shows only, whatever else has happened meanwhile.

    It is looked at on every load, also after a lost write. While it changes something, it may raise ProblemError 409.
    """

    def check(record: Record | None) -> None:
        if record is not None and seen(contacts_of(record.request)) != given:
            raise ProblemError(
                409,
                "Somebody else was faster",
                "Nothing was changed: whom to tell was changed by somebody else after you opened the page, so your form"
                " would undo it (the audit trail says who it was). Note what you typed, open the page again, and change"
                " what stands there now.",
            )

    return replace(engine, records=engine.records.checked(check))


def _told(reason: Reason) -> str:
    line = re.fullmatch(r"notify\.emails\[(\d+)\]", reason.field)
    what = f"Addressee {int(line[1]) + 1}" if line else _LABELS.get(reason.field, reason.field)
    if not reason.value:
        return f"{what} is missing."
    if reason.rule == "too_long":
        return f"{what} has too many lines; {MAX_ADDRESSEES} fit."
    if reason.rule == "string_too_long":
        return f"{what} is too long."
    if reason.rule == "email_address":
        return f"{what}, “{reason.value}”, {reason.message.rstrip('.')}."
    return f"{what} is “{reason.value}”, which is no e-mail address."
