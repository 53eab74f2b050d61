"""A record in the making: what the rules of one transition change, and the effects that follow."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from onboarding.core.changes import changes
from onboarding.core.events import APPLICATION, Effect, Nudge, NudgeNotice
from onboarding.core.notices import NoticeKind
from onboarding.core.policy import Policy, later
from onboarding.core.record import DETAIL_LENGTH, Event, Notice, Problem, Record, StepRecord, StepState
from onboarding.core.steps import Kind


def shorten(text: str) -> str:
    """Text as the record keeps it."""
    return text if len(text) <= DETAIL_LENGTH else text[: DETAIL_LENGTH - 1] + "…"


NOTICES_LENGTH = 20_000
"""Characters of the record's notices as JSON: the oldest finished ones beyond stand in the audit trail only."""


def _bounded(notices: tuple[Notice, ...]) -> tuple[Notice, ...]:
    kept = list(notices)
    while sum(len(n.model_dump_json(by_alias=True)) for n in kept) > NOTICES_LENGTH:
        finished = next((n for n in kept if not n.owed), None)
        if finished is None:
            break
        kept.remove(finished)
    return tuple(kept)


class Draft:
    """One transition, being decided. `commit` makes it a record with a new version and its event."""

    def __init__(self, record: Record, now: datetime, policy: Policy) -> None:
        self.before = record
        self.record = record
        self.now = now
        self.policy = policy
        self.effects: list[Effect] = []

    @property
    def version(self) -> int:
        """The version that this transition makes, which is also the ticket of what it makes due."""
        return self.before.version + 1

    def set(self, **fields: Any) -> None:
        """Change fields of the record."""
        self.record = self.record.model_copy(update=fields)

    def set_step(self, name: str, **fields: Any) -> None:
        """Change fields of one step; a new state also sets since when."""
        old = self.record.step(name)
        if "state" in fields and fields["state"] is not old.state:
            fields.setdefault("since", self.now)
        new = old.model_copy(update=fields)
        self.set(steps=tuple(new if s.name == name else s for s in self.record.steps))

    def make_due(self, name: str, after: timedelta = timedelta(0), **fields: Any) -> None:
        """A task is to be started `after` from now, on a message with this transition's ticket."""
        self.set_step(name, state=StepState.DUE, next_attempt_at=self.now + after, ticket=self.version, **fields)
        self.effects.append(Nudge(self.record.id, name, self.version, after.total_seconds()))

    def end_step(self, name: str, detail: str, by: str = APPLICATION, note: str = "") -> None:
        """The step is done."""
        self.set_step(
            name,
            state=StepState.DONE,
            next_attempt_at=None,
            problem=None,
            detail=shorten(detail),
            ended_by=by,
            note=shorten(note) or None,
        )
        self.withdraw(name)

    def stop_step(self, name: str, problem: Problem) -> None:
        """The step waits for a person who can put it right; other branches go on."""
        self.set_step(name, state=StepState.NEEDS_ATTENTION, next_attempt_at=None, problem=problem)
        self.owe(NoticeKind.NEEDS_ATTENTION, name)

    def find(self, **fields: Any) -> None:
        """Keep what a step found out."""
        if fields:
            self.set(findings=self.record.findings.model_validate({**self.record.findings.model_dump(), **fields}))

    def owe(self, kind: NoticeKind, step: str | None = None) -> None:
        """People are to be told, in place of whatever they were to be told of the same step."""
        if step:
            self.withdraw(step)
        notice = Notice(
            id=f"{kind}:{step or 'onboarding'}:{self.version}",
            kind=kind,
            step=step,
            owed_since=self.now,
            next_attempt_at=self.now,
            ticket=self.version,
        )
        self.set(notices=_bounded((*self.record.notices, notice)))
        self.effects.append(NudgeNotice(self.record.id, notice.id, self.version))

    def notice(self, notice_id: str) -> Notice | None:
        """The notice of that id."""
        return next((n for n in self.record.notices if n.id == notice_id), None)

    def set_notice(self, notice_id: str, **fields: Any) -> None:
        """Change fields of one notice."""
        self.set(notices=tuple(n.model_copy(update=fields) if n.id == notice_id else n for n in self.record.notices))

    def nudge_notice(self, notice_id: str, after: timedelta = timedelta(0)) -> None:
        """A notice is to be sent `after` from now, on a message with this transition's ticket."""
        self.set_notice(notice_id, next_attempt_at=self.now + after, ticket=self.version, sending=False)
        self.effects.append(NudgeNotice(self.record.id, notice_id, self.version, after.total_seconds()))

    def withdraw(self, step: str) -> None:
        """What was to be said of a step and is not said yet is no longer owed."""
        for notice in self.record.notices:
            if notice.step == step and notice.owed:
                self.set_notice(notice.id, next_attempt_at=None)

    def advance(self) -> None:
        """Begin every step whose needs have just ended; complete the onboarding when all have ended."""
        for step in self.record.steps:
            if step.state is StepState.PENDING and all(self.record.step(n).ended for n in step.definition.needs):
                self.begin(step)
        if all(s.ended for s in self.record.steps) and not self.record.closed:
            self.set(closed_at=self.now)
            self.owe(NoticeKind.COMPLETED)

    def begin(self, step: StepRecord) -> None:
        """Begin a step: for a checkpoint, this opening is a new one, and people are told of it."""
        match step.definition.kind:
            case Kind.TASK:
                self.make_due(step.name)
            case Kind.WAIT:
                self.set_step(step.name, state=StepState.WAITING, next_attempt_at=self.now, problem=None)
            case Kind.CHECKPOINT:
                self.set_step(
                    step.name,
                    state=StepState.WAITING,
                    ticket=self.version,
                    problem=None,
                    reminders=0,
                    escalated=False,
                    next_attempt_at=self.next_word(self.now, escalated=False),
                )
                self.owe(NoticeKind.CHECKPOINT_OPENED, step.name)

    def next_word(self, opened: datetime, *, escalated: bool) -> datetime:
        """When people are next told of a checkpoint that is open: a reminder, or the escalation."""
        reminder = self.policy.next_reminder(opened, self.now)
        return reminder if escalated else min(reminder, later(opened, self.policy.escalate_after))

    def lease_end(self) -> datetime:
        """When a function that starts now is taken for dead."""
        return later(self.now, self.policy.lease)

    def commit(self, actor: str, what: str, step: str | None, detail: str, first: bool = False) -> Record:
        """The new record, with the event that tells of this transition in its tail."""
        event = Event(
            version=self.version,
            at=self.now,
            actor=actor,
            what=what,
            step=step,
            detail=shorten(detail),
            changes=changes(None if first else self.before, self.record),
        )
        return self.record.model_copy(
            update={"version": self.version, "updated_at": self.now, "tail": (*self.record.tail, event)}
        )
