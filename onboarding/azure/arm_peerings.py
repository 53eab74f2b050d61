"""Peerings in Azure Resource Manager, which are only read."""

from __future__ import annotations

from onboarding.azure.answers import MicrosoftAnswer, MicrosoftCall, MicrosoftService, refusal_problem, shared_problem
from onboarding.azure.arm_client import ArmClient, object_of
from onboarding.azure.credential import Credential
from onboarding.azure.peering_resource import PEERING_TYPE, PeeringId, PeeringStanding
from onboarding.azure.permissions import FRONT_ROLES, grant_azure
from onboarding.azure.refusals import ARM_PERMISSION, ARM_REFUSALS, refused
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError
from onboarding.pauses import Pauses
from onboarding.ports import Peerings
from onboarding.settings import Settings

_PEERING = f"{PEERING_TYPE}/{{peering}}"
_GET = MicrosoftCall(MicrosoftService.ARM, "GET", _PEERING)
_PREFIXES = MicrosoftCall(MicrosoftService.ARM, "GET", f"{_PEERING}/registeredPrefixes")


class ArmPeerings(ArmClient, Peerings):
    """Peerings. Every method may raise StepProblemError."""

    def __init__(self, settings: Settings, credential: Credential, pauses: Pauses | None = None) -> None:
        super().__init__(settings, credential, pauses)
        self.api_version = settings.peering_api_version

    async def standing(self, peering: PeeringId) -> PeeringStanding | None:
        """How far it is; None when there is no such resource."""
        answer = await self._read(_GET, peering.arm_id)
        if answer.absent:
            return None
        if not answer.ok:
            raise self._problem(_GET, answer, peering.arm_id)
        prefixes = await self._pages(_PREFIXES, f"{peering.arm_id}/registeredPrefixes")
        return PeeringStanding.of(object_of(_GET, answer), prefixes)

    def _told(self, call: MicrosoftCall, answer: MicrosoftAnswer, path: str, *, front: bool) -> StepProblemError:
        shared = shared_problem(call, answer)
        if shared is not None:
            return shared
        known = refused(call, answer, ARM_REFUSALS)
        if known is not None:
            return known
        if answer.status == 403 and answer.code.lower() in ARM_PERMISSION:
            role = FRONT_ROLES[call.operation]
            return PersonMustActError(
                ProblemCode.PERMISSION_MISSING,
                f"{call} answered {answer}.",
                f"Give the managed identity of the app that has the timer the Azure role {role.title} on the peering:"
                f" `{grant_azure(call.by, role.title, role.on(path))}` (docs/permissions.md). It takes effect within"
                " ten minutes; then retry the step.",
            )
        return refusal_problem(call, answer)
