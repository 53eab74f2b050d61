"""A person says yes to what a step would change, which nobody may do to a gateway or a tenant by a request alone."""

from __future__ import annotations

from onboarding.core.draft import Draft
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import AdminUserApproved, ApplicationApproved, ChangeApproved
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import Problem, Record, StepRecord, StepState
from onboarding.core.rules.steps import because, expect_going_on, known_step
from onboarding.core.rules.transition import RefusedError, Rules, Transition


def change_approved(h: ChangeApproved, draft: Draft) -> Transition | None:
    return _approve(draft, h, ProblemCode.CHANGE_NOT_APPROVED, EventKind.CHANGE_APPROVED)


def admin_user_approved(h: AdminUserApproved, draft: Draft) -> Transition | None:
    """By another person than the one who requested it."""
    _expect_another(h, draft, "who becomes Admin")
    return _approve(draft, h, ProblemCode.ADMIN_USER_NOT_APPROVED, EventKind.ADMIN_USER_APPROVED)


def application_approved(h: ApplicationApproved, draft: Draft) -> Transition | None:
    """By another person than the one who requested it."""
    _expect_another(h, draft, "which application gets roles")
    return _approve(draft, h, ProblemCode.APPLICATION_NOT_APPROVED, EventKind.APPLICATION_APPROVED)


def _expect_another(h: AdminUserApproved | ApplicationApproved, draft: Draft, what: str) -> None:
    known_step(draft, h.step)
    if not is_another(draft.record, h.actor):
        raise RefusedError(
            f"{h.actor} requested it, so somebody else must say {what}: anybody with the role Onboarding.Approve."
            " Nothing was changed."
        )


def is_another(record: Record, actor: str) -> bool:
    """Whether somebody is not the one who requested it; of older records nobody knows who did."""
    return record.requested_by is None or record.requested_by.lower() != actor.lower()


def asks_for(step: StepRecord, code: ProblemCode) -> Problem | None:
    """The problem with which a step asks for such a word; None when it does not."""
    problem = step.problem
    asks = step.state is StepState.NEEDS_ATTENTION and problem is not None and problem.code == code
    return problem if asks and problem is not None and problem.proposal is not None else None


def _approve(
    draft: Draft, h: ChangeApproved | AdminUserApproved | ApplicationApproved, code: ProblemCode, kind: EventKind
) -> Transition:
    step = known_step(draft, h.step)
    problem = asks_for(step, code)
    if problem is None or problem.proposal is None:
        raise RefusedError(
            f"'{h.step}' asks for no such word: it is {step.state}{because(draft, step)}; only a step that needs"
            f" attention for the reason '{code}' does."
        )
    expect_going_on(draft, f"'{h.step}' cannot go on")
    if h.proposal != problem.proposal.id:
        raise RefusedError(
            "What you have seen is not what would be changed any more, so nothing was. Open the page again (or read"
            f" `problem.proposal` of '{h.step}' again), and look at what stands there now."
        )
    draft.withdraw(h.step)
    draft.begin(h.step)
    draft.set_step(h.step, approved=problem.proposal.id)
    return Transition(kind, h.step, problem.seen, h.actor)


APPROVING_RULES: Rules = {
    ChangeApproved: change_approved,
    AdminUserApproved: admin_user_approved,
    ApplicationApproved: application_approved,
}
