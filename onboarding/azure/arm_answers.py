"""What ARM's errors mean for a step. Pure."""

from __future__ import annotations

from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, refusal_problem, shared_problem
from onboarding.azure.gateway_resource import GONE, RETIRED
from onboarding.azure.permissions import AZURE_ROLES, FRONT_ROLES, grant_azure
from onboarding.azure.refusals import ARM_PERMISSION, ARM_REFUSALS, refused
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError

RETIRED_CODES = frozenset(
    {"InvalidResourceNamespace", "MissingSubscriptionRegistration", "NoRegisteredProviderFound", "InvalidResourceType"}
)
"""ARM's answers when it doesn't know the resource provider, or not for this subscription."""
NO_PROVIDER = (
    f"{RETIRED} and took its resource provider Microsoft.VoiceServices"
    " out of Azure: gateways can be neither read nor changed. Cancel this onboarding. If Microsoft told you otherwise"
    " for your subscription, register Microsoft.VoiceServices there and retry."
)
FALLBACK = {"subscription": "Reader", "resourceGroup": "Contributor"}
"""By scope: what serves where this repository's own role was not deployed; it allows much more."""


def arm_problem(call: MicrosoftCall, answer: MicrosoftAnswer, path: str, *, front: bool = False) -> StepProblemError:
    """What to raise for an answer that isn't success. `path` is the one that was called, from `/subscriptions` on.

    `front`: it was called by an app that only looks, and is to be given no other role.
    """
    seen = f"{call} answered {answer}."
    if answer.code in RETIRED_CODES:
        # With the retirement in what was seen: lists and notices show no more than that.
        told = f"Azure does not know Microsoft.VoiceServices, whose service was retired in 2026: {seen}"
        return PersonMustActError(ProblemCode.PROVIDER_RETIRED, told, NO_PROVIDER)
    shared = shared_problem(call, answer)
    if shared is not None:
        return shared
    if answer.status == 404:
        advice = f"Check the request's subscription id, resource group and gateway name in the Azure portal. {GONE}"
        return PersonMustActError(ProblemCode.GATEWAY_GONE, seen, advice)
    known = refused(call, answer, ARM_REFUSALS)
    if known is not None:
        return known
    if answer.status == 403 and answer.code.lower() in ARM_PERMISSION:
        return PersonMustActError(ProblemCode.PERMISSION_MISSING, seen, _advice(call, path, front))
    if answer.status == 409:
        # Of another operation under way: the conflicts that last stand in the table.
        return TryLaterError(ProblemCode.BUSY, seen, answer.retry_after())
    return refusal_problem(call, answer)


def _advice(call: MicrosoftCall, path: str, front: bool) -> str:
    role = (FRONT_ROLES if front else AZURE_ROLES)[call.operation]
    name = role.name(path)
    command = grant_azure(call.by, name, role.on(path))
    own = f" (a role that infra/main.bicep defines; without it, {FALLBACK[role.scope]} serves)"
    return (
        f"Give the application's managed identity the Azure role {name}{own}: `{command}` (docs/permissions.md)."
        " It takes effect within ten minutes; then retry the step."
    )
