"""Plans over HTTP: asked for here, made by the app of the steps, read here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import azure.functions as func
from pydantic import AwareDatetime, SerializeAsAny

from onboarding.core.change_plan import Gravity, PlanDifference, PlanFinding, StepPlan
from onboarding.core.patterns import CHECKSUM, fits
from onboarding.core.plan import StepKind
from onboarding.core.request import OnboardingRequest
from onboarding.http.bodies import read_json
from onboarding.http.call import HttpCall, unknown_plan
from onboarding.http.conditional import answer
from onboarding.http.problems import ProblemError
from onboarding.http.view import GatewayView, View, gateway_view
from onboarding.kinds import read_request
from onboarding.planning.by_hand import Shell, script
from onboarding.planning.markdown import as_markdown
from onboarding.planning.planner import ask_for_plan
from onboarding.planning.store import KeptPlan, PlanState, Start


class StartView(View):
    """What became of an onboarding that was to start by a plan."""

    checksum: str
    """Of the plan that was looked at."""
    onboarding: str | None
    """Its id; null: it has not started (yet)."""
    refused: str
    """Why it did not."""
    differences: tuple[PlanDifference, ...]
    """What would be done now and was not planned, and what was planned and would not be done now."""


class PlanView(View):
    """What an onboarding would change."""

    id: str
    state: PlanState
    gateway: GatewayView
    onboarding_id: str
    """That it would have."""
    asked_by: str
    """Who asked for it."""
    asked_at: AwareDatetime
    """When."""
    made_at: AwareDatetime | None
    """When Microsoft was looked at."""
    expires_at: AwareDatetime
    """Until when it is kept."""
    checksum: str | None
    """Of all changes: `planChecksum` of an onboarding that is to do these and no others."""
    expected_at: AwareDatetime | None
    """When all would be done, if all takes as long as usual."""
    findings: tuple[PlanFinding, ...]
    """What is to be known before it is started, the gravest first."""
    steps: tuple[StepPlan, ...]
    failed: str
    """Why it was given up."""
    start: StartView | None
    """Of a plan by which an onboarding is to start; null: it is for reading alone."""
    request: SerializeAsAny[OnboardingRequest]


class ValidatedStepView(View):
    """A step that the onboarding would have."""

    name: str
    """The step, as paths and messages have it."""
    kind: StepKind
    """`task`, `wait` or `checkpoint`."""
    needs: tuple[str, ...]
    left_out_because: str | None
    """Why the request leaves it out; null: it does not."""


class ValidatedView(View):
    """A request that would be taken."""

    valid: bool
    """Always true: a request that would not be taken is refused, with every reason."""
    onboarding_id: str
    """That it would have."""
    exists: bool
    """There is an onboarding of that gateway."""
    state: str | None
    """Of that."""
    differs: tuple[str, ...]
    """Field paths in which that has another request."""
    warnings: tuple[str, ...]
    """What is worth a look, though the request would be taken."""
    steps: tuple[ValidatedStepView, ...]


async def post_plan(call: HttpCall) -> func.HttpResponse:
    """POST /api/plans → 202, 400, 429."""
    return await _ask(call, read_request(read_json(call.request)))


async def get_plan(call: HttpCall) -> func.HttpResponse:
    """GET /api/plans/{plan} → 200, 304, 404."""
    found = await call.engine.plans.load(call.plan_id)
    if found is None:
        raise unknown_plan(call.plan_id)
    return answer(call.request, plan_view(found.as_of(call.engine.clock.now())))


async def get_plan_as(call: HttpCall) -> func.HttpResponse:
    """GET /api/plans/{plan}/{form} → 200 with the plan as a text, 404, 409 while it is not made."""
    form = PLAN_FORMS.get(str(call.request.route_params["form"]))
    if form is None:
        raise ProblemError(404, "No such form", f"A plan is there as {', '.join(PLAN_FORMS)}.")
    kept = await call.engine.plans.load(call.plan_id)
    if kept is None:
        raise unknown_plan(call.plan_id)
    if kept.plan is None:
        state = kept.as_of(call.engine.clock.now()).state
        raise ProblemError(409, "Not possible in this state", f"The plan is {state}.")
    headers = {"Content-Disposition": f'attachment; filename="plan-{kept.id}.{form.ending}"'}
    return func.HttpResponse(form.text(kept), mimetype=form.media_type, headers=headers)


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to write a plan."""

    media_type: str
    ending: str
    text: Callable[[KeptPlan], str]


