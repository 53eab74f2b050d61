"""`verify-domain`: Microsoft Entra counts the domain as verified.

Source: article, "Register your deployment's domain name in Microsoft Entra"; Microsoft Graph v1.0 domains.
"""

from __future__ import annotations

from onboarding.core.plan import DAY, Budget, StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.steps.add_domain import DOMAIN_SECTION, domain_name, expect_shown
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
        return Inspection((f"verify {name}",), f"{name} is not verified.", seen=name)

    async def apply(self, work: Work, inspection: Inspection) -> Applied:
        name = inspection.seen
        if not await work.world.directory.verify_domain(name):
            raise TryLaterError(ProblemCode.NOT_REPLICATED, f"Microsoft Entra has not verified {name} yet.")
        return Applied(f"Verified {name}.", VerifiedFound(domain_verified=True))


VERIFY_DOMAIN = Definition(
    "verify-domain",
    StepKind.TASK,
    "Verify the domain",
    DOMAIN_SECTION,
    task=VerifyDomain(),
    found=VerifiedFound,
    # Microsoft's own resolvers may keep an old answer for as long as the zone says, and asking sooner renews it.
    budget=Budget(attempts=80, seconds=3 * DAY, patience=12),
)
