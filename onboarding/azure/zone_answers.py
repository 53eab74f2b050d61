"""What ARM's errors about Azure DNS mean for a step. Pure."""

from __future__ import annotations

from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, refusal_problem, shared_problem
from onboarding.azure.permissions import AZURE_ROLES, grant_azure
from onboarding.azure.refusals import ARM_PERMISSION, ARM_REFUSALS, refused
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError
from onboarding.core.publishing import BY_HAND

FALLBACK_ROLE = "DNS Zone Contributor"
"""What serves where this repository's own role was not deployed; it allows much more."""


def zone_problem(call: MicrosoftCall, answer: MicrosoftAnswer, path: str) -> StepProblemError:
    """What to raise for an answer that isn't success. `path` is the one that was called, from `/subscriptions` on."""
    seen = f"{call} answered {answer}."
    shared = shared_problem(call, answer)
    if shared is not None:
        return shared
    if answer.status == 404:
        return PersonMustActError(
            ProblemCode.DNS_ZONE_UNKNOWN,
            seen,
            f"Check the zone's resource id in the request; then retry the step. {BY_HAND}",
        )
    known = refused(call, answer, ARM_REFUSALS)
    if known is not None:
        return PersonMustActError(known.code, known.seen, f"{known.what_next} {BY_HAND}")
    if answer.status == 403 and answer.code.lower() in ARM_PERMISSION:
        return PersonMustActError(ProblemCode.PERMISSION_MISSING, seen, _advice(call, path))
    if answer.status == 409 and "cname" in answer.said.lower():
        return PersonMustActError(
            ProblemCode.TXT_NAME_TAKEN,
            f"An alias (CNAME) stands at the domain's name, and no TXT record can stand beside it: {seen}",
            f"Have the alias taken away, or the TXT record added where it leads. {BY_HAND}",
        )
    if answer.status == 409:
        return TryLaterError(ProblemCode.BUSY, seen, answer.retry_after())
    problem = refusal_problem(call, answer)
    return PersonMustActError(problem.code, problem.seen, f"{problem.what_next} {BY_HAND}")


def _advice(call: MicrosoftCall, path: str) -> str:
    role = AZURE_ROLES[call.operation]
    name, zone = role.name(path), role.on(path)
    return (
        f"Give the steps' managed identity the Azure role {name} on the zone (a role that infra/main.bicep defines;"
        f" without it, {FALLBACK_ROLE} serves): `{grant_azure(call.by, name, zone)}` (docs/permissions.md). It takes"
        f" effect within ten minutes; then retry the step. {BY_HAND}"
    )
