"""What a form of an onboarding's page asks for, as a happening. Raises ProblemError 400 where the form is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from onboarding.core.events import (
    CancelRequested,
    CheckRequested,
    Confirmed,
    ContactsChanged,
    Happening,
    PauseRequested,
    ProblemReported,
    ReopenRequested,
    ReplayRequested,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
)
from onboarding.http.problems import ProblemError
from onboarding.pages.contacts import read_contact_fields
from onboarding.pages.forms import note
from onboarding.steps import LIBRARY

ON = "on"
"""What a browser sends for a box that is ticked."""
WHY_A_NOTE = "Say what the problem is, so that somebody can put it right. Nothing was changed."
_WHY_A_REASON = "Say why: the reason is kept in the audit trail. Nothing was changed."

Fields = Mapping[str, str]


def happening(action: str, fields: Fields, actor: str) -> Happening:
    """Whether the state allows it is for the rules to say."""
    return _HAPPENINGS[action](fields.get("step", ""), fields, actor)


def _reason(fields: Fields) -> str:
    return note(fields, "reason", required=_WHY_A_REASON)


def _skip(step: str, fields: Fields, actor: str) -> Happening:
    insist = fields.get("insist") == ON
    if not insist and step in LIBRARY and LIBRARY[step].may_be_skipped_when is None:
        raise ProblemError(
            400,
            "The step was not skipped",
            f"Microsoft's article does not let “{LIBRARY[step].title}” be left out. If you know that it was done in"
            " another way, go back and tick “I insist”.",
        )
    return SkipRequested(step, actor, _reason(fields), insist)


def _contacts(step: str, fields: Fields, actor: str) -> Happening:
    contacts = read_contact_fields(fields, teams=fields.get("teams") == ON)
    return ContactsChanged(actor, contacts.onboarding_team, contacts.notify)


_HAPPENINGS: Mapping[str, Callable[[str, Fields, str], Happening]] = {
    "confirm": lambda step, fields, actor: Confirmed(step, actor, note(fields, "note")),
    "report-problem": lambda step, fields, actor: ProblemReported(
        step, actor, note(fields, "note", required=WHY_A_NOTE)
    ),
    "retry": lambda step, fields, actor: RetryRequested(step, actor),
    "check": lambda step, fields, actor: CheckRequested(step, actor),
    "skip": _skip,
    "reopen": lambda step, fields, actor: ReopenRequested(step, actor, _reason(fields)),
    "replay": lambda step, fields, actor: ReplayRequested(actor),
    "pause": lambda step, fields, actor: PauseRequested(actor, _reason(fields)),
    "resume": lambda step, fields, actor: ResumeRequested(actor),
    "change-contacts": _contacts,
    "cancel": lambda step, fields, actor: CancelRequested(actor, _reason(fields)),
}
