"""The page of a plan, and the button that starts an onboarding by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import azure.functions as func

from onboarding.core.change_plan import ChangePlan, Differs, Gravity, Outlook, PlanFinding, StepPlan
from onboarding.core.roles import Role
from onboarding.http.call import HttpCall, unknown_plan
from onboarding.http.problems import ProblemError
from onboarding.pages import csrf
from onboarding.pages.forms import read_form
from onboarding.pages.responses import as_page, page, see_other
from onboarding.pages.words import Badge
from onboarding.planning.by_hand import SHELL_NAMES, Shell, script
from onboarding.planning.planner import ask_for_plan
from onboarding.planning.store import KeptPlan, PlanState, Start

OUTLOOKS: Mapping[Outlook, Badge] = {
    Outlook.DONE: Badge("As it should be", "done"),
    Outlook.CHANGES: Badge("Changes", "running"),
    Outlook.FORESEEN: Badge("Known later", "pending"),
    Outlook.PERSON: Badge("A person", "people"),
    Outlook.WAIT: Badge("Waits", "waiting"),
    Outlook.BLOCKED: Badge("Would stop", "attention"),
    Outlook.UNSEEN: Badge("Not seen", "paused"),
    Outlook.LEFT_OUT: Badge("Left out", "off"),
}
DIFFERS: Mapping[Differs, str] = {
    Differs.GONE: "planned, and not to be done now",
    Differs.NEW: "not planned, and to be done now",
    Differs.OTHER: "to be done otherwise than planned",
    Differs.KNOWN: "was foreseen, and is known exactly now",
    Differs.FORESEEN: "was known exactly, and can only be foreseen now",
}
PLAN_STATES: Mapping[PlanState, Badge] = {
    PlanState.COMING: Badge("Being made", "running"),
    PlanState.READY: Badge("Made", "done"),
    PlanState.FAILED: Badge("Given up", "attention"),
}
GRAVITIES: Mapping[Gravity, Badge] = {
    Gravity.BLOCKER: Badge("Blocker", "attention"),
    Gravity.WARNING: Badge("Warning", "waiting"),
    Gravity.NOTE: Badge("Note", "off"),
}


def plan_path(plan_id: str) -> str:
    return f"/api/planned/{plan_id}"


@dataclass(frozen=True, slots=True)
class PlanPage:
    """What the page shows of a plan."""

    kept: KeptPlan
    badge: Badge
    plan: ChangePlan | None
    findings: Sequence[tuple[Badge, PlanFinding]]
    changing: Sequence[StepPlan]
    """The steps that would change something."""
    steps: Sequence[tuple[Badge, StepPlan]]
    scripts: Sequence[tuple[str, str]]
    """Shell and commands, of those that have any."""
    may_start: bool


@as_page
async def plan_page(call: HttpCall) -> func.HttpResponse:
    """GET /api/planned/{plan} → 200, 404."""
    kept = await _kept(call)
    token = csrf.token(call, _starting(kept.id))
    return page(call, "plan.html", view=_view(call, kept), csrf=token, section="plan", differs=DIFFERS)


@as_page
async def start_plan(call: HttpCall) -> func.HttpResponse:
    """POST /api/planned/{plan}/start → 303 to a plan that is made once more and starts, 403, 404, 409."""
    read_form(call, _starting(call.plan_id))
    kept = await _kept(call)
    if kept.plan is None:
        raise ProblemError(409, "Not possible in this state", "The plan is not made, so nobody has looked at it.")
    loaded = await call.engine.records.load(kept.request.gateway.onboarding_id)
    again = loaded is not None and loaded.record.closed
    start = Start(checksum=kept.plan.checksum, again=again)
    coming = await ask_for_plan(call.engine, kept.request, call.caller.name, start)
    return see_other(plan_path(coming.id))


def _view(call: HttpCall, kept: KeptPlan) -> PlanPage:
    plan = kept.plan
    findings = sorted(plan.findings, key=lambda one: list(Gravity).index(one.gravity)) if plan else []
    scripts = [(SHELL_NAMES[shell], script(plan, shell, f"plan {kept.id}")) for shell in Shell] if plan else []
    return PlanPage(
        kept=kept,
        badge=PLAN_STATES[kept.state],
        plan=plan,
        findings=[(GRAVITIES[one.gravity], one) for one in findings],
        changing=[step for step in plan.steps if step.changes] if plan else [],
        steps=[(OUTLOOKS[step.outlook], step) for step in plan.steps] if plan else [],
        scripts=scripts,
        may_start=plan is not None and kept.start is None and call.caller.may(Role.SUBMIT),
    )


async def _kept(call: HttpCall) -> KeptPlan:
    kept = await call.engine.plans.load(call.plan_id)
    if kept is None:
        raise unknown_plan(call.plan_id)
    return kept.as_of(call.engine.clock.now())


def _starting(plan_id: str) -> str:
    return f"start by {plan_id}"
