"""What people may do with an onboarding in its state: buttons of the dashboard, `allowedActions` of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from onboarding.core.plan import StepKind
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.core.rules.controls import reopenable, retryable
from onboarding.core.rules.given_up import gave_up
from onboarding.steps import definition_of

_APPROVE, _OPERATE, _SUBMIT = "Onboarding.Approve", "Onboarding.Operate", "Onboarding.Submit"
ROLE_OF: Mapping[str, str] = {
    "confirm": _APPROVE,
    "report-problem": _APPROVE,
    "retry": _OPERATE,
    "check": _OPERATE,
    "skip": _OPERATE,
    "reopen": _OPERATE,
    "replay": _OPERATE,
    "pause": _OPERATE,
    "resume": _OPERATE,
    "change-contacts": _OPERATE,
    "cancel": _OPERATE,
    "start-again": _SUBMIT,
}
"""Action → the role that one needs for it: first those of a step, then those of the whole onboarding."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that may be done now, by whoever holds the role."""

    name: str
    """One of `ROLE_OF`."""
    step: str | None
    label: str
    path: str
    """Below `/api/`."""
    method: str = "POST"

    @property
    def role(self) -> str:
        """The role that one needs for it."""
        return ROLE_OF[self.name]


def actions(record: Record) -> tuple[Action, ...]:
    """Everything that the state allows; each would be refused in another one."""
    if record.closed:
        return (Action("start-again", None, "Start again", "onboardings?again=true"),)
    if record.cancelling:
        return ()
    return (*(a for step in record.steps for a in _of_step(record, step)), *_of_the_whole(record))


def _of_step(record: Record, step: StepRecord) -> Iterator[Action]:
    base, title = f"onboardings/{record.id}", definition_of(step).title
    checkpoint, path = f"{base}/checkpoints/{step.name}", f"{base}/steps/{step.name}"
    waiting, stopped = step.state is StepState.WAITING, step.state is StepState.NEEDS_ATTENTION
    if step.plan.confirmable and (waiting or stopped):
        yield Action("confirm", step.name, f"Confirm: {title}", checkpoint)
    if step.plan.confirmable and waiting:
        yield Action("report-problem", step.name, f"Report a problem: {title}", checkpoint)
    if retryable(step) and record.active:
        yield Action("retry", step.name, f"Retry: {title}", f"{path}/retry")
    if waiting and step.plan.kind is StepKind.WAIT and record.active:
        yield Action("check", step.name, f"Check now: {title}", f"{path}/check")
    if not step.ended and step.state is not StepState.RUNNING:
        yield Action("skip", step.name, f"Skip: {title}", f"{path}/skip")
    if reopenable(step):
        yield Action("reopen", step.name, f"Reopen: {title}", f"{path}/reopen")


def _of_the_whole(record: Record) -> Iterator[Action]:
    base = f"onboardings/{record.id}"
    given_up = any(s.state is StepState.DUE and gave_up(s) for s in record.steps)
    if record.active and (given_up or any(n.owed and gave_up(n) for n in record.notices)):
        yield Action("replay", None, "Send given-up messages again", f"{base}/replay")
    if record.pause is None:
        yield Action("pause", None, "Pause the onboarding", f"{base}/pause")
    else:
        yield Action("resume", None, "Resume the onboarding", f"{base}/resume")
    yield Action("change-contacts", None, "Change whom to tell", f"{base}/contacts", "PUT")
    yield Action("cancel", None, "Cancel the onboarding", f"{base}/cancel")
