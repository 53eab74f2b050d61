"""What people may do with an onboarding in its state: buttons of the dashboard, `allowedActions` of the API."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.core.record import Record, StepState
from onboarding.core.steps import Kind

APPROVE, OPERATE, SUBMIT = "Onboarding.Approve", "Onboarding.Operate", "Onboarding.Submit"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that may be done now, by whoever holds the role."""

    name: str
    """`confirm`, `report-problem`, `retry`, `check`, `cancel` or `start-again`."""
    step: str | None
    label: str
    path: str
    """Below `/api/`; always POST."""
    role: str
    method: str = "POST"


def actions(record: Record) -> tuple[Action, ...]:
    """Everything that the state allows; each would be refused in another one."""
    if record.closed:
        return (Action("start-again", None, "Start again", "onboardings?again=true", SUBMIT),)
    base = f"onboardings/{record.id}"
    found: list[Action] = []
    for step in record.steps:
        title, checkpoint = step.definition.title, f"{base}/checkpoints/{step.name}"
        waiting, stopped = step.state is StepState.WAITING, step.state is StepState.NEEDS_ATTENTION
        if step.definition.confirmable and (waiting or stopped):
            found.append(Action("confirm", step.name, f"Confirm: {title}", checkpoint, APPROVE))
        if step.definition.confirmable and waiting:
            found.append(Action("report-problem", step.name, f"Report a problem: {title}", checkpoint, APPROVE))
        if stopped:
            found.append(Action("retry", step.name, f"Retry: {title}", f"{base}/steps/{step.name}/retry", OPERATE))
        if waiting and step.definition.kind is Kind.WAIT:
            found.append(Action("check", step.name, f"Check now: {title}", f"{base}/steps/{step.name}/check", OPERATE))
    found.append(Action("cancel", None, "Cancel the onboarding", f"{base}/cancel", OPERATE))
    return tuple(found)
