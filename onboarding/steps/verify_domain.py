"""`verify-domain`: Microsoft Entra counts the domain as verified.

Source: article, "Register your deployment's domain name in Microsoft Entra"; Microsoft Graph v1.0 domains.
"""

from __future__ import annotations

from onboarding.azure.calls import verify_domain_call
from onboarding.core.plan import DAY, Budget, StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.core.proposal import Call, Change, ValueChange
from onboarding.core.record import Record
from onboarding.steps.add_domain import (
    DOMAIN_SECTION,
    domain_findings,
    domain_name,
    expect_shown,
    whatever_uses_the_domain,
)
from onboarding.steps.base import Applied, Inspection, Work
from onboarding.steps.definition import Definition, Findings


class VerifiedFound(Findings):
    """Whether it is."""

    domain_verified: bool | None = None


class VerifyDomain:
    """Graph is asked to look for the TXT record."""

    async def inspect(self, work: Work) -> Inspection:
        name = await domain_name(work)
        if expect_shown(name, await work.world.directory.domain(name)).is_verified:
            return Inspection((), f"{name} is verified.", VerifiedFound(domain_verified=True))
        return Inspection((_verifying(name, verify_domain_call(name)),), f"{name} is not verified.", seen=name)

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        name = inspection.seen
        if not await work.world.directory.verify_domain(name):
            raise TryLaterError(ProblemCode.NOT_REPLICATED, f"Microsoft Entra has not verified {name} yet.")
        return Applied(f"Verified {name}.", VerifiedFound(domain_verified=True))


def _verifying(name: str, call: Call | None = None) -> Change:
    verified = ValueChange(what=f"Domain {name}", before="not verified", after="verified")
    return Change(target=f"domain {name}", words=f"verify {name}", values=(verified,), call=call)


def _foreseen(record: Record) -> tuple[Change, ...]:
    name = domain_findings(record).domain or record.request.domain_to_verify
    return (_verifying(name or "the gateway's domain"),)


VERIFY_DOMAIN = Definition(
    "verify-domain",
    StepKind.TASK,
    "Verify the domain",
    DOMAIN_SECTION,
    task=VerifyDomain(),
    found=VerifiedFound,
    foreseen=_foreseen,
    shared_with=whatever_uses_the_domain,
    # Microsoft's own resolvers may keep an old answer for as long as the zone says, and asking sooner renews it.
    budget=Budget(attempts=80, seconds=3 * DAY, patience=12),
)
