"""A record in the making: what the rules of one transition change, and the effects that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from onboarding.core.answers import NO_ANSWERS, Answers
from onboarding.core.bounds import bounded_notices, bounded_texts, is_long, shorten
from onboarding.core.changes import bounded_event, changes
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import APPLICATION, Effect, Nudge, NudgeNotice
from onboarding.core.expected_ends import possible_at
from onboarding.core.notices import FOR_PROGRAMS, NoticeKind
from onboarding.core.plan import StepKind
from onboarding.core.policy import Policy, later
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import Event, Notice, Problem, Record, StepRecord, StepState


def was_refused(owed: StepRecord | Notice) -> bool:
    """Whether the bus refuses its message."""
    return owed.problem is not None and owed.problem.code == ProblemCode.MESSAGES_NOT_PERMITTED


def problem_on_arrival(owed: StepRecord | Notice) -> Problem | None:
    """Its problem, once its message has arrived: that it was refused is over."""
    return None if was_refused(owed) else owed.problem


_DOUBLED = 10
"""How often the gap before a message that comes too early is doubled, at most."""


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
        steps = tuple(new if s.name == name else s for s in self.record.steps)
        self.set(steps=bounded_texts(steps) if any(map(is_long, fields.values())) else steps)

    def make_due(self, name: str, after: timedelta = timedelta(0), **fields: Any) -> None:
        """A task is to be started `after` from now, on a message with this transition's ticket.

        Not before Microsoft's pause is over, whoever asks. In a cancelled onboarding nothing is started any more.
        """
        self.set_step(name, state=StepState.DUE, ticket=self.version, nudges=0, **{"held_since": None, **fields})
        if self.record.cancelling:
            self.set_step(name, next_attempt_at=None)
            return
        at = max(self.now + after, self.record.step(name).not_before or self.now)
        self.set_step(name, next_attempt_at=at)
        definition, after_s = self.record.step(name).plan.definition, (at - self.now).total_seconds()
        self.effects.append(Nudge(self.record.id, name, self.version, after_s, definition))

    def nudge(self, name: str) -> None:
        """The message of a step that is due did not arrive, or is still on its way: another one is sent besides.

        With the same ticket, so that whichever comes first starts the step, and the other finds nothing to do. If the
        first were worth nothing by now, those in a long queue would all be.
        """
        step = self.record.step(name)
        nudges = step.nudges + 1
        self.set_step(name, next_attempt_at=self.now, nudges=nudges)
        definition = step.plan.definition
        self.effects.append(Nudge(self.record.id, name, step.ticket, definition=definition, nudges=nudges))

    def come_again(self, nudge: Effect, early: float) -> None:
        """A message came so many seconds too early: it is sent again as it was, and nothing changes.

        Whoever sent it had it scheduled by the bus's clock, so ours is behind by that much: when it is due by ours, the
        bus's clock is as much past it. If ours was set back meanwhile, it is behind by more: so the gap doubles.
        """
        again = nudge.again + 1
        self.effects.append(replace(nudge, after=early * 2.0 ** min(again, _DOUBLED), again=again))

    def spent(self, step: StepRecord) -> bool:
        """Whether a task has used up its budget of attempts or of time."""
        tried_for = self.now - (step.begun_at or self.now)
        return self.policy.spent(step.plan.budget, step.attempts, tried_for)

    def end_step(
        self, name: str, detail: str, by: str = APPLICATION, note: str = "", answers: Answers = NO_ANSWERS
    ) -> None:
        """The step is done."""
        self._leave_the_pause_out(name)
        self.set_step(
            name,
            state=StepState.DONE,
            next_attempt_at=None,
            problem=None,
            detail=shorten(detail),
            ended_by=by,
            note=shorten(note) or None,
            answers=answers,
            calls=(),
        )
        self.withdraw(name)
        self.tell_programs(NoticeKind.STEP_ENDED, name)

    def stop_step(self, name: str, problem: Problem, kind: NoticeKind = NoticeKind.NEEDS_ATTENTION) -> None:
        """The step waits for a person who can put it right, and is reminded of it; other branches go on."""
        self.set_step(name, state=StepState.NEEDS_ATTENTION, next_attempt_at=None, problem=problem, reminders=0)
        if problem.proposal is not None:
            # A word said to another proposal counts no more, even if the world comes back to that one.
            self.set_step(name, approved=None)
        if not self.record.cancelling:
            self.set_step(name, next_attempt_at=self.policy.next_reminder(self.now, self.now))
            self.owe(kind, name)

    def leave_out(self, name: str, reason: str, by: str) -> None:
        """The step is skipped."""
        self.set_step(
            name,
            state=StepState.SKIPPED,
            next_attempt_at=None,
            problem=None,
            skipped_because=shorten(reason),
            ended_by=by,
            calls=(),
        )
        self.withdraw(name)
        self.tell_programs(NoticeKind.STEP_ENDED, name)

    def put_back(self, name: str) -> None:
        """The step has not been begun: it begins anew when what it needs has ended."""
        self.set_step(
            name,
            state=StepState.PENDING,
            next_attempt_at=None,
            problem=None,
            skipped_because=None,
            ended_by=None,
            note=None,
            answers=NO_ANSWERS,
            detail="",
            approved=None,
            calls=(),
            words=(),
        )
        self.withdraw(name)

    def find(self, name: str, found: Mapping[str, Any]) -> None:
        """Keep what a step found out, beside what it found before."""
        if found:
            self.set_step(name, found={**self.record.step(name).found, **found})

    def owe(self, kind: NoticeKind, step: str | None = None) -> None:
        """People are to be told, in place of whatever they were to be told of the same step (or of the whole)."""
        self.withdraw(step)
        self._owe(kind, step)

    def tell_programs(self, kind: NoticeKind, step: str | None = None) -> None:
        """Where there is a program to be told: it is, of what people see on the pages."""
        if self.policy.tells_programs:
            self.withdraw(step, kind)
            self._owe(kind, step)

    def _owe(self, kind: NoticeKind, step: str | None) -> None:
        notice = Notice(
            id=f"{kind}:{step or 'onboarding'}:{self.version}",
            kind=kind,
            step=step,
            owed_since=self.now,
            next_attempt_at=self.now,
            ticket=self.version,
        )
        self.set(notices=bounded_notices((*self.record.notices, notice)))
        self.effects.append(NudgeNotice(self.record.id, notice.id, self.version))

    def notice(self, notice_id: str) -> Notice | None:
        """The notice of that id."""
        return next((n for n in self.record.notices if n.id == notice_id), None)

    def set_notice(self, notice_id: str, **fields: Any) -> None:
        """Change fields of one notice."""
        self.set(notices=tuple(n.model_copy(update=fields) if n.id == notice_id else n for n in self.record.notices))

    def send_notice(
        self, notice_id: str, after: timedelta = timedelta(0), *, held_since: datetime | None = None
    ) -> None:
        """A notice is to be sent `after` from now, on a message with this transition's ticket."""
        at = self.now + after
        fresh = dict[str, Any](ticket=self.version, sending=False, nudges=0, held_since=held_since)
        self.set_notice(notice_id, next_attempt_at=at, **fresh)
        self.effects.append(NudgeNotice(self.record.id, notice_id, self.version, after.total_seconds()))

    def nudge_notice(self, notice: Notice) -> None:
        """Like `nudge`, of a notice."""
        nudges = notice.nudges + 1
        self.set_notice(notice.id, next_attempt_at=self.now, nudges=nudges)
        self.effects.append(NudgeNotice(self.record.id, notice.id, notice.ticket, nudges=nudges))

    def tell_again(self, notice_id: str) -> None:
        """A person has acted: what could not be sent is tried as soon as a pause that was asked for is over."""
        notice = next(n for n in self.record.notices if n.id == notice_id)
        self.set_notice(notice_id, attempts=0)
        self.send_notice(notice_id, max(self.now, notice.not_before or self.now) - self.now)

    def withdraw(self, step: str | None, *kinds: NoticeKind) -> None:
        """What was to be said of a step (None: of the whole) and is not said yet is no longer owed: these kinds, or all
        that say how it is now; what programs are told has happened, and stays so."""
        for notice in self.record.notices:
            meant = notice.kind in kinds if kinds else notice.kind not in FOR_PROGRAMS
            if notice.step == step and notice.owed and meant:
                self.set_notice(notice.id, next_attempt_at=None)

    def advance(self) -> None:
        """Begin every step whose needs have just ended; close the onboarding when nothing is left to do."""
        if self.record.closed:
            return
        if self.record.cancelling:
            if not any(s.state is StepState.RUNNING for s in self.record.steps):
                self.set(closed_at=self.now)
                self.owe(NoticeKind.CANCELLED)
            return
        not_ended = {step.name for step in self.record.steps if not step.ended}
        for step in self.record.steps if self.record.active else ():
            if step.state is StepState.PENDING and not_ended.isdisjoint(step.plan.needs):
                self.begin(step.name)
        if all(s.ended for s in self.record.steps):
            repair = self.record.repair
            if repair is None:
                self.set(closed_at=self.now, pause=None)
                self.owe(NoticeKind.COMPLETED)
            else:
                self.set_step(repair.step, deviations=(), since=repair.done_since)
                self.set(closed_at=repair.completed_at, pause=None, repair=None)
                self.owe(NoticeKind.REPAIRED)

    def begin(self, name: str) -> None:
        """Begin a step, with its whole budget. A checkpoint is opened: people are told of this opening."""
        step = self.record.step(name)
        if step.state is StepState.PENDING:
            waited = self.now - possible_at(self.record, step)
            self.set_step(name, uncounted=max(0.0, waited.total_seconds()))
        self.set_step(
            name, attempts=0, failures=0, begun_at=None, problem=None, detail="", reminders=0, absent_since=None
        )
        match self.record.step(name).plan.kind:
            case StepKind.TASK:
                self.make_due(name)
            case StepKind.WAIT:
                self.set_step(name, state=StepState.WAITING, ticket=self.version, warned_at=None, seen=None)
                self.look_now(name)
            case StepKind.CHECKPOINT:
                self.set_step(name, state=StepState.WAITING, escalated=False)
                self.open(name)
            case _ as never:
                assert_never(never)

    def _leave_the_pause_out(self, name: str) -> None:
        """A step ends in a pause: how long that has lasted is not its time."""
        pause, step = self.record.pause, self.record.step(name)
        if pause is not None and step.state is not StepState.PENDING:
            self.set_step(name, uncounted=step.uncounted + (self.now - pause.since).total_seconds())

    def look_now(self, name: str) -> None:
        """A wait is looked at as soon as Microsoft's pause, if it asked for one, is over."""
        at = max(self.now, self.record.step(name).not_before or self.now)
        self.set_step(name, next_attempt_at=at, asked=True)

    def open(self, name: str) -> None:
        """People are told of a checkpoint, with links for this opening; those for an earlier one are no good now.

        In a pause they are told when it is over.
        """
        if self.record.pause is not None:
            self.set_step(name, ticket=self.version, next_attempt_at=None)
            self.withdraw(name)
            return
        step = self.record.step(name)
        at = self.next_word(step.since, escalated=step.escalated)
        self.set_step(name, ticket=self.version, next_attempt_at=at)
        self.owe(NoticeKind.CHECKPOINT_OPENED, name)

    def next_word(self, opened: datetime, *, escalated: bool) -> datetime:
        """When people are next told of a checkpoint that is open: a reminder, or the escalation."""
        reminder = self.policy.next_reminder(opened, self.now)
        return reminder if escalated else min(reminder, later(opened, self.policy.escalate_after))

    def lease_end(self) -> datetime:
        """When a function that starts now is taken for dead."""
        return later(self.now, self.policy.lease)

    def commit(self, actor: str, what: EventKind, step: str | None, detail: str, first: bool = False) -> Record:
        """The new record, with the event that tells of this transition in its tail."""
        event = Event(
            version=self.version,
            at=self.now,
            actor=actor,
            what=str(what),
            step=step,
            detail=shorten(detail),
            changes=changes(None if first else self.before, self.record),
        )
        event = bounded_event(event)
        return self.record.model_copy(
            update={"version": self.version, "updated_at": self.now, "tail": (*self.record.tail, event)}
        )
