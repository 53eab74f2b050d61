"""What Graph's errors mean for a step. Pure.

Graph's documentation asks clients to tell errors apart by code, but its codes for these cases are the general
`Request_BadRequest`: only the messages differ. So messages are matched leniently, and whatever says that something
exists already is confirmed by a read.

Of what follows "Domain verification failed with the following error:" two texts are on public record: `Error in DNS
verification. code=InternalError` (no such record in DNS) and `Domain is being used by an active tenant`. What else is
told apart goes by the words of Microsoft's portal and of its older modules ("used elsewhere in Office 365").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, refusal_problem, shared_problem
from onboarding.azure.permissions import IN_EXCHANGE, grant_graph, grant_mail, needed_for
from onboarding.azure.refusals import GRAPH_PERMISSION, GRAPH_REFUSALS, refused
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import SOON, PersonMustActError, StepProblemError, TryLaterError


class Meaning(StrEnum):
    """What an answer tells, beyond its status."""

    DONE = "done"
    ABSENT = "absent"
    ALREADY_THERE = "already-there"
    NOT_REPLICATED = "not-replicated"
    TXT_RECORD_NOT_SEEN = "txt-record-not-seen"
    DOMAIN_IN_USE = "domain-in-use"
    DOMAIN_UNMANAGED = "domain-unmanaged"
    DOMAIN_FEDERATED = "domain-federated"
    DOMAIN_TAKEOVER = "domain-takeover"
    VERIFICATION_FAILED = "verification-failed"
    OTHER = "other"


_WORDS: tuple[tuple[Meaning, frozenset[int], re.Pattern[str]], ...] = tuple(
    (meaning, frozenset(statuses), re.compile(words, re.IGNORECASE | re.DOTALL))
    for meaning, statuses, words in (
        (
            Meaning.DOMAIN_TAKEOVER,
            (400, 409),
            r"TakeoverScheduled|domain.*takeover\b.{0,40}\b(scheduled|pending|in progress)",
        ),
        (Meaning.DOMAIN_UNMANAGED, (400, 409), r"domain.*(takeover|unmanaged|\bviral\b|email.?verified)"),
        (
            Meaning.DOMAIN_IN_USE,
            (400, 409),
            r"DomainInUse|used by an active tenant|verified in another tenant|domain.*used elsewhere"
            r"|domain.*(verified|exists|registered|used|added|owned|associated)\b.{0,20}\b(another|a different)\b"
            r".{0,20}(tenant|organi[sz]ation|directory|company)",
        ),
        (Meaning.DOMAIN_FEDERATED, (400, 409), r"domain.*federat"),
        (
            Meaning.ALREADY_THERE,
            (400, 409),
            r"already exists|already in use|already verified|MultipleObjectsWithSameKeyValue|Conflicting ?Object",
        ),
        (Meaning.NOT_REPLICATED, (400,), r"not a valid reference update|queried reference-property objects"),
        (
            Meaning.TXT_RECORD_NOT_SEEN,
            (400,),
            r"Error in DNS verification|Dns\w*NotFound"
            r"|\b(DNS|TXT|MX)\b.{0,60}\b(not\b.{0,10}(found|exist|match|seen)|missing|mismatch)"
            r"|\b(not find|no|missing)\b.{0,30}\b(DNS|TXT|MX) record",
        ),
        (Meaning.VERIFICATION_FAILED, (400,), r"Domain verification failed"),
    )
)
"""In this order. None is documented."""

LOCAL_ONLY = re.compile(r"backing application .* local tenant", re.IGNORECASE)
"""Graph's words for an application of another tenant, when the caller may only create its own."""
RESTART = (
    " The application's token keeps its old permissions for up to a day: restart the function app, then retry the step."
)
HELD: Mapping[Meaning, tuple[ProblemCode, str]] = {
    Meaning.DOMAIN_IN_USE: (
        ProblemCode.DOMAIN_IN_USE,
        "Another Microsoft Entra tenant holds this domain. Find out from the onboarding team which one, have it removed"
        " there, and retry the step.",
    ),
    Meaning.DOMAIN_UNMANAGED: (
        ProblemCode.DOMAIN_UNMANAGED,
        "A tenant that nobody manages holds this domain, since somebody signed up to a Microsoft service with an e-mail"
        " address of it. Tell the onboarding team. A Global Administrator of this tenant takes the domain over from"
        " there (https://learn.microsoft.com/entra/identity/users/domains-admin-takeover), or Microsoft's support does;"
        " then retry the step.",
    ),
    Meaning.DOMAIN_FEDERATED: (
        ProblemCode.DOMAIN_FEDERATED,
        "The domain, or the one above it, is federated: its users sign in elsewhere. Find out from the onboarding team"
        " why; have it made managed where it is (`Update-MgDomain -DomainId <domain> -AuthenticationType Managed`), and"
        " retry the step.",
    ),
}
"""Why a domain can't become this tenant's until somebody acts."""


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
    known = refused(call, answer, GRAPH_REFUSALS)
    if known is not None:
        return known
    seen = f"{call} answered {answer}."
    if answer.status == 403 and answer.code.lower() in GRAPH_PERMISSION:
        return _forbidden(call, answer, seen)
    told = meaning(answer)
    if told in (Meaning.ABSENT, Meaning.NOT_REPLICATED):
        return TryLaterError(ProblemCode.NOT_REPLICATED, seen, answer.retry_after())
    if told is Meaning.TXT_RECORD_NOT_SEEN:
        return TryLaterError(ProblemCode.TXT_RECORD_NOT_SEEN, seen, answer.retry_after())
    if told in HELD:
        code, advice = HELD[told]
        return PersonMustActError(code, seen, advice)
    if told is Meaning.DOMAIN_TAKEOVER:
        return takeover(seen)
    if told is Meaning.VERIFICATION_FAILED:
        in_the_end = (
            "Why Microsoft does not verify the domain stands in its own words above; this application does not know"
            " them. Change what they name, with the onboarding team or Microsoft's support, and retry the step."
        )
        return TryLaterError(ProblemCode.VERIFICATION_FAILED, seen, in_the_end=in_the_end, at_most=SOON)
    if told is Meaning.ALREADY_THERE:
        return unconfirmed(call, answer, "Nothing of the kind was read.")
    return refusal_problem(call, answer)


