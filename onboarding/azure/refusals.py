"""What Microsoft refuses whoever asks, by its error codes, as data: what it is, and what a person does.

A code that stands in no table is told in Microsoft's words, without advice that may be false. Sources: Microsoft
Learn ("Troubleshoot common Azure deployment errors", "Microsoft Graph error responses"), and what was seen in the
field where it is not documented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall
from onboarding.core.advice import filled_in
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError


@dataclass(frozen=True, slots=True)
class KnownRefusal:
    """Answers with one of these codes, and 403 with these words whatever the code."""

    codes: frozenset[str]
    """In lower case."""
    problem: ProblemCode
    what_next: str
    words: re.Pattern[str] | None

    def fits(self, answer: MicrosoftAnswer) -> bool:
        """Whether this is what the answer tells."""
        worded = self.words is not None and answer.status == 403 and self.words.search(answer.said) is not None
        return worded or answer.code.lower() in self.codes


def _of(codes: str, problem: ProblemCode, what_next: str, words: str | None = None) -> KnownRefusal:
    pattern = re.compile(words, re.IGNORECASE) if words else None
    return KnownRefusal(frozenset(codes.lower().split()), problem, what_next, pattern)


_LINKED = re.compile(r"linked scope\(?s?\)? '(/subscriptions/[0-9a-f-]{36}(?:/[\w.-]+)*)'", re.IGNORECASE | re.ASCII)
"""How Microsoft names it in its own words; only what can be pasted into a command as it is."""
_RETRY = " Then retry the step."
_NO_ROLE = " No permission of this application's identity changes that."

ARM_PERMISSION = frozenset({"authorizationfailed"})
"""Codes of ARM that mean a missing role."""
ARM_REFUSALS = (
    _of(
        "LinkedAuthorizationFailed LinkedAccessCheckFailed",
        ProblemCode.LINKED_PERMISSION_MISSING,
        "The application's identity may change the gateway, but not use the resource that Microsoft calls the linked"
        " scope (such as a user-assigned identity of the gateway). Give the identity a role there that has the action"
        " Microsoft names: `az role assignment create --assignee <client id>"
        ' --role "Managed Identity Operator" --scope <linked scope>`'
        f" (that role for an identity; for another resource, one with that action).{_RETRY}",
    ),
    _of(
        "DenyAssignmentAuthorizationFailed",
        ProblemCode.BLOCKED,
        "A deny assignment forbids it: a deployment stack, a managed application or Azure itself has set it. Find it"
        " in the portal (the gateway's Access control, Deny assignments), and have whoever owns it leave this"
        f" application's identity out, or lift it.{_NO_ROLE}{_RETRY}",
    ),
    _of(
        "RequestDisallowedByPolicy",
        ProblemCode.BLOCKED,
        "An Azure Policy forbids it; Microsoft names it above. Have its owner exempt the gateway, or change the gateway"
        f" so that it complies.{_NO_ROLE}{_RETRY}",
    ),
    _of(
        "RequestDisallowedByAzure",
        ProblemCode.BLOCKED,
        "Azure itself forbids it in this subscription or region, for the reason that Microsoft gives above (a region"
        f" that takes no new customers, a rule of the subscription). Clear it with Microsoft's support.{_NO_ROLE}"
        f"{_RETRY}",
    ),
    _of(
        "ScopeLocked",
        ProblemCode.BLOCKED,
        "A lock on the gateway, its resource group or the subscription forbids changes. Have its owner remove it for"
        f" the time of the onboarding (`az lock list`).{_NO_ROLE}{_RETRY}",
    ),
    _of(
        "ReadOnlyDisabledSubscription",
        ProblemCode.BLOCKED,
        "The subscription is disabled, and can only be read. Have its owner enable it again (in the portal, Cost"
        f" Management and Billing).{_NO_ROLE}{_RETRY}",
    ),
    _of(
        "InvalidResourceLocation",
        ProblemCode.REFUSED,
        f"The resource exists in another region already. Compare the gateway's location.{_RETRY}",
    ),
)

GRAPH_PERMISSION = frozenset(
    {"authorization_requestdenied", "authentication_msgraphpermissionmissing", "accessdenied", "erroraccessdenied"}
)
"""Codes of Graph and Exchange that mean a missing permission."""
GRAPH_REFUSALS = (
    _of(
        "Directory_QuotaExceeded",
        ProblemCode.QUOTA_EXCEEDED,
        "The directory (or what this application's identity may create in it) is full. Delete what is not needed, also"
        " the deleted objects that are still kept, or have Microsoft's support raise the limit (https://learn.microsoft"
        f".com/entra/identity/users/directory-service-limits-restrictions).{_NO_ROLE}{_RETRY}",
    ),
    _of(
        "Directory_ResourceSizeExceeded",
        ProblemCode.QUOTA_EXCEEDED,
        "The object that Microsoft names holds as many values as it can. Remove some that are not needed, such as role"
        f" assignments of what is gone.{_NO_ROLE}{_RETRY}",
    ),
    _of(
        "Authorization_IdentityDisabled",
        ProblemCode.BLOCKED,
        "The application's identity is disabled in Microsoft Entra. Enable it there (Enterprise applications, the"
        f" managed identity, Properties, Enabled for users to sign in).{_RETRY}",
    ),
    _of(
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        ProblemCode.BLOCKED,
        f"The tenant lacks the licence that Microsoft names above.{_NO_ROLE}{_RETRY}",
    ),
    _of(
        "",
        ProblemCode.BLOCKED,
        "An application access policy of Exchange keeps this application from the mailbox, whatever else allows it."
        " Have an Exchange administrator look at `Get-ApplicationAccessPolicy`, and allow the mailbox there or remove"
        f" the policy.{_RETRY}",
        words="AppOnly ?AccessPolicy",
    ),
    _of(
        "",
        ProblemCode.BLOCKED,
        "Conditional Access of the tenant forbids it. Have an administrator look at the sign-ins of this application's"
        f" identity (Microsoft Entra, Sign-in logs, Managed identity sign-ins) for the policy, and exempt it.{_RETRY}",
        words="insufficient_claims|conditional access",
    ),
    _of(
        "ErrorAccountSuspend ErrorAccountSuspendShowTierUpgrade ErrorMessageSubmissionBlocked",
        ProblemCode.MAILBOX_REFUSED,
        "Exchange has stopped the mailbox of ONBOARDING_MAIL_SENDER from sending, as after much or suspicious mail."
        " Have an administrator see why and unblock it (Microsoft Defender portal, Restricted entities); messages in"
        f" its inbox say more.{_RETRY}",
        words="account suspended",
    ),
    _of(
        "ErrorSendAsDenied",
        ProblemCode.MAILBOX_REFUSED,
        "The mailbox may not send with that address as its sender. Set ONBOARDING_MAIL_SENDER to the mailbox's own"
        " address or user principal name, and restart the function app.",
    ),
    _of(
        "MailboxNotEnabledForRESTAPI ErrorMailboxNotEnabledForRESTAPI MailboxNotSupportedForRESTAPI",
        ProblemCode.MAILBOX_REFUSED,
        "ONBOARDING_MAIL_SENDER has no mailbox in Exchange Online: it has no licence, was deleted, or is on premises."
        " Give it one (a shared mailbox will do), or set another sender and restart the function app.",
    ),
)


def refused(
    call: MicrosoftCall, answer: MicrosoftAnswer, refusals: Iterable[KnownRefusal]
) -> PersonMustActError | None:
    """What these tables know of the answer; None when it stands in none."""
    for refusal in refusals:
        if refusal.fits(answer):
            linked = _LINKED.search(answer.said)
            known = {"client id": call.by, "linked scope": linked[1] if linked else None}
            advice = filled_in(refusal.what_next, known)
            return PersonMustActError(refusal.problem, f"{call} answered {answer}.", advice)
    return None
