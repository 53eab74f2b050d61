"""The form for whom to tell: its fields, and what is wrong with them in the words of the form."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from onboarding.core.reasons import InvalidRequestError, Reason
from onboarding.core.request import MAX_ADDRESSEES, Contacts, OnboardingRequest
from onboarding.engine import Expected, OvertakenError
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


@contextmanager
def as_shown(given: str) -> Iterator[Expected]:
    """The contacts that a form shows, for the engine to expect, whatever else has happened meanwhile.

    Inside, OvertakenError becomes ProblemError 409.
    """
    try:
        yield lambda record: record is None or seen(contacts_of(record.request)) == given
    except OvertakenError:
        raise ProblemError(
            409,
            "Somebody else was faster",
            "Nothing was changed: whom to tell was changed by somebody else after you opened the page, so your form"
            " would undo it (the audit trail says who it was). Note what you typed, open the page again, and change"
            " what stands there now.",
        ) from None


def _told(reason: Reason) -> str:
    line = re.fullmatch(r"notify\.emails\[(\d+)\]", reason.field)
    what = f"Addressee {int(line[1]) + 1}" if line else _LABELS.get(reason.field, reason.field)
    if not reason.value:
        return f"{what} is missing."
    if reason.rule == "too_long":
        return f"{what} has too many lines; {MAX_ADDRESSEES} fit."
    if reason.rule == "string_too_long":
        return f"{what} is too long."
    return f"{what} is “{reason.value}”, which is no e-mail address."
