"""The page of one checkpoint: what to do, with which values, and whether it can be answered now. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from onboarding.controls import actions
from onboarding.core.control import ControlPlace
from onboarding.core.due import tried_until
from onboarding.core.events import APPLICATION
from onboarding.core.instructions import Instructions
from onboarding.core.record import Problem, Record, StepRecord, StepState
from onboarding.core.roles import Role
from onboarding.notices.outside import outside_instructions, please_of
from onboarding.pages.answered import ShownAnswer, shown_of
from onboarding.pages.controls import Allowed, Form, RefusedForm, answer_forms, step_forms, with_refused
from onboarding.pages.words import Badge, step_badge
from onboarding.steps import definition_of
from onboarding.turns import ShownTurn, turns_of
from onboarding.whom import whom

THIS = "this application"
CHECKPOINT = "checkpoint"
"""Says in a form that it stood on this page."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything that the page shows."""

    record: Record
    step: StepRecord
    title: str
    on_whom: str
    section: str
    badge: Badge
    instructions: Instructions
    standing: str | None
    """Why there is nothing to answer, what was reported, or that it is paused; None while it is simply open."""
    ended_by: str | None
    ended_at: datetime | None
    note: str | None
    answers: tuple[ShownAnswer, ...]
    turns: tuple[ShownTurn, ...]
    """In which it goes back and forth; empty: it does not."""
    forms: tuple[Form, ...]
    lacks_role: bool
    """It could be answered, by somebody else."""
    problem: Problem | None
    """Why it has stopped, or goes on being tried; nothing of it is for people outside."""
    next_at: datetime | None
    tried_until: datetime | None
    """Until when it is tried on, at the latest."""
    step_forms: tuple[Form, ...]
    """What else can be done about a step that has stopped."""
    lacks_operate: bool
    """It could be retried, by somebody else."""

    @property
    def refused(self) -> Form | None:
        """The form that was sent, and of which nothing was taken."""
        return next((form for form in (*self.forms, *self.step_forms) if form.refused), None)


def checkpoint_page(
    record: Record,
    name: str,
    may: Allowed,
    actor: str | None = None,
    *,
    outside: bool = False,
    refused: RefusedForm | None = None,
) -> Checkpoint | None:
    """The page; None when no person can confirm such a step. `may` says whether the caller holds a role.

    `outside`: for the holder of a signed link, who is asked for their own part. `refused`: what they sent just now.
    """
    step = record.find_step(name)
    if step is None or not step.plan.confirmable:
        return None
    definition = definition_of(step)
    possible = any(a.step == name and a.control.place is ControlPlace.CHECKPOINT for a in actions(record))
    allowed = answer_forms(record, name, may, refused, outside=outside)
    done = step.state is StepState.DONE
    stopped = step.state is StepState.NEEDS_ATTENTION and record.active
    offered = () if outside else with_refused(step_forms(record, may, actor).get(name, ()), refused)
    # It stands on its step's own page.
    others = tuple(replace(form, button=form.control.button or form.control.label) for form in offered)
    return Checkpoint(
        record,
        step,
        please_of(step) if outside else definition.title,
        whom(record, step).in_words,
        definition.section,
        step_badge(record, step),
        outside_instructions(record, step) if outside else definition.instructions_at(record, step),
        _standing(record, step),
        (THIS if step.ended_by == APPLICATION else step.ended_by) if done else None,
        step.since if done else None,
        step.note if done else None,
        shown_of(step),
        turns_of(record, step, outside=outside),
        allowed,
        possible and not allowed,
        None if outside or step.ended else step.problem,
        step.next_attempt_at if record.active and step.state is StepState.DUE else None,
        tried_until(step) if record.active else None,
        others,
        stopped and not outside and not may(Role.OPERATE),
    )


def _standing(record: Record, step: StepRecord) -> str | None:
    if record.closed and not step.ended:
        return f"The onboarding is {record.state}; there is nothing to do here any more."
    if record.cancelling and not step.ended:
        return "The onboarding is being cancelled; there is nothing to do here any more."
    match step.state:
        case StepState.SKIPPED:
            return step.skipped_because
        case StepState.PENDING:
            needs = [definition_of(s).title for s in record.open_needs(step)]
            return f"This is not open yet. First: {'; '.join(needs)}."
        case StepState.DUE if record.pause:
            return "The onboarding is paused; this application goes on with it when somebody resumes it."
        case StepState.WAITING if record.pause:
            return "The onboarding is paused. Your answer is kept, and what follows it begins when somebody resumes it."
        case StepState.DUE | StepState.RUNNING if step.problem:
            return f"This application goes on trying, because of this: {step.problem.seen}"
        case StepState.DUE | StepState.RUNNING:
            return "This application is at it. There is nothing to do for a person at the moment."
        case StepState.DONE:
            return "This is done. There is nothing more to do here."
        case StepState.NEEDS_ATTENTION:
            return step.problem.seen if step.problem else "This needs attention."
    return None