def unconfirmed(call: MicrosoftCall, answer: MicrosoftAnswer, read: str) -> TryLaterError:
    """Graph says that it exists, and a read doesn't show it: `read` says what was read.

    Either the directory's copies differ, which passes in minutes, or it is another object that is in the way.
    """
    in_the_end = (
        "What is in the way stands in Microsoft's own words above: another object has the same name or key, maybe a"
        " deleted one that is still kept. Find it in Microsoft Entra, remove it or have it removed, and retry the step."
    )
    return TryLaterError(
        ProblemCode.CONFLICT, f"{call} answered {answer}. {read}", in_the_end=in_the_end, at_most=SOON
    )


def takeover(seen: str) -> TryLaterError:
    """Microsoft moves the domain from a tenant that nobody manages, in its own time."""
    in_the_end = (
        "Microsoft said that it takes the domain over from a tenant that nobody manages, and has not done so. Look at"
        " the domain in Microsoft Entra (Custom domain names); still not verified, ask Microsoft's support. Then retry"
        " the step."
    )
    return TryLaterError(ProblemCode.DOMAIN_TAKEOVER, seen, in_the_end=in_the_end)


def _forbidden(call: MicrosoftCall, answer: MicrosoftAnswer, seen: str) -> PersonMustActError:
    if LOCAL_ONLY.search(answer.said):
        # The narrower permission is one that our table never grants: it has to be told apart from having none.
        seen += " It holds Application.ReadWrite.OwnedBy, which adds applications of this tenant only."
    needed = needed_for(call.operation, call.synergy_by, call.changes_by)
    if roles := [IN_EXCHANGE[name] for name in needed if name in IN_EXCHANGE]:
        advice = (
            "Allow the application's managed identity to send as that one mailbox, by Exchange's RBAC for Applications"
            f" (role `{roles[0]}`), not by {needed[0]} in Entra, which is for every mailbox:"
            f" `{grant_mail(call.by)}` in PowerShell. It takes effect within two hours; then retry."
        )
    elif needed:
        command = grant_graph(call.by, needed, call.synergy_by, call.changes_by)
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