def _script(shell: Shell) -> Callable[[KeptPlan], str]:
    def write(kept: KeptPlan) -> str:
        assert kept.plan is not None
        return script(kept.plan, shell, f"plan {kept.id} for {kept.request.gateway.name}")

    return write


PLAN_FORMS: Mapping[str, _Form] = {
    "markdown": _Form("text/markdown", "md", as_markdown),
    "powershell": _Form("text/plain", "ps1", _script(Shell.POWERSHELL)),
    "bash": _Form("text/plain", "sh", _script(Shell.BASH)),
}
"""By the last part of the path."""


async def start_by_plan(call: HttpCall, asked: OnboardingRequest, checksum: str, *, again: bool) -> func.HttpResponse:
    """An onboarding that begins only if its plan is still this one: it is planned again, and the plan says what came of
    it. Raises ProblemError 400."""
    start = Start(checksum=read_checksum(checksum), again=again)
    return await _ask(call, asked, start)


def read_checksum(given: str) -> str:
    """Of a plan, as a parameter of the query. Raises ProblemError 400 for what can't be one."""
    if not fits(CHECKSUM, given):
        raise ProblemError(
            400, "The request is invalid", "?planChecksum= must be the checksum of a plan: 64 hexadecimal digits."
        )
    return given


async def validated(call: HttpCall, asked: OnboardingRequest) -> func.HttpResponse:
    """What a request is taken for. Writes nothing, and asks Microsoft nothing."""
    loaded = await call.engine.records.load(asked.gateway.onboarding_id)
    record = loaded.record if loaded else None
    shown = ValidatedView(
        valid=True,
        onboarding_id=asked.gateway.onboarding_id,
        exists=record is not None,
        state=record.state.value if record else None,
        differs=tuple(record.differences(asked)) if record else (),
        warnings=(*asked.warnings, *(one.words for one in await call.engine.records.sharing_numbers(asked))),
        steps=tuple(
            ValidatedStepView(
                name=step.name, kind=step.plan.kind, needs=step.plan.needs, left_out_because=step.left_out_because
            )
            for step in asked.plan()
        ),
    )
    return answer(call.request, shown)


async def _ask(call: HttpCall, asked: OnboardingRequest, start: Start | None = None) -> func.HttpResponse:
    coming = await ask_for_plan(call.engine, asked, call.caller.name, start)
    location = f"{call.engine.public_url}/api/plans/{coming.id}"
    return answer(call.request, plan_view(coming), status=202, headers={"Location": location, "Retry-After": "2"})


def plan_view(kept: KeptPlan) -> PlanView:
    """The whole of a plan."""
    plan, gateway = kept.plan, kept.request.gateway
    order = list(Gravity)
    findings = sorted(plan.findings, key=lambda finding: order.index(finding.gravity)) if plan else ()
    return PlanView(
        id=kept.id,
        state=kept.state,
        gateway=gateway_view(gateway),
        onboarding_id=gateway.onboarding_id,
        asked_by=kept.asked_by,
        asked_at=kept.asked_at,
        made_at=kept.made_at,
        expires_at=kept.expires_at,
        checksum=plan.checksum if plan else None,
        expected_at=plan.expected_at if plan else None,
        findings=tuple(findings),
        steps=plan.steps if plan else (),
        failed=kept.failed,
        start=_start(kept.start) if kept.start else None,
        request=kept.request,
    )


def _start(start: Start) -> StartView:
    return StartView(
        checksum=start.checksum,
        onboarding=start.onboarding_id,
        refused=start.refused,
        differences=start.differences,
    )
