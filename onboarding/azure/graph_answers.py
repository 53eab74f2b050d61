"""What Graph's errors mean for a step. Pure.

Graph's documentation asks clients to tell errors apart by code, but its codes for these cases are the general
`Request_BadRequest`: only the messages differ. So messages are matched leniently, and whatever says that something
exists already is confirmed by a read.
"""

from __future__ import annotations

import re
from enum import StrEnum

from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, refusal_problem, shared_problem
from onboarding.azure.permissions import IN_EXCHANGE, NEEDED_BY, grant_graph, grant_mail
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError


class Meaning(StrEnum):
    """What an answer tells, beyond its status."""

    DONE = "done"
    ABSENT = "absent"
    ALREADY_THERE = "already-there"
    NOT_REPLICATED = "not-replicated"
    TXT_RECORD_NOT_SEEN = "txt-record-not-seen"
    DOMAIN_IN_USE = "domain-in-use"
    OTHER = "other"


_WORDS: tuple[tuple[Meaning, frozenset[int], re.Pattern[str]], ...] = tuple(
    (meaning, frozenset(statuses), re.compile(words, re.IGNORECASE))
    for meaning, statuses, words in (
        (Meaning.DOMAIN_IN_USE, (400, 409), r"DomainInUse|used by an active tenant|verified in another tenant"),
        (
            Meaning.ALREADY_THERE,
            (400, 409),
            r"already exists|already in use|already verified|MultipleObjectsWithSameKeyValue|Conflicting ?Object",
        ),
        (Meaning.NOT_REPLICATED, (400,), r"not a valid reference update|queried reference-property objects"),
        (Meaning.TXT_RECORD_NOT_SEEN, (400,), r"Domain verification failed|Error in DNS verification"),
    )
)
"""In this order. All wordings were seen in the field; none is documented."""

RESTART = (
    " The application's token keeps its old permissions for up to a day: restart the function app, then retry the step."
)
IN_USE_ADVICE = (
    "Another Microsoft Entra tenant holds this domain. Find out from the onboarding team which one, have it removed"
    " there, and retry the step."
)


def meaning(answer: MicrosoftAnswer) -> Meaning:
    """What the answer tells."""
    if answer.ok:
        return Meaning.DONE
    if answer.absent:
        return Meaning.ABSENT
    for found, statuses, words in _WORDS:
        if answer.status in statuses and words.search(answer.said):
            return found
    return Meaning.ALREADY_THERE if answer.status == 409 else Meaning.OTHER


def graph_problem(call: MicrosoftCall, answer: MicrosoftAnswer) -> StepProblemError:
    """What to raise for an answer that isn't success.

    Absent means: not replicated yet. Where a read may find nothing, or a write may find it done, ask `meaning` first.
    """
    shared = shared_problem(call, answer)
    if shared is not None:
        return shared
    seen = f"{call} answered {answer}."
    if answer.status == 403:
        return _forbidden(call, seen)
    told = meaning(answer)
    if told in (Meaning.ABSENT, Meaning.NOT_REPLICATED):
        return TryLaterError(ProblemCode.NOT_REPLICATED, seen, answer.retry_after())
    if told is Meaning.TXT_RECORD_NOT_SEEN:
        return TryLaterError(ProblemCode.TXT_RECORD_NOT_SEEN, seen, answer.retry_after())
    if told is Meaning.DOMAIN_IN_USE:
        return PersonMustActError(ProblemCode.DOMAIN_IN_USE, seen, IN_USE_ADVICE)
    if told is Meaning.ALREADY_THERE:
        return unconfirmed(call)
    return refusal_problem(call, answer)


def unconfirmed(call: MicrosoftCall) -> TryLaterError:
    """Graph says that it exists, but a read doesn't show it: the directory's copies differ for a while."""
    seen = f"{call} says that it exists already, but reading does not show it yet."
    return TryLaterError(ProblemCode.NOT_REPLICATED, seen)


def _forbidden(call: MicrosoftCall, seen: str) -> PersonMustActError:
    needed = NEEDED_BY[call.synergy_by].get(call.operation, ())
    if roles := [IN_EXCHANGE[name] for name in needed if name in IN_EXCHANGE]:
        advice = (
            "Allow the application's managed identity to send as that one mailbox, by Exchange's RBAC for Applications"
            f" (role `{roles[0]}`), not by {needed[0]} in Entra, which is for every mailbox:"
            f" `{grant_mail(call.by)}` in PowerShell. It takes effect within two hours; then retry."
        )
    elif needed:
        command = grant_graph(call.by, needed, call.synergy_by)
        advice = (
            f"Grant the application's managed identity {' and '.join(needed)} on Microsoft Graph:"
            f" `{command}` (or grant.ps1 beside it; docs/permissions.md).{RESTART}"
        )
    else:
        advice = (
            f"The table of permissions (docs/permissions.md) does not know {call.operation}: report this defect, with"
            " what Microsoft says above."
        )
    return PersonMustActError(ProblemCode.PERMISSION_MISSING, seen, advice)
