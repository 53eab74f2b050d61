"""What ARM's errors mean for a step. Pure."""

from __future__ import annotations

from onboarding.azure.answers import Answer, Call, refused, shared_problem
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError

RETIRED_CODES = frozenset(
    {"InvalidResourceNamespace", "MissingSubscriptionRegistration", "NoRegisteredProviderFound", "InvalidResourceType"}
)
"""ARM's answers when it doesn't know the resource provider, or not for this subscription."""
RETIRED = (
    "Microsoft retired Azure Communications Gateway in 2026 and took its resource provider Microsoft.VoiceServices"
    " out of Azure: gateways can be neither read nor changed. Cancel this onboarding. If Microsoft told you otherwise"
    " for your subscription, register Microsoft.VoiceServices there and retry."
)
STOPPING_CONFLICTS = frozenset(
    {"ScopeLocked", "ReadOnlyDisabledSubscription", "InvalidResourceLocation", "RequestDisallowedByPolicy"}
)
"""Conflicts that last until a person acts; other conflicts are another operation under way."""
READER = "Reader"
CONTRIBUTOR = "Contributor"


def arm_problem(call: Call, answer: Answer) -> StepProblemError:
    """What to raise for an answer that isn't success."""
    seen = f"{call} answered {answer}."
    if answer.code in RETIRED_CODES:
        return PersonMustActError(ProblemCode.PROVIDER_RETIRED, seen, RETIRED)
    shared = shared_problem(call, answer)
    if shared is not None:
        return shared
    if answer.status == 404:
        advice = "Check the request's subscription id, resource group and gateway name against the Azure portal."
        return PersonMustActError(ProblemCode.GATEWAY_GONE, seen, advice)
    if answer.status == 403 and answer.code not in STOPPING_CONFLICTS:
        role = READER if call.method == "GET" else CONTRIBUTOR
        advice = (
            f"Give the application's managed identity the Azure role {role} on the gateway's resource group or"
            " subscription (docs/permissions.md), and retry the step."
        )
        return PersonMustActError(ProblemCode.PERMISSION_MISSING, seen, advice)
    if answer.status == 409 and answer.code not in STOPPING_CONFLICTS:
        return TryLaterError(ProblemCode.BUSY, seen, answer.retry_after())
    return refused(call, answer)
