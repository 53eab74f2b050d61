"""Every page that there is, in the states that look different."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from onboarding.core.links import Link, sign
from onboarding.core.record import OnboardingState, Record, StepState
from tests.browser.conftest import Still

TEAMS_STEP = "operator-information"


def places(still: Still) -> dict[str, str]:
    """What it is, and its path."""
    of = {state: still.one(lambda r, s=state: r.state is s) for state in OnboardingState}  # type: ignore[misc]
    portal = still.one(lambda r: not r.closed and r.step("portal-access").state is StepState.WAITING)
    team = still.one(lambda r: not r.closed and r.step(TEAMS_STEP).state is StepState.WAITING)
    dead = still.one(lambda r: any(n.problem for n in r.notices))
    reported = still.one(lambda r: r.step("portal-access").state is StepState.NEEDS_ATTENTION)

    trunked = still.trunked

    def checkpoint(record: Record, step: str) -> str:
        return f"/api/onboardings/{record.id}/checkpoints/{step}"

    return {
        "dashboard": "/api/dashboard",
        "dashboard, nothing found": "/api/dashboard?text=no+such+gateway",
        "dashboard, with a wrong filter": "/api/dashboard?environment=test&sort=name",
        "charts": "/api/charts",
        **{f"onboarding, {state.value}": f"/api/dashboard/{record.id}" for state, record in of.items()},
        "onboarding, dead webhook": f"/api/dashboard/{dead.id}",
        **{f"session border controller, {what}": f"/api/dashboard/{record.id}" for what, record in trunked.items()},
        "checkpoint, of trunks": checkpoint(trunked["joining"], "add-trunks"),
        "checkpoint, with answers asked for": checkpoint(trunked["profiles"], "trunks-validated"),
        **{f"plan, {what}": f"/api/planned/{plan.id}" for what, plan in still.plans.items()},
        "request": "/api/request",
        "request, form": "/api/request/form?kind=communications-gateway",
        "request, start anew": f"/api/request/form?from={trunked['given up'].id}",
        "request, table": "/api/request/table",
        "no such plan": "/api/planned/20260101-000000-0123456789ab",
        "checkpoint, open": checkpoint(portal, "portal-access"),
        "checkpoint, with values": checkpoint(team, "txt-record-visible"),
        "checkpoint, done": checkpoint(portal, TEAMS_STEP),
        "checkpoint, not yet": checkpoint(team, "portal-access"),
        "checkpoint, problem": checkpoint(reported, "portal-access"),
        "link": f"/api/links#{token(still, team)}",
        "link, used": f"/api/links#{token(still, portal)}",
        "link, expired": f"/api/links#{token(still, team, timedelta(seconds=-1))}",
        "link, forged": "/api/links#forged",
        "link, of an earlier version": f"/api/links/{token(still, team)}",
        "no such onboarding": "/api/dashboard/none",
        "API": "/api/docs",
    }


def token(still: Still, record: Record, good_for: timedelta = timedelta(days=30)) -> str:
    """The link of the onboarding team to an onboarding's checkpoint."""
    opening = record.step(TEAMS_STEP).ticket
    link = Link(record.id, TEAMS_STEP, opening, datetime.now(UTC) + good_for)
    return sign(link, still.cloud.settings["ONBOARDING_LINK_KEY"])
